"""Reviews of changes inside the cluster, for teams whose Git host runs no workflows of its own.

Owns one Argo WorkflowTemplate: it previews the stacks that a pull request touches and writes one comment on it. Does
not own: what starts it (a sensor of Argo Events, or `argo submit`), the namespace, the service account and its AWS
role, nor the Secrets with the tokens.
"""

from typing import NotRequired, TypedDict

import pulumi
import pulumi_kubernetes as k8s

from pulumi_mlops import conventions
from pulumi_mlops._argo_workflows import API_VERSION
from pulumi_mlops._args import Rule, at_least, check_args, dns_label, matches, not_empty, object_name, quantity
from pulumi_mlops._manifests import name_of
from pulumi_mlops.platform import _review_pod
from pulumi_mlops.review.git_host import GitHostKind


class ReviewWorkflowArgs(TypedDict):
    """Arguments of `ReviewWorkflow`."""

    namespace: pulumi.Input[str]
    """Namespace of the template and its runs, created elsewhere; Argo Workflows watches it."""
    service_account: pulumi.Input[str]
    """Service account of the runs: Argo's own permissions (`workflowtaskresults`), and an AWS role that reads state
    and account and does nothing else. The change's program runs with it."""
    image: pulumi.Input[str]
    """Image with bash, Git, the Pulumi CLI, Python and this library."""
    host: GitHostKind
    """Which API the Git host speaks: "github", "gitlab" or "gitea"."""
    api_url: NotRequired[pulumi.Input[str]]
    """Base of that API, https; required for Gitea, default: that of github.com or gitlab.com."""
    repository: pulumi.Input[str]
    """The repository on the host, owner/name; on GitLab the whole path."""
    repository_url: pulumi.Input[str]
    """Where it is cloned from, an https address without a user."""
    token_secret: pulumi.Input[str]
    """Secret in the namespace whose key `token` may write comments. The change's program does not get it."""
    clone_secret: NotRequired[pulumi.Input[str]]
    """Secret in the namespace whose key `token` may read the repository; default: it is cloned without one."""
    author: NotRequired[pulumi.Input[str]]
    """The user that the token of `token_secret` belongs to; default: the host is asked."""
    backend: pulumi.Input[str]
    """URL of the stacks' state, such as "s3://bucket"."""
    passphrase_secret: NotRequired[pulumi.Input[str]]
    """Secret in the namespace whose key `passphrase` decrypts the stacks' secrets; default: a key of the cloud does."""
    setup: NotRequired[pulumi.Input[str]]
    """Command that installs what a stack's program needs, run in its project's directory; default "pulumi install"."""
    stacks: NotRequired[pulumi.Input[str]]
    """Only stacks whose names fit this shell pattern; default "*"."""
    memory: NotRequired[pulumi.Input[str]]
    """Memory of a preview, request and limit; default "2Gi"."""
    timeout_seconds: NotRequired[pulumi.Input[int]]
    """How long a review may take in seconds; default 3600, at least 60."""


_https: Rule = matches(r"https://[^\s/@]+(/\S*)?", "an https address without a user")

RULES: dict[str, Rule] = {
    "namespace": dns_label,
    "service_account": not_empty,
    "image": not_empty,
    "api_url": _https,
    "repository": matches(r"[\w.-]+(/[\w.-]+)+", "owner/name"),
    "repository_url": _https,
    "token_secret": not_empty,
    "clone_secret": not_empty,
    "author": not_empty,
    "backend": not_empty,
    "passphrase_secret": not_empty,
    "setup": not_empty,
    "stacks": not_empty,
    "memory": quantity,
    "timeout_seconds": at_least(60, "s"),
}


class ReviewWorkflow(pulumi.ComponentResource):
    """A WorkflowTemplate that reviews pull requests.

    ```python
    from pulumi_mlops.platform import ReviewWorkflow

    review = ReviewWorkflow("churn", {
        "namespace": "delivery", "service_account": "review", "image": "registry.example.org/review:1",
        "host": "gitlab", "repository": "team/churn", "repository_url": "https://gitlab.com/team/churn.git",
        "token_secret": "git-host", "backend": "s3://example-pulumi-state",
    })
    pulumi.export("review", review.workflow_template)
    ```
    """

    workflow_template: pulumi.Output[str]
    """Name of the WorkflowTemplate. Its parameters are pull, revision, base and head-repository."""

    def __init__(self, name: str, args: ReviewWorkflowArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        checked = check_args(
            ReviewWorkflow,
            name,
            args,
            ReviewWorkflowArgs,
            RULES,
            problems=_problems(args),
            name_rule=object_name(40),
        )
        super().__init__("pulumi-mlops:index:ReviewWorkflow", name, {**checked}, opts)
        labels = conventions.labels("review", name)
        template = k8s.apiextensions.CustomResource(
            f"{name}-workflow-template",
            api_version=API_VERSION,
            kind="WorkflowTemplate",
            metadata={"name": f"review-{name}", "namespace": checked["namespace"], "labels": labels},
            spec=_review_pod.workflow_template(name, checked, labels),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.workflow_template = name_of(template)
        self.register_outputs({"workflow_template": self.workflow_template})


def _problems(args: ReviewWorkflowArgs) -> list[str]:
    if args.get("host") == GitHostKind.GITEA and args.get("api_url") is None:
        return ['args.api_url is required where host is "gitea": the base of its API, which ends in /api/v1']
    return []
