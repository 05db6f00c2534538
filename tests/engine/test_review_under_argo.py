"""A review's pod, as the real controller of Argo Workflows makes it from the template and an event's parameters."""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client, config
from pulumi_cli import Cluster, PulumiEnv
from pulumi_mlops._manifests import RESTRICTED
from pulumi_mlops.platform import ReviewWorkflow

from local import tools
from local.paths import ROOT
from tests.components.delivery_addons import REVIEW_FULL

pytestmark = pytest.mark.engine

NAMESPACE = "reviews-under-argo"
PARAMETERS = {
    "pull": "12",
    "revision": "0123456789abcdef0123456789abcdef01234567",
    "base": 'main"; $(id)',
    "head-repository": "team/birds",
}
WAIT_SECONDS = 90


@pytest.fixture
def argo(cluster: Cluster, tmp_path: Path) -> Iterator[Cluster]:
    """The API server with Argo's definitions, and the controller beside it as a process that watches one namespace."""
    for file in (ROOT / "standins" / "charts" / "argo-workflows" / "definitions").glob("*.yaml"):
        cluster.apply(yaml.safe_load(file.read_text()), "platform")
    for manifest in (
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": RESTRICTED}},
        _object("ServiceAccount", "review"),
        {**_object("ConfigMap", "controller"), "data": {"config": "metricsConfig: {enabled: false}"}},
    ):
        cluster.apply(manifest, "platform")
    controller = tools.ensure("workflow-controller")["workflow-controller"]
    command = [controller, "--kubeconfig", cluster.kubeconfig, "--namespaced", "--namespace", NAMESPACE]
    command += ["--configmap", "controller", "--executor-image", "argoexec:1"]
    log = tmp_path / "controller.log"
    with log.open("w") as output:
        environment = {**os.environ, "LEADER_ELECTION_DISABLE": "true"}
        running = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
        try:
            yield cluster
        finally:
            running.terminate()
            running.wait(timeout=30)
            print(log.read_text())


def test_argo_makes_the_pod_that_the_template_means(argo: Cluster, pulumi_env: PulumiEnv) -> None:
    def program() -> None:
        ReviewWorkflow("birds", {**REVIEW_FULL, "namespace": NAMESPACE, "timeout_seconds": 600})  # type: ignore[typeddict-item]

    stack = pulumi_env.stack(program, config={"kubernetes:kubeconfig": str(argo.kubeconfig)})
    stack.up()
    given = [{"name": name, "value": value} for name, value in PARAMETERS.items()]
    template = {"workflowTemplateRef": {"name": "review-birds"}, "arguments": {"parameters": given}}
    workflow = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow"}
    argo.apply({**workflow, "metadata": {"name": "run", "namespace": NAMESPACE}, "spec": template}, "an event")

    pod = _pod(argo)
    assert [one.name for one in pod.spec.init_containers] == ["init", "checkout", "preview"]
    assert sorted(one.name for one in pod.spec.containers) == ["main", "wait"]
    parts = {one.name: one for one in [*pod.spec.init_containers, *pod.spec.containers]}
    checkout = {one.name: one.value for one in parts["checkout"].env}
    assert {checkout[name] for name in ("REVISION", "BASE", "HEAD_REPOSITORY")} == {*PARAMETERS.values()} - {"12"}
    assert {one.name: one.value for one in parts["main"].env}["PULL"] == "12"
    mounts = {name: {one.name for one in part.volume_mounts} for name, part in parts.items()}
    assert not {"post", "clone"} & mounts["preview"]  # which runs the change's program
    assert "post" not in mounts["checkout"]
    assert "clone" not in mounts["main"]
    assert all("{{" not in str(one.command) for one in parts.values())


def _object(kind: str, name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": NAMESPACE}}


def _pod(argo: Cluster) -> Any:
    """The workflow's pod, once the controller has made it."""
    with config.new_client_from_config(str(argo.kubeconfig)) as api:
        core = client.CoreV1Api(api)
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline:
            if pods := core.list_namespaced_pod(NAMESPACE).items:
                return pods[0]
            run = argo.get("argoproj.io/v1alpha1", "Workflow", "run", NAMESPACE) or {}
            assert run.get("status", {}).get("phase") not in ("Failed", "Error"), run["status"].get("message")
            time.sleep(0.5)
    raise AssertionError(f"the controller made no pod in {WAIT_SECONDS} s")
