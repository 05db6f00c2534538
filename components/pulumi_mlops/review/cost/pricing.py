"""What one resource of a type costs; resource_types says which function prices which type."""

from collections.abc import Iterator
from decimal import Decimal

from pulumi_mlops.review import values
from pulumi_mlops.review.cost.lines import Line, fixed, hourly, used
from pulumi_mlops.review.cost.names import name
from pulumi_mlops.review.cost.prices import NoPrice, PriceList, Region
from pulumi_mlops.review.resources import Resource

SSD = ("gp2", "gp3")  # volumes for general use
ROTATED_VERSIONS = 2  # KMS charges the first and the second rotation of a key like a key each


def cluster(cluster: Resource, prices: PriceList, region: Region) -> Iterator[Line]:
    """Extended support costs from the end of standard support on, reckoned on the day of the prices."""
    if values.flag(values.part(cluster.inputs, "computeConfig"), "enabled"):
        raise NoPrice("the table has no prices of EKS Auto Mode")
    standard, extended = region.unit("eks_hour"), region.unit("eks_extended_hour")
    line = hourly(prices, "EKS control plane", 1, standard)
    if values.text(values.part(cluster.inputs, "upgradePolicy"), "supportType", "EXTENDED") == "STANDARD":
        yield line  # AWS upgrades it by itself when standard support ends
        return
    version = values.text(cluster.inputs, "version") if values.is_known(cluster.inputs, "version") else ""
    ends = prices.support_ends.get(version)
    longer = hourly(prices, "EKS control plane in extended support", 1, extended)
    if ends is not None and ends < prices.day:
        yield longer
    elif ends is not None:
        yield line
    else:
        why = "EKS control plane: whether its version is in extended support is not known"
        yield Line(line.what, line.number, line.likely, line.least, longer.most, (why,))


def nat_gateway(_: Resource, prices: PriceList, region: Region) -> Iterator[Line]:
    """The gateway's hours, and an assumed traffic through it."""
    yield hourly(prices, "NAT gateway", 1, region.unit("nat_hour"))
    yield used(prices.uses["nat_gib"], region.unit("nat_gib"))


def address(_: Resource, prices: PriceList, region: Region) -> Iterator[Line]:
    """A public IPv4 address."""
    yield hourly(prices, "public IPv4 address", 1, region.unit("ipv4_hour"))


def endpoint(endpoint: Resource, prices: PriceList, region: Region) -> Iterator[Line]:
    """An interface endpoint in each zone; gateway endpoints are free."""
    kind = values.text(endpoint.inputs, "vpcEndpointType", "Gateway")
    if kind == "Gateway":
        return
    if kind != "Interface":
        raise NoPrice(f"the table has no price of endpoints of type {name(kind)}")
    if zones := len(values.elements(endpoint.inputs, "subnetIds")):
        yield endpoint_zones(zones, prices, region)


def endpoint_zone(_: Resource, prices: PriceList, region: Region) -> Iterator[Line]:
    """An interface endpoint in one zone."""
    yield endpoint_zones(1, prices, region)


def endpoint_zones(zones: int, prices: PriceList, region: Region) -> Line:
    """An interface endpoint in several zones."""
    return hourly(prices, "interface endpoint in a zone", zones, region.unit("endpoint_zone_hour"))


def load_balancer(balancer: Resource, prices: PriceList, region: Region) -> Iterator[Line]:
    """An application or network load balancer, an assumed traffic, and its public addresses."""
    kind = values.text(balancer.inputs, "loadBalancerType", "application")
    if kind not in ("application", "network"):
        raise NoPrice(f"the table has no price of load balancers of type {name(kind)}")
    short = {"application": "alb", "network": "nlb"}[kind]
    yield hourly(prices, f"{kind} load balancer", 1, region.unit(f"{short}_hour"))
    yield used(prices.uses["capacity_units"], region.unit(f"{short}_unit_hour"), prices.hours)
    if not values.flag(balancer.inputs, "internal"):
        zones = values.elements(balancer.inputs, "subnets") or values.elements(balancer.inputs, "subnetMappings")
        yield hourly(prices, "public IPv4 address", len(zones), region.unit("ipv4_hour"))


def database(database: Resource, prices: PriceList, region: Region) -> Iterator[Line]:
    """Prices are those of PostgreSQL. Two zones cost twice; storage that grows by itself is in the band."""
    given = database.inputs
    if (engine := values.text(given, "engine")) != "postgres":
        raise NoPrice(f"the table has no price of the engine {name(engine)}")
    kind = values.text(given, "instanceClass")
    copies = 2 if values.flag(given, "multiAz") else 1
    zones = " in two zones" if copies == 2 else ""
    yield hourly(prices, f"database {kind}{zones}", 1, region.database(kind) * copies)
    if values.flag(given, "manageMasterUserPassword"):
        yield from secret(database, prices, region)
    if (storage := values.text(given, "storageType", "gp2")) not in SSD:
        raise NoPrice(f"the table has no price of database storage {name(storage)}")
    gib = values.number(given, "allocatedStorage")
    line = fixed(f"GiB of database storage{zones}", gib, region.unit(f"database_{storage}_gib") * copies)
    if values.is_known(given, "maxAllocatedStorage") and (most := values.number(given, "maxAllocatedStorage")) > gib:
        why = "database storage grows by itself up to its limit"
        line = Line(line.what, line.number, line.likely, line.least, line.likely * most / gib, (why,))
    yield line


def file_system(files: Resource, prices: PriceList, region: Region) -> Iterator[Line]:
    """An assumed amount of data; nothing for file systems in one zone."""
    if values.is_known(files.inputs, "availabilityZoneName"):
        raise NoPrice("the table has no price of file systems in one zone")
    yield used(prices.uses["file_system_gib"], region.unit("efs_gib"))


def bucket(_: Resource, prices: PriceList, region: Region) -> Iterator[Line]:
    """An assumed amount of data."""
    yield used(prices.uses["bucket_gib"], region.unit("s3_gib"))


def repository(_: Resource, prices: PriceList, region: Region) -> Iterator[Line]:
    """An assumed amount of images."""
    yield used(prices.uses["repository_gib"], region.unit("ecr_gib"))


def volume(volume: Resource, _: PriceList, region: Region) -> Iterator[Line]:
    """A volume for general use by its size."""
    yield _disk(values.text(volume.inputs, "type", "gp2"), values.number(volume.inputs, "size"), region)


def _disk(kind: str, gib: Decimal, region: Region) -> Line:
    if kind not in SSD:
        raise NoPrice(f"the table has no price of volumes of type {name(kind)}")
    return fixed(f"GiB of a volume, {kind}", gib, region.unit(f"{kind}_gib"))


def machine(machine: Resource, prices: PriceList, region: Region) -> Iterator[Line]:
    """A machine with Linux, which needs no licence, its public address and its disks."""
    given = machine.inputs
    market = values.part(given, "instanceMarketOptions")
    if values.text(market, "marketType", "on-demand") != "on-demand":
        raise NoPrice("the table has no price of single spot machines")
    if (tenancy := values.text(given, "tenancy", "default")) != "default":
        raise NoPrice(f"the table has no price of machines with tenancy {name(tenancy)}")
    kind = values.text(given, "instanceType")
    yield hourly(prices, f"machine {kind}, Linux", 1, region.machine(kind))
    if values.flag(given, "associatePublicIpAddress"):
        yield from address(machine, prices, region)
    for disk in values.parts(given, "ebsBlockDevices"):
        yield _disk(values.text(disk, "volumeType", "gp2"), values.number(disk, "volumeSize"), region)
    root = values.part(given, "rootBlockDevice")
    if not values.is_known(root, "volumeSize"):
        raise NoPrice("the size of its root disk is that of its image")
    yield _disk(values.text(root, "volumeType", "gp2"), values.number(root, "volumeSize"), region)


def key(key: Resource, _: PriceList, region: Region) -> Iterator[Line]:
    """A key, and its rotations in the band."""
    price = region.unit("kms_key")
    line = fixed("KMS key", 1, price)
    if values.flag(key.inputs, "enableKeyRotation"):
        why = "KMS key: its first two rotations cost like a key each"
        line = Line(line.what, line.number, line.likely, line.least, price * (1 + ROTATED_VERSIONS), (why,))
    yield line


def secret(_: Resource, __: PriceList, region: Region) -> Iterator[Line]:
    """A secret."""
    yield fixed("secret", 1, region.unit("secret"))


def zone(_: Resource, __: PriceList, region: Region) -> Iterator[Line]:
    """A hosted zone."""
    yield fixed("DNS zone", 1, region.unit("zone"))
