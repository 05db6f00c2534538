"""The kinds of objects that only a controller can delete, or behind which it made something on AWS; which go first.

Left out is what is inert without its controller (templates, stores, projects, routes), and what a controller makes of
another object that is listed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pulumi_mlops.platform import (
    argo_cd,
    argo_events,
    argo_workflows,
    cert_manager,
    crossplane,
    external_secrets,
    istio,
    karpenter,
    kserve,
    load_balancer_controller,
    seldon,
)

Manifest = Mapping[str, Any]
VOLUMES = "persistentvolumes"


@dataclass(frozen=True)
class Watched:
    """Objects of one kind, or of all kinds of a category."""

    resource: str
    """As kubectl takes it, `<plural>.<group>`; empty for a category."""
    chart: str
    """The chart whose controller deletes them; empty: what the foundation brings does."""
    counts: Callable[[Manifest], bool] = lambda _: True
    category: str = ""
    """A category of kinds, by which Crossplane marks those that teams defined."""


@dataclass(frozen=True)
class Step:
    """What is deleted at the same time."""

    title: str
    """What they are, and why they have to go now."""
    kinds: tuple[Watched, ...]
    on_aws: bool = False
    """Whether each stands for something on AWS, which stays there when the whole cluster goes."""


def _held(manifest: Manifest) -> bool:
    return bool(manifest["metadata"].get("finalizers"))


def _has_a_load_balancer(manifest: Manifest) -> bool:
    return manifest["spec"].get("type") == "LoadBalancer"


def _goes_with_its_claim(manifest: Manifest) -> bool:
    """A volume that is kept is there on AWS afterwards in any case."""
    return manifest["spec"].get("persistentVolumeReclaimPolicy") == "Delete" and "claimRef" in manifest["spec"]


ARGO = "argoproj.io"
SECRETS = "external-secrets.io"
STEPS = (
    Step(
        "Argo CD's Applications, which bring back what is deleted below",
        (
            Watched(f"applicationsets.{ARGO}", argo_cd.CHART.name),
            Watched(f"applications.{ARGO}", argo_cd.CHART.name),
        ),
    ),
    Step(
        "workloads that a controller takes apart",
        (
            Watched("inferencegraphs.serving.kserve.io", kserve.CONTROLLER.name),
            Watched("trainedmodels.serving.kserve.io", kserve.CONTROLLER.name),
            Watched("inferenceservices.serving.kserve.io", kserve.CONTROLLER.name),
            Watched("seldondeployments.machinelearning.seldon.io", seldon.CHART.name),
            Watched(f"workflows.{ARGO}", argo_workflows.CHART.name, _held),
            Watched(f"sensors.{ARGO}", argo_events.CHART.name, _held),
            Watched(f"eventsources.{ARGO}", argo_events.CHART.name, _held),
            Watched(f"eventbus.{ARGO}", argo_events.CHART.name, _held),
        ),
    ),
    Step(
        "load balancers and their DNS records",
        (
            Watched("ingresses.networking.k8s.io", load_balancer_controller.CHART.name),
            Watched("gateways.gateway.networking.k8s.io", istio.ISTIOD.name),
            Watched("services", load_balancer_controller.CHART.name, _has_a_load_balancer),
        ),
        on_aws=True,
    ),
    Step(
        "volumes that go with their claims, once no pod uses them: their data is lost",
        (Watched(VOLUMES, "", _goes_with_its_claim),),
        on_aws=True,
    ),
    Step(
        "what Crossplane made on AWS, databases and buckets with their data",
        (
            Watched("", crossplane.CHART.name, category="claim"),
            Watched("", crossplane.CHART.name, category="composite"),
            Watched("", crossplane.CHART.name, category="managed"),
        ),
        on_aws=True,
    ),
    Step(
        "what else waits for its controller, and nodes that Karpenter started",
        (
            Watched("compositeresourcedefinitions.apiextensions.crossplane.io", crossplane.CHART.name, _held),
            Watched(f"clusterexternalsecrets.{SECRETS}", external_secrets.CHART.name, _held),
            Watched(f"externalsecrets.{SECRETS}", external_secrets.CHART.name, _held),
            Watched(f"clusterpushsecrets.{SECRETS}", external_secrets.CHART.name, _held),
            Watched(f"pushsecrets.{SECRETS}", external_secrets.CHART.name, _held),
            Watched("challenges.acme.cert-manager.io", cert_manager.CHART.name, _held),
            Watched("nodepools.karpenter.sh", karpenter.CHART.name),
            Watched("nodeclaims.karpenter.sh", karpenter.CHART.name),
            Watched("ec2nodeclasses.karpenter.k8s.aws", karpenter.CHART.name, _held),
        ),
    ),
)
"""In the order of deletion."""
