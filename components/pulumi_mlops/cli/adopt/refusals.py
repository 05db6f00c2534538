"""Environments that no foundation stack can take over: each is one sentence, before anything is previewed."""

from collections.abc import Iterator, Sequence

from pulumi_mlops.cli.adopt.survey import CLUSTER, ZONE
from pulumi_mlops.cli.adopt.terraform import Found
from pulumi_mlops.cli.errors import CommandError
from pulumi_mlops.cli.values import items
from pulumi_mlops.foundation._subnets import LEAST_ZONES

PARTITION_OF_ARN = 1


def refuse(found: Sequence[Found], vpc_setting: str) -> None:
    """Raises a CommandError if the stack could not take this over.

    Args:
        found: the resources, marked by `survey`.
        vpc_setting: the VPC that the stack uses by its own settings; empty where it makes one.
    """
    for problem in _problems([one for one in found if not one.deposed], vpc_setting):
        raise CommandError(problem)


def _problems(found: Sequence[Found], vpc_setting: str) -> Iterator[str]:
    cluster = next((one for one in found if one.type == CLUSTER and not one.get("spare")), None)
    for one in found:
        parts = str(one.get("arn")).split(":")
        if one.type in (CLUSTER, "aws_vpc") and parts[0] == "arn" and parts[PARTITION_OF_ARN] != "aws":
            yield f"{one.address} is in the partition {parts[PARTITION_OF_ARN]}; the library's stacks are for aws alone"
    if cluster:
        yield from _about_cluster(cluster, found, vpc_setting)
    yield from _about_network(found, vpc_setting)


def _about_cluster(cluster: Found, found: Sequence[Found], vpc_setting: str) -> Iterator[str]:
    if cluster.get("kubernetes_network_config.0.ip_family") == "ipv6":
        yield f"{cluster.address} gives its pods IPv6 addresses, the stack's cluster IPv4 ones: it would be replaced"
    vpc = cluster.get("vpc_config.0.vpc_id")
    subnets = items(cluster.get("vpc_config.0.subnet_ids"))
    known = {one.get("id") for one in found if one.type in ("aws_vpc", "aws_subnet")}
    if vpc_setting and vpc_setting == vpc:
        return
    if (vpc and vpc not in known) or not known & {vpc, *subnets}:
        place = vpc or f"the VPC of {', '.join(map(str, subnets)) or 'its subnets'}"
        yield (
            f"{cluster.address} is in {place}, which is in none of the states: name the state of the network too, by "
            "`--state`, or use it as it is by the settings `vpc_id`, `zones` and `private_subnet_ids`"
        )


def _about_network(found: Sequence[Found], vpc_setting: str) -> Iterator[str]:
    vpc = next((one for one in found if one.type == "aws_vpc" and not one.get("spare")), None)
    if vpc is None or vpc_setting:
        return
    subnets = [one for one in found if one.type == "aws_subnet" and not one.get("spare")]
    for one in subnets:
        if not ZONE.fullmatch(zone := str(one.get("availability_zone"))):
            yield (
                f"{one.address} is in {zone}, a Local or Wavelength Zone, and the cluster uses it: the stack knows "
                "zones of the region alone"
            )
    zones = sorted({str(one.get("availability_zone")) for one in subnets if not one.get("faces_internet")})
    if subnets and len(zones) < LEAST_ZONES:
        has = f"private subnets in {zones[0]} alone" if zones else "no private subnet"
        yield (
            f"{vpc.address} ({vpc.get('id')}) has {has}; the stack needs one in each of {LEAST_ZONES} zones at least: "
            "make them with Terraform first"
        )
