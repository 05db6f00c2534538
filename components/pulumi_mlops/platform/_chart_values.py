"""What the values of the add-ons' charts have in common: replicas on different nodes, budgets, images from a mirror."""

from collections.abc import Mapping

import pulumi

from pulumi_mlops._manifests import Manifest
from pulumi_mlops._text import formatted

DEFAULT_REPLICAS = 2
"""One replica goes with its node; two survive that, and every controller here elects a leader."""
MAX_REPLICAS = 10
PRIORITY_CLASS = "system-cluster-critical"
"""Of controllers without which nothing else in the cluster gets an address, a certificate, a secret or a node."""


def spread(labels: Mapping[str, str] | None = None) -> list[Manifest]:
    """Topology spread constraints: the pods with these labels are on different nodes in different zones, if possible.

    ScheduleAnyway, since a controller that waits for a second zone while one is down helps nobody. Without labels the
    constraints have no selector, for charts that add their own.
    """
    selector = {} if labels is None else {"labelSelector": {"matchLabels": dict(labels)}}
    return [
        {"maxSkew": 1, "topologyKey": key, "whenUnsatisfiable": "ScheduleAnyway", **selector}
        for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
    ]


def budget(replicas: int) -> Manifest:
    """A disruption budget that lets nodes be drained one pod at a time; none for a single pod, which it would block."""
    return {"enabled": True, "maxUnavailable": 1} if replicas > 1 else {"enabled": False}


def mirrored(mirror: pulumi.Input[str] | None, registry: str, image: str) -> pulumi.Input[str]:
    """An image's name, at its own registry or at a mirror, where it has the same path."""
    return formatted("{0}/" + image, registry if mirror is None else mirror)
