"""The provider stand-ins as plugins: what they refuse, how they wait and give up, and how they are installed."""

import os
import select
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from pulumi.runtime.proto import provider_pb2 as wire

from local.progress import StepFailed
from standins.plugins import installation, plugin, values
from standins.plugins.kubernetes import helm, waits
from standins.plugins.kubernetes.cluster import Cluster, Task
from standins.plugins.kubernetes.names import RELEASE, Kind
from standins.plugins.kubernetes.options import Options
from standins.plugins.kubernetes.provider import Kubernetes
from standins.plugins.plugin import Refused

DEPLOYMENT = Kind("apps", "v1", "Deployment")


# Requests


@pytest.fixture
def provider():
    return Kubernetes(plugin.EngineLog(""))


def check(provider, token, **inputs):
    request = wire.CheckRequest(type=token, name="thing", news=values.encode(inputs), randomSeed=b"seed")
    return provider.Check(request, SimpleNamespace())


@pytest.mark.parametrize(
    ("token", "inputs", "reason"),
    [
        ("kubernetes:core/v1:ConfigMapList", {"kind": "ConfigMapList", "items": []}, "is a list"),
        ("kubernetes:core/v1:ConfigMapPatch", {"kind": "ConfigMap"}, "is a Patch resource"),
        (
            "kubernetes:core/v1:Pod",
            {"metadata": {"annotations": {"pulumi.com/replaceUnready": "true"}}},
            "replaceUnready",
        ),
        ("kubernetes:core/v1:Pod", {"metadata": {"annotations": {"pulumi.com/waitFor": "soon"}}}, "waitFor must be"),
        ("kubernetes:core/v1:Pod", {"metadata": {"annotations": {"pulumi.com/timeoutSeconds": "1h"}}}, "got '1h'"),
        ("kubernetes:core/v1:Pod", {"metadata": {"generateName": "x-"}}, "generateName"),
        (RELEASE, {"chart": "x", "postrender": "y"}, "input postrender is not implemented"),
        (RELEASE, {"chart": "x", "repositoryOpts": {"password": "y"}}, "repositoryOpts.password is not implemented"),
        (RELEASE, {"values": {}}, "needs the input chart"),
    ],
)
def test_what_is_not_implemented_is_a_check_failure_of_one_sentence(provider, token, inputs, reason):
    (failure,) = check(provider, token, **inputs).failures
    assert reason in failure.reason
    assert "\n" not in failure.reason


def test_options_that_would_be_ignored_are_refused(provider):
    request = wire.CheckRequest(news=values.encode({"renderYamlToDirectory": "out", "version": "4.34.2"}))
    (failure,) = provider.CheckConfig(request, SimpleNamespace()).failures
    assert "renderYamlToDirectory is not implemented" in failure.reason


def test_a_check_fills_in_name_and_namespace_where_there_is_one(provider):
    inputs = values.decode(check(provider, "kubernetes:core/v1:ConfigMap", apiVersion="v1", kind="ConfigMap").inputs)
    assert inputs["metadata"]["namespace"] == "default"
    assert inputs["metadata"]["name"].startswith("thing-")
    outside = values.decode(check(provider, "kubernetes:core/v1:Namespace", metadata={"name": "n"}).inputs)
    assert outside["metadata"] == {"name": "n"}


def test_a_check_keeps_secrets_and_makes_a_secrets_data_one(provider):
    marked = values.secret("hidden")
    made = check(provider, "kubernetes:core/v1:ConfigMap", data={"a": marked, "b": "open"}, metadata={"name": "x"})
    assert values.decode(made.inputs)["data"] == {"a": marked, "b": "open"}
    secret = check(provider, "kubernetes:core/v1:Secret", apiVersion="v1", kind="Secret", data={"a": "YQ=="})
    assert values.is_secret(values.decode(secret.inputs)["data"])


def kubeconfig(server):
    return f"""
current-context: a
clusters: [{{name: c, cluster: {{server: "{server}"}}}}]
contexts: [{{name: a, context: {{cluster: c, user: u}}}}]
users: [{{name: u, user: {{token: t}}}}]
"""


def test_another_cluster_replaces_the_provider_and_nothing_else_does(provider):
    def replaces(**new):
        old = {"kubeconfig": kubeconfig("https://a")}
        request = wire.DiffRequest(old_inputs=values.encode(old), news=values.encode({**old, **new}))
        return list(provider.DiffConfig(request, SimpleNamespace()).replaces)

    assert replaces(kubeconfig=kubeconfig("https://b")) == ["kubeconfig"]
    assert replaces(namespace="team") == []
    assert replaces(kubeconfig=kubeconfig("https://a") + "\npreferences: {}\n") == []
    assert replaces(kubeconfig=values.UNKNOWN) == []


class Aborted(Exception):
    """What gRPC raises when a procedure aborts."""


def test_a_cluster_that_is_not_there_is_said_in_one_sentence(provider, tmp_path):
    told = []

    def abort(code, message):
        told.append(message)
        raise Aborted

    arguments = values.encode({"kubeconfig": str(tmp_path / "none")})
    provider.Configure(wire.ConfigureRequest(args=arguments), SimpleNamespace())
    request = wire.CreateRequest(
        type="kubernetes:core/v1:Namespace", properties=values.encode({"metadata": {"name": "n"}, "kind": "Namespace"})
    )
    request.preview = True
    assert values.decode(provider.Create(request, SimpleNamespace()).properties)["metadata"] == {"name": "n"}
    request.preview = False
    with pytest.raises(Aborted):
        provider.Create(request, SimpleNamespace(abort=abort))
    assert "the Kubernetes cluster is unreachable: kubeconfig" in told[0]


def test_a_provider_starts_without_the_sdk_of_its_resources():
    code = "import sys, standins.plugins.kubernetes.provider; print('pulumi_kubernetes' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


# Waiting


class Objects(SimpleNamespace):
    """A client that shows one object after the other, the last one forever."""

    def get(self, kind, namespace, name):
        return self.shown.pop(0) if len(self.shown) > 1 else self.shown[0]

    def list(self, *_, **__):
        return []


def deployment(available):
    status = {"updatedReplicas": 1, "replicas": 1, "availableReplicas": available}
    return {"metadata": {"name": "web", "namespace": "t", "uid": "1"}, "spec": {"replicas": 1}, "status": status}


def task(*shown, timeout=0.3):
    cluster = Cluster(Options(), Objects(shown=list(shown)), "", plugin.EngineLog(""), threading.Event())
    return Task(cluster, "urn", timeout=timeout)


def test_a_wait_ends_when_the_object_is_ready():
    live = deployment(0)
    assert waits.until_ready(task(live, deployment(1), timeout=9), DEPLOYMENT, live, live) == deployment(1)


def test_a_wait_gives_up_with_the_last_state_and_what_to_look_at():
    live = deployment(0)
    with pytest.raises(waits.GaveUp, match="0 of 1 replicas available") as gave_up:
        waits.until_ready(task(live), DEPLOYMENT, live, live)
    assert gave_up.value.live == live
    assert "look at: kubectl describe deployment web --namespace t" in str(gave_up.value)


def test_a_wait_ends_at_once_when_the_run_is_cancelled_or_the_object_has_gone():
    live, cancelled = deployment(0), task(deployment(0), timeout=99)
    cancelled.cluster.cancelled.set()
    with pytest.raises(waits.GaveUp, match="when the run was cancelled"):
        waits.until_ready(cancelled, DEPLOYMENT, live, live)
    with pytest.raises(waits.GaveUp, match="was deleted by somebody else"):
        waits.until_ready(task(None, timeout=99), DEPLOYMENT, live, live)


def test_an_object_that_asks_not_to_be_waited_for_is_not():
    live = {**deployment(0)}
    live["metadata"] = {**live["metadata"], "annotations": {"pulumi.com/skipAwait": "true"}}
    assert waits.until_ready(task(None), DEPLOYMENT, live, live) == live


def test_a_deletion_waits_for_finalizers_and_names_them():
    held = deployment(0)
    held["metadata"]["finalizers"] = ["example.org/keep"]
    waits.until_gone(task(held, None), DEPLOYMENT, "t", "web", 9)
    made_again = {"metadata": {"name": "web", "uid": "2"}}
    waits.until_gone(task(held, made_again), DEPLOYMENT, "t", "web", 9)
    with pytest.raises(Refused, match=r"held by finalizers example\.org/keep"):
        waits.until_gone(task(held), DEPLOYMENT, "t", "web", 0)


# Helm


def test_a_local_chart_is_another_one_by_its_version_alone(tmp_path):
    (tmp_path / "Chart.yaml").write_text("name: a\n")
    inputs = {"chart": str(tmp_path), "name": "a", "version": "1.0.0"}
    assert helm.difference(inputs, inputs, []) == ([], False)
    (tmp_path / "Chart.yaml").write_text("name: b\n")
    assert helm.difference(inputs, inputs, []) == ([], False)
    ((change,), _) = helm.difference(inputs, {**inputs, "version": "1.0.1"}, [])
    assert change.path == ("version",)


def test_another_name_or_namespace_replaces_a_release():
    (changed, _) = helm.difference({"name": "a", "version": "1"}, {"name": "b", "version": "2"}, [])
    assert {change.path[0]: change.replaces for change in changed} == {"name": True, "version": False}


# Installation


def fake_cli(directory: Path, install: str) -> Path:
    """A `pulumi` that answers `version`, and does what the text says for `plugin install`."""
    directory.mkdir()
    cli = directory / "pulumi"
    cli.write_text(f'#!/bin/sh\ncase "$1" in version) echo v9.9.9;; *) {install};; esac\n')
    cli.chmod(0o755)
    return cli


@pytest.fixture(autouse=True)
def quiet(monkeypatch, tmp_path):
    monkeypatch.setattr(installation, "CACHE", tmp_path / "cache")
    monkeypatch.delenv(installation.CHOICE, raising=False)


REFUSE = "echo \"$3\" >> '{0}'; echo 'warning: Error downloading plugin: no such host' >&2; exit 1"


def test_stand_ins_are_installed_once_and_announced_every_time(tmp_path):
    asked = tmp_path / "asked"
    cli, home = fake_cli(tmp_path / "bin", REFUSE.format(asked)), tmp_path / "home"
    lines = installation.install(home, cli)
    assert len(lines) == 1 + len(installation.RESOURCES)
    assert "Python language host 9.9.9" in lines[0]
    assert any("Kubernetes provider" in line and "could not be downloaded: no such host" in line for line in lines)
    plugins = {path.name for path in (home / "plugins").iterdir()}
    assert "language-python-v9.9.9" in plugins
    assert len(plugins) == len(lines)
    assert installation.install(home, cli) == lines
    assert len(asked.read_text().splitlines()) == len(installation.RESOURCES)


def test_published_plugins_are_taken_when_they_can_be_had(tmp_path, monkeypatch):
    refusing = fake_cli(tmp_path / "refusing", REFUSE.format(tmp_path / "asked"))
    home = tmp_path / "home"
    installation.install(home, refusing)
    place = '"$PULUMI_HOME/plugins/resource-$4-v$5"'
    good = fake_cli(tmp_path / "bin", f'mkdir -p {place}; touch {place}/pulumi-resource-"$4"')
    (good.parent / installation.LANGUAGE).touch()
    monkeypatch.setenv(installation.CHOICE, "published")
    assert installation.install(home, good) == []
    monkeypatch.delenv(installation.CHOICE)
    assert installation.install(home, refusing)[1:] == []  # kept; only the language host is a stand-in here
    with_kubernetes = next((home / "plugins").glob("resource-kubernetes-*"))
    assert {path.name for path in with_kubernetes.iterdir()} == {"pulumi-resource-kubernetes"}


def test_demanded_published_plugins_that_cannot_be_had_are_an_error(tmp_path, monkeypatch):
    monkeypatch.setenv(installation.CHOICE, "published")
    cli = fake_cli(tmp_path / "bin", REFUSE.format(tmp_path / "asked"))
    with pytest.raises(StepFailed, match="could not be had"):
        installation.install(tmp_path / "home", cli)


def test_an_installed_plugin_starts_and_prints_its_port(tmp_path, monkeypatch):
    monkeypatch.setenv(installation.CHOICE, "stand-in")
    home = tmp_path / "a home with spaces"
    installation.install(home, fake_cli(tmp_path / "bin", "exit 1"))
    (executable,) = (home / "plugins").glob("resource-random-*/pulumi-resource-random")
    assert os.access(executable, os.X_OK)
    with subprocess.Popen([executable, "127.0.0.1:1"], stdout=subprocess.PIPE, text=True, cwd="/") as process:
        assert process.stdout
        port = int(process.stdout.readline())
        process.terminate()
        assert process.wait(10) == 0
    assert 0 < port < 65536


# The end


ENGINE = """
import subprocess, sys, time
plugin = subprocess.Popen([sys.executable, "-c", sys.argv[1], "127.0.0.1:1"], stdout=subprocess.PIPE, text=True)
port = plugin.stdout.readline().strip()
print(plugin.pid, port, flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("module", ["random_provider", "kubernetes.provider", "language_host"])
def test_a_plugin_ends_when_the_engine_that_started_it_was_killed(module):
    start = f"from standins.plugins.{module} import main; main()"
    with subprocess.Popen([sys.executable, "-c", ENGINE, start], stdout=subprocess.PIPE, text=True) as engine:
        pid, port = (int(word) for word in engine.stdout.readline().split())
        assert port > 0
        plugin_process = os.pidfd_open(pid)
        engine.kill()
    try:
        ended, _, _ = select.select([plugin_process], [], [], 30)
        assert ended, "the plugin goes on without its engine"
    finally:
        os.close(plugin_process)
