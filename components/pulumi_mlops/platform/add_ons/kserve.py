"""KServe: model servers that it runs by itself, for teams that want its runtimes. Opt-in.

Owns its namespace, the definitions, the controller and the chosen runtimes. Does not own: inference services, their
service accounts and roles, the Gateway, cert-manager, which must be installed first.
"""

from collections.abc import Sequence
from typing import NotRequired

import pulumi

from pulumi_mlops import _aws, conventions, versions
from pulumi_mlops._args import Argument
from pulumi_mlops._rules import domain_name, quantity
from pulumi_mlops._text import formatted
from pulumi_mlops.contract.rules import dns_label, matches, not_empty
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

REPOSITORY = "oci://ghcr.io/kserve/charts"
DEFINITIONS = Chart("kserve-crd", REPOSITORY, versions.KSERVE)
CONTROLLER = Chart("kserve-resources", REPOSITORY, versions.KSERVE)
RUNTIMES_CHART = Chart("kserve-runtime-configs", REPOSITORY, versions.KSERVE)
UPSTREAM_REGISTRY = "docker.io"
PROXY_REGISTRY = "quay.io"

RUNTIMES = {
    "mlserver": "seldonio/mlserver",
    "sklearnserver": "kserve/sklearnserver",
    "xgbserver": "kserve/xgbserver",
    "pmmlserver": "kserve/pmmlserver",
    "predictiveserver": "kserve/predictiveserver",
    "huggingfaceserver": "kserve/huggingfaceserver",
}
"""Runtime → its image. A test compares these and the next ones with the chart's own runtimes."""
NOT_OFFERED = (
    "autogluonserver",
    "lgbserver",
    "paddleserver",
    "tensorflow",
    "torchserve",
    "tritonserver",
    "vllmserver",  # by the tag `latest`
)
"""Runtimes that are always switched off: none of them runs what the library's pipelines train."""
XGBOOST_WARNING = (
    f"xgbserver of KServe {versions.KSERVE} has XGBoost {versions.KSERVE_XGBOOST}, which loads models written by "
    "XGBoost 3.1 or later, such as those of the library's pipelines, without an error and predicts wrong values; use "
    "it only for models of older versions"
)
CONTROLLER_CPU_LIMIT = "1"
"""The chart's own 100m slows down the webhooks, and every pod that waits for them."""


class KServeArgs(AddOnArgs):
    """Arguments of `KServe`."""

    domain: pulumi.Input[str]
    """Domain below which every inference service gets a host name, `<name>-<namespace>.<domain>`."""
    runtimes: NotRequired[list[str]]
    """Runtimes to install, among `mlserver`, `sklearnserver`, `xgbserver`, `pmmlserver`, `predictiveserver` and
    `huggingfaceserver`; default: the first two. Plain: all others are switched off. `xgbserver` has the XGBoost of
    `versions.KSERVE_XGBOOST`, which loads models of XGBoost 3.1 or later, as the library's pipelines write them,
    without an error and predicts wrong values. With `huggingfaceserver` the chart also enables its variant for several
    nodes."""
    region: NotRequired[pulumi.Input[str] | None]
    """AWS region of the buckets that models are read from; default: the SDK's."""
    gateway_name: NotRequired[pulumi.Input[str]]
    """Name of the Gateway; default `public`, the platform's."""
    gateway_namespace: NotRequired[pulumi.Input[str]]
    """Namespace of the Gateway; default `gateway`, the platform's."""
    gateway_class: NotRequired[pulumi.Input[str]]
    """Class of the Gateway; default "istio"."""
    memory: NotRequired[pulumi.Input[str]]
    """Memory of the controller, request and limit; default "1Gi"."""


ARGUMENTS = {
    "domain": Argument(rule=domain_name),
    "runtimes": Argument(
        default=["mlserver", "sklearnserver"], rule=matches("|".join(RUNTIMES), f"one of {', '.join(RUNTIMES)}")
    ),
    "region": Argument(rule=_aws.region),
    "gateway_name": Argument(default=conventions.GATEWAY_NAME, rule=dns_label),
    "gateway_namespace": Argument(default=conventions.GATEWAY_NAMESPACE, rule=dns_label),
    "gateway_class": Argument(default="istio", rule=not_empty),
    # upstream's 300 MiB end the controller once a few hundred services exist
    "memory": Argument(default="1Gi", rule=quantity),
}


class KServe(pulumi.ComponentResource):
    """KServe in its mode without Knative, with routes of the Gateway API.

    ```python
    from pulumi_mlops.platform import KServe

    kserve = KServe("kserve", {"domain": "models.example.org", "runtimes": ["mlserver"]})
    pulumi.export("kserve", kserve.release)
    ```
    """

    namespace: pulumi.Output[str]
    """Namespace of the controller."""
    release: pulumi.Output[str]
    """Name of the controller's Helm release, known once services can be made with the runtimes. On `destroy` the
    definitions go last, and with them what is left of inference services; let those depend on this."""
    version: pulumi.Output[str]
    """Version of KServe."""

    def __init__(self, name: str, args: KServeArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        checked = check_add_on(KServe, name, args, KServeArgs, ARGUMENTS)
        super().__init__("pulumi-mlops:index:KServe", name, add_on_inputs(args), opts)
        if "xgbserver" in checked["runtimes"]:
            pulumi.log.warn(XGBOOST_WARNING, self)
        installed = ADD_ON.install(self, name, checked)
        self.namespace = installed.namespace
        self.release = installed.release
        self.version = pulumi.Output.from_input(versions.KSERVE)
        self.register_outputs({"namespace": self.namespace, "release": self.release, "version": self.version})


def values(_: str, args: KServeArgs) -> HelmValues:
    """Values of the controller's chart."""
    mirror = args["image_mirror"]
    gateway = formatted("{0}/{1}", args["gateway_namespace"], args["gateway_name"])
    memory = args["memory"]
    return {
        "kserve": {
            "agent": {"image": mirrored(mirror, UPSTREAM_REGISTRY, "kserve/agent")},
            "router": {"image": mirrored(mirror, UPSTREAM_REGISTRY, "kserve/router")},
            "storage": {
                "image": mirrored(mirror, UPSTREAM_REGISTRY, "kserve/storage-initializer"),
                **({"s3": {"region": args["region"]}} if args["region"] is not None else {}),
            },
            "localmodel": {
                "controller": {"image": mirrored(mirror, UPSTREAM_REGISTRY, "kserve/kserve-localmodel-controller")},
                "agent": {"image": mirrored(mirror, UPSTREAM_REGISTRY, "kserve/kserve-localmodelnode-agent")},
                "defaultJobImage": mirrored(mirror, UPSTREAM_REGISTRY, "kserve/storage-initializer"),
            },
            "servingruntime": {"art": {"image": mirrored(mirror, UPSTREAM_REGISTRY, "kserve/art-explainer")}},
            "controller": {
                "deploymentMode": "Standard",  # the chart's default needs Knative
                "image": mirrored(mirror, UPSTREAM_REGISTRY, "kserve/kserve-controller"),
                "imagePullPolicy": "IfNotPresent",
                "rbacProxyImage": mirrored(
                    mirror, PROXY_REGISTRY, f"brancz/kube-rbac-proxy:v{versions.KUBE_RBAC_PROXY}"
                ),
                "resources": {
                    "requests": {"cpu": "100m", "memory": memory},
                    "limits": {"cpu": CONTROLLER_CPU_LIMIT, "memory": memory},
                },
                "gateway": {
                    "domain": args["domain"],
                    "urlScheme": "https",
                    "disableIstioVirtualHost": True,  # a second route beside that of the Gateway API
                    "ingressGateway": {
                        "enableGatewayApi": True,
                        "createGateway": False,
                        "kserveGateway": gateway,
                        "className": args["gateway_class"],
                    },
                },
            },
        }
    }


def runtime_values(_: str, args: KServeArgs) -> HelmValues:
    """Values of the runtimes' chart, which installs none by itself."""
    wanted = args["runtimes"]
    serving: HelmValues = {"enabled": bool(wanted)}
    for runtime, repository in RUNTIMES.items():
        image = {"image": mirrored(args["image_mirror"], UPSTREAM_REGISTRY, repository)}
        serving[runtime] = {"disabled": False, **image} if runtime in wanted else {"disabled": True}
    if "mlserver" in wanted:
        serving["mlserver"]["tag"] = versions.MLSERVER
    return {"kserve": {"servingruntime": {**serving, **{runtime: {"disabled": True} for runtime in NOT_OFFERED}}}}


def statements(bucket_arns: Sequence[pulumi.Input[str]]) -> list[Statement]:
    """What the role of an inference service's account must be allowed: to read its models."""
    return [
        statement(["s3:GetBucketLocation", "s3:ListBucket"], bucket_arns),
        statement(["s3:GetObject"], [formatted("{0}/*", arn) for arn in bucket_arns]),
    ]


ADD_ON = AddOn[KServeArgs](
    component=KServe,
    once_because=ONE_RELEASE,
    needs=("cert_manager",),
    # One after the other: a runtime is refused while the controller's webhook does not answer.
    before=(ChartRelease(chart=DEFINITIONS, role="definitions", suffix="-definitions"),),
    main=ChartRelease(chart=CONTROLLER, values=values, role="controller", suffix="-controller"),
    after=(ChartRelease(chart=RUNTIMES_CHART, values=runtime_values, role="runtimes", suffix="-runtimes"),),
    namespace=conventions.KSERVE_NAMESPACE,
    images=("kserve/*", "seldonio/mlserver", "brancz/kube-rbac-proxy"),
)
