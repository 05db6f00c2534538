"""Taking things apart: what is destroyed is gone. Runs after every other test."""

import pytest
from kubernetes import client
from loop import Loop

from local.engine import PENGUINS, PLATFORM

pytestmark = pytest.mark.cluster

BUILT_IN_NAMESPACES = {"default", "kube-node-lease", "kube-public", "kube-system"}


def test_destroy_leaves_nothing_in_the_cluster(loop: Loop):
    loop.engine.destroy(PENGUINS)
    loop.engine.destroy(PLATFORM)

    core = client.CoreV1Api(loop.api)
    assert {item.metadata.name for item in core.list_namespace().items} == BUILT_IN_NAMESPACES
    assert core.list_persistent_volume().items == []
    definitions = client.ApiextensionsV1Api(loop.api).list_custom_resource_definition().items
    assert [item.metadata.name for item in definitions if "argoproj" in item.metadata.name] == []
    roles = client.RbacAuthorizationV1Api(loop.api).list_cluster_role().items
    assert [item.metadata.name for item in roles if "argo" in item.metadata.name] == []
