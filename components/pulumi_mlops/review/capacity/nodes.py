"""The nodes that a cluster has for certain, and what Karpenter may add to them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pulumi_mlops.review.capacity.instances import Capacity, capacity
from pulumi_mlops.review.capacity.workload import Workload, is_tolerated
from pulumi_mlops.review.json_data import Json, JsonObject, items, mapping
from pulumi_mlops.review.values import NotReadable, elements, number, part, text

NODE_GROUP_LABEL = "eks.amazonaws.com/nodegroup"
LINUX = {"kubernetes.io/os": "linux"}


@dataclass(frozen=True)
class NodeGroup:
    """Nodes of one kind that are there all the time."""

    name: str
    instance_types: tuple[str, ...]
    nodes: int
    capacity: Capacity
    """Of one node, the smallest of the instance types in each respect."""
    labels: JsonObject
    taints: Sequence[Json]

    def takes(self, workload: Workload) -> bool:
        """Whether the pods may run on these nodes."""
        if not workload.every_node and not all(is_tolerated(mapping(one), workload.tolerations) for one in self.taints):
            return False
        labels = {**LINUX, **self.labels, NODE_GROUP_LABEL: self.name}
        return all(labels.get(key) == value for key, value in workload.selector.items())

    def __str__(self) -> str:
        types = " or ".join(f"`{one}`" for one in self.instance_types)
        return f"{self.nodes} {'node' if self.nodes == 1 else 'nodes'} of {types}"


def node_groups(groups: Sequence[object]) -> list[NodeGroup]:
    """The groups with the fewest nodes that each may have.

    Raises:
        NotReadable: part of a group is not known, or the size of one of its instance types.
    """
    return [_node_group(mapping(one)) for one in groups]


def _node_group(group: JsonObject) -> NodeGroup:
    types = tuple(str(one) for one in elements(group, "instance_types"))
    if not types:
        raise NotReadable("a node group names no instance type")
    sizes = [capacity(one) for one in types]
    return NodeGroup(
        name=text(group, "name"),
        instance_types=types,
        nodes=int(number(group, "min_size")),
        capacity=Capacity(
            min(one.cpu_cores for one in sizes), min(one.memory_gib for one in sizes), min(one.pods for one in sizes)
        ),
        labels=part(group, "labels"),
        taints=elements(group, "taints"),
    )


@dataclass(frozen=True)
class NodePool:
    """Nodes that Karpenter adds; as many as are needed, since its limits are not looked at."""

    labels: JsonObject
    requirements: tuple[JsonObject, ...]
    taints: Sequence[Json]

    def takes(self, workload: Workload) -> bool:
        """Whether Karpenter would add a node of the pool for the pods."""
        if workload.not_on_karpenter:
            return False
        if not all(is_tolerated(mapping(one), workload.tolerations) for one in self.taints):
            return False
        return all(value in self._values(key) for key, value in workload.selector.items())

    def _values(self, key: str) -> Sequence[Json]:
        if key in self.labels:
            return (self.labels[key],)
        return [
            value
            for one in self.requirements
            if one.get("key") == key and one.get("operator") == "In"
            for value in items(one.get("values"))
        ]


def node_pool(spec: JsonObject) -> NodePool:
    """The pool with the spec of a NodePool."""
    template = mapping(spec.get("template"))
    inner = mapping(template.get("spec"))
    return NodePool(
        labels=mapping(mapping(template.get("metadata")).get("labels")),
        requirements=tuple(_requirements(inner)),
        taints=items(inner.get("taints")),
    )


def _requirements(spec: JsonObject) -> Iterator[JsonObject]:
    yield from map(mapping, items(spec.get("requirements")))
