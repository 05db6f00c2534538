"""Taking things apart: what is destroyed is gone, what was killed continues. Runs after every other cluster test."""

import os
import signal
import subprocess
import time

import pytest
from kubernetes import client
from loop import Loop, make

from local.engine import PENGUINS, PLATFORM
from local.paths import ROOT

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


def test_up_continues_after_it_was_killed_in_the_middle(loop: Loop):
    """Kills `make up` with everything it runs while the platform stack comes up, then the whole control plane."""
    first = subprocess.Popen(
        ["make", "up"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    for line in first.stdout:
        if "pulumi up platform-local" in line:
            break
    time.sleep(4)
    os.killpg(first.pid, signal.SIGKILL)
    first.stdout.close()
    first.wait()

    second = make("up")

    assert second.returncode == 0, second.stdout
    assert loop.served_version()
