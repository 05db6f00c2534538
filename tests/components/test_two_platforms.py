"""Two platforms in one stack, for two clusters: other resources of the stack, the same objects in each cluster."""

from collections import Counter
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
import pytest
from pulumi_mlops import ArgumentError
from pulumi_mlops.platform import EksPlatform, Platform

from tests.components.test_eks_platform import EVERYTHING, FOUND, LOGIN
from tests.conftest import Build, Graph

LOCAL: dict[str, Any] = {"gateway_class": "istio", "gateway_url": "https://models.example.org"}
EKS: dict[str, Any] = {**FOUND, "login": LOGIN, **EVERYTHING}
PLATFORMS = [(Platform, LOCAL), (EksPlatform, EKS)]

OWN_NAME = {"platform-teams", "west-teams"}
"""The ConfigMap that is called like its platform."""


def in_cluster(graph: Graph) -> Counter[tuple[str, str, str]]:
    """Kind, namespace and name of every object that the program makes."""
    found: Counter[tuple[str, str, str]] = Counter()
    for one in graph:
        metadata = one.inputs.get("metadata", {}) if one.type.startswith("kubernetes:") else {}
        if one.type == "kubernetes:helm.sh/v3:Release":
            found[one.kind, one.inputs["namespace"], one.inputs["name"]] += 1
        elif isinstance(metadata, dict) and one.name not in OWN_NAME:
            found[one.kind, str(metadata.get("namespace", "")), str(metadata.get("name", ""))] += 1
    return found


@pytest.mark.parametrize(("component", "args"), PLATFORMS)
def test_a_second_platform_has_other_resources_and_the_same_objects(
    build: Build, component: Any, args: dict[str, Any]
) -> None:
    def program(*names: tuple[str, dict[str, Any]]) -> None:
        for name, changes in names:
            provider = k8s.Provider(f"{name}-cluster", kubeconfig="{}")
            component(name, {**args, **changes}, pulumi.ResourceOptions(providers=[provider]))

    second = ("west", {"resource_prefix": "west-"})
    both = build(lambda: program(("platform", {}), second))
    alone = build(lambda: program(("platform", {})))
    prefixed = build(lambda: program(second))

    urns = [one.urn for one in both]
    assert len(urns) == len(set(urns))
    assert {one.urn for one in alone} < set(urns), "the first platform is what it was"
    assert in_cluster(prefixed) - of_databases(prefixed) == in_cluster(alone) - of_databases(alone)


def of_databases(graph: Graph) -> Counter[tuple[str, str, str]]:
    """Objects of MLflow's database, which is another one on AWS and so has another name."""
    return Counter({key: count for key, count in in_cluster(graph).items() if "mlflow-database" in key[2]})


@pytest.mark.parametrize(("component", "args"), PLATFORMS)
@pytest.mark.parametrize("prefix", ["west", "West-", "-", "a-prefix-that-is-long-"])
def test_a_prefix_that_is_none_is_refused(build: Build, component: Any, args: dict[str, Any], prefix: str) -> None:
    with pytest.raises(ArgumentError, match=f"args.resource_prefix must be up to 16 .*got '{prefix}'"):
        build(lambda: component("west", {**args, "resource_prefix": prefix}))


@pytest.mark.parametrize(("component", "args"), PLATFORMS)
@pytest.mark.parametrize("default", [True, False], ids=["default-provider", "one-provider"])
def test_two_platforms_of_one_cluster_are_refused_before_the_second_makes_anything(
    build: Build, component: Any, args: dict[str, Any], default: bool
) -> None:
    def program() -> None:
        options = None if default else pulumi.ResourceOptions(providers=[k8s.Provider("cluster", kubeconfig="{}")])
        component("platform", args, options)
        with pytest.raises(ArgumentError) as caught:
            component("west", {**args, "resource_prefix": "west-"}, options)
        kind = component.__name__
        assert str(caught.value) == (
            f'{kind} "west": its cluster already has {kind} "platform", and can have only one platform; pass the '
            "Kubernetes provider of another cluster in opts.providers, and a resource_prefix in args"
        )

    graph = build(program)
    assert [one.name for one in graph if one.name.startswith("west-")] == []
