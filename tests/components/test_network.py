import json
from typing import Any

import pulumi
import pytest
from pulumi_mlops import ArgumentError
from pulumi_mlops.foundation import NatMode, Network, endpoints
from pulumi_mlops.foundation._vpc_parts import flow_log_policy
from syrupy.assertion import SnapshotAssertion

from tests.conftest import UNKNOWN, Build, Graph, Registration

ARGS: dict[str, Any] = {"region": "eu-central-1", "zones": ["eu-central-1a", "eu-central-1b"]}
FULL: dict[str, Any] = {
    "region": "eu-central-1",
    "zones": ["eu-central-1c", "eu-central-1a", "eu-central-1b"],
    "cidr": "172.20.0.0/18",
    "nat": NatMode.PER_ZONE,
    "cluster_names": ["dev"],
    "interface_endpoints": ["ecr.api", "sts"],
    "flow_log_days": 90,
    "tags": {"team": "platform", "environment": "dev"},
}
UNTAGGED = {"Network", "Route", "RouteTableAssociation", "VpcEndpointRouteTableAssociation"} | {
    "VpcEndpointSubnetAssociation",
    "RolePolicy",
}
"""Kinds of resources that AWS gives no tags."""


def network(build: Build, preview: bool = False, **changes: Any) -> Graph:
    return build(lambda: Network("dev", {**ARGS, **changes}), preview=preview)


def by_name(graph: Graph) -> dict[str, Registration]:
    return {one.urn: one for one in graph if one.kind != "Network"}


def test_the_smallest_network_is_as_reviewed(build: Build, snapshot: SnapshotAssertion) -> None:
    assert network(build, preview=True).contract() == snapshot


def test_the_fullest_network_is_as_reviewed(build: Build, snapshot: SnapshotAssertion) -> None:
    assert network(build, preview=True, **FULL).contract() == snapshot


def test_every_resource_is_a_child_and_carries_the_tags(build: Build) -> None:
    graph = network(build, **FULL)

    for one in by_name(graph).values():
        assert one.parent == graph["dev"].urn
        assert one.name.startswith("dev-")
        if one.kind not in UNTAGGED:
            assert one.inputs["tags"].items() >= FULL["tags"].items(), one.name


@pytest.mark.parametrize("nat", list(NatMode))
def test_a_zone_that_is_added_changes_nothing_that_exists(build: Build, nat: NatMode) -> None:
    settings = {**FULL, "nat": nat, "zones": ["eu-central-1b", "eu-central-1c"]}
    before = by_name(network(build, **settings))
    after = by_name(network(build, **{**settings, "zones": [*settings["zones"], "eu-central-1a"]}))

    assert {urn: one.inputs for urn, one in after.items() if urn in before} == {
        urn: one.inputs for urn, one in before.items()
    }
    assert all("eu-central-1a" in urn for urn in after.keys() - before.keys())
    assert len(after) > len(before)


@pytest.mark.parametrize(("nat", "zones"), [(NatMode.NONE, 0), (NatMode.SINGLE, 1), (NatMode.PER_ZONE, 2)])
def test_private_subnets_reach_the_internet_as_told(build: Build, nat: NatMode, zones: int) -> None:
    graph = network(build, nat=nat)

    assert len(graph.of_kind("NatGateway")) == len(graph.of_kind("Eip")) == zones
    routes = {one.name: one.inputs for one in graph.of_kind("Route")}
    assert routes.pop("dev-public-internet")["gatewayId"] == "dev-internet-gateway-id"
    assert len(routes) == (2 if zones else 0)
    gateways = {inputs["natGatewayId"] for inputs in routes.values()}
    assert gateways == {f"dev-nat-{zone}-id" for zone in ARGS["zones"][:zones]}


def test_gateways_wait_for_the_way_out_and_subnets_for_their_route(build: Build) -> None:
    consumer = lambda ids: Network("other", {**ARGS, "tags": {"subnet": ids[0]}})  # noqa: E731
    graph = build(lambda: consumer(Network("dev", ARGS).private_subnet_ids))  # type: ignore[arg-type]

    assert graph["dev-internet-gateway"].urn in graph["dev-nat-eu-central-1a"].dependencies
    needs = graph["other-vpc"].dependencies
    assert {graph["dev-private-eu-central-1a-internet"].urn, graph["dev-private-eu-central-1a-routing"].urn} <= needs


def test_load_balancers_and_nodes_find_their_subnets(build: Build) -> None:
    graph = network(build, cluster_names=["dev"])
    public, private = (graph[f"dev-{role}-eu-central-1a"].inputs["tags"] for role in ("public", "private"))

    assert public["kubernetes.io/role/elb"] == private["kubernetes.io/role/internal-elb"] == "1"
    assert public["kubernetes.io/cluster/dev"] == private["kubernetes.io/cluster/dev"] == "shared"
    assert private["karpenter.sh/discovery"] == "dev"
    assert "karpenter.sh/discovery" not in public
    assert "kubernetes.io/role/elb" not in private


def test_two_clusters_share_the_subnets(build: Build) -> None:
    tags = network(build, cluster_names=["blue", "green"])["dev-private-eu-central-1a"].inputs["tags"]

    assert {"kubernetes.io/cluster/blue", "kubernetes.io/cluster/green"} <= tags.keys()
    assert "karpenter.sh/discovery" not in tags


def test_no_subnet_hands_out_public_addresses(build: Build) -> None:
    assert [one.inputs["mapPublicIpOnLaunch"] for one in network(build).of_kind("Subnet")] == [False] * 4


def test_the_default_security_group_admits_nothing(build: Build) -> None:
    inputs = network(build)["dev-default-security-group"].inputs

    assert inputs["vpcId"] == "dev-vpc-id"
    assert not {"ingress", "egress"} & inputs.keys()


def test_s3_is_always_reached_inside_aws(build: Build) -> None:
    graph = network(build)

    assert graph["dev-s3"].inputs["serviceName"] == "com.amazonaws.eu-central-1.s3"
    assert graph["dev-s3"].inputs["vpcEndpointType"] == "Gateway"
    tables = {one.inputs["routeTableId"] for one in graph.of_kind("VpcEndpointRouteTableAssociation")}
    assert tables == {f"dev-private-{zone}-routes-id" for zone in ARGS["zones"]}
    assert not graph.of_kind("SecurityGroup")


def test_interface_endpoints_answer_the_vpc_alone(build: Build) -> None:
    graph = network(build, interface_endpoints=["ecr.api"])

    assert graph["dev-ecr.api"].inputs["serviceName"] == "com.amazonaws.eu-central-1.ecr.api"
    assert graph["dev-ecr.api"].inputs["privateDnsEnabled"]
    (rule,) = graph.of_kind("SecurityGroupIngressRule")
    assert (rule.inputs["cidrIpv4"], rule.inputs["fromPort"], rule.inputs["toPort"]) == ("10.0.0.0/16", 443, 443)


def test_nodes_without_a_way_out_are_told_which_endpoints_they_lack(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    warnings: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", lambda text, *_: warnings.append(text))

    network(build, nat=NatMode.NONE, cluster_names=["dev"], interface_endpoints=list(endpoints.NODES))
    network(build, nat=NatMode.NONE)
    network(build, cluster_names=["dev"])
    assert warnings == []

    network(build, nat=NatMode.NONE, cluster_names=["dev"], interface_endpoints=["ec2", "ecr.api", "ecr.dkr", "eks"])
    assert warnings == [
        'Network "dev": args.interface_endpoints must name these with nat none, unless another way leads to the '
        "services: eks-auth (EKS Pod Identity), elasticfilesystem (the EFS driver), sts (service accounts with a role)"
    ]


def test_flow_logs_are_kept_for_thirty_days_unless_told_otherwise(build: Build) -> None:
    assert network(build)["dev-flow-logs-group"].inputs["retentionInDays"] == 30
    assert network(build, flow_log_days=7)["dev-flow-logs-group"].inputs["retentionInDays"] == 7
    assert not {"LogGroup", "FlowLog", "Role", "RolePolicy"} & network(build, flow_log_days=0).kinds()


def test_only_the_flow_log_service_writes_to_the_log_and_nowhere_else(build: Build) -> None:
    trust = json.loads(network(build)["dev-flow-logs-role"].inputs["assumeRolePolicy"])

    assert [one["Principal"] for one in trust["Statement"]] == [{"Service": "vpc-flow-logs.amazonaws.com"}]
    (statement,) = flow_log_policy("arn:aws:logs:eu-central-1:1:log-group:g")["Statement"]
    assert statement["Resource"] == [f"arn:aws:logs:eu-central-1:1:log-group:g{suffix}" for suffix in ("", ":*")]
    assert not any("*" in action for action in statement["Action"])


def test_the_outputs_name_what_others_need(build: Build) -> None:
    outputs = network(build).outputs_of("dev")

    assert outputs["vpc_id"] == "dev-vpc-id"
    assert outputs["cidr"] == "10.0.0.0/16"
    assert outputs["private_subnet_ids"] == [f"dev-private-{zone}-id" for zone in ARGS["zones"]]
    assert outputs["public_subnet_ids"] == [f"dev-public-{zone}-id" for zone in ARGS["zones"]]
    assert network(build, preview=True).outputs_of("dev")["nat_addresses"] == UNKNOWN


def test_two_networks_live_in_one_stack(build: Build) -> None:
    graph = build(lambda: (Network("one", {**ARGS, **FULL}), Network("two", {**ARGS, **FULL})))  # type: ignore[typeddict-item]

    assert len({one.urn for one in graph}) == len(graph.registrations)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"region": "us-gov-west-1"}, 'args.region must be a region of the partition "aws"'),
        ({"region": "frankfurt"}, 'args.region must be the name of an AWS region such as "eu-central-1"'),
        ({"region": "eu-west-1"}, 'args.zones must be zones of eu-west-1 such as "eu-west-1a", got "eu-central-1a"'),
        ({"zones": ["eu-central-1a"]}, "args.zones must name 2 to 4 zones, got 1"),
        ({"zones": [f"eu-central-1{letter}" for letter in "abcde"]}, "args.zones must name 2 to 4 zones, got 5"),
        ({"zones": ["eu-central-1a"] * 2}, 'args.zones must name each zone once, got "eu-central-1a" 2 times'),
        ({"cidr": "10.0.0.0/24"}, "args.cidr must be at least a /20, so that each zone's private subnet is a /24"),
        ({"cidr": "8.0.0.0/16"}, "args.cidr must be private (RFC 1918"),
        ({"nat": "some"}, "args.nat must be one of 'none', 'single', 'per_zone'"),
        ({"cluster_names": ["-dev"]}, "args.cluster_names[0] must be a name of an EKS cluster"),
        ({"cluster_names": ["dev", "dev"]}, 'args.cluster_names must name each once, got "dev" 2 times'),
        (
            {"interface_endpoints": ["com.amazonaws.*"]},
            "args.interface_endpoints[0] must be the short name of a service",
        ),
        (
            {"interface_endpoints": ["com.amazonaws.eu-central-1.ecr.api"]},
            'such as "ecr.api", without what comes before it in',
        ),
        ({"interface_endpoints": ["s3"]}, 'args.interface_endpoints must not name "s3"'),
        ({"flow_log_days": 31}, "args.flow_log_days must be 0 or one of 1, 3, 5, 7"),
        ({"zone": ["a"]}, 'did you mean "zones"?'),
        ({"zones": None}, "args.zones is required"),
    ],
)
def test_wrong_arguments_cost_one_line_and_no_resource(build: Build, changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ArgumentError, match='Network "dev"') as error:
        network(build, **changes)

    assert complaint in str(error.value)
