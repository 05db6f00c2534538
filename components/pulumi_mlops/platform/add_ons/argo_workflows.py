"""Argo Workflows' controller and resource definitions, by the upstream chart or one with the same value keys.

On request also the web interface with its route, the archive and a default artifact repository. Does not own: the
namespace, the service accounts and artifact repositories of workflows (each workspace has its own), the database, the
identity provider's groups.
"""

import dataclasses
from collections.abc import Iterator
from enum import StrEnum
from typing import NotRequired

import pulumi

from pulumi_mlops import conventions, versions
from pulumi_mlops._args import Argument
from pulumi_mlops._manifests import Manifest, container_security, resources
from pulumi_mlops._rules import quantity
from pulumi_mlops.contract.rules import at_least, between, dns_label
from pulumi_mlops.platform import _published
from pulumi_mlops.platform._charts import Chart
from pulumi_mlops.platform.add_on import (
    ONE_RELEASE,
    AddOn,
    ChartArgs,
    ChartRelease,
    HelmValues,
    add_on_inputs,
    check_add_on,
)
from pulumi_mlops.platform.add_ons import _argo_access, _argo_server
from pulumi_mlops.platform.add_ons._argo_server import ArgoServerArgs, ArtifactRepositoryArgs, WorkflowArchiveArgs

UPSTREAM_REGISTRY = "quay.io"
CONTROLLER_REPOSITORY = "argoproj/workflow-controller"
EXECUTOR_REPOSITORY = "argoproj/argoexec"
CHART = Chart("argo-workflows", "https://argoproj.github.io/argo-helm", versions.ARGO_WORKFLOWS_CHART)
"""The chart of the default line."""
SERVER_SERVICE_ACCOUNT = _argo_server.SERVER_SERVICE_ACCOUNT
statements = _argo_server.statements

CPU_REQUEST = "50m"
EXECUTOR_CPU_REQUEST = "10m"
EXECUTOR_MEMORY = "128Mi"
WORKFLOW_DAYS = 7


class ArgoWorkflowsLine(StrEnum):
    """A minor version of Argo Workflows with its chart. Every Workflow of the library is valid in all of them."""

    V3_7 = "V3_7"
    """The newest whose images can be built from sources on a machine without a registry of them."""
    V4_0 = "V4_0"
    """The one for clusters that pull upstream's images."""


RELEASES = {
    ArgoWorkflowsLine.V3_7: (CHART, versions.ARGO_WORKFLOWS),
    ArgoWorkflowsLine.V4_0: (
        Chart(CHART.name, CHART.repository, versions.ARGO_WORKFLOWS_4_CHART),
        versions.ARGO_WORKFLOWS_4,
    ),
}
"""Line → chart and version of the images. A line decides this and nothing else."""


class ArgoWorkflowsArgs(ChartArgs):
    """Arguments of `ArgoWorkflows`."""

    namespace: pulumi.Input[str]
    """Namespace of the controller, created elsewhere. It runs the workflows of every namespace."""
    requeue_milliseconds: NotRequired[int]
    """How long the controller waits before it looks at a changed workflow again; default 500, at most 10000, which is
    upstream's default. Less makes short steps follow each other faster; thousands of workflows want more."""
    retained_workflows: NotRequired[int]
    """Number of finished workflows kept in the cluster for each outcome; default 50."""
    memory: NotRequired[str]
    """Memory of the controller, request and limit; default "256Mi"."""
    line: NotRequired[ArgoWorkflowsLine]
    """Minor version; default V3_7. Plain: it decides which chart is fetched."""
    server: NotRequired[ArgoServerArgs | None]
    """The web interface; default none: `kubectl` and the workflows' own logs are all there is."""
    archive: NotRequired[WorkflowArchiveArgs | None]
    """The database of finished workflows; default none: they are gone once they leave the cluster."""
    artifact_repository: NotRequired[ArtifactRepositoryArgs | None]
    """The bucket of namespaces that name none of their own; default none. A workspace's own goes before it."""
    keep_definitions: NotRequired[bool]
    """Whether the resource definitions survive `destroy`; default true. When false, `destroy` deletes them and with
    them every workflow, template and schedule in the cluster."""


ARGUMENTS = {
    "namespace": Argument(rule=dns_label),
    "requeue_milliseconds": Argument(default=500, rule=between(10, 10_000, "ms")),
    "retained_workflows": Argument(default=50, rule=at_least(1, "workflow")),
    "memory": Argument(default="256Mi", rule=quantity),
    "line": Argument(default=ArgoWorkflowsLine.V3_7),
    **_argo_server.ROWS,
}


class ArgoWorkflows(pulumi.ComponentResource):
    """Argo Workflows for every namespace of the cluster.

    ```python
    from pulumi_mlops.platform import ArgoWorkflows

    argo = ArgoWorkflows("argo-workflows", {"namespace": "argo", "image_mirror": "mirror.example.org"})
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
        checked = check_add_on(ArgoWorkflows, name, args, ArgoWorkflowsArgs, ARGUMENTS, problems=_problems)
        super().__init__("pulumi-mlops:index:ArgoWorkflows", name, add_on_inputs(args), opts)
        line = checked["line"]
        called = checked["object_name"] or name
        installed = add_on(line).install(self, name, checked, namespace=checked["namespace"])
        server = checked["server"]
        if server is not None:
            _published.route(
                f"{name}-route",
                {
                    "name": called,
                    "namespace": checked["namespace"],
                    "labels": conventions.labels("argo-workflows", called),
                },
                server,
                service=f"{called}-server",
                port=_argo_server.SERVICE_PORT,
                opts=pulumi.ResourceOptions(parent=self, depends_on=[installed.main]),
            )
            if server["sso_issuer"] is not None:
                child = pulumi.ResourceOptions(parent=self)
                _argo_access.create(
                    name,
                    called,
                    checked["namespace"],
                    admin_groups=server["sso_admin_groups"],
                    reader_groups=server["sso_reader_groups"],
                    child=child,
                )
        self.namespace = pulumi.Output.from_input(checked["namespace"])
        self.release = installed.release
        self.version = pulumi.Output.from_input(RELEASES[line][1])
        self.register_outputs({"namespace": self.namespace, "release": self.release, "version": self.version})


def values(name: str, args: ArgoWorkflowsArgs) -> HelmValues:
    """Values of the chart; a test checks that upstream's chart has every key."""
    registry = UPSTREAM_REGISTRY if args["image_mirror"] is None else args["image_mirror"]
    retained = args["retained_workflows"]
    _, version = RELEASES[args["line"]]
    server, archive, artifacts = args["server"], args["archive"], args["artifact_repository"]
    return {
        "fullnameOverride": name,
        "images": {"tag": f"v{version}", "pullPolicy": "IfNotPresent"},
        # The full definitions come by a Job that downloads them; the small ones are part of the chart.
        "crds": {"install": True, "keep": args["keep_definitions"], "full": False},
        "workflow": {"serviceAccount": {"create": False}, "rbac": {"create": False}},
        "controller": {
            "image": {"registry": registry, "repository": CONTROLLER_REPOSITORY},
            "resources": resources(CPU_REQUEST, args["memory"]),
            "podSecurityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
            "extraEnv": [
                {
                    "name": "DEFAULT_REQUEUE_TIME",
                    "value": f"{args['requeue_milliseconds']}ms",
                },
            ],
            "replicas": 1,  # for which the chart itself disables the election of a leader
            "retentionPolicy": {"completed": retained, "failed": retained, "errored": retained},
            "workflowDefaults": {"spec": workflow_defaults()},
            **({} if archive is None else {"persistence": _argo_server.archive_values(archive)}),
        },
        "executor": {
            "image": {"registry": registry, "repository": EXECUTOR_REPOSITORY},
            "resources": resources(EXECUTOR_CPU_REQUEST, EXECUTOR_MEMORY),
            "securityContext": container_security(),
        },
        "server": {"enabled": False} if server is None else _argo_server.server_values(name, server, registry),
        **({} if artifacts is None else _argo_server.artifact_values(artifacts)),
    }


def workflow_defaults() -> Manifest:
    """What a workflow that says nothing else gets: gone after a week, at once without its successful pods."""
    return {
        "ttlStrategy": {"secondsAfterCompletion": WORKFLOW_DAYS * 24 * 3600},
        "podGC": {"strategy": "OnPodSuccess"},
    }


ADD_ON = AddOn(
    component=ArgoWorkflows,
    once_because=ONE_RELEASE,
    main=ChartRelease(chart=CHART, values=values),
    namespace=conventions.ARGO_NAMESPACE,
    images=(CONTROLLER_REPOSITORY, EXECUTOR_REPOSITORY, _argo_server.SERVER_REPOSITORY),
    service_accounts={SERVER_SERVICE_ACCOUNT: lambda aws: statements([aws.workflows_bucket_arn])},
)
"""That of the default line."""


def add_on(line: ArgoWorkflowsLine) -> AddOn[ArgoWorkflowsArgs]:
    """The add-on in one of its lines."""
    return dataclasses.replace(ADD_ON, main=dataclasses.replace(ADD_ON.main, chart=RELEASES[line][0]))


def _problems(args: ArgoWorkflowsArgs) -> Iterator[str]:
    if args["server"] is not None:
        yield from _argo_server.server_problems(args["server"])
