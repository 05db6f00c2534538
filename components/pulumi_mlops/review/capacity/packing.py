"""Which pods have a place on the nodes: first fit, the largest first.

The scheduler spreads pods rather than fill nodes, so that a set that is only just packed here may not be placed there.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from pulumi_mlops.review.capacity.nodes import NodeGroup, NodePool
from pulumi_mlops.review.capacity.workload import Workload


@dataclass
class _Node:
    group: NodeGroup
    cpu_cores: Decimal
    memory_gib: Decimal
    pods: int
    names: set[str] = field(default_factory=set[str])
    """Workloads with a pod on it."""

    def add(self, one: Workload) -> bool:
        """Puts a pod on the node; says whether there was room."""
        fits = (
            self.pods >= 1
            and self.cpu_cores >= one.pod.cpu_cores
            and self.memory_gib >= one.pod.memory_gib
            and not (one.apart and one.name in self.names)
        )
        if fits:
            self.cpu_cores -= one.pod.cpu_cores
            self.memory_gib -= one.pod.memory_gib
            self.pods -= 1
            self.names.add(one.name)
        return fits


@dataclass(frozen=True)
class Packing:
    """What became of the pods."""

    no_room: tuple[tuple[str, int], ...]
    """Workload → how many of its pods have no place."""
    on_karpenter: int
    """Pods for which Karpenter adds nodes."""


def packed(groups: Sequence[NodeGroup], pools: Sequence[NodePool], workloads: Sequence[Workload]) -> Packing:
    """Puts the pods on the nodes of the groups, and what has no room there on nodes that Karpenter adds."""
    nodes = [
        _Node(group, group.capacity.cpu_cores, group.capacity.memory_gib, group.capacity.pods)
        for group in groups
        for _ in range(group.nodes)
    ]
    no_room: dict[str, int] = {}
    for one in _of_every_node(workloads):
        if failed := sum(not node.add(one) for node in nodes if node.group.takes(one)):
            no_room[one.name] = failed
    added = 0
    for one in sorted(_others(workloads), key=lambda one: _weight(one, groups), reverse=True):
        left = one.number
        for node in nodes:
            while left and node.group.takes(one) and node.add(one):
                left -= 1
        if left and any(pool.takes(one) for pool in pools):
            added += left
        elif left:
            no_room[one.name] = no_room.get(one.name, 0) + left
    return Packing(tuple(no_room.items()), added)


def _of_every_node(workloads: Sequence[Workload]) -> Iterator[Workload]:
    yield from (one for one in workloads if one.every_node)


def _others(workloads: Sequence[Workload]) -> Iterator[Workload]:
    yield from (one for one in workloads if not one.every_node)


def _weight(one: Workload, groups: Sequence[NodeGroup]) -> tuple[bool, bool, Decimal, str]:
    """What is placed first: what Karpenter cannot take, what needs nodes of its own, then by the share of a node."""
    shares = [
        max(one.pod.cpu_cores / group.capacity.cpu_cores, one.pod.memory_gib / group.capacity.memory_gib)
        for group in groups
    ]
    return one.not_on_karpenter, one.apart, max(shares, default=Decimal(0)), one.name
