"""`helm.v3.Release` under the real engine, by the real helm, against a real API server without nodes.

What a killed run leaves is repaired by `pulumi-mlops repair` and in no other way: the provider does not.
"""

import base64
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pulumi
import pulumi_kubernetes as k8s
import pytest
from pulumi_cli import Cluster, Failed, PulumiEnv, Stack
from pulumi_mlops.review import release_size

from local import tools

pytestmark = pytest.mark.engine

CONFIG_MAP = """
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Release.Name }}}
data:
  size: {{ required "size is missing" .Values.size | quote }}
  token: {{ .Values.token | quote }}
"""
NEVER_READY = """
{{ if .Values.waits }}
apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ .Release.Name }}}
spec:
  selector: {matchLabels: {app: tiny}}
  template:
    metadata: {labels: {app: tiny}}
    spec: {containers: [{name: main, image: none}]}
{{ end }}
"""


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    """A chart of one ConfigMap."""
    chart = tmp_path / "chart"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: tiny\nversion: 1.2.3\nappVersion: '9'\n")
    (chart / "values.yaml").write_text("token: none\n")
    (chart / "templates" / "map.yaml").write_text(CONFIG_MAP)
    (chart / "templates" / "waits.yaml").write_text(NEVER_READY)
    return chart


@pytest.fixture
def stack(pulumi_env: PulumiEnv, cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Stack:
    monkeypatch.setenv("PULUMI_MLOPS_HELM", str(tools.ensure("helm")["helm"]))
    return pulumi_env.stack(lambda: None, config={"kubernetes:kubeconfig": str(cluster.kubeconfig)})


def release(chart: Path, **values: object) -> Callable[[], None]:
    """A program with one release in a namespace that helm makes."""

    def program() -> None:
        made = k8s.helm.v3.Release(
            "tiny", chart=str(chart), name="tiny", namespace="charts", create_namespace=True, values=values
        )
        pulumi.export("version", made.status.version)

    return program


def test_a_release_lives_through_preview_install_upgrade_and_uninstall(stack: Stack, cluster: Cluster, chart: Path):
    def live() -> dict:
        found = cluster.get("v1", "ConfigMap", "tiny", "charts")
        assert found
        return found["data"]

    stack.preview(release(chart))
    with pytest.raises(Failed, match=r"Helm release charts/tiny could not be installed: .*size is missing"):
        stack.up(release(chart))
    made = stack.up(release(chart, size=1, token="hush-hush"))
    assert made.outputs == {"version": "1.2.3"}
    assert live() == {"size": "1", "token": "hush-hush"}
    assert stack.up().changed == {}

    (chart / "templates" / "map.yaml").write_text(CONFIG_MAP + "  more: x\n")
    assert stack.up().changed == {}, "the published provider sees a change of the values and the version alone"
    description = chart / "Chart.yaml"
    description.write_text(description.read_text().replace("1.2.3", "1.2.4"))
    changed = stack.up(release(chart, size=2))
    assert changed.changed == {"update": 1}
    assert changed.diff("tiny") == {"values.size": "update", "values.token": "delete", "version": "update"}
    assert changed.outputs == {"version": "1.2.4"}
    assert live() == {"size": "2", "token": "none", "more": "x"}

    stack.destroy()
    assert cluster.get("v1", "ConfigMap", "tiny", "charts") is None


def test_a_part_of_a_release_that_somebody_deleted_comes_back_by_helm_and_not_by_up(
    stack: Stack, cluster: Cluster, chart: Path
):
    program = release(chart, size=1)
    stack.up(program)
    helm = [str(tools.ensure("helm")["helm"]), "--kubeconfig", str(cluster.kubeconfig), "--namespace", "charts"]
    try:
        cluster.delete("v1", "ConfigMap", "tiny", "charts")
        stack.refresh()
        stack.up()
        assert cluster.get("v1", "ConfigMap", "tiny", "charts") is None

        subprocess.run([*helm, "rollback", "tiny", "1"], check=True)
        assert cluster.get("v1", "ConfigMap", "tiny", "charts")
        stack.refresh()
        assert stack.up().changed == {}
    finally:
        stack.destroy()


def test_the_size_of_the_secret_of_a_release_is_known_before(stack: Stack, cluster: Cluster, chart: Path):
    (chart / "files").mkdir()
    (chart / "files" / "definitions.txt").write_text(random.Random(1).randbytes(60_000).hex())
    stack.up(release(chart, size=1))
    kept = cluster.get("v1", "Secret", "sh.helm.release.v1.tiny.v1", "charts")
    assert kept
    size = len(base64.b64decode(kept["data"]["release"]))
    assert size > 80_000
    assert release_size.of(chart, {"size": 1}, CONFIG_MAP) == pytest.approx(size, rel=0.1)
    stack.destroy()


IN_USE = "cannot re-use a name that is still in use"


def repaired(stack: Stack, *options: str) -> tuple[int, str]:
    """Exit status of `pulumi-mlops repair`, and what it says."""
    settings = {**os.environ, **stack.environment.environment}
    settings["PATH"] = f"{tools.ensure('helm')['helm'].parent}:{settings['PATH']}"
    command = [sys.executable, "-m", "pulumi_mlops.cli", "repair", "test", *options]
    done = subprocess.run(command, cwd=stack.directory, env=settings, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def cancel(stack: Stack) -> None:
    """Frees the stack from a run that was killed."""
    assert stack.environment.run("cancel", "--yes", cwd=stack.directory).returncode == 0


def waiting(cluster: Cluster) -> bool:
    """Whether helm has made the Deployment that it waits for."""
    return cluster.get("apps/v1", "Deployment", "tiny", "charts") is not None


def test_an_install_that_was_killed_is_refused_until_it_is_repaired(stack: Stack, cluster: Cluster, chart: Path):
    stack.killed_up(release(chart, size=1, waits=True), lambda: waiting(cluster))
    assert repaired(stack) == (
        3,
        "Helm release charts/tiny is pending-install: it would be uninstalled, so that it can be installed anew\n"
        "if no run of the stack is under way, `pulumi-mlops repair test --yes` does this\n",
    )
    status, said = repaired(stack, "--yes")
    assert status == 1
    assert "wait for the run that holds the stack, or, if there is none, free it by `pulumi cancel`" in said
    assert waiting(cluster)

    cancel(stack)
    with pytest.raises(Failed, match=IN_USE):
        stack.up(release(chart, size=1))
    assert repaired(stack, "--yes") == (
        0,
        "Helm release charts/tiny was pending-install: it has been uninstalled, so that it can be installed anew\n"
        "nothing is left to repair: `pulumi up --stack test` can continue\n",
    )
    assert not waiting(cluster)
    assert repaired(stack) == (0, "no Helm release of stack test has to be repaired\n")
    assert "pending operations" not in stack.up(release(chart, size=1)).text
    stack.destroy()


def test_an_upgrade_that_was_killed_is_refused_until_it_is_repaired(stack: Stack, cluster: Cluster, chart: Path):
    stack.up(release(chart, size=1))
    stack.killed_up(release(chart, size=2, waits=True), lambda: waiting(cluster))
    cancel(stack)
    with pytest.raises(Failed, match=r"another operation \(install/upgrade/rollback\) is in progress"):
        stack.up(release(chart, size=3))

    assert repaired(stack, "--yes") == (
        0,
        "Helm release charts/tiny was pending-upgrade: it has been rolled back to revision 1\n"
        "nothing is left to repair: `pulumi up --stack test` can continue\n",
    )
    assert not waiting(cluster)
    assert stack.up(release(chart, size=3)).changed == {"update": 1}
    stack.destroy()


def test_a_release_that_a_killed_run_did_not_record_is_refused_until_it_is_repaired(
    stack: Stack, cluster: Cluster, chart: Path, monkeypatch: pytest.MonkeyPatch
):
    stack.up(release(chart, size=1))
    unrecorded(stack)
    monkeypatch.setenv("PULUMI_K8S_UPSERT_EXISTING_OBJECTS", "true")
    with pytest.raises(Failed, match=IN_USE):
        stack.up(release(chart, size=1))

    before = cluster.get("v1", "ConfigMap", "tiny", "charts")
    assert repaired(stack, "--yes") == (
        0,
        "Helm release charts/tiny was deployed: it has been added to the state, which did not have it yet\n"
        "nothing is left to repair: `pulumi up --stack test` can continue\n",
    )
    assert stack.up(release(chart, size=1)).outputs == {"version": "1.2.3"}
    assert cluster.get("v1", "ConfigMap", "tiny", "charts") == before
    assert stack.up(release(chart, size=2)).changed == {"update": 1}
    stack.destroy()
    assert cluster.get("v1", "ConfigMap", "tiny", "charts") is None


def unrecorded(stack: Stack) -> None:
    """Gives the state what it was between the start and the end of the release's creation."""
    state = json.loads(stack.state())
    latest = state["checkpoint"]["latest"]
    made = next(one for one in latest["resources"] if one["type"] == "kubernetes:helm.sh/v3:Release")
    latest["resources"].remove(made)
    begun = {key: value for key, value in made.items() if key not in ("id", "outputs", "created", "modified")}
    latest["pending_operations"] = [{"resource": begun, "type": "creating"}]
    stack.state_file.write_text(json.dumps(state))


def test_a_release_that_is_gone_is_refused_at_destroy_until_it_is_repaired(stack: Stack, cluster: Cluster, chart: Path):
    stack.up(release(chart, size=1))
    settings = {**os.environ, "KUBECONFIG": str(cluster.kubeconfig)}
    helm = str(tools.ensure("helm")["helm"])
    subprocess.run([helm, "uninstall", "tiny", "--namespace", "charts"], env=settings, check=True)
    with pytest.raises(Failed, match=r"tiny: release: not found"):
        stack.destroy()

    assert repaired(stack, "--yes") == (
        0,
        "Helm release charts/tiny was gone: it has been taken out of the state, which still had it\n"
        "nothing is left to repair: `pulumi up --stack test` can continue\n",
    )
    stack.destroy()


def test_a_release_that_fails_is_kept_and_repaired_by_the_next_run(stack: Stack, cluster: Cluster, chart: Path):
    broken = chart / "templates" / "broken.yaml"
    broken.write_text("apiVersion: v1\nkind: Service\nmetadata: {name: broken}\nspec: {ports: [{port: 99999}]}\n")
    with pytest.raises(Failed, match=r"Helm release charts/tiny could not be installed.*99999"):
        stack.up(release(chart, size=1))
    broken.unlink()
    assert stack.preview().changed == {"update": 1}
    assert stack.up().changed == {"update": 1}
    assert cluster.get("v1", "ConfigMap", "tiny", "charts") is not None
