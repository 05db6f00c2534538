"""Whether a platform fits on the nodes of its cluster: one verdict for each `EksPlatform`, in one sentence."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from pulumi_mlops.review.capacity.nodes import NodeGroup, NodePool, node_groups, node_pool
from pulumi_mlops.review.capacity.packing import packed
from pulumi_mlops.review.capacity.running import Running, running
from pulumi_mlops.review.capacity.workload import Workload
from pulumi_mlops.review.cost.pods import Pod
from pulumi_mlops.review.json_data import items, mapping
from pulumi_mlops.review.preview import Preview
from pulumi_mlops.review.resources import Resource, after, environment, sides
from pulumi_mlops.review.values import NotReadable, flag, is_hidden

PLATFORM = "pulumi-mlops:index:EksPlatform"
CLUSTER = "pulumi-mlops:index:Cluster"
NODE_GROUPS = "node_groups"
AUTO_MODE = "auto_mode"
AUTO = "EKS Auto Mode starts the nodes that the pods ask for"
GROUPS_UNKNOWN = (
    "the platform is not told its node groups; its argument `node_groups` names them, and a foundation that makes the "
    "cluster has an output of that name"
)
NOT_CHECKED = "whether it fits on its nodes was not checked"
ROLLING_UPDATE = "a rolling update of the largest pod"
MOST_NODES_MORE = 50
"""How many nodes more are tried before no number of them is named."""
NAMED = 8
"""Workloads without room that are named."""


class Verdict(StrEnum):
    """Whether it fits."""

    FITS = "fits"
    DOES_NOT_FIT = "does not fit"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True)
class Fit:
    """The verdict on one platform."""

    stack: str
    urn: str
    verdict: Verdict
    message: str
    """One sentence, without the stack's name."""


def fits(previews: Sequence[Preview]) -> list[Fit]:
    """The verdict on every platform of the stacks that are reviewed together, but for previews that did not end."""
    resources = after(previews).all
    found = [fit(one, resources) for one in resources if one.type == PLATFORM]
    if not found:
        return []
    ended = {one.stack for one in previews if one.complete}
    # Part of a platform may fit where the whole does not; the other way round it is known.
    partial = {one.stack for one in previews if one.stack in ended and sides(one).hidden}
    return [
        _unseen(one) if one.stack in partial and one.verdict is Verdict.FITS else one
        for one in found
        if one.stack in ended
    ]


def _unseen(one: Fit) -> Fit:
    return replace(
        one, verdict=Verdict.NOT_CHECKED, message=f"{NOT_CHECKED}: the preview was made without --show-sames"
    )


def fit(platform: Resource, resources: Sequence[Resource]) -> Fit:
    """The verdict on one platform; `resources` are those of all stacks that are reviewed together."""
    try:
        groups = _groups(platform, resources)
    except NotReadable as reason:
        verdict, message = Verdict.NOT_CHECKED, f"{NOT_CHECKED}: {reason}"
    else:
        verdict, message = _judged(groups, _pools(mine := _of(platform, resources)), running(mine))
    return Fit(platform.stack, platform.urn, verdict, message)


def _groups(platform: Resource, resources: Sequence[Resource]) -> list[NodeGroup]:
    """Those of the one cluster of the environment that is reviewed as well, or else those that the platform is told.

    The latter are outputs of the foundation as it stands, which a change of its settings has not reached yet.
    """
    here = environment(platform.stack)
    clusters = [one for one in resources if one.type == CLUSTER and environment(one.stack) == here]
    told = clusters[0] if len(clusters) == 1 else platform
    if flag(told.inputs, AUTO_MODE) or flag(platform.inputs, AUTO_MODE):
        raise NotReadable(AUTO)
    given = told.inputs.get(NODE_GROUPS)
    if given is None or is_hidden(given):
        raise NotReadable(GROUPS_UNKNOWN)
    return node_groups(items(given))


def _of(platform: Resource, resources: Sequence[Resource]) -> list[Resource]:
    """What is on the platform's cluster: its whole stack, or its own part of it where the stack has several."""
    mine = [one for one in resources if one.stack == platform.stack]
    if sum(one.type == PLATFORM for one in mine) == 1:
        return mine
    parents = {one.urn: one.parent for one in mine}
    return [one for one in mine if platform.urn in _above(one.urn, parents)]


def _above(urn: str, parents: dict[str, str]) -> Iterator[str]:
    while urn := parents.get(urn, ""):
        yield urn


def _pools(resources: Sequence[Resource]) -> list[NodePool]:
    return [node_pool(mapping(one.inputs.get("spec"))) for one in resources if one.kind == "NodePool"]


def _judged(groups: Sequence[NodeGroup], pools: Sequence[NodePool], found: Running) -> tuple[Verdict, str]:
    workloads = (*found.workloads, _largest(found.workloads))
    result = packed(groups, pools, workloads)
    there = " and ".join(str(one) for one in groups if one.nodes) or "no node"
    needs, has = _needs(groups, found.workloads), _has(groups)
    besides = f"; not counted: {', '.join(found.not_counted)}" if found.not_counted else ""
    if result.no_room:
        message = (
            f"does not fit on the smallest node set, {there}: needs {needs}, has {has}; no room for "
            f"{_named(result.no_room)}{_remedy(groups, pools, workloads)}{besides}"
        )
        return Verdict.DOES_NOT_FIT, message
    added = f", with nodes that Karpenter adds for {result.on_karpenter} pods" if result.on_karpenter else ""
    return Verdict.FITS, f"fits on the smallest node set, {there}{added}: needs {needs}, has {has}{besides}"


def _largest(workloads: Sequence[Workload]) -> Workload:
    """Room for one pod more, which a rolling update needs: as large as the largest in each respect."""
    pods = [one.pod for one in workloads if not one.every_node]
    cpu = max((one.cpu_cores for one in pods), default=Decimal(0))
    memory = max((one.memory_gib for one in pods), default=Decimal(0))
    return Workload(ROLLING_UPDATE, 1, Pod(cpu, memory, silent=False), selector={})


def _needs(groups: Sequence[NodeGroup], workloads: Sequence[Workload]) -> str:
    def times(one: Workload) -> int:
        return sum(group.nodes for group in groups if group.takes(one)) if one.every_node else one.number

    return _amounts(
        sum((times(one) * one.pod.cpu_cores for one in workloads), Decimal(0)),
        sum((times(one) * one.pod.memory_gib for one in workloads), Decimal(0)),
        sum(map(times, workloads)),
    )


def _has(groups: Sequence[NodeGroup]) -> str:
    return _amounts(
        sum((one.nodes * one.capacity.cpu_cores for one in groups), Decimal(0)),
        sum((one.nodes * one.capacity.memory_gib for one in groups), Decimal(0)),
        sum(one.nodes * one.capacity.pods for one in groups),
    )


def _amounts(cpu_cores: Decimal, memory_gib: Decimal, pods: int) -> str:
    return f"{cpu_cores:.2f} CPU cores, {memory_gib:.1f} GiB of memory and {pods} pods"


def _named(no_room: Sequence[tuple[str, int]]) -> str:
    said = [f"{name} ({count} pods)" if count > 1 else name for name, count in no_room[:NAMED]]
    more = len(no_room) - NAMED
    return ", ".join([*said, f"and {more} more"] if more > 0 else said)


def _remedy(groups: Sequence[NodeGroup], pools: Sequence[NodePool], workloads: Sequence[Workload]) -> str:
    """The smallest number of nodes with which all has room, of the first group that takes ordinary pods."""
    ordinary = next((one for one in groups if one.takes(_largest(workloads))), None)
    if ordinary is not None:
        for more in range(1, MOST_NODES_MORE + 1):
            enough = replace(ordinary, nodes=ordinary.nodes + more)
            if not packed([enough if one is ordinary else one for one in groups], pools, workloads).no_room:
                return f"; with min_size {enough.nodes} of the node group `{ordinary.name}` it fits"
    return ""
