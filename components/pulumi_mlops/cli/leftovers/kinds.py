"""The kinds of objects that only a controller can delete, or behind which it made something on AWS; which go first.

The kinds of each add-on are in `pulumi_mlops.platform.add_ons`; here is in which order they go.
"""

import dataclasses
from dataclasses import dataclass

from pulumi_mlops.platform._deletion import Manifest, Stage, Watched
from pulumi_mlops.platform.add_ons import CONTROLLERS

__all__ = ["STEPS", "VOLUMES", "Manifest", "Step", "Watched"]

VOLUMES = "persistentvolumes"


@dataclass(frozen=True)
class Step:
    """What is deleted at the same time."""

    title: str
    """What they are, and why they have to go now."""
    kinds: tuple[Watched, ...]
    on_aws: bool = False
    """Whether each stands for something on AWS, which stays there when the whole cluster goes."""


def _goes_with_its_claim(manifest: Manifest) -> bool:
    """A volume that is kept is there on AWS afterwards in any case."""
    return manifest["spec"].get("persistentVolumeReclaimPolicy") == "Delete" and "claimRef" in manifest["spec"]


OF_THE_FOUNDATION = (Watched(Stage.VOLUMES, VOLUMES, _goes_with_its_claim),)
"""Kinds whose controllers are managed add-ons of the cluster."""
OF_ADD_ONS = tuple(
    dataclasses.replace(one, chart=controller.chart)
    for controller in CONTROLLERS.values()
    for one in controller.watched
)
TITLES = {
    Stage.GITOPS: "Argo CD's Applications, which bring back what is deleted below",
    Stage.WORKLOADS: "workloads that a controller takes apart",
    Stage.LOAD_BALANCERS: "load balancers and their DNS records",
    Stage.VOLUMES: "volumes that go with their claims, once no pod uses them: their data is lost",
    Stage.CLOUD_RESOURCES: "what Crossplane made on AWS, databases and buckets with their data",
    Stage.REST: "what else waits for its controller, and nodes that Karpenter started",
}
ON_AWS = {Stage.LOAD_BALANCERS, Stage.VOLUMES, Stage.CLOUD_RESOURCES}
STEPS = tuple(
    Step(TITLES[stage], tuple(one for one in (*OF_THE_FOUNDATION, *OF_ADD_ONS) if one.stage is stage), stage in ON_AWS)
    for stage in Stage
)
"""In the order of deletion."""
