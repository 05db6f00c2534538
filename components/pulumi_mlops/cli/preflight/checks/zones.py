"""Availability zones: those of the stack's subnets, and whether its nodes can be had in them."""

from collections.abc import Iterator

from pulumi_mlops.cli.preflight.account import Account
from pulumi_mlops.cli.preflight.planned import Planned
from pulumi_mlops.cli.preflight.results import Result, finding, ok
from pulumi_mlops.review.json_data import strings
from pulumi_mlops.review.values import is_known

SUBNET, NODE_GROUP, CLUSTER = "aws:ec2/subnet:Subnet", "aws:eks/nodeGroup:NodeGroup", "aws:eks/cluster:Cluster"
NO_CONTROL_PLANE = ("use1-az3", "usw1-az2", "cac1-az3")
"""Ids of the zones in which EKS places no control plane (EKS User Guide, network requirements)."""
ZONES = "availability zones"
TYPES = "instance types"


def zones(planned: Planned, account: Account) -> Iterator[Result]:
    """Every zone that a subnet names is an ordinary zone of the region."""
    named = zones_of(planned)
    if not named:
        return
    listed = account.listed("ec2", "DescribeAvailabilityZones", "AvailabilityZones", AllAvailabilityZones=True)
    known = {one["ZoneName"]: one for one in listed}
    usable = sorted(name for name, one in known.items() if one.get("ZoneType") == "availability-zone")
    advice = f"set zones of {account.region} in the stack's settings: {', '.join(usable)}"
    wrong = False
    for name in named:
        zone = known.get(name)
        if zone is None:
            what, why = f"{account.region} has no zone {name}", "its subnets are refused"
        elif (kind := zone.get("ZoneType") or "availability-zone") != "availability-zone":
            what, why = f"{name} is a {kind}", "a NAT gateway or the control plane of EKS cannot be placed there"
        elif zone.get("State", "available") != "available":
            what, why = f"{name} is {zone['State']}", "nothing can be placed there now"
        elif zone.get("ZoneId") in NO_CONTROL_PLANE and planned.new(CLUSTER):
            what = f"{name} is {zone['ZoneId']} in this account"
            why = "EKS places no control plane in that zone (UnsupportedAvailabilityZoneException)"
        else:
            continue
        wrong = True
        yield finding(ZONES, what, f"{why}: `up` fails once the VPC has been made", advice)
    if not wrong:
        yield ok(ZONES, ", ".join(named))


def instance_types(planned: Planned, account: Account) -> Iterator[Result]:
    """Every node group has an instance type that each zone of the stack offers."""
    groups = {one.name: strings(one.inputs.get("instanceTypes")) for one in planned.new(NODE_GROUP)}
    wanted = sorted({one for types in groups.values() for one in types})
    if not wanted:
        return
    offers = account.listed(
        "ec2", "DescribeInstanceTypeOfferings", "InstanceTypeOfferings", LocationType="availability-zone",
        Filters=[{"Name": "instance-type", "Values": wanted}],
    )  # fmt: skip
    offered = {kind: {one["Location"] for one in offers if one["InstanceType"] == kind} for kind in wanted}
    places = zones_of(planned) or sorted(set[str]().union(*offered.values()))
    wrong = False
    for group, types in groups.items():
        without = [place for place in places if not any(place in offered[kind] for kind in types)]
        if types and (without or not places):
            wrong = True
            yield finding(
                TYPES,
                f"node group {group}: {' or '.join(types)} cannot be had in {', '.join(without) or account.region}",
                "EC2 refuses the nodes there: `up` fails at the node group, after the cluster has been made",
                "choose types that every zone has; this lists what a zone has: aws ec2 "
                f"describe-instance-type-offerings --region {account.region} --location-type availability-zone "
                f"--filters Name=location,Values={(without or [account.region])[0]} "
                "--query InstanceTypeOfferings[].InstanceType",
            )
    if not wrong:
        yield ok(TYPES, f"{', '.join(wanted)} in {', '.join(places)}")


def zones_of(planned: Planned) -> list[str]:
    """The zones of the subnets that the stack makes."""
    subnets = [one.inputs for one in planned.new(SUBNET)]
    return sorted({str(one["availabilityZone"]) for one in subnets if is_known(one, "availabilityZone")})
