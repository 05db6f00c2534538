"""What kind of environment a Terraform state describes: its network, its cluster, and the settings that fit both."""

import dataclasses
import re
from collections.abc import Collection, Iterable, Iterator, Sequence

from pulumi_mlops import versions
from pulumi_mlops.cli.adopt.access import access_notes, administrators
from pulumi_mlops.cli.adopt.encryption import encryption_notes
from pulumi_mlops.cli.adopt.groups import groups_of, node_groups
from pulumi_mlops.cli.adopt.terraform import Found
from pulumi_mlops.cli.values import items
from pulumi_mlops.foundation import _subnets
from pulumi_mlops.foundation._subnets import LEAST_ZONES, MOST_ZONES, OF_A_NETWORK

CLUSTER = "aws_eks_cluster"
NETWORK = ("aws_vpc", "aws_subnet")
REGION_OF_ARN = 3
WIDEST_PREFIX = 8
"""A larger block of addresses that reach the API server needs a reason in the stack's settings."""
REASON = "as it was under Terraform"

ZONE = re.compile(r"[a-z]{2}(-[a-z]+)+-\d[a-z]")
"""Name of a zone of a region; those of Local Zones and Wavelength are longer."""

OF_THE_DOMAIN = {
    "aws_route53_zone": ("name", "zone_id", "zone_id"),
    "aws_acm_certificate": ("domain_name", "certificate_arn", "arn"),
}
"""Type → where the domain's name stands, the setting that takes the resource, and what it takes."""


@dataclasses.dataclass(frozen=True)
class Survey:
    """The result: the resources, marked where it matters, and the stack's settings."""

    found: list[Found]
    settings: dict[str, object]
    """Settings of the foundation stack that differ from its defaults; None for those that must not be there."""
    by_id: dict[int, str]
    """Resources that a setting names, so that no import is needed: the setting's name by `id()` of the resource."""
    notes: list[str]
    """What the stack will change, or cannot, and that somebody has to know before the first `up`."""
    region: str
    """Region of the cluster, or of the network; empty where neither is in the state."""


def survey(
    found: list[Found], domain_name: str, existing_buckets: Collection[str] = (), cluster_name: str = ""
) -> Survey:
    """Looks at one or several states as a whole.

    Args:
        found: their resources.
        domain_name: the stack's own domain, by which its zone and certificate are known.
        existing_buckets: names of the buckets that the stack uses by its own settings.
        cluster_name: the cluster that the stack takes over of several; empty for the first one.
    """
    deposed = [one for one in found if one.deposed]
    found = [one for one in found if not one.deposed]
    clusters = [one for one in found if one.type == CLUSTER]
    cluster = next((one for one in clusters if one.get("name") == cluster_name), next(iter(clusters), None))
    vpc_id = _vpc(found, cluster)
    marked = [_marked(one, found, vpc_id, cluster) for one in found]
    settings = {
        **_network(marked, vpc_id),
        **(_cluster(cluster) if cluster else {}),
        **({"administrators": admins} if (admins := administrators(found, cluster)) else {}),
        **node_groups(marked, cluster),
        "protect_data": True,  # what is adopted holds data, in a stack for trying things out as well
    }
    ours = [one for one in marked if one.type in NETWORK and one.get("spare") is False]
    by_id = {id(one): "vpc_id" for one in ours if "vpc_id" in settings}
    by_id |= {id(one): "existing_buckets" for one in marked if one.get("bucket") in existing_buckets}
    for one in marked:
        called, setting, path = OF_THE_DOMAIN.get(one.type, ("", "", ""))
        if called and str(one.get(called)).removesuffix(".") == domain_name and setting not in settings:
            settings[setting] = one.get(path)
            by_id[id(one)] = setting
    notes = [*access_notes(found, cluster), *_notes(found, clusters, cluster)]
    return Survey([*marked, *deposed], settings, by_id, notes, _region(cluster, marked))


def _vpc(found: Iterable[Found], cluster: Found | None) -> str:
    """The VPC that the cluster is in, or the one with most subnets."""
    if cluster and cluster.get("vpc_config.0.vpc_id"):
        return cluster.get("vpc_config.0.vpc_id")
    owners = [one.get("vpc_id") for one in found if one.type == "aws_subnet"]
    owners += [one.get("id") for one in found if one.type == "aws_vpc"]
    return max(owners, key=owners.count, default="")


def _region(cluster: Found | None, found: Iterable[Found]) -> str:
    own = [one for one in found if one.type in NETWORK and one.get("spare") is False]
    arns = [str(one.get("arn")).split(":") for one in (*([cluster] if cluster else []), *own)]
    return next((parts[REGION_OF_ARN] for parts in arns if len(parts) > REGION_OF_ARN), "")


def _subnets_in_use(found: Iterable[Found], cluster: Found | None) -> set[str]:
    """The subnets of the cluster and its nodes."""
    used: set[str] = set(items(cluster.get("vpc_config.0.subnet_ids"))) if cluster else set()
    for one in groups_of(cluster, found):
        used.update(items(one.get("subnet_ids")))
    return used


def _marked(one: Found, found: list[Found], vpc_id: str, cluster: Found | None) -> Found:
    """VPCs, clusters and subnets with the marks that matching needs."""
    marks: dict[str, bool] = {}
    if one.type == CLUSTER:
        marks = {"spare": one is not cluster}
    elif one.type == "aws_vpc":
        marks = {"spare": one.get("id") != vpc_id}
    elif one.type == "aws_subnet":
        public, used = _faces_internet(one, found), _subnets_in_use(found, cluster)
        # A zone can have several: those of databases are not for nodes.
        others = any(
            other.type == "aws_subnet" and other.get("id") in used and _faces_internet(other, found) == public
            and other.get("availability_zone") == one.get("availability_zone")
            for other in found
        )  # fmt: skip
        elsewhere = others or not ZONE.fullmatch(str(one.get("availability_zone")))
        spare = one.get("vpc_id") != vpc_id or (elsewhere and one.get("id") not in used)
        marks = {"faces_internet": public, "spare": spare}
    return dataclasses.replace(one, attributes={**one.attributes, **marks}) if marks else one


def _faces_internet(subnet: Found, found: Iterable[Found]) -> bool:
    """By its routes; where the state has none of them, by the tag of load balancers or its public addresses."""
    tables = {
        one.get("route_table_id")
        for one in found
        if one.type == "aws_route_table_association" and one.get("subnet_id") == subnet.get("id")
    }
    routes = [one for one in found if one.type == "aws_route" and one.get("route_table_id") in tables]
    if routes:
        return any(str(one.get("gateway_id")).startswith("igw-") for one in routes)
    return "kubernetes.io/role/elb" in (subnet.get("tags") or {}) or bool(subnet.get("map_public_ip_on_launch"))


def _network(found: list[Found], vpc_id: str) -> dict[str, object]:
    vpc = next((one for one in found if one.type == "aws_vpc" and one.get("id") == vpc_id), None)
    if vpc is None:
        return {}
    subnets = [one for one in found if one.type == "aws_subnet" and not one.get("spare")]
    zones = {one.get("id"): one.get("availability_zone") for one in subnets}
    private = {one.get("availability_zone") for one in subnets if not one.get("faces_internet")}
    gateways = [zones[g.get("subnet_id")] for g in found if g.type == "aws_nat_gateway" and g.get("subnet_id") in zones]
    if _subnets.block_rule(vpc.get("cidr_block")) or not LEAST_ZONES <= len(private) <= MOST_ZONES:
        return _by_id(vpc_id, subnets)
    # The only gateway is in the first zone of the list.
    ordered = sorted(private, key=lambda zone: (len(gateways) == 1 and zone not in gateways, zone))
    nat = "none" if not gateways else "single" if len(gateways) == 1 else "per_zone"
    return {"cidr": vpc.get("cidr_block"), "zones": ordered, "nat": nat}


def _by_id(vpc_id: str, subnets: Iterable[Found]) -> dict[str, object]:
    """A network that `Network` would not make is used as it is."""
    sides: dict[bool, dict[str, str]] = {True: {}, False: {}}
    for one in subnets:
        sides[one.get("faces_internet")].setdefault(one.get("availability_zone"), one.get("id"))
    zones = sorted(sides[False])
    public = {zone: sides[True][zone] for zone in zones if zone in sides[True]}
    return {
        "vpc_id": vpc_id,
        "zones": zones,
        "private_subnet_ids": sides[False],
        **({"public_subnet_ids": public} if len(public) == len(zones) else {}),
        **dict.fromkeys(OF_A_NETWORK),
    }


def _cluster(cluster: Found) -> dict[str, object]:
    """Who reaches the API server still does."""
    settings = {"cluster_name": cluster.get("name")}
    blocks = [one for one in items(cluster.get("vpc_config.0.public_access_cidrs")) if ":" not in one]
    if not cluster.get("vpc_config.0.endpoint_public_access") or not blocks:
        return settings
    wide = any(int(block.partition("/")[2]) < WIDEST_PREFIX for block in blocks)
    return {**settings, "public_access_cidrs": blocks, **({"public_access_reason": REASON} if wide else {})}


def _notes(found: Sequence[Found], clusters: Sequence[Found], cluster: Found | None) -> Iterator[str]:
    if cluster and len(clusters) > 1:
        yield (
            f"the states have the clusters {', '.join(str(one.get('name')) for one in clusters)}, and the stack takes "
            f"over {cluster.get('name')} alone: its setting `cluster_name` picks another"
        )
    if cluster and (version := cluster.get("version")) not in (None, versions.EKS_KUBERNETES):
        yield (
            f"the cluster runs Kubernetes {version} and stays there by the setting `adopted`; the stack's add-ons are "
            f"for {versions.EKS_KUBERNETES}: upgrade it first, or give `kubernetes_version` and `addon_versions`"
        )
    if cluster and (groups := cluster.get("vpc_config.0.security_group_ids")):
        yield (
            f"the cluster's network interfaces are in {', '.join(groups)}, in the stack in EKS's own security group "
            "alone: put the nodes into that (vpc_config.cluster_security_group_id) before the first `up`, or those "
            "that it has not replaced yet do not reach the API server"
        )
    if cluster:
        yield from encryption_notes(found, cluster)
    for one in found:
        if one.tainted:
            yield f"{one.address} is tainted: Terraform would replace it, the stack keeps it; see that it works first"
        if one.type == "aws_efs_file_system" and one.get("encrypted") is False:
            yield f"{one.address} is not encrypted and cannot become so: it stays so by the setting `adopted`"
