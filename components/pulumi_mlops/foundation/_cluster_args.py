"""The arguments of `Cluster`, and which it accepts."""

import ipaddress
from collections.abc import Iterator
from typing import Any, NotRequired, TypedDict, cast

import pulumi

from pulumi_mlops import _aws, versions
from pulumi_mlops._args import Argument
from pulumi_mlops.contract.rules import matches, not_empty
from pulumi_mlops.foundation import _managed_addons, _node_groups
from pulumi_mlops.foundation._node_groups import NodeGroupArgs
from pulumi_mlops.foundation._rules import LOG_DAYS

WIDEST_PREFIX = 8
"""Largest block of addresses that may reach the API server without a reason: no company has a larger one."""
LEAST_SUBNETS = 2  # in different zones (CreateCluster)


class ClusterArgs(TypedDict):
    """Arguments of `Cluster`."""

    vpc_id: pulumi.Input[str]
    """Id of the VPC, from `Network` or one that exists. A change replaces the cluster."""
    private_subnet_ids: pulumi.Input[list[pulumi.Input[str]]]
    """Ids of the private subnets, in two zones at least, where nodes and the API server's network interfaces are. With
    another subnet each node group is replaced, new nodes first: EKS cannot move a group. The API server stays in the
    subnets of the first `up`, because EKS accepts only subnets in the zones that a cluster was created in. Those
    subnets cannot be deleted before the cluster is."""
    public_subnet_ids: NotRequired[pulumi.Input[list[pulumi.Input[str]]]]
    """Ids of the public subnets, for load balancers that face the internet; default none. No node is put there."""
    node_groups: NotRequired[list[NodeGroupArgs]]
    """The nodes, at least one group without taints; none with `auto_mode`. Plain: each makes resources."""
    auto_mode: NotRequired[bool]
    """Whether EKS starts the nodes itself, as pods need them, and brings network, DNS, block volumes and load
    balancers (EKS Auto Mode), for a surcharge on each instance; default false. The platform needs the same argument.
    Choose it for a new cluster: volumes of the EBS driver do not move to it. Plain: it decides which resources exist.
    EKS keeps the mode of a cluster whose program no longer has it: docs/aws.md has the command that ends it."""
    cluster_name: NotRequired[str | None]
    """Name of the cluster in its region; default: the component's name. A change replaces the cluster. Plain, and not
    left to AWS: tags of subnets, trusts of roles and the path of the log contain it."""
    kubernetes_version: NotRequired[str]
    """Minor of Kubernetes, one of `versions.MINORS_OF_EKS`; default: that of `versions.py`. AWS upgrades by one minor
    at a time and never back; give kube-proxy of the same minor in `addon_versions`. Plain: it is checked against the
    add-ons."""
    addon_versions: NotRequired[dict[str, str]]
    """Versions of add-ons other than those of `versions.py`, by the add-on's name such as "coredns"; default none."""
    administrators: NotRequired[list[str]]
    """ARNs of the IAM roles and users that administrate the cluster, by access entries; default none. Whoever runs
    the first `up` is one already: pulumi-eks has EKS grant it, by an access entry that no stack owns, and that
    `aws eks delete-access-entry` takes away. Do not list it, EKS refuses a second entry of a principal. Plain: each
    makes resources."""
    public_access_cidrs: NotRequired[list[str]]
    """Blocks of public addresses that may reach the API server from the internet; default none, which turns its
    public endpoint off, so that it is reached from the VPC and connected networks only. Plain: it is checked."""
    public_access_reason: NotRequired[str | None]
    """Why a block larger than a /8, such as "0.0.0.0/0", may reach the API server. Without a reason it is refused."""
    log_days: NotRequired[int]
    """Days for which the control plane's logs are kept, one of the retentions of CloudWatch Logs; default 90."""
    extended_support: NotRequired[bool]
    """Whether a version stays after its standard support ended, at six times the price; default false: AWS then
    upgrades the control plane by itself."""
    protect: NotRequired[bool]
    """Whether Pulumi and AWS refuse to delete the cluster and the key of its Secrets; default true. When false,
    `destroy` ends everything that runs in the cluster, and 30 days later no backup of its Secrets can be read."""
    tags: NotRequired[dict[str, pulumi.Input[str]]]
    """Tags of everything that is created, machines and volumes included; default none."""


def _public_cidr(value: str) -> str | None:
    try:
        block = ipaddress.IPv4Network(value)
    except ValueError:
        return 'must be a block of IPv4 addresses such as "203.0.113.0/24", without host bits'
    if "/" not in value:
        return f'must be a block of addresses, such as "{block}" for the one address'
    if any(
        block.subnet_of(ipaddress.IPv4Network(space)) for space in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
    ):
        return "must be public addresses: EKS refuses private ones, which reach the private endpoint anyway"
    return None


def _log_days(days: int) -> str | None:
    return None if days in LOG_DAYS else f"must be one of {', '.join(map(str, LOG_DAYS))}"


_minor = matches(r"1\.\d{2}", 'a minor of Kubernetes such as "1.36"')

ARGUMENTS = {
    "public_subnet_ids": Argument(default=[]),
    "node_groups": Argument(default=[]),
    "auto_mode": Argument(default=False),
    **_node_groups.ARGUMENTS,
    "cluster_name": Argument(rule=_aws.cluster_name),
    "kubernetes_version": Argument(default=versions.EKS_KUBERNETES, rule=_minor),
    "addon_versions": Argument(default={}),
    "administrators": Argument(default=[], rule=_aws.role_or_user_arn),
    "public_access_cidrs": Argument(default=[], rule=_public_cidr),
    "public_access_reason": Argument(rule=not_empty),
    "log_days": Argument(default=90, rule=_log_days),
    "extended_support": Argument(default=False),
    "protect": Argument(default=True),
    "tags": Argument(default={}),
}


def problems(name: str, args: ClusterArgs) -> Iterator[str]:
    """What is wrong with several arguments together, one line each."""
    if isinstance(args["private_subnet_ids"], list):  # known by number, if not by id
        subnets = cast("list[Any]", args["private_subnet_ids"])
        if len(subnets) < LEAST_SUBNETS:
            yield f"args.private_subnet_ids must be in two zones at least, got {len(subnets)}: EKS accepts no fewer"
    if not args["public_access_reason"]:
        for block in args["public_access_cidrs"]:
            if ipaddress.IPv4Network(block).prefixlen < WIDEST_PREFIX:
                yield (
                    f'args.public_access_cidrs must not open the API server to "{block}" without '
                    "args.public_access_reason: name the networks of the people and machines that need it, or say why"
                )
    administrators = args["administrators"]
    for arn in dict.fromkeys(administrators):
        if administrators.count(arn) > 1:
            yield f'args.administrators must name each once, got "{arn}" {administrators.count(arn)} times'
    minor = args["kubernetes_version"]
    if minor not in versions.MINORS_OF_EKS:
        yield (
            f"args.kubernetes_version must be a minor that this version of the library knows EKS to have, "
            f'{", ".join(versions.MINORS_OF_EKS)}, got "{minor}"'
        )
        return
    yield from _managed_addons.problems(minor, args["addon_versions"], auto_mode=args["auto_mode"])
    if not args["auto_mode"]:
        yield from _node_groups.problems(name, args["node_groups"])
    elif args["node_groups"]:
        yield "args.node_groups must be left out with auto_mode: EKS then starts the nodes itself"
