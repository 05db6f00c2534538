"""Seldon Core's operator, for existing SeldonDeployments. Opt-in, and frozen at the last version under Apache-2.0.

Owns its namespace and the operator. Does not own: SeldonDeployments, their service accounts and roles, an Istio
gateway, cert-manager, which must be installed first.
"""

from collections.abc import Sequence
from typing import NotRequired

import pulumi

from pulumi_mlops import conventions, versions
from pulumi_mlops._args import Argument
from pulumi_mlops._manifests import container_security
from pulumi_mlops._rules import quantity
from pulumi_mlops._text import formatted
from pulumi_mlops.contract.rules import matches
from pulumi_mlops.platform._chart_values import mirrored
from pulumi_mlops.platform._charts import Chart
from pulumi_mlops.platform._statements import Statement, statement
from pulumi_mlops.platform.add_on import (
    ONE_RELEASE,
    AddOn,
    AddOnArgs,
    ChartRelease,
    HelmValues,
    add_on_inputs,
    check_add_on,
)

CHART = Chart("seldon-core-operator", "https://storage.googleapis.com/seldon-charts", versions.SELDON)
UPSTREAM_REGISTRY = "docker.io"
SERVICE_ACCOUNT = "seldon-manager"
"""Service account of the operator. It has no AWS identity: the predictors' accounts read the models."""
MLSERVER_FLAVOURS = {
    "MLFLOW_SERVER": "mlflow",
    "SKLEARN_SERVER": "sklearn",
    "XGBOOST_SERVER": "xgboost",
    "HUGGINGFACE_SERVER": "huggingface",
    "TEMPO_SERVER": "slim",
}
OTHER_SERVERS = {
    ("MLFLOW_SERVER", "seldon"): "seldonio/mlflowserver",
    ("SKLEARN_SERVER", "seldon"): "seldonio/sklearnserver",
    ("XGBOOST_SERVER", "seldon"): "seldonio/xgboostserver",
    ("TENSORFLOW_SERVER", "seldon"): "seldonio/tfserving-proxy",
    ("TENSORFLOW_SERVER", "tensorflow"): "tensorflow/serving",
    ("TRITON_SERVER", "v2"): "nvidia/tritonserver",
}
"""Server and protocol → image, whose version stays the chart's."""
TRITON_REGISTRY = "nvcr.io"


class SeldonArgs(AddOnArgs):
    """Arguments of `Seldon`."""

    istio_gateway: NotRequired[pulumi.Input[str] | None]
    """Istio's own gateway, `<namespace>/<name>`, to which the operator attaches a VirtualService for each deployment;
    default none: routes of the Gateway API are the endpoints' own."""
    memory: NotRequired[pulumi.Input[str]]
    """Memory of the operator, request and limit; default "1Gi"."""


ARGUMENTS = {
    "istio_gateway": Argument(
        rule=matches("[a-z0-9][-a-z0-9]*/[a-z0-9][-.a-z0-9]*", 'a gateway such as "istio-system/seldon"')
    ),
    # upstream's 300 MiB do not hold the caches of a cluster with some hundred pods
    "memory": Argument(default="1Gi", rule=quantity),
}


class Seldon(pulumi.ComponentResource):
    """The operator of Seldon Core, whose later versions may not be used in production without a licence.

    ```python
    from pulumi_mlops.platform import Seldon

    seldon = Seldon("seldon", {"istio_gateway": "istio-system/seldon-gateway"})
    pulumi.export("seldon", seldon.release)
    ```
    """

    namespace: pulumi.Output[str]
    """Namespace of the operator."""
    release: pulumi.Output[str]
    """Name of the Helm release, known once the operator runs. SeldonDeployments depend on it, so that they go first."""
    version: pulumi.Output[str]
    """Version of Seldon Core."""

    def __init__(self, name: str, args: SeldonArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        checked = check_add_on(Seldon, name, args, SeldonArgs, ARGUMENTS)
        super().__init__("pulumi-mlops:index:Seldon", name, add_on_inputs(args), opts)
        installed = ADD_ON.install(self, name, checked)
        self.namespace = installed.namespace
        self.release = installed.release
        self.version = pulumi.Output.from_input(versions.SELDON)
        self.register_outputs({"namespace": self.namespace, "release": self.release, "version": self.version})


def values(_: str, args: SeldonArgs) -> HelmValues:
    """Values of the chart. `crd.forceV1` is not among them: the template reads another spelling of it."""
    mirror, memory, gateway = args["image_mirror"], args["memory"], args["istio_gateway"]
    registry = UPSTREAM_REGISTRY if mirror is None else mirror
    return {
        # Without it the chart makes a certificate at each rendering: a change at each update, expired after a year.
        "certManager": {"enabled": True},
        "usageMetrics": {"enabled": False},
        "istio": {"enabled": False} if gateway is None else {"enabled": True, "gateway": gateway},
        "image": {"registry": registry},
        "executor": {"image": {"registry": registry}},
        "manager": {
            "cpuRequest": "100m",
            "cpuLimit": "1",
            "memoryRequest": memory,
            "memoryLimit": memory,
            # The template merges this value into the container itself, whatever its name says.
            "containerSecurityContext": {
                "securityContext": {
                    **container_security(),
                    "runAsNonRoot": True,
                    "seccompProfile": {"type": "RuntimeDefault"},
                }
            },
        },
        "storageInitializer": {
            "image": mirrored(mirror, UPSTREAM_REGISTRY, f"seldonio/rclone-storage-initializer:{versions.SELDON}")
        },
        "serviceAccount": {"create": True, "name": SERVICE_ACCOUNT},
        "predictor_servers": _servers(mirror),
        "explainer": {
            "image": mirrored(mirror, UPSTREAM_REGISTRY, f"seldonio/alibiexplainer:{versions.SELDON}"),
            "image_v2": mirrored(mirror, UPSTREAM_REGISTRY, f"seldonio/mlserver:{versions.MLSERVER}-alibi-explain"),
        },
    }


def _servers(mirror: pulumi.Input[str] | None) -> HelmValues:
    protocols: dict[str, HelmValues] = {}
    for (server, protocol), repository in OTHER_SERVERS.items():
        registry = TRITON_REGISTRY if server == "TRITON_SERVER" else UPSTREAM_REGISTRY
        protocols.setdefault(server, {})[protocol] = {"image": mirrored(mirror, registry, repository)}
    for server, flavour in MLSERVER_FLAVOURS.items():
        # MLServer is a project of its own with its own licence, and its newer images run current models.
        protocols.setdefault(server, {})["v2"] = {
            "image": mirrored(mirror, UPSTREAM_REGISTRY, "seldonio/mlserver"),
            "defaultImageVersion": f"{versions.MLSERVER}-{flavour}",
        }
    return {server: {"protocols": ways} for server, ways in protocols.items()}


def statements(bucket_arns: Sequence[pulumi.Input[str]]) -> list[Statement]:
    """What the role of a predictor's account must be allowed: to read its models.

    The role must be of the IRSA kind: the download program is too old for EKS Pod Identity.
    """
    return [
        statement(["s3:GetBucketLocation", "s3:ListBucket"], bucket_arns),
        statement(["s3:GetObject"], [formatted("{0}/*", arn) for arn in bucket_arns]),
    ]


ADD_ON = AddOn(
    component=Seldon,
    once_because=ONE_RELEASE,
    needs=("cert_manager",),
    main=ChartRelease(chart=CHART, values=values),
    namespace=conventions.SELDON_NAMESPACE,
    images=("seldonio/*", "tensorflow/serving", "nvidia/tritonserver"),
)
