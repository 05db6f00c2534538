"""Taking things apart: what is destroyed is gone, what is killed continues. Runs after every other test."""

import os
import signal
import subprocess

import pytest
import yaml
from kubernetes import client
from loop import Loop, make

from local import node
from local.engine import PENGUINS, PLATFORM
from local.node.processes import marked
from local.paths import ROOT

pytestmark = pytest.mark.cluster

BUILT_IN_NAMESPACES = {"default", "kube-node-lease", "kube-public", "kube-system"}


def test_destroy_leaves_nothing_in_the_cluster(loop: Loop):
    destroy(loop)

    assert_nothing_left(loop.api)


def test_a_cluster_that_is_there_already_is_used_and_left_clean(loop: Loop):
    theirs = {
        "KUBECONFIG": str(loop.cluster.kubeconfig),
        "KUBE_CONTEXT": yaml.safe_load(loop.cluster.kubeconfig.read_text())["current-context"],
        "IMAGE_REGISTRY": loop.cluster.registry,
        "IMAGE_REGISTRY_PUSH": loop.cluster.registry_push,
        "GATEWAY_URL": loop.cluster.gateway_url,
    }
    done = make("up", **theirs)
    assert done.returncode == 0, done.stdout
    assert "node:" not in done.stdout
    assert f"by model penguins version {loop.served_version()}" in done.stdout

    done = make("down", **theirs)
    assert done.returncode == 0, done.stdout
    assert_nothing_left(loop.api)
    assert all(part.healthy for part in node.status())


def destroy(loop: Loop) -> None:
    """Takes the stacks apart, as far as they are there."""
    loop.engine.destroy(PENGUINS)
    loop.engine.destroy(PLATFORM)


def assert_nothing_left(api: client.ApiClient) -> None:
    """The cluster is as it was before the platform came."""
    core = client.CoreV1Api(api)
    assert {item.metadata.name for item in core.list_namespace().items} == BUILT_IN_NAMESPACES
    assert core.list_persistent_volume().items == []
    definitions = client.ApiextensionsV1Api(api).list_custom_resource_definition().items
    assert [item.metadata.name for item in definitions if "argoproj" in item.metadata.name] == []
    roles = client.RbacAuthorizationV1Api(api).list_cluster_role().items
    assert [item.metadata.name for item in roles if "argo" in item.metadata.name] == []


MOMENTS = (
    ("argo-workflows-release creating", False),  # helm is at work, and objects wait for their pods
    ("mlflow-service creating", True),
    ("sample-data-upload creating", True),
    ("train succeeded", False),
)
"""What `make up` has just printed when it is killed, and whether the whole node is killed with it."""


@pytest.mark.timeout(1800)  # four starts and a whole one
def test_what_was_killed_is_continued_by_the_next_make_up(loop: Loop):
    destroy(loop)
    for moment, with_node in MOMENTS:
        killed_at(moment, with_node)
        assert all(part.healthy for part in node.status()) != with_node

    done = make("up")
    assert done.returncode == 0, done.stdout
    assert loop.served_version() in done.stdout


def killed_at(moment: str, with_node: bool) -> None:
    """Runs `make up` and kills it, with all that it started, as soon as it prints `moment`."""
    command = ["make", "--no-print-directory", "up"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    ) as run:
        assert run.stdout
        printed = []
        for line in run.stdout:
            printed.append(line)
            if moment in line:
                break
        else:
            pytest.fail(f"`make up` ended without {moment!r}:\n{''.join(printed)}")
        os.killpg(run.pid, signal.SIGKILL)
        if with_node:
            for process in marked(node.home()):
                if process.leader:
                    os.kill(process.pid, signal.SIGKILL)
        run.communicate()
