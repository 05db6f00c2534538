"""Argo Workflows' controller and resource definitions, by the upstream chart or one with the same value keys.

Does not own: the namespace, the service accounts and artifact repositories of workflows (each workspace has its own),
nor Argo's web interface, which is not installed.
"""

from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict

import pulumi

from pulumi_mlops import versions
from pulumi_mlops._args import at_least, between, check_args, dns_label, not_empty, object_name, quantity
from pulumi_mlops._manifests import Manifest, container_security, resources
from pulumi_mlops.platform._charts import Chart, release

UPSTREAM_REGISTRY = "quay.io"
CONTROLLER_REPOSITORY = "argoproj/workflow-controller"
EXECUTOR_REPOSITORY = "argoproj/argoexec"
IMAGE_TAG = f"v{versions.ARGO_WORKFLOWS}"
CHART = Chart("argo-workflows", "https://argoproj.github.io/argo-helm", versions.ARGO_WORKFLOWS_CHART)

DEFAULT_MEMORY = "256Mi"
CPU_REQUEST = "50m"
EXECUTOR_CPU_REQUEST = "10m"
EXECUTOR_MEMORY = "128Mi"
DEFAULT_REQUEUE_MILLISECONDS = 500
DEFAULT_RETAINED_WORKFLOWS = 50
WORKFLOW_DAYS = 7


class ArgoWorkflowsArgs(TypedDict):
    """Arguments of `ArgoWorkflows`."""

    namespace: pulumi.Input[str]
    """Namespace of the controller, created elsewhere. It runs the workflows of every namespace."""
    image_registry: NotRequired[pulumi.Input[str]]
    """Registry with mirrors of `argoproj/workflow-controller` and `argoproj/argoexec`; default `quay.io`."""
    chart_repository: NotRequired[str]
    """Where the chart comes from: a Helm repository (`https://…`), a registry (`oci://…`) or a directory that holds
    the chart's directory; default: upstream's repository. Plain: the form decides how Helm is called."""
    requeue_milliseconds: NotRequired[int]
    """How long the controller waits before it looks at a changed workflow again; default 500, at most 10000, which is
    upstream's default. Less makes short steps follow each other faster; thousands of workflows want more."""
    retained_workflows: NotRequired[int]
    """Number of finished workflows kept in the cluster for each outcome; default 50."""
    memory: NotRequired[str]
    """Memory of the controller, request and limit; default "256Mi"."""
    keep_definitions: NotRequired[bool]
    """Whether the resource definitions survive `destroy`; default true. When false, `destroy` deletes them and with
    them every workflow, template and schedule in the cluster."""


RULES = {
    "namespace": dns_label,
    "chart_repository": not_empty,
    "requeue_milliseconds": between(10, 10_000, "ms"),
    "retained_workflows": at_least(1, "workflow"),
    "memory": quantity,
}


class ArgoWorkflows(pulumi.ComponentResource):
    """Argo Workflows for every namespace of the cluster.

    ```python
    from pulumi_mlops.platform import ArgoWorkflows

    argo = ArgoWorkflows("argo-workflows", {"namespace": "argo", "image_registry": "mirror.example.org"})
    pulumi.export("argo_version", argo.version)
    ```
    """

    namespace: pulumi.Output[str]
    """Namespace of the controller."""
    release: pulumi.Output[str]
    """Name of the Helm release."""
    version: pulumi.Output[str]
    """Version of Argo Workflows."""

    def __init__(self, name: str, args: ArgoWorkflowsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        checked = check_args(ArgoWorkflows, name, args, ArgoWorkflowsArgs, RULES, name_rule=object_name(40))
        super().__init__("pulumi-mlops:index:ArgoWorkflows", name, {**checked}, opts)
        installed = release(
            f"{name}-release",
            CHART,
            name=name,
            namespace=checked["namespace"],
            values=values(name, checked),
            mirror=checked.get("chart_repository"),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.namespace = pulumi.Output.from_input(checked["namespace"])
        # Through the release's id: known once the controller runs, so that whoever uses it comes after.
        self.release = installed.id.apply(lambda _: name)
        self.version = pulumi.Output.from_input(versions.ARGO_WORKFLOWS)
        self.register_outputs({"namespace": self.namespace, "release": self.release, "version": self.version})


def values(name: str, args: Mapping[str, Any]) -> dict[str, Any]:
    """Values of the chart; a test checks that upstream's chart has every key."""
    registry = args.get("image_registry", UPSTREAM_REGISTRY)
    retained = args.get("retained_workflows", DEFAULT_RETAINED_WORKFLOWS)
    return {
        "fullnameOverride": name,
        "images": {"tag": IMAGE_TAG, "pullPolicy": "IfNotPresent"},
        # The full definitions come by a Job that downloads them; the small ones are part of the chart.
        "crds": {"install": True, "keep": args.get("keep_definitions", True), "full": False},
        "workflow": {"serviceAccount": {"create": False}, "rbac": {"create": False}},
        "controller": {
            "image": {"registry": registry, "repository": CONTROLLER_REPOSITORY},
            "resources": resources(CPU_REQUEST, args.get("memory", DEFAULT_MEMORY)),
            "podSecurityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
            "extraEnv": [
                {
                    "name": "DEFAULT_REQUEUE_TIME",
                    "value": f"{args.get('requeue_milliseconds', DEFAULT_REQUEUE_MILLISECONDS)}ms",
                },
                {"name": "LEADER_ELECTION_DISABLE", "value": "true"},  # there is one controller
            ],
            "replicas": 1,
            "retentionPolicy": {"completed": retained, "failed": retained, "errored": retained},
            "workflowDefaults": {"spec": workflow_defaults()},
        },
        "executor": {
            "image": {"registry": registry, "repository": EXECUTOR_REPOSITORY},
            "resources": resources(EXECUTOR_CPU_REQUEST, EXECUTOR_MEMORY),
            "securityContext": container_security(),
        },
        "server": {"enabled": False},
    }


def workflow_defaults() -> Manifest:
    """What a workflow that says nothing else gets: gone after a week, at once without its successful pods."""
    return {
        "ttlStrategy": {"secondsAfterCompletion": WORKFLOW_DAYS * 24 * 3600},
        "podGC": {"strategy": "OnPodSuccess"},
    }
