"""A VPC over several zones, with public and private subnets.

Creates the VPC, its subnets, routes, NAT gateways, endpoints and flow logs. Does not own: peering and transit
gateways, DNS zones, the tags that a load balancer controller adds. A network that exists is used by giving its ids to
`Cluster` and the databases, without this component.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from pulumi_mlops import _aws
from pulumi_mlops._args import Argument, check_args, inputs
from pulumi_mlops._rules import object_name
from pulumi_mlops.contract.rules import matches
from pulumi_mlops.foundation import _subnets, _vpc_parts, endpoints
from pulumi_mlops.foundation._rules import LOG_DAYS

ANYWHERE = "0.0.0.0/0"


class NatMode(StrEnum):
    """How private subnets reach the internet."""

    NONE = "none"
    """Not at all. Nodes then need images from ECR, and an interface endpoint of every AWS service they use; a warning
    names those of `endpoints.NODES` that are missing."""
    SINGLE = "single"
    """By one gateway, in the first zone of the list. If that zone fails, no zone reaches the internet."""
    PER_ZONE = "per_zone"
    """By a gateway in each zone; traffic between zones is neither needed nor paid for."""


class NetworkArgs(TypedDict):
    """Arguments of `Network`."""

    region: str
    """Region of the stack's AWS provider, such as "eu-central-1". Plain: the zones are checked against it."""
    zones: list[str]
    """Two to four zones of the region, such as "eu-central-1a": EKS and RDS need two. Plain: each makes subnets. A
    zone's subnets follow from the letter of its name, so that adding a zone changes no other."""
    cidr: NotRequired[str]
    """Block of the VPC, /16 to /20, within RFC 1918; default "10.0.0.0/16". It cannot be changed later. A zone's
    private subnet is a sixteenth of it, its public one a 64th. Plain: the subnets are computed from it."""
    nat: NotRequired[NatMode]
    """How private subnets reach the internet; default `single`. Plain: decides how many gateways there are."""
    cluster_names: NotRequired[list[str]]
    """Names of the EKS clusters that use the network, for the tags by which load balancer controllers and Karpenter
    find subnets; default none. With more than one, Karpenter has to select by `kubernetes.io/cluster/<name>`, since
    `karpenter.sh/discovery` can name one cluster only. Plain: they are keys of tags."""
    interface_endpoints: NotRequired[list[str]]
    """Short names of AWS services that are reached without leaving the VPC, such as "ecr.api"; default none. Each
    costs an hourly fee per zone. S3 is always reached that way, which costs nothing. Plain: each makes an endpoint."""
    flow_log_days: NotRequired[int]
    """Days for which the log of all connections is kept, one of the retentions of CloudWatch Logs; default 30, and 0
    for no log. Plain: decides whether there is a log."""
    protect: NotRequired[bool]
    """Whether Pulumi refuses to delete the VPC, and so to replace it by one with another `cidr`; default true: all of
    an environment stands on it."""
    tags: NotRequired[dict[str, pulumi.Input[str]]]
    """Tags of everything that is created; default none."""


def _flow_log_days(days: int) -> str | None:
    return None if days == 0 or days in LOG_DAYS else f"must be 0 or one of {', '.join(map(str, LOG_DAYS))}"


_service = matches(
    r"(?!com\.amazonaws)[a-z0-9]+([.-][a-z0-9]+)*",
    'the short name of a service such as "ecr.api", without what '
    'comes before it in "com.amazonaws.eu-central-1.ecr.api"',
)

ARGUMENTS = {
    "region": Argument(rule=_aws.supported_region),
    "cidr": Argument(default="10.0.0.0/16", rule=_subnets.block_rule),
    "nat": Argument(default=NatMode.SINGLE),
    "cluster_names": Argument(default=[], rule=_aws.cluster_name),
    "interface_endpoints": Argument(default=[], rule=_service),
    "flow_log_days": Argument(default=30, rule=_flow_log_days),
    "protect": Argument(default=True),
    "tags": Argument(default={}),
}


class Network(pulumi.ComponentResource):
    """A VPC with a public and a private subnet in each zone, ready for EKS.

    Only load balancers and NAT gateways have public addresses. The VPC's default security group admits nothing.

    ```python
    from pulumi_mlops.foundation import NatMode, Network

    zones = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
    network = Network("dev", {"region": "eu-central-1", "zones": zones, "nat": NatMode.PER_ZONE})
    pulumi.export("subnets", network.private_subnet_ids)
    ```
    """

    vpc_id: pulumi.Output[str]
    """Id of the VPC."""
    cidr: pulumi.Output[str]
    """Block of the VPC."""
    private_subnet_ids: pulumi.Output[list[str]]
    """Ids of the private subnets in the order of `zones`, known when their way to the internet exists."""
    public_subnet_ids: pulumi.Output[list[str]]
    """Ids of the public subnets in the order of `zones`."""
    nat_addresses: pulumi.Output[list[str]]
    """Public addresses from which the private subnets reach the internet, for allow lists of others."""

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        checked = check_args(Network, name, args, NetworkArgs, ARGUMENTS, problems=_problems, name_rule=object_name(40))
        super().__init__("pulumi-mlops:index:Network", name, inputs(args), opts)
        if checked["nat"] == NatMode.NONE and checked["cluster_names"]:
            lacking = endpoints.missing(checked["interface_endpoints"], endpoints.NODES)
            if lacking:
                pulumi.log.warn(f'Network "{name}": args.interface_endpoints {lacking}', self)
        self._name = name
        self._args = checked
        self._tags = checked["tags"]
        self._child = pulumi.ResourceOptions(parent=self)

        self._vpc = self._create_vpc()
        internet = aws.ec2.InternetGateway(
            f"{name}-internet-gateway", vpc_id=self._vpc.id, tags=self._named("internet"), opts=self._child
        )
        public, ways_out = self._create_public_subnets(internet)
        gateways = self._create_gateways(public, internet, ways_out)
        private, tables = self._create_private_subnets(gateways)
        vpc = _vpc_parts.Vpc(name, checked["region"], self._vpc, self._tags, self)
        _vpc_parts.create_s3_endpoint(vpc, tables)
        _vpc_parts.create_interface_endpoints(vpc, checked["interface_endpoints"], private)
        if days := checked["flow_log_days"]:
            _vpc_parts.create_flow_log(vpc, days)

        self.vpc_id = self._vpc.id
        self.cidr = self._vpc.cidr_block
        self.private_subnet_ids = pulumi.Output.all(*private.values())
        self.public_subnet_ids = pulumi.Output.all(*(subnet.id for subnet in public.values()))
        self.nat_addresses = pulumi.Output.all(*(gateway.public_ip for gateway in gateways.values()))
        self.register_outputs(
            {
                "vpc_id": self.vpc_id,
                "cidr": self.cidr,
                "private_subnet_ids": self.private_subnet_ids,
                "public_subnet_ids": self.public_subnet_ids,
                "nat_addresses": self.nat_addresses,
            }
        )

    def _create_vpc(self) -> aws.ec2.Vpc:
        vpc = aws.ec2.Vpc(
            f"{self._name}-vpc",
            cidr_block=self._args["cidr"],
            enable_dns_support=True,
            enable_dns_hostnames=True,  # interface endpoints and EFS mount targets are found by name
            tags=self._named("vpc"),
            opts=pulumi.ResourceOptions(parent=self, protect=self._args["protect"]),
        )
        aws.ec2.DefaultSecurityGroup(  # without rules: whoever forgets to choose a group gets one that admits nothing
            f"{self._name}-default-security-group",
            vpc_id=vpc.id,
            tags=self._named("unused"),
            opts=self._child,
        )
        return vpc

    def _create_public_subnets(
        self, internet: aws.ec2.InternetGateway
    ) -> tuple[dict[str, aws.ec2.Subnet], dict[str, list[pulumi.Resource]]]:
        """The subnets by their zones, and what leads out of each."""
        table, routes = self._create_route_table("public", gateway_id=internet.id)
        found: dict[str, aws.ec2.Subnet] = {}
        ways_out: dict[str, list[pulumi.Resource]] = {}
        for zone in self._args["zones"]:
            found[zone] = self._create_subnet("public", zone, {"kubernetes.io/role/elb": "1"})
            ways_out[zone] = [self._associate("public", zone, found[zone], table), *routes]
        return found, ways_out

    def _create_gateways(
        self,
        public: Mapping[str, aws.ec2.Subnet],
        internet: aws.ec2.InternetGateway,
        ways_out: Mapping[str, list[pulumi.Resource]],
    ) -> dict[str, aws.ec2.NatGateway]:
        # AWS refuses a NAT gateway where there is no way out, and to take the way from under an address in use.
        after = pulumi.ResourceOptions(parent=self, depends_on=[internet])
        found: dict[str, aws.ec2.NatGateway] = {}
        for zone in nat_zones(self._args["nat"], self._args["zones"]):
            address = aws.ec2.Eip(
                f"{self._name}-nat-address-{zone}", domain="vpc", tags=self._named(f"nat-{zone}"), opts=after
            )
            found[zone] = aws.ec2.NatGateway(
                f"{self._name}-nat-{zone}",
                subnet_id=public[zone].id,
                allocation_id=address.id,
                tags=self._named(f"nat-{zone}"),
                # And with its way out: whoever waits for the gateway, the nodes above all, is there to use it.
                opts=pulumi.ResourceOptions(parent=self, depends_on=[internet, *ways_out[zone]]),
            )
        return found

    def _create_private_subnets(
        self, gateways: Mapping[str, aws.ec2.NatGateway]
    ) -> tuple[dict[str, pulumi.Output[str]], dict[str, aws.ec2.RouteTable]]:
        found: dict[str, pulumi.Output[str]] = {}
        tables: dict[str, aws.ec2.RouteTable] = {}
        for zone in self._args["zones"]:
            subnet = self._create_subnet("private", zone, private_tags(self._args["cluster_names"]))
            gateway = gateways.get(zone) or next(iter(gateways.values()), None)
            tables[zone], routes = self._create_route_table(
                "private", zone, nat_gateway_id=gateway.id if gateway else None
            )
            association = self._associate("private", zone, subnet, tables[zone])
            # Nodes that start before their route to the registry and the API server exists never join.
            found[zone] = pulumi.Output.all(subnet.id, association.id, *(route.id for route in routes)).apply(
                lambda ids: ids[0]
            )
        return found, tables

    def _create_subnet(self, role: str, zone: str, tags: Mapping[str, str]) -> aws.ec2.Subnet:
        pair = _subnets.subnets(self._args["cidr"], zone)
        return aws.ec2.Subnet(
            f"{self._name}-{role}-{zone}",
            vpc_id=self._vpc.id,
            cidr_block=pair.private if role == "private" else pair.public,
            availability_zone=zone,
            map_public_ip_on_launch=False,  # load balancers and NAT gateways bring their own addresses
            tags={**cluster_tags(self._args["cluster_names"]), **tags, **self._named(f"{role}-{zone}")},
            opts=self._child,
        )

    def _create_route_table(
        self,
        role: str,
        zone: str = "",
        *,
        gateway_id: pulumi.Input[str] | None = None,
        nat_gateway_id: pulumi.Input[str] | None = None,
    ) -> tuple[aws.ec2.RouteTable, list[aws.ec2.Route]]:
        suffix = f"{role}-{zone}" if zone else role
        table = aws.ec2.RouteTable(
            f"{self._name}-{suffix}-routes", vpc_id=self._vpc.id, tags=self._named(suffix), opts=self._child
        )
        if gateway_id is None and nat_gateway_id is None:
            return table, []
        route = aws.ec2.Route(
            f"{self._name}-{suffix}-internet",
            route_table_id=table.id,
            destination_cidr_block=ANYWHERE,
            gateway_id=gateway_id,
            nat_gateway_id=nat_gateway_id,
            opts=self._child,
        )
        return table, [route]

    def _associate(
        self, role: str, zone: str, subnet: aws.ec2.Subnet, table: aws.ec2.RouteTable
    ) -> aws.ec2.RouteTableAssociation:
        return aws.ec2.RouteTableAssociation(
            f"{self._name}-{role}-{zone}-routing", subnet_id=subnet.id, route_table_id=table.id, opts=self._child
        )

    def _named(self, role: str) -> dict[str, pulumi.Input[str]]:
        return {"Name": f"{self._name}-{role}", **self._tags}


def nat_zones(mode: NatMode, zones: list[str]) -> list[str]:
    """The zones that get a NAT gateway."""
    return {NatMode.NONE: [], NatMode.SINGLE: zones[:1], NatMode.PER_ZONE: zones}[mode]


def cluster_tags(cluster_names: list[str]) -> dict[str, str]:
    """Tags that say which clusters share a subnet."""
    return {f"kubernetes.io/cluster/{name}": "shared" for name in cluster_names}


def private_tags(cluster_names: list[str]) -> dict[str, str]:
    """Tags of the subnets of internal load balancers and nodes."""
    discovery = {"karpenter.sh/discovery": cluster_names[0]} if len(cluster_names) == 1 else {}
    return {"kubernetes.io/role/internal-elb": "1", **discovery}


def _problems(args: NetworkArgs) -> Iterator[str]:
    yield from _subnets.zone_problems(args["region"], args["zones"])
    for field, values in (
        ("cluster_names", args["cluster_names"]),
        ("interface_endpoints", args["interface_endpoints"]),
    ):
        for value in dict.fromkeys(values):
            if values.count(value) > 1:
                yield f'args.{field} must name each once, got "{value}" {values.count(value)} times'
    if "s3" in args["interface_endpoints"]:
        yield 'args.interface_endpoints must not name "s3", which always has an endpoint of its own'
