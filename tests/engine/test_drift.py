"""Drift, as the real engine tells it in the JSON of a refresh that changes nothing."""

import os
from pathlib import Path

import pytest
from pulumi_cli import Cluster, PulumiEnv, Stack
from pulumi_mlops.review import reading
from pulumi_mlops.review.drift import drifted
from pulumi_mlops.review.preview import Operation, PreviewError

pytestmark = pytest.mark.engine


def program() -> None:
    import pulumi_kubernetes as k8s

    for name in ("drift-changed", "drift-gone", "drift-same"):
        k8s.core.v1.ConfigMap(name, metadata={"name": name, "namespace": "default"}, data={"key": "one"})


def refresh(stack: Stack, kubeconfig: Path | str) -> str:
    environment = PulumiEnv(
        stack.environment.pulumi, {**stack.environment.environment, "KUBECONFIG": str(kubeconfig)}, stack.directory
    )
    return environment.run("refresh", "--preview-only", "--json", "--stack", "test", cwd=stack.directory).stdout


def test_a_refresh_tells_what_changed_and_what_is_gone(pulumi_env: PulumiEnv, cluster: Cluster) -> None:
    pulumi_env.environment["KUBECONFIG"] = str(cluster.kubeconfig)
    stack = pulumi_env.stack(program)
    stack.up()
    clean = reading.read(refresh(stack, cluster.kubeconfig), "test")
    assert clean.summary == {Operation.SAME: 4}
    assert not drifted(clean)

    cluster.delete("v1", "ConfigMap", "drift-gone", "default")
    cluster.apply(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "drift-changed", "namespace": "default"},
            "data": {"key": "two"},
        },
        "somebody-else",
    )
    before = stack.state()
    found = reading.read(refresh(stack, cluster.kubeconfig), "test")
    assert drifted(found)
    assert stack.state() == before
    steps = {one.name: one for one in found.steps if one.operation is not Operation.REFRESH}
    assert {name: one.operation for name, one in steps.items()} == {
        "drift-changed": Operation.UPDATE,
        "drift-gone": Operation.DELETE,
    }
    assert [one.path for one in steps["drift-changed"].changes] == ["data.key"]

    # Who cannot look must not say that all is well.
    failed = reading.read(refresh(stack, os.devnull), "test")
    with pytest.raises(PreviewError, match="the refresh of test did not come to its end: "):
        drifted(failed)
