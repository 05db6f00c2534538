"""What one resource costs, by its type. Types that are free, or cost by use alone, are in the table and not here."""

from collections.abc import Callable, Iterator, Sequence

from pulumi_mlops.review.cost import inputs as of
from pulumi_mlops.review.cost.holdings import Resource
from pulumi_mlops.review.cost.lines import Line, fixed, hourly, used
from pulumi_mlops.review.cost.naming import name
from pulumi_mlops.review.cost.nodes import node_group
from pulumi_mlops.review.cost.table import NoPrice, Region, Table

NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"
ROTATED_VERSIONS = 2  # KMS charges the first and the second rotation of a key like a key each
Pricer = Callable[[Resource, Table, Region], Iterator[Line]]


def lines(resource: Resource, table: Table, region: Region, templates: Sequence[Resource]) -> Iterator[Line]:
    """What the resource costs. Raises NoPrice, also after the first lines: those stand, and the rest has no price."""
    if resource.type == NODE_GROUP:
        yield from node_group(resource, table, region, templates)
    else:
        yield from PRICERS[resource.type](resource, table, region)


def priced(type_token: str) -> bool:
    """Whether resources of the type have prices here."""
    return type_token == NODE_GROUP or type_token in PRICERS


def _cluster(cluster: Resource, table: Table, region: Region) -> Iterator[Line]:
    """Extended support costs from the end of standard support on, reckoned on the day of the table."""
    if of.flag(of.part(cluster.inputs, "computeConfig"), "enabled"):
        raise NoPrice("the table has no prices of EKS Auto Mode")
    standard, extended = region.unit("eks_hour"), region.unit("eks_extended_hour")
    line = hourly(table, "EKS control plane", 1, standard)
    if of.text(of.part(cluster.inputs, "upgradePolicy"), "supportType", "EXTENDED") == "STANDARD":
        yield line  # AWS upgrades it by itself when standard support ends
        return
    version = of.text(cluster.inputs, "version") if of.known(cluster.inputs, "version") else ""
    ends = table.support_ends.get(version)
    longer = hourly(table, "EKS control plane in extended support", 1, extended)
    if ends is not None and ends < table.day:
        yield longer
    elif ends is not None:
        yield line
    else:
        why = "EKS control plane: whether its version is in extended support is not known"
        yield Line(line.what, line.number, line.likely, line.least, longer.most, (why,))


def _nat_gateway(_: Resource, table: Table, region: Region) -> Iterator[Line]:
    yield hourly(table, "NAT gateway", 1, region.unit("nat_hour"))
    yield used(table.uses["nat_gib"], region.unit("nat_gib"))


def _address(_: Resource, table: Table, region: Region) -> Iterator[Line]:
    yield hourly(table, "public IPv4 address", 1, region.unit("ipv4_hour"))


def _endpoint(endpoint: Resource, table: Table, region: Region) -> Iterator[Line]:
    kind = of.text(endpoint.inputs, "vpcEndpointType", "Gateway")
    if kind == "Gateway":
        return
    if kind != "Interface":
        raise NoPrice(f"the table has no price of endpoints of type {name(kind)}")
    if zones := len(of.items(endpoint.inputs, "subnetIds")):
        yield _endpoint_zones(zones, table, region)


def _endpoint_zone(_: Resource, table: Table, region: Region) -> Iterator[Line]:
    yield _endpoint_zones(1, table, region)


def _endpoint_zones(zones: int, table: Table, region: Region) -> Line:
    return hourly(table, "interface endpoint in a zone", zones, region.unit("endpoint_zone_hour"))


def _load_balancer(balancer: Resource, table: Table, region: Region) -> Iterator[Line]:
    kind = of.text(balancer.inputs, "loadBalancerType", "application")
    if kind not in ("application", "network"):
        raise NoPrice(f"the table has no price of load balancers of type {name(kind)}")
    short = {"application": "alb", "network": "nlb"}[kind]
    yield hourly(table, f"{kind} load balancer", 1, region.unit(f"{short}_hour"))
    yield used(table.uses["capacity_units"], region.unit(f"{short}_unit_hour"), table.hours)
    if not of.flag(balancer.inputs, "internal"):
        zones = of.items(balancer.inputs, "subnets") or of.items(balancer.inputs, "subnetMappings")
        yield hourly(table, "public IPv4 address", len(zones), region.unit("ipv4_hour"))


def _database(database: Resource, table: Table, region: Region) -> Iterator[Line]:
    """Prices are those of PostgreSQL. Two zones cost twice; storage that grows by itself is in the band."""
    given = database.inputs
    if (engine := of.text(given, "engine")) != "postgres":
        raise NoPrice(f"the table has no price of the engine {name(engine)}")
    kind = of.text(given, "instanceClass")
    copies = 2 if of.flag(given, "multiAz") else 1
    zones = " in two zones" if copies == 2 else ""
    yield hourly(table, f"database {kind}{zones}", 1, region.database(kind) * copies)
    if of.flag(given, "manageMasterUserPassword"):
        yield from _secret(database, table, region)
    if (storage := of.text(given, "storageType", "gp2")) != "gp3":
        raise NoPrice(f"the table has no price of database storage {name(storage)}")
    gib = of.number(given, "allocatedStorage")
    line = fixed(f"GiB of database storage{zones}", gib, region.unit("database_gp3_gib") * copies)
    if of.known(given, "maxAllocatedStorage") and (most := of.number(given, "maxAllocatedStorage")) > gib:
        why = "database storage grows by itself up to its limit"
        line = Line(line.what, line.number, line.likely, line.least, line.likely * most / gib, (why,))
    yield line


def _file_system(files: Resource, table: Table, region: Region) -> Iterator[Line]:
    if of.known(files.inputs, "availabilityZoneName"):
        raise NoPrice("the table has no price of file systems in one zone")
    yield used(table.uses["file_system_gib"], region.unit("efs_gib"))


def _bucket(_: Resource, table: Table, region: Region) -> Iterator[Line]:
    yield used(table.uses["bucket_gib"], region.unit("s3_gib"))


def _repository(_: Resource, table: Table, region: Region) -> Iterator[Line]:
    yield used(table.uses["repository_gib"], region.unit("ecr_gib"))


def _volume(volume: Resource, _: Table, region: Region) -> Iterator[Line]:
    if (kind := of.text(volume.inputs, "type", "gp2")) != "gp3":
        raise NoPrice(f"the table has no price of volumes of type {name(kind)}")
    yield fixed("GiB of a volume, gp3", of.number(volume.inputs, "size"), region.unit("gp3_gib"))


def _key(key: Resource, _: Table, region: Region) -> Iterator[Line]:
    price = region.unit("kms_key")
    line = fixed("KMS key", 1, price)
    if of.flag(key.inputs, "enableKeyRotation"):
        why = "KMS key: its first two rotations cost like a key each"
        line = Line(line.what, line.number, line.likely, line.least, price * (1 + ROTATED_VERSIONS), (why,))
    yield line


def _secret(_: Resource, __: Table, region: Region) -> Iterator[Line]:
    yield fixed("secret", 1, region.unit("secret"))


def _zone(_: Resource, __: Table, region: Region) -> Iterator[Line]:
    yield fixed("DNS zone", 1, region.unit("zone"))


PRICERS: dict[str, Pricer] = {
    "aws:alb/loadBalancer:LoadBalancer": _load_balancer,
    "aws:ebs/volume:Volume": _volume,
    "aws:ec2/eip:Eip": _address,
    "aws:ec2/natGateway:NatGateway": _nat_gateway,
    "aws:ec2/vpcEndpoint:VpcEndpoint": _endpoint,
    "aws:ec2/vpcEndpointSubnetAssociation:VpcEndpointSubnetAssociation": _endpoint_zone,
    "aws:ecr/repository:Repository": _repository,
    "aws:efs/fileSystem:FileSystem": _file_system,
    "aws:eks/cluster:Cluster": _cluster,
    "aws:kms/key:Key": _key,
    "aws:lb/loadBalancer:LoadBalancer": _load_balancer,
    "aws:rds/instance:Instance": _database,
    "aws:route53/zone:Zone": _zone,
    "aws:s3/bucket:Bucket": _bucket,
    "aws:s3/bucketV2:BucketV2": _bucket,
    "aws:secretsmanager/secret:Secret": _secret,
}
