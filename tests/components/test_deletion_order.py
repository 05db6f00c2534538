"""What goes before what on a destroy, by one rule for everything of a kind instead of a list of pairs.

The engine deletes in the reverse order of dependencies: what needs something is gone before it.
"""

import re
from typing import Any

import pytest

from tests import stacks
from tests.components.test_eks_platform import EVERYTHING, graph_of
from tests.conftest import Build, Graph, Registration
from tests.deletion_order import ahead_of, before, outliving

PLATFORMS = ["platform-dev", "platform-prod", "everything"]
FOUNDATIONS = ["foundation-dev", "foundation-prod"]


def platform(build: Build, which: str) -> Graph:
    return graph_of(build, **EVERYTHING) if which == "everything" else stacks.tracked(build, which)


def objects(graph: Graph) -> list[Registration]:
    return [one for one in graph if one.type.startswith("kubernetes:") and not one.read]


def missing(graph: Graph, needs: dict[str, set[str]]) -> dict[str, set[str]]:
    """Resource → what it should come after, and so go before, and does not."""
    return {name: left for name, wanted in needs.items() if (left := wanted - before(graph, name))}


@pytest.mark.parametrize("which", PLATFORMS)
def test_a_custom_resource_goes_before_the_controller_of_its_kind(build: Build, which: str) -> None:
    graph = platform(build, which)

    needs = {one.name: set(outliving(one.type)) for one in objects(graph) if outliving(one.type)}
    assert len(needs) > 15
    assert missing(graph, needs) == {}


@pytest.mark.parametrize("which", PLATFORMS)
def test_an_object_goes_before_its_namespace(build: Build, which: str) -> None:
    graph = platform(build, which)

    places = {one.inputs["metadata"]["name"]: one.name for one in graph.of_kind("Namespace")}
    named = {one.name: place(one) for one in objects(graph)}
    needs = {name: {places[where]} for name, where in named.items() if where in places}
    assert len(needs) > 25
    assert {where for where in named.values() if where and where not in places} <= {"kube-system", "kube-public"}
    assert missing(graph, needs) == {}


def place(one: Registration) -> str:
    """The namespace of an object or a release; empty outside namespaces."""
    return one.inputs.get("namespace") or one.inputs.get("metadata", {}).get("namespace") or ""


@pytest.mark.parametrize("which", PLATFORMS)
def test_a_load_balancer_goes_before_who_deletes_it_and_its_records(build: Build, which: str) -> None:
    graph = platform(build, which)

    doors = [one for one in graph.of_kind("Service") if one.inputs["spec"].get("type") == "LoadBalancer"]
    doors += graph.of_kind("Ingress")
    wanted = {"aws-load-balancer-controller-release", "external-dns-release"}
    assert doors
    assert missing(graph, {one.name: set(wanted) for one in doors}) == {}


@pytest.mark.parametrize("which", PLATFORMS)
def test_who_asks_for_volumes_goes_before_their_storage_class(build: Build, which: str) -> None:
    graph = platform(build, which)

    classes = {one.inputs["metadata"]["name"]: one.name for one in graph.of_kind("StorageClass")}
    needs = {
        one.name: asked
        for one in objects(graph)
        if (asked := {classes[name] for name in asked_for(one.inputs) if name in classes})
    }
    assert "argo-events-bus" in needs
    assert ("monitoring-release" in needs) is (which != "platform-dev")
    assert missing(graph, needs) == {}


def asked_for(inputs: Any) -> set[str]:
    """Storage classes that are named anywhere in a manifest or a chart's values."""
    return set(re.findall(r"'storageClass(?:Name)?': '([^']+)'", str(inputs)))


@pytest.mark.parametrize("which", PLATFORMS)
def test_mlflow_goes_before_its_database_and_the_secret_of_it(build: Build, which: str) -> None:
    graph = platform(build, which)

    assert missing(graph, {"mlflow-server": {"mlflow-database-instance", "mlflow-database-connection"}}) == {}


ON_THE_CLUSTER = {
    "aws:eks/addon:Addon",
    "aws:eks/nodeGroup:NodeGroup",
    "aws:eks/podIdentityAssociation:PodIdentityAssociation",
    "eks:index:ManagedNodeGroup",
}
IN_A_SUBNET = {
    "aws:ec2/natGateway:NatGateway",
    "aws:ec2/routeTableAssociation:RouteTableAssociation",
    "aws:efs/mountTarget:MountTarget",
    "eks:index:Cluster",
}


@pytest.mark.parametrize("stack", FOUNDATIONS)
def test_nodes_add_ons_and_identities_go_before_the_cluster_and_that_before_the_network(
    build: Build, stack: str
) -> None:
    graph = stacks.tracked(build, stack)
    (cluster,) = [one.name for one in graph if one.type == "eks:index:Cluster"]
    subnets = {one.name for one in graph.of_kind("Subnet")}
    routes = {one.name for one in graph.of_kind("Route")} | {one.name for one in graph.of_kind("NatGateway")}
    (vpc,) = [one.name for one in graph.of_kind("Vpc")]

    on_it = {one.name: {cluster} for one in graph if one.type in ON_THE_CLUSTER}
    assert {one.type for one in graph if one.name in on_it} >= ON_THE_CLUSTER - {"aws:eks/nodeGroup:NodeGroup"}
    assert missing(graph, on_it) == {}
    assert missing(graph, {cluster: subnets | routes}) == {}
    in_one = [one.name for one in graph if one.type in IN_A_SUBNET]
    assert {name: before(graph, name) & subnets for name in in_one if not before(graph, name) & subnets} == {}
    in_it = {one.name: {vpc} for one in graph if one.inputs.get("vpcId") and one.name != vpc}
    assert set(in_it) >= subnets
    assert missing(graph, in_it) == {}


def test_the_rules_that_fill_karpenters_queue_go_before_it(build: Build) -> None:
    graph = stacks.tracked(build, "foundation-prod")
    (queue,) = [one.name for one in graph.of_kind("Queue")]

    targets = [one for one in graph.of_kind("EventTarget")]
    assert targets
    assert [one.urn for one in targets if queue not in ahead_of(graph, one)] == []


def test_a_kind_that_nobody_placed_is_an_error() -> None:
    assert outliving("kubernetes:apps/v1:Deployment") == frozenset()
    with pytest.raises(KeyError, match="say in CONTROLLERS whose controller deletes it"):
        outliving("kubernetes:example.org/v1:Bird")
