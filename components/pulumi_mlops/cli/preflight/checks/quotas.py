"""Service quotas: what the account may have, has, and what the stack adds."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil

from pulumi_mlops.cli.preflight.account import Account, Refused
from pulumi_mlops.cli.preflight.checks.zones import NODE_GROUP, zones_of
from pulumi_mlops.cli.preflight.planned import Planned
from pulumi_mlops.cli.preflight.results import NotChecked, Result, finding, not_checked, ok
from pulumi_mlops.review.json_data import strings
from pulumi_mlops.review.resources import Resource
from pulumi_mlops.review.values import NotReadable, number, part

RUNNING = ({"Name": "instance-state-name", "Values": ["pending", "running"]},)
UNKNOWN_QUOTA = "NoSuchResourceException"


@dataclass(frozen=True)
class Quota:
    """One of AWS's quotas, by the codes that Service Quotas knows it by."""

    name: str
    service: str
    code: str


ADDRESSES = Quota("Elastic IPs", "ec2", "L-0263D0A3")
VPCS = Quota("VPCs", "vpc", "L-F678F1CE")
INTERNET_GATEWAYS = Quota("internet gateways", "vpc", "L-A4707A72")
NAT_GATEWAYS = Quota("NAT gateways in a zone", "vpc", "L-FE5A380F")
CLUSTERS = Quota("EKS clusters", "eks", "L-1194D53C")

ON_DEMAND, SPOT = "on demand", "Spot"
STANDARD, G, P, INF, TRN = "A, C, D, H, I, M, R, T, Z", "G, VT", "P", "Inf", "Trn"
"""Families of instance types that share a quota of vCPUs."""
FAMILIES = {
    **dict.fromkeys(("a", "c", "d", "h", "i", "im", "is", "m", "r", "t", "z"), STANDARD),
    **{"g": G, "vt": G, "p": P, "inf": INF, "trn": TRN},
}
"""Letters that a type's name begins with → family."""
VCPUS = {
    (market, family): Quota(f"vCPUs {market}, types {family}", "ec2", code)
    for market, family, code in (
        (ON_DEMAND, STANDARD, "L-1216C47A"),
        (ON_DEMAND, G, "L-DB2E81BA"),
        (ON_DEMAND, P, "L-417A185B"),
        (ON_DEMAND, INF, "L-1945791B"),
        (ON_DEMAND, TRN, "L-2C3B7624"),
        (SPOT, STANDARD, "L-34B43A08"),
        (SPOT, G, "L-3819A6DF"),
        (SPOT, INF, "L-B5D1601B"),
        (SPOT, TRN, "L-6B0D517C"),
    )
}
"""(Market, family) → quota of vCPUs. Spot instances of types P have several, by generation."""


@dataclass
class Vcpus:
    """vCPUs of one quota that a stack's node groups need."""

    start: int = 0
    """For the nodes that they begin with."""
    most: int = 0
    """For as many as they may grow to."""


def counted(planned: Planned, account: Account) -> Iterator[Result]:
    """Quotas of things that are counted in a region."""
    for quota, token, operation, key in (
        (ADDRESSES, "aws:ec2/eip:Eip", "DescribeAddresses", "Addresses"),
        (VPCS, "aws:ec2/vpc:Vpc", "DescribeVpcs", "Vpcs"),
        (INTERNET_GATEWAYS, "aws:ec2/internetGateway:InternetGateway", "DescribeInternetGateways", "InternetGateways"),
        (CLUSTERS, "aws:eks/cluster:Cluster", "ListClusters", "clusters"),
    ):
        needed = len(planned.new(token))
        if needed:
            try:
                there = len(account.listed("eks" if quota is CLUSTERS else "ec2", operation, key))
                yield _compared(quota, needed, there, limit(account, quota), account.region)
            except (NotChecked, Refused) as problem:
                yield _unknown(quota, problem)


def nat_gateways(planned: Planned, account: Account) -> Iterator[Result]:
    """The quota of NAT gateways in each zone. A preview does not say in which of them a new one goes."""
    zones = zones_of(planned)
    needed = len(planned.new("aws:ec2/natGateway:NatGateway"))
    if not needed or not zones:
        return
    try:
        states = [{"Name": "state", "Values": ["pending", "available"]}]
        gateways = account.listed("ec2", "DescribeNatGateways", "NatGateways", Filters=states)
        subnets = account.listed("ec2", "DescribeSubnets", "Subnets")
        most = limit(account, NAT_GATEWAYS)
    except (NotChecked, Refused) as problem:
        yield _unknown(NAT_GATEWAYS, problem)
        return
    zone_of = {one["SubnetId"]: one["AvailabilityZone"] for one in subnets}
    there = Counter(zone_of.get(one["SubnetId"], "") for one in gateways)
    of_each = ceil(needed / len(zones))
    full = [zone for zone in zones if there[zone] + of_each > most]
    if len(zones) - len(full) >= min(needed, len(zones)):
        yield ok(NAT_GATEWAYS.name, f"{of_each} more in each of {', '.join(zones)}; {most} are allowed")
    else:
        yield _short(NAT_GATEWAYS, f"{', '.join(full)}: {most} are allowed and in use", most + of_each, account.region)


def vcpus(planned: Planned, account: Account) -> Iterator[Result]:
    """Quotas of vCPUs, by which EC2 limits how many nodes there are."""
    groups = planned.new(NODE_GROUP)
    types = {kind for one in groups for kind in strings(one.inputs.get("instanceTypes"))}
    if not types:
        return
    reservations = account.listed("ec2", "DescribeInstances", "Reservations", Filters=list(RUNNING))
    running = [one for reservation in reservations for one in reservation["Instances"]]
    sizes = _sizes(account, sorted(types | {one["InstanceType"] for one in running}))
    used = Counter[tuple[str, str]]()
    for one in running:
        market = SPOT if one.get("InstanceLifecycle") == "spot" else ON_DEMAND
        used[market, family(one["InstanceType"])] += sizes.get(one["InstanceType"], 0)
    for (market, kind), needed in needs(groups, sizes).items():
        quota = VCPUS.get((market, kind))
        if quota is None:
            yield not_checked(
                f"vCPUs {market}, types {kind}",
                "the quota of these types is not known here",
                f"aws service-quotas list-service-quotas --service-code ec2 --region {account.region}",
            )
            continue
        try:
            yield _nodes(quota, needed, used[market, kind], limit(account, quota), account.region)
        except (NotChecked, Refused) as problem:
            yield _unknown(quota, problem)


def needs(groups: Sequence[Resource], sizes: dict[str, int]) -> dict[tuple[str, str], Vcpus]:
    """What node groups need of each quota: of a group with several types the largest of each family."""
    found: dict[tuple[str, str], Vcpus] = {}
    for group in groups:
        market = SPOT if group.inputs.get("capacityType") == "SPOT" else ON_DEMAND
        try:
            scaling = part(group.inputs, "scalingConfig")
            start = int(max(number(scaling, "desiredSize", 0), number(scaling, "minSize", 0)))
            most = int(number(scaling, "maxSize", start))
        except NotReadable as reason:
            raise NotChecked(f"the size of node group {group.name} is not in the preview: {reason}") from None
        largest = Counter[str]()
        for kind in strings(group.inputs.get("instanceTypes")):
            largest[family(kind)] = max(largest[family(kind)], sizes.get(kind, 0))
        for kind, cores in largest.items():
            quota = found.setdefault((market, kind), Vcpus())
            quota.start += start * cores
            quota.most += most * cores
    return found


def family(instance_type: str) -> str:
    """The family of a type; the letters of its name where no quota of them is known here."""
    letters = re.match("[a-z]+", instance_type)
    name = letters[0] if letters else instance_type
    return FAMILIES.get(name, name)


def limit(account: Account, quota: Quota) -> int:
    """What the account may have: the applied quota, or AWS's default where none was applied."""
    codes = {"ServiceCode": quota.service, "QuotaCode": quota.code}
    try:
        found = account.ask("service-quotas", "GetServiceQuota", **codes)
    except Refused as refused:
        if refused.code != UNKNOWN_QUOTA:
            raise
        found = account.ask("service-quotas", "GetAWSDefaultServiceQuota", **codes)
    return int(found["Quota"]["Value"])


def _sizes(account: Account, types: Sequence[str]) -> dict[str, int]:
    """Number of vCPUs of each type that the region has."""
    listed = account.listed(
        "ec2", "DescribeInstanceTypes", "InstanceTypes", Filters=[{"Name": "instance-type", "Values": list(types)}]
    )
    return {one["InstanceType"]: int(one["VCpuInfo"]["DefaultVCpus"]) for one in listed}


def _compared(quota: Quota, needed: int, there: int, most: int, region: str) -> Result:
    if there + needed <= most:
        return ok(quota.name, f"{needed} more, {there} of {most} in use")
    return _short(quota, f"{needed} more are needed, {there} of {most} are in use", there + needed, region)


def _short(quota: Quota, what: str, desired: int, region: str) -> Result:
    return finding(
        quota.name,
        what,
        "AWS refuses those above the quota: `up` fails on its way, with the rest made",
        _raise(quota, desired, region),
    )


def _nodes(quota: Quota, needed: Vcpus, used: int, most: int, region: str) -> Result:
    free = max(0, most - used)
    if needed.start > free:
        return finding(
            quota.name,
            f"the nodes need {needed.start}, and {free} of {most} are free",
            "EC2 starts no node above the quota (VcpuLimitExceeded, Spot: MaxSpotInstanceCountExceeded): `up` waits "
            "for the node group and fails, after the cluster has been made",
            _raise(quota, used + needed.most, region),
        )
    if needed.most > free:
        return finding(
            quota.name,
            f"the nodes need {needed.start} at the start and {needed.most} at most, and {free} of {most} are free",
            "`up` succeeds; later the node groups cannot grow to the size that they may have",
            _raise(quota, used + needed.most, region),
        )
    return ok(quota.name, f"{needed.start} at the start, {needed.most} at most; {free} of {most} are free")


def _raise(quota: Quota, desired: int, region: str) -> str:
    return (
        f"aws service-quotas request-service-quota-increase --service-code {quota.service} --quota-code {quota.code} "
        f"--desired-value {desired} --region {region}"
    )


def _unknown(quota: Quota, problem: NotChecked | Refused) -> Result:
    return not_checked(quota.name, str(problem), problem.fix if isinstance(problem, NotChecked) else "")
