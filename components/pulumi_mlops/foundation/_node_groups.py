"""Managed node groups of a cluster: their machines, and which image these run."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws
import pulumi_eks as eks

from pulumi_mlops._args import Argument
from pulumi_mlops.contract.rules import at_least, matches, not_empty
from pulumi_mlops.foundation._images import image_of, reason_against

ROOT_DEVICE = "/dev/xvda"  # of Amazon Linux 2023
BOTTLEROCKET_DATA_DEVICE = "/dev/xvdb"  # images and logs; its root volume holds the system alone
NODE_POLICIES = ("AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly", "AmazonEKS_CNI_Policy")
"""What a node may do. The CNI policy is the node's and no pod identity's: without addresses no pod starts at all, the
agent that hands out identities included."""


class TaintEffect(StrEnum):
    """What happens to pods that do not tolerate a taint."""

    NO_SCHEDULE = "NO_SCHEDULE"
    """They are not placed on the node."""
    PREFER_NO_SCHEDULE = "PREFER_NO_SCHEDULE"
    """They are placed elsewhere if possible."""
    NO_EXECUTE = "NO_EXECUTE"
    """They are not placed on the node, and those that run there are evicted."""


class TaintArgs(TypedDict):
    """A taint of every node of a group."""

    key: str
    """Key of the taint, such as "nvidia.com/gpu"."""
    value: NotRequired[str | None]
    """Value of the taint; default none."""
    effect: TaintEffect
    """What happens to pods that do not tolerate it."""


class NodeGroupArgs(TypedDict):
    """Nodes of one kind."""

    name: str
    """Name of the group within the cluster: lower-case letters, digits and inner hyphens, at most 40 and at most 48
    together with the component's name. EKS accepts 63 characters, of which Pulumi's suffix and `-nodes` take 15."""
    instance_types: list[str]
    """Types of machines, most wanted first, such as "m7i.large"; all of one architecture, and all with NVIDIA GPUs
    (families g, gr and p) or none. A spot group with several loses fewer nodes at a time. A change replaces the group,
    node by node of the new one first. Give nodes with GPUs the taint `nvidia.com/gpu`, which steps with `gpus`
    tolerate."""
    min_size: int
    """Fewest nodes, at least 0."""
    max_size: int
    """Most nodes, at least 1; at most 450, EKS's own limit for a group."""
    desired_size: NotRequired[int | None]
    """Nodes at creation; default: `min_size`. Later changes are left to the autoscaler and ignored."""
    spot: NotRequired[bool]
    """Whether the nodes are spare capacity, cheaper and taken away at two minutes' notice; default false."""
    labels: NotRequired[dict[str, pulumi.Input[str]]]
    """Kubernetes labels of the nodes; default none."""
    taints: NotRequired[list[TaintArgs]]
    """Taints of the nodes; default none. One group of a cluster must have none."""
    disk_gib: NotRequired[int]
    """Size in GiB of the volume for images and logs, which is the root volume, or on nodes with GPUs, which run
    Bottlerocket, the second one; default 50, at least 20."""
    subnet_ids: NotRequired[list[pulumi.Input[str]] | None]
    """Private subnets of the nodes; default: those of the cluster. One subnet keeps a group in one zone."""
    pod_metadata_reason: NotRequired[str | None]
    """Why pods of these nodes must reach the instance metadata, and with it the node's own role. Default: they do
    not (hop limit 1); with a reason the limit is 2. Pods get their roles by Pod Identity, which needs neither."""


_name = matches("[a-z]([-a-z0-9]{0,38}[a-z0-9])?", "at most 40 lower-case letters, digits and inner hyphens")
_instance_type = matches(
    r"[a-z]+[0-9]+[a-z0-9-]*\.(nano|micro|small|medium|[0-9]*x?large|metal(-[0-9]+xl)?)",
    'a type of EC2 machine such as "m7i.large"',
)

ARGUMENTS = {
    "node_groups.name": Argument(rule=_name),
    "node_groups.instance_types": Argument(rule=_instance_type),
    "node_groups.min_size": Argument(rule=at_least(0, "nodes")),
    "node_groups.max_size": Argument(rule=at_least(1, "node")),
    "node_groups.spot": Argument(default=False),
    "node_groups.labels": Argument(default={}),
    "node_groups.taints": Argument(default=[]),
    "node_groups.taints.key": Argument(rule=not_empty),
    "node_groups.disk_gib": Argument(default=50, rule=at_least(20, "GiB")),
    "node_groups.pod_metadata_reason": Argument(rule=not_empty),
}
"""Rows of `ClusterArgs.node_groups`."""
MOST_NODES = 450  # nodes per managed node group (Amazon EKS service quotas)
LONGEST_NAME = 63  # characters of a managed node group's name (CreateNodegroup)
SUFFIX = 8  # characters that Pulumi appends to a name, so that a replacement can stand beside what it replaces


@dataclass(frozen=True)
class Settings:
    """What all groups of a cluster share."""

    role_arn: pulumi.Input[str]
    kubernetes_version: str
    subnet_ids: pulumi.Input[list[pulumi.Input[str]]]
    tags: dict[str, pulumi.Input[str]]


def create_role(
    name: str, tags: dict[str, pulumi.Input[str]], parent: pulumi.Resource
) -> tuple[aws.iam.Role, list[pulumi.Resource]]:
    """The role of every node, and what gives it its rights."""
    child = pulumi.ResourceOptions(parent=parent)
    principal = {"Service": "ec2.amazonaws.com"}
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    role = aws.iam.Role(
        f"{name}-nodes-role",
        description=f"Nodes of the cluster {name}",
        assume_role_policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        tags=tags,
        opts=child,
    )
    rights: list[pulumi.Resource] = [
        aws.iam.RolePolicyAttachment(
            f"{name}-nodes-{policy}", role=role.name, policy_arn=f"arn:aws:iam::aws:policy/{policy}", opts=child
        )
        for policy in NODE_POLICIES
    ]
    return role, rights


def create_node_group(
    cluster: eks.Cluster,
    name: str,
    group: NodeGroupArgs,
    settings: Settings,
    opts: pulumi.ResourceOptions,
) -> eks.ManagedNodeGroup:
    """One group, called `name` in Pulumi and AWS."""
    tags = {"Name": name, **settings.tags}
    template = aws.ec2.LaunchTemplate(
        f"{name}-machine",
        description=f"Machines of the node group {group['name']}",
        metadata_options={
            "http_endpoint": "enabled",
            "http_tokens": "required",
            "http_put_response_hop_limit": hop_limit(group),
            "instance_metadata_tags": "disabled",
        },
        block_device_mappings=[
            {
                "device_name": _data_device(group["instance_types"]),
                "ebs": {
                    "volume_type": "gp3",
                    "volume_size": group["disk_gib"],
                    "encrypted": "true",
                    "delete_on_termination": "true",
                },
            }
        ],
        tag_specifications=[
            {"resource_type": kind, "tags": tags} for kind in ("instance", "volume", "network-interface")
        ],
        update_default_version=True,
        tags=tags,
        opts=pulumi.ResourceOptions(parent=opts.parent),
    )
    return eks.ManagedNodeGroup(
        f"{name}-nodes",
        cluster=cluster,
        node_role_arn=settings.role_arn,
        version=settings.kubernetes_version,
        ami_type=image_of(group["instance_types"]),
        capacity_type="SPOT" if group["spot"] else "ON_DEMAND",
        instance_types=group["instance_types"],
        ignore_scaling_changes=True,
        scaling_config={
            "min_size": group["min_size"],
            "max_size": group["max_size"],
            "desired_size": desired_size(group),
        },
        labels=group["labels"],
        taints=[_taint(one) for one in group["taints"]],
        subnet_ids=settings.subnet_ids if group["subnet_ids"] is None else group["subnet_ids"],
        launch_template={"id": template.id, "version": template.latest_version.apply(str)},
        tags=tags,
        opts=opts,
    )


def desired_size(group: NodeGroupArgs) -> int:
    """Nodes at creation."""
    return group["min_size"] if group["desired_size"] is None else group["desired_size"]


def _taint(taint: TaintArgs) -> aws.eks.NodeGroupTaintArgs:
    return aws.eks.NodeGroupTaintArgs(key=taint["key"], value=taint["value"], effect=taint["effect"])


def _data_device(instance_types: Sequence[str]) -> str:
    return BOTTLEROCKET_DATA_DEVICE if str(image_of(instance_types)).startswith("BOTTLEROCKET") else ROOT_DEVICE


def hop_limit(group: NodeGroupArgs) -> int:
    """How far an answer of the metadata service travels: 1 ends at the node, 2 reaches its pods."""
    return 2 if group["pod_metadata_reason"] else 1


def full_name(cluster: str, group: str) -> str:
    """What a group of a Cluster component is called in Pulumi."""
    return f"{cluster}-{group}-nodes"


def problems(cluster: str, groups: Sequence[NodeGroupArgs]) -> Iterator[str]:
    """What is wrong with several fields of the groups of a Cluster component together, one line each."""
    if not groups:
        yield "args.node_groups must not be empty: DNS and the storage drivers need a node"
        return
    names = [group["name"] for group in groups]
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            yield f'args.node_groups must have different names, got "{name}" {names.count(name)} times'
    for index, group in enumerate(groups):
        at = f"args.node_groups[{index}]"
        longest = LONGEST_NAME - SUFFIX - len(full_name(cluster, ""))
        if len(group["name"]) > longest:
            yield (
                f"{at}.name must have at most {longest} characters in a cluster component called {cluster}, got "
                f'"{group["name"]}": EKS accepts {LONGEST_NAME} for "{full_name(cluster, group["name"])}" and the '
                f"{SUFFIX} that Pulumi appends"
            )
        least, desired, most = group["min_size"], desired_size(group), group["max_size"]
        if most > MOST_NODES:
            yield f"{at}.max_size must be at most {MOST_NODES} nodes, got {most}"
        if not least <= desired <= most:
            yield (
                f"{at} must have min_size ≤ desired_size ≤ max_size, got {least}, {desired} and {most}: EKS refuses "
                "anything else"
            )
        if not group["instance_types"]:
            yield f"{at}.instance_types must not be empty"
        elif image_of(group["instance_types"]) is None:
            yield f"{at}.instance_types {reason_against(group['instance_types'])}"
        if group["subnet_ids"] == []:
            yield f"{at}.subnet_ids must not be empty: leave it out for the cluster's"
    if all(group["taints"] for group in groups):
        yield "args.node_groups must have one group without taints, for DNS and the storage drivers' controllers"
