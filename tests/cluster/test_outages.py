"""Processes of the node that die while a training run is under way: `make up` repairs them, and nothing is lost."""

import os
import signal
import subprocess
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from kubernetes import client
from loop import Loop, eventually, make

from local import node, training
from local.node.lifecycle import home
from local.node.processes import marked
from local.paths import ROOT

pytestmark = pytest.mark.cluster

ALONE = (
    *("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "containerd"),
    *("coredns", "storage", "traefik", "registry", "registry-bridge"),
)
PAIRS = (("etcd", "kubelet"), ("kube-apiserver", "containerd"))


def kill(names: Iterable[str]) -> None:
    """Ends processes of the node, as a lack of memory would."""
    leaders = {process.name: process.pid for process in marked(home()) if process.leader}
    for name in names:
        os.kill(leaders[name], signal.SIGKILL)


def test_the_list_is_that_of_the_nodes_processes(loop: Loop):
    assert sorted(ALONE) == sorted(part.name for part in node.status())


def test_each_process_of_the_node_may_die_during_a_run_and_is_repaired(loop: Loop):
    """A run whose every try met an outage may fail; it must end, and what was stored and served must be there."""
    known = {version["version"] for version in loop.registered_versions()}
    names = loop.outputs["namespace"], loop.outputs["workflow_template"]
    runs = [training.submit(loop.api, *names)]
    for victims in (*PAIRS, *((name,) for name in ALONE)):
        kill(victims)
        assert {part.name for part in node.status() if part.pid is None} >= set(victims)

        node.ensure()

        assert [part.name for part in node.status() if not part.healthy] == [], f"after {victims} had died"
        eventually(lambda: answers(loop), 60, f"a prediction after {victims} had died")
        if phase(loop, runs[-1]) in training.TERMINAL:
            runs.append(training.submit(loop.api, *names))
    eventually(lambda: all(phase(loop, run) in training.TERMINAL for run in runs), 600, "the end of every run")

    assert training.run(loop.api, *names)["status"]["phase"] == "Succeeded"
    assert known < {version["version"] for version in loop.registered_versions()}
    assert loop.served_version() in loop.stored_versions()


def test_training_follows_its_run_over_an_outage_of_the_api_server(loop: Loop):
    before = loop.served_version()

    with output_of("train") as printed:
        eventually(lambda: any("load succeeded" in line for line in printed), 120, "the first step of the run")
        kill(["etcd"])
        # A read that gets no answer is tried four times before it counts as none.
        eventually(lambda: any("does not answer" in line for line in printed), 240, "a line about the outage")
        node.ensure()

    said = "".join(printed)
    assert "training run: done" in said
    assert "Traceback" not in said
    assert loop.served_version() != before


def test_a_second_up_repairs_what_died_together_with_etcd(loop: Loop):
    version = loop.served_version()
    kill(["etcd", "traefik", "coredns"])
    seen = make("status")

    assert seen.returncode != 0
    for part in ("etcd", "traefik", "coredns", "kube-apiserver"):
        assert f"{part}: NOT healthy" in seen.stdout
    assert "Traceback" not in seen.stdout

    done = make("up")

    assert done.returncode == 0, done.stdout
    assert "Traceback" not in done.stdout
    assert make("status").returncode == 0
    assert version in loop.stored_versions()


def phase(loop: Loop, workflow: str) -> str:
    api = client.CustomObjectsApi(loop.api)
    found = api.get_namespaced_custom_object(
        training.GROUP, training.VERSION, loop.outputs["namespace"], "workflows", workflow
    )
    return found.get("status", {}).get("phase", "")


def answers(loop: Loop) -> bool:
    try:
        return bool(loop.served_version())
    except OSError:
        return False


@contextmanager
def output_of(word: str) -> Iterator[list[str]]:
    """Runs a word of the Makefile's beside the block, and yields its lines, to which more are added."""
    lines: list[str] = []
    command = ["make", "--no-print-directory", word]
    pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen(command, cwd=ROOT, start_new_session=True, **pipes) as run:

        def read() -> None:
            assert run.stdout
            for line in run.stdout:
                lines.append(line)  # noqa: PERF402 - one by one, for the block to see

        reader = threading.Thread(target=read)
        reader.start()
        try:
            yield lines
        except BaseException:
            os.killpg(run.pid, signal.SIGKILL)  # it would wait for what the block did not repair
            raise
        finally:
            reader.join()
    assert run.returncode == 0, "".join(lines)
