"""Pods that are alike, and which nodes take them."""

from collections.abc import Sequence
from dataclasses import dataclass

from pulumi_mlops.review.cost.pods import Pod
from pulumi_mlops.review.json_data import Json, JsonObject, items, mapping

HOSTNAME = "kubernetes.io/hostname"
KEPT_OUT = ("NoSchedule", "NoExecute")
"""Effects of taints by which a node refuses pods."""
EFFECTS = {"NO_SCHEDULE": "NoSchedule", "NO_EXECUTE": "NoExecute", "PREFER_NO_SCHEDULE": "PreferNoSchedule"}
"""EKS's words → those of Kubernetes."""


@dataclass(frozen=True)
class Workload:
    """Pods that are alike."""

    name: str
    number: int
    pod: Pod
    selector: JsonObject
    """Labels that their node must have."""
    tolerations: Sequence[Json] = ()
    apart: bool = False
    """Whether no two of them may share a node."""
    every_node: bool = False
    """Whether they are a DaemonSet's, which tolerate every taint here: those that are known do."""
    not_on_karpenter: bool = False
    """Whether they must run on the cluster's own node groups."""


def of_spec(name: str, number: int, pod: Pod, spec: JsonObject, *, every_node: bool = False) -> Workload:
    """The workload with a pod's spec; `pod` is its size."""
    return Workload(
        name,
        number,
        pod,
        mapping(spec.get("nodeSelector")),
        items(spec.get("tolerations")),
        apart=_is_apart(spec),
        every_node=every_node,
    )


def _is_apart(spec: JsonObject) -> bool:
    """Whether its anti-affinity forbids to share a node; it is taken for one among its own replicas."""
    against = mapping(mapping(spec.get("affinity")).get("podAntiAffinity"))
    required = items(against.get("requiredDuringSchedulingIgnoredDuringExecution"))
    return any(mapping(term).get("topologyKey") == HOSTNAME for term in required)


def is_tolerated(taint: JsonObject, tolerations: Sequence[object]) -> bool:
    """Whether pods with the tolerations run on a node with the taint, in EKS's words or in those of Kubernetes."""
    effect = EFFECTS.get(str(taint.get("effect")), taint.get("effect"))
    if effect not in KEPT_OUT:
        return True
    return any(_tolerates(mapping(one), taint, effect) for one in tolerations)


def _tolerates(toleration: JsonObject, taint: JsonObject, effect: object) -> bool:
    if toleration.get("effect") not in (None, "", effect):
        return False
    if toleration.get("operator") == "Exists":
        return toleration.get("key") in (None, "", taint.get("key"))
    same_key = toleration.get("key") == taint.get("key")
    return same_key and str(toleration.get("value") or "") == str(taint.get("value") or "")
