"""What the nodes of an EKS managed node group cost: machines and their disks.

The autoscaler decides how many nodes there are. The estimate takes the desired number, the band the smallest and the
largest; `desired_size` is what the stack starts with, and an autoscaler may have moved the real number since.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from pulumi_mlops.review import values
from pulumi_mlops.review.cost.lines import Line, plain
from pulumi_mlops.review.cost.names import name
from pulumi_mlops.review.cost.prices import NoPrice, PriceList, Region, Share
from pulumi_mlops.review.json_data import mapping
from pulumi_mlops.review.preview import UNKNOWN
from pulumi_mlops.review.resources import Resource

TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
DEFAULT_MACHINE = "t3.medium"  # CreateNodegroup, where neither the group nor a template names one
DEFAULT_DISK_GIB = 20  # CreateNodegroup, for Linux
WHOLE = Share(Decimal(1), Decimal(1), Decimal(1))
SIZES = "nodes: the desired number is counted, the smallest and the largest number allowed for"
SPOT = "spot machines: their price moves, up to that on demand"


def node_group(group: Resource, prices: PriceList, region: Region, templates: Sequence[Resource]) -> Iterator[Line]:
    """Lines of the group; `templates` are all launch templates on the same side of the change."""
    nodes = _nodes(group)
    spot = _spot(group)
    has_template = group.inputs.get("launchTemplate") is not None
    types = [str(one) for one in values.elements(group.inputs, "instanceTypes")]
    if UNKNOWN in types:
        raise NoPrice("instanceTypes is known only after apply")
    if not types and has_template:
        raise NoPrice("instanceTypes is in its launch template")
    kind = types[0] if types else DEFAULT_MACHINE  # the most wanted; of a spot group others may come
    price = region.machine(kind)
    share = prices.spot if spot else WHOLE
    how = f"spot at {plain(share.likely * 100)} % of {plain(price)}" if spot else plain(price)
    why = (SIZES, SPOT) if spot else (SIZES,)
    yield _line(f"node {kind}, {how} USD an hour", nodes, price * prices.hours, share, why)
    gib = _disk_gib(group, templates) if has_template else values.number(group.inputs, "diskSize", DEFAULT_DISK_GIB)
    monthly = gib * region.unit("gp3_gib")
    yield _line(f"disk of a node, gp3, {plain(gib)} GiB, {plain(monthly)} USD a month", nodes, monthly, WHOLE, (SIZES,))


def _nodes(group: Resource) -> Share:
    sizes = values.part(group.inputs, "scalingConfig")
    return Share(values.number(sizes, "minSize"), values.number(sizes, "desiredSize"), values.number(sizes, "maxSize"))


def _spot(group: Resource) -> bool:
    capacity = values.text(group.inputs, "capacityType", "ON_DEMAND")
    if capacity not in ("ON_DEMAND", "SPOT"):
        raise NoPrice(f"the table has no price of capacity {name(capacity.lower())}")
    return capacity == "SPOT"


def _line(what: str, nodes: Share, price: Decimal, share: Share, why: tuple[str, ...]) -> Line:
    return Line(
        what,
        nodes.likely,
        nodes.likely * price * share.likely,
        nodes.least * price * share.least,
        nodes.most * price * share.most,
        why,
    )


def _disk_gib(group: Resource, templates: Sequence[Resource]) -> Decimal:
    """Size of a node's disks. Which template a new group takes is not known yet: of several new ones, the largest."""
    wanted = mapping(group.inputs["launchTemplate"]).get("id", UNKNOWN)
    new = ("", UNKNOWN)
    found = [one for one in templates if one.id in (new if wanted in new else (wanted,))]
    if not found:
        raise NoPrice("the size of the nodes' disks is in a launch template that the preview does not show")
    return max(_template_gib(one) for one in found)


def _template_gib(template: Resource) -> Decimal:
    disks = [values.part(one, "ebs") for one in values.parts(template.inputs, "blockDeviceMappings")]
    for disk in disks:
        if values.text(disk, "volumeType", "gp3") != "gp3":
            raise NoPrice(f"the table has no price of disks of type {name(disk['volumeType'])}")
    return sum((values.number(disk, "volumeSize", DEFAULT_DISK_GIB) for disk in disks), Decimal(0)) or Decimal(
        DEFAULT_DISK_GIB
    )
