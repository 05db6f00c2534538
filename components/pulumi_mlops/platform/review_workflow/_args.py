"""Arguments of `ReviewWorkflow`, and what is wrong with them."""

from collections.abc import Iterator
from typing import NotRequired, TypedDict

import pulumi

from pulumi_mlops._args import Argument
from pulumi_mlops._rules import quantity
from pulumi_mlops.contract.rules import Rule, at_least, dns_label, matches, not_empty
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
    api_url: NotRequired[pulumi.Input[str] | None]
    """Base of that API, https; required for Gitea, default: that of github.com or gitlab.com."""
    repository: pulumi.Input[str]
    """The repository on the host, owner/name; on GitLab the whole path."""
    repository_url: pulumi.Input[str]
    """Where it is cloned from, an https address without a user."""
    token_secret: pulumi.Input[str]
    """Secret in the namespace whose key `token` may write comments. The change's program does not get it."""
    clone_secret: NotRequired[pulumi.Input[str] | None]
    """Secret in the namespace whose key `token` may read the repository; default: it is cloned without one."""
    author: NotRequired[pulumi.Input[str] | None]
    """The user that the token of `token_secret` belongs to; default: the host is asked."""
    backend: pulumi.Input[str]
    """URL of the stacks' state, such as "s3://bucket"."""
    passphrase_secret: NotRequired[pulumi.Input[str] | None]
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

ARGUMENTS = {
    "namespace": Argument(rule=dns_label),
    "service_account": Argument(rule=not_empty),
    "image": Argument(rule=not_empty),
    "api_url": Argument(rule=_https),
    "repository": Argument(rule=matches(r"[\w.-]+(/[\w.-]+)+", "owner/name")),
    "repository_url": Argument(rule=_https),
    "token_secret": Argument(rule=not_empty),
    "clone_secret": Argument(rule=not_empty),
    "author": Argument(rule=not_empty),
    "backend": Argument(rule=not_empty),
    "passphrase_secret": Argument(rule=not_empty),
    "setup": Argument(default="pulumi install", rule=not_empty),
    "stacks": Argument(default="*", rule=not_empty),
    "memory": Argument(default="2Gi", rule=quantity),
    "timeout_seconds": Argument(default=3600, rule=at_least(60, "s")),
}


def problems(args: ReviewWorkflowArgs) -> Iterator[str]:
    """Findings that concern several fields."""
    if args["host"] == GitHostKind.GITEA and args["api_url"] is None:
        yield 'args.api_url is required where args.host is "gitea": the base of its API, which ends in /api/v1'
