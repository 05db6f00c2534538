"""Every object of Kubernetes that the stacks make carries the standard labels, by which people find its component."""

import pytest

from tests import stacks
from tests.conftest import Build, Graph, Registration

STANDARD = {"name", "instance", "part-of", "managed-by"}
NOT_OURS = ("kubernetes:helm.sh/", "kubernetes:yaml/", "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition")
"""Charts label what they make, and definitions are those of upstream."""


def is_object(one: Registration) -> bool:
    return one.type.startswith("kubernetes:") and not one.type.startswith(NOT_OURS) and not one.read


def unlabelled(graph: Graph) -> list[str]:
    wanted = {f"app.kubernetes.io/{name}" for name in STANDARD}
    return [
        f"{one.kind} {one.name}"
        for one in graph
        if is_object(one) and not wanted <= set(one.inputs.get("metadata", {}).get("labels", {}))
    ]


@pytest.mark.parametrize("stack", [one for one in stacks.names() if not one.startswith("foundation")])
def test_every_object_carries_the_standard_labels(build: Build, stack: str) -> None:
    graph = stacks.registered(build, stack)

    assert unlabelled(graph) == []
    assert len([one for one in graph if is_object(one)]) > 10


def test_one_that_lacks_them_would_be_found(build: Build) -> None:
    graph = stacks.registered(build, "platform-prod")
    one = next(one for one in graph if one.kind == "ClusterSecretStore")
    del one.inputs["metadata"]["labels"]["app.kubernetes.io/instance"]

    assert unlabelled(graph) == [f"ClusterSecretStore {one.name}"]
