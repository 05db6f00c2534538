"""Istio's control plane: what implements the Gateway API on EKS and runs the mesh, with sidecars.

Owns its namespace. Does not own: the Gateway API's definitions (`GatewayApi`, which come before), gateways
(`PublicGateway`), and which namespaces are part of the mesh: workflows' pods end badly with a sidecar, so that nothing
is injected unless a namespace or a pod asks for it. Without istio-cni, which is not installed, a sidecar's first
container needs NET_ADMIN: no pod of a `Workspace`, which is restricted, can have one.
"""

from typing import NotRequired

import pulumi

from pulumi_mlops import versions
from pulumi_mlops._args import Argument
from pulumi_mlops._manifests import resources
from pulumi_mlops._rules import quantity
from pulumi_mlops.contract.rules import dns_label
from pulumi_mlops.platform import _charts
from pulumi_mlops.platform._chart_values import PRIORITY_CLASS, mirrored, spread
from pulumi_mlops.platform._charts import Chart
from pulumi_mlops.platform.add_on import (
    ONE_RELEASE,
    AddOn,
    AddOnArgs,
    ChartRelease,
    HelmValues,
    ReplicatedArgs,
    add_on_inputs,
    check_add_on,
)

# Not istio-release.storage.googleapis.com, which upstream gives up in December 2026.
REPOSITORY = "https://blob.istio.io/istio-release/charts"
BASE = Chart("base", REPOSITORY, versions.ISTIO)
ISTIOD = Chart("istiod", REPOSITORY, versions.ISTIO)
NAMESPACE = "istio-system"
GATEWAY_CLASS = "istio"
"""Name of the GatewayClass that Istio makes itself."""
UPSTREAM_REGISTRY = "docker.io"

CPU_REQUEST = "500m"


class IstioArgs(AddOnArgs, ReplicatedArgs):
    """Arguments of `Istio`."""

    memory: NotRequired[pulumi.Input[str]]
    """Memory of a control plane's replica, request and limit; default "2Gi"."""


ARGUMENTS = {
    "namespace": Argument(default=NAMESPACE, rule=dns_label),
    "memory": Argument(default="2Gi", rule=quantity),
}


class Istio(pulumi.ComponentResource):
    """Istio's definitions and control plane.

    ```python
    from pulumi_mlops.platform import Istio

    istio = Istio("istio", {"image_mirror": "mirror.example.org"})
    pulumi.export("gateway_class", istio.gateway_class)
    ```
    """

    namespace: pulumi.Output[str]
    """Namespace of the control plane."""
    release: pulumi.Output[str]
    """Name of the control plane's Helm release, known once it runs."""
    gateway_class: pulumi.Output[str]
    """Name of Istio's GatewayClass, known at the same time."""
    version: pulumi.Output[str]
    """Version of Istio."""

    def __init__(self, name: str, args: IstioArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        checked = check_add_on(Istio, name, args, IstioArgs, ARGUMENTS)
        super().__init__("pulumi-mlops:index:Istio", name, add_on_inputs(args), opts)
        installed = ADD_ON.install(self, name, checked)
        self.namespace = installed.namespace
        self.release = installed.release
        self.gateway_class = _charts.when_ready(installed.main, GATEWAY_CLASS)
        self.version = pulumi.Output.from_input(versions.ISTIO)
        self.register_outputs(
            {
                "namespace": self.namespace,
                "release": self.release,
                "gateway_class": self.gateway_class,
                "version": self.version,
            }
        )


# Left to itself the webhook begins with Ignore, and istiod turns it into Fail: the object in the cluster then differs
# from the chart's, and every upgrade opens a gap in the validation. Said in both charts, which share the webhook.
FAIL_FROM_THE_BEGINNING = {"validationFailurePolicy": "Fail"}


def base_values(_: str, args: IstioArgs) -> HelmValues:
    """Values of the chart with the definitions, which are templates: an upgrade of the release updates them."""
    return {
        "global": {"istioNamespace": args["namespace"]},
        "base": {"enableCRDTemplates": True, **FAIL_FROM_THE_BEGINNING},
        "defaultRevision": "default",
    }


def values(_: str, args: IstioArgs) -> HelmValues:
    """Values of the control plane's chart."""
    replicas = args["replicas"]
    security = {"type": "RuntimeDefault"}
    return {
        "global": {
            "istioNamespace": args["namespace"],
            # Always said: charts carry the registry that upstream gives up in December 2026.
            "hub": mirrored(args["image_mirror"], UPSTREAM_REGISTRY, "istio"),
            "tag": versions.ISTIO,
            "defaultPodDisruptionBudget": {"enabled": replicas > 1},
            "priorityClassName": PRIORITY_CLASS,
            "logAsJson": True,
        },
        "base": FAIL_FROM_THE_BEGINNING,
        "autoscaleEnabled": True,
        "autoscaleMin": replicas,
        "autoscaleMax": 2 * replicas,
        "resources": resources(CPU_REQUEST, args["memory"]),
        "seccompProfile": security,
        "topologySpreadConstraints": spread({"app": "istiod", "istio": "pilot"}),
        "meshConfig": {
            "accessLogFile": "/dev/stdout",
            "accessLogEncoding": "JSON",
            # Pipelines read from data sources of every kind; a team that wants less says so for its namespace.
            "outboundTrafficPolicy": {"mode": "ALLOW_ANY"},
            "enablePrometheusMerge": True,
        },
        "gateways": {"seccompProfile": security},
    }


ADD_ON = AddOn(
    component=Istio,
    once_because=ONE_RELEASE,
    needs=("gateway_api",),
    before=(ChartRelease(chart=BASE, values=base_values, role="base", suffix="-base"),),
    main=ChartRelease(chart=ISTIOD, values=values),
    namespace=NAMESPACE,
    images=("istio/pilot", "istio/proxyv2"),
)
