"""Node groups of a state: what the stack's setting calls them, and which of them it cannot take over as they are."""

import re
from collections.abc import Iterable

from pulumi_mlops.cli.adopt.terraform import Found
from pulumi_mlops.cli.values import items, mapping
from pulumi_mlops.foundation._images import image_of

GROUP = "aws_eks_node_group"
SPOT = "SPOT"
LONGEST_GROUP = 30
"""Characters of a node group's name: EKS accepts 63, with the names of the cluster and of the group and a suffix."""
AMAZON_LINUX = "AL2"
BESIDE = "the stack makes a new group beside it; once its nodes are ready, remove this one with Terraform"


def group_name(found: Found) -> str:
    """The name of a node group as `node_groups` takes it: without the suffix that Terraform generates.

    The suffix is a time of 18 digits and a hexadecimal counter of 8.
    """
    name = re.sub(r"-\d{17,18}[0-9a-f]{0,8}$", "", str(found.get("node_group_name")))
    return re.sub(r"[^a-z0-9-]+", "-", name.lower()).strip("-")[:LONGEST_GROUP].strip("-") or "nodes"


def not_as_it_is(found: Found) -> str:
    """Why the stack cannot take a node group over; empty where it can."""
    if not _can_be_made(found):
        machines = ", ".join(map(str, items(found.get("instance_types"))))
        return (
            f"the stack has no image for {machines}: it stays with Terraform, whose configuration has to name its role "
            "by ARN and its launch template by id where the stack takes these over"
        )
    if not found.get("launch_template.0.id"):
        return f"it has no launch template, and EKS adds none to a node group: {BESIDE}"
    image, ours = str(found.get("ami_type") or ""), image_of(items(found.get("instance_types"))) or ""
    if image and ours and _system(image) != _system(ours):
        return f"its image is {image}, the stack's for these machines {ours}, which needs another template: {BESIDE}"
    return ""


def groups_of(cluster: Found | None, found: Iterable[Found]) -> list[Found]:
    """The groups of a cluster; all of them where none is in the states."""
    name = cluster.get("name") if cluster else None
    return [one for one in found if one.type == GROUP and name in (None, one.get("cluster_name"))]


def node_groups(found: Iterable[Found], cluster: Found | None) -> dict[str, object]:
    """The groups of the cluster as the stack's setting takes them; nothing where one does not say its machines."""
    groups = groups_of(cluster, found)
    if not all(one.get("instance_types") for one in groups):
        return {}
    made = [_group(one) for one in groups if _can_be_made(one)]
    return {"node_groups": made} if made else {}


def _can_be_made(found: Found) -> bool:
    """Whether there is one image for all of its machines; where the state does not say them, the default ones."""
    machines = items(found.get("instance_types"))
    return not machines or image_of([str(one) for one in machines]) is not None


def _system(image: str) -> str:
    """The operating system of an image: it says what a launch template has to give, such as the disk to enlarge."""
    system = image.partition("_")[0]
    return AMAZON_LINUX if system.startswith(AMAZON_LINUX) else system


def _group(found: Found) -> dict[str, object]:
    scaling = "scaling_config.0"
    sizes = {name: int(found.get(f"{scaling}.{name}") or 0) for name in ("min_size", "max_size", "desired_size")}
    taints = [
        {key: value for key, value in mapping(taint).items() if key in ("key", "value", "effect") and value}
        for taint in items(found.get("taint"))
    ]
    return {
        "name": group_name(found),
        "instance_types": found.get("instance_types"),
        **sizes,
        **({"spot": True} if found.get("capacity_type") == SPOT else {}),
        **({"labels": found.get("labels")} if found.get("labels") else {}),
        **({"taints": taints} if taints else {}),
    }
