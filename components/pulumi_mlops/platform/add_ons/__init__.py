"""The library's add-ons, and what must be gone from a cluster before each of them goes.

Another upstream chart is a module of its name in this package with an `ADD_ON`, a pin, and an entry here. A chart that
only one team needs is installed by `HelmAddOn` from that team's own program, with a description of its own.

This file imports no SDK, so that `pulumi-mlops destroy` and `leftovers` start at once: everything else about an add-on
is in its own module, which `ADD_ONS` imports.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pulumi_mlops.platform._deletion import Manifest, Stage, Watched, held, watched


@dataclass(frozen=True)
class Controller:
    """What runs in a cluster where an add-on is installed."""

    chart: str
    """Name of its main chart."""
    watched: tuple[Watched, ...] = ()
    """Kinds whose objects only it can delete."""
    groups: tuple[str, ...] = ()
    """API groups, or their ends, of definitions that may stay when it goes: Helm deletes none that lie beside a chart's
    templates (external-dns, Prometheus) or are kept by an annotation (Istio), and Crossplane makes its own."""
    webhooks: tuple[str, ...] = ()
    """ValidatingWebhookConfigurations that it makes itself, so that nothing removes them with it."""


def _has_a_load_balancer(service: Manifest) -> bool:
    return service["spec"].get("type") == "LoadBalancer"


CONTROLLERS: Mapping[str, Controller] = {
    "argo_cd": Controller(
        "argo-cd",
        watched(Stage.GITOPS, "applicationsets.argoproj.io", "applications.argoproj.io"),
        groups=("argoproj.io",),
    ),
    "argo_events": Controller(
        "argo-events",
        watched(
            Stage.WORKLOADS, "sensors.argoproj.io", "eventsources.argoproj.io", "eventbus.argoproj.io", counts=held
        ),
        groups=("argoproj.io",),
    ),
    "argo_workflows": Controller(
        "argo-workflows", watched(Stage.WORKLOADS, "workflows.argoproj.io", counts=held), groups=("argoproj.io",)
    ),
    "cert_manager": Controller(
        "cert-manager", watched(Stage.REST, "challenges.acme.cert-manager.io", counts=held), groups=("cert-manager.io",)
    ),
    "crossplane": Controller(
        "crossplane",
        (
            *(Watched(Stage.CLOUD_RESOURCES, category=one) for one in ("claim", "composite", "managed")),
            *watched(Stage.REST, "compositeresourcedefinitions.apiextensions.crossplane.io", counts=held),
        ),
        groups=("crossplane.io", "upbound.io"),
        webhooks=("crossplane-no-usages",),
    ),
    "external_dns": Controller("external-dns", groups=("externaldns.k8s.io",)),
    "external_secrets": Controller(
        "external-secrets",
        watched(
            Stage.REST,
            *(
                f"{kind}.external-secrets.io"
                for kind in ("clusterexternalsecrets", "externalsecrets", "clusterpushsecrets", "pushsecrets")
            ),
            counts=held,
        ),
        groups=("external-secrets.io",),
    ),
    "istio": Controller(
        "istiod", watched(Stage.LOAD_BALANCERS, "gateways.gateway.networking.k8s.io"), groups=("istio.io",)
    ),
    "karpenter": Controller(
        "karpenter",
        (
            *watched(Stage.REST, "nodepools.karpenter.sh", "nodeclaims.karpenter.sh"),
            *watched(Stage.REST, "ec2nodeclasses.karpenter.k8s.aws", counts=held),
        ),
        groups=("karpenter.sh", "karpenter.k8s.aws"),
    ),
    "kserve": Controller(
        "kserve-resources",
        watched(
            Stage.WORKLOADS,
            *(f"{kind}.serving.kserve.io" for kind in ("inferencegraphs", "trainedmodels", "inferenceservices")),
        ),
        groups=("serving.kserve.io",),
    ),
    "load_balancer_controller": Controller(
        "aws-load-balancer-controller",
        (
            *watched(Stage.LOAD_BALANCERS, "ingresses.networking.k8s.io"),
            *watched(Stage.LOAD_BALANCERS, "services", counts=_has_a_load_balancer),
        ),
        groups=("elbv2.k8s.aws", "aga.k8s.aws", "gateway.k8s.aws"),
    ),
    "monitoring": Controller("kube-prometheus-stack", groups=("monitoring.coreos.com",)),
    "public_gateway": Controller("gateway"),
    "seldon": Controller(
        "seldon-core-operator",
        watched(Stage.WORKLOADS, "seldondeployments.machinelearning.seldon.io"),
        groups=("machinelearning.seldon.io",),
    ),
}
"""Name of an add-on, which is that of its module and of its entry in `EksPlatformArgs.add_ons` → its controller."""
