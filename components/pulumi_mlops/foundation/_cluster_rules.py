"""Which arguments a cluster accepts."""

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any, cast

from pulumi_mlops import _aws, versions
from pulumi_mlops._args import Rule, matches, not_empty
from pulumi_mlops.foundation import _addons, _node_groups
from pulumi_mlops.foundation._rules import LOG_DAYS

WIDEST_PREFIX = 8
"""Largest block of addresses that may reach the API server without a reason: no company has a larger one."""


LEAST_SUBNETS = 2  # in different zones (CreateCluster)


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


RULES: dict[str, Rule] = {
    **_node_groups.RULES,
    "cluster_name": _aws.cluster_name,
    "kubernetes_version": matches(r"1\.\d{2}", 'a minor of Kubernetes such as "1.36"'),
    "administrators": _aws.role_or_user_arn,
    "public_access_cidrs": _public_cidr,
    "public_access_reason": not_empty,
    "log_days": _log_days,
}


def problems(name: str, args: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with several arguments together, one line each."""
    if isinstance(args["private_subnet_ids"], list):  # known by number, if not by id
        subnets = cast("list[Any]", args["private_subnet_ids"])
        if len(subnets) < LEAST_SUBNETS:
            yield f"args.private_subnet_ids must be in two zones at least, got {len(subnets)}: EKS accepts no fewer"
    blocks: list[str] = args.get("public_access_cidrs") or []
    if not args.get("public_access_reason"):
        for block in blocks:
            if ipaddress.IPv4Network(block).prefixlen < WIDEST_PREFIX:
                yield (
                    f'args.public_access_cidrs must not open the API server to "{block}" without '
                    "args.public_access_reason: name the networks of the people and machines that need it, or say why"
                )
    administrators: list[str] = args.get("administrators") or []
    for arn in dict.fromkeys(administrators):
        if administrators.count(arn) > 1:
            yield f'args.administrators must name each once, got "{arn}" {administrators.count(arn)} times'
    minor = args.get("kubernetes_version")
    if minor is not None and minor not in versions.MINORS_OF_EKS:
        yield (
            f"args.kubernetes_version must be a minor that this version of the library knows EKS to have, "
            f'{", ".join(versions.MINORS_OF_EKS)}, got "{minor}"'
        )
        return
    yield from _addons.problems(args)
    yield from _node_groups.problems(name, args["node_groups"])
