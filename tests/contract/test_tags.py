"""Everything on AWS that can carry tags carries those of its component, in every stack and every component.

A remote component of pulumi-eks hands its `tags` on to what it makes; that it does is seen in the engine's own test.
"""

import inspect
from typing import Any

import pytest
from pulumi_mlops import PostgresDatabase

from tests import stacks
from tests.aws import takes_tags
from tests.components.programs import DATABASE_RDS_FULL, database_with
from tests.conftest import Build, Graph, Registration
from tests.contract.api import COMPONENTS

ON_AWS = [stack for stack in stacks.names() if not stack.endswith("-local")]
TAGS = {"cost-center": "42"}
REMOTE = ("eks:index:Cluster", "eks:index:ManagedNodeGroup")

NOT_ON_AWS = {"DatabaseApi", "Karpenter", "LoadBalancerController", "PublicGateway"}
"""Components that make Kubernetes objects, by which a controller makes tagged resources later."""


def can_carry(one: Registration) -> bool:
    return one.type in REMOTE or (one.type.startswith("aws:") and not one.read and takes_tags(one.type))


def bare(graph: Graph, tags: dict[str, str]) -> list[str]:
    """Names of what lacks the tags; of a template for machines, also of those of its machines, volumes and networks."""
    return [one.name for one in graph if can_carry(one) and not all(tags.items() <= has.items() for has in _tags(one))]


def _tags(one: Registration) -> list[dict[str, Any]]:
    machines = [part.get("tags", {}) for part in one.inputs.get("tagSpecifications", [])]
    entries = [entry.get("tags", {}) for entry in one.inputs.get("accessEntries", {}).values()]
    return [one.inputs.get("tags", {}), *machines, *entries]


@pytest.mark.parametrize("stack", ON_AWS)
def test_everything_in_a_stack_carries_its_tags(build: Build, stack: str) -> None:
    graph = stacks.registered(build, stack, tags=TAGS)
    environment = {"environment": stack.rpartition("-")[2], "managed-by": "pulumi-mlops"}

    assert bare(graph, {**environment, **TAGS}) == []
    assert [one for one in graph if can_carry(one)]


def test_an_administrators_access_carries_them_as_well(build: Build) -> None:
    administrators = ["arn:aws:iam::123456789012:role/platform"]
    graph = stacks.registered(build, "foundation-dev", tags=TAGS, administrators=administrators)

    assert bare(graph, TAGS) == []
    assert any(one.inputs.get("accessEntries") for one in graph)


def test_what_lacks_them_would_be_found(build: Build) -> None:
    graph = stacks.tracked(build, "foundation-dev")

    assert len(bare(graph, TAGS)) == len([one for one in graph if can_carry(one)]) > 40
    assert {"mlops-dev-control-plane", "mlops-dev-general-machine", "mlops-dev-mlflow"} <= set(bare(graph, TAGS))


def test_every_component_that_makes_resources_on_aws_is_looked_at(build: Build) -> None:
    alone = build(lambda: PostgresDatabase("birds", database_with(DATABASE_RDS_FULL, tags=TAGS)))
    walked = [*alone, *(one for stack in ON_AWS for one in stacks.tracked(build, stack))]
    kinds = {one.kind for one in walked}

    assert bare(alone, TAGS) == []
    for component in COMPONENTS.values():
        if "tags" in inspect.get_annotations(inspect.get_annotations(component.__init__)["args"]):
            assert component.__name__ in kinds or component.__name__ in NOT_ON_AWS
