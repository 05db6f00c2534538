"""Reviews of changes inside the cluster, for teams whose Git host runs no workflows of its own.

Owns one Argo WorkflowTemplate: it previews the stacks that a pull request touches and writes one comment on it. Does
not own: what starts it (a sensor of Argo Events, or `argo submit`), the namespace, the service account and its AWS
role, nor the Secrets with the tokens.
"""

import pulumi
import pulumi_kubernetes as k8s

from pulumi_mlops import conventions
from pulumi_mlops._argo_workflows import API_VERSION
from pulumi_mlops._args import check_args, inputs
from pulumi_mlops._manifests import name_of
from pulumi_mlops._rules import object_name
from pulumi_mlops.platform.review_workflow import _pod
from pulumi_mlops.platform.review_workflow._args import ARGUMENTS, ReviewWorkflowArgs, problems


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
            ARGUMENTS,
            problems=problems,
            name_rule=object_name(40),
        )
        super().__init__("pulumi-mlops:index:ReviewWorkflow", name, inputs(args), opts)
        labels = conventions.labels("review", name)
        template = k8s.apiextensions.CustomResource(
            f"{name}-workflow-template",
            api_version=API_VERSION,
            kind="WorkflowTemplate",
            metadata={"name": f"review-{name}", "namespace": checked["namespace"], "labels": labels},
            spec=_pod.workflow_template(name, checked, labels),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.workflow_template = name_of(template)
        self.register_outputs({"workflow_template": self.workflow_template})
