"""`helm.v3.Release` under the real engine, by the real helm, against a real API server without nodes."""

from collections.abc import Callable
from pathlib import Path

import pulumi
import pulumi_kubernetes as k8s
import pytest
from pulumi_cli import Cluster, Failed, PulumiEnv, Stack

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


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    """A chart of one ConfigMap."""
    chart = tmp_path / "chart"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: tiny\nversion: 1.2.3\nappVersion: '9'\n")
    (chart / "values.yaml").write_text("token: none\n")
    (chart / "templates" / "map.yaml").write_text(CONFIG_MAP)
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

    with pytest.raises(Failed, match=r"Helm release charts/tiny does not render: .*size is missing"):
        stack.preview(release(chart))
    made = stack.up(release(chart, size=1, token="hush-hush"))
    assert made.outputs == {"version": "1.2.3"}
    assert live() == {"size": "1", "token": "hush-hush"}
    assert stack.up().changed == {}

    (chart / "templates" / "map.yaml").write_text(CONFIG_MAP + "  more: x\n")
    changed = stack.up(release(chart, size=2))
    assert changed.changed == {"update": 1}
    assert changed.diff("tiny") == {"values.size": "update", "values.token": "delete", "chart": "update"}
    assert live() == {"size": "2", "token": "none", "more": "x"}

    stack.destroy()
    assert cluster.get("v1", "ConfigMap", "tiny", "charts") is None


def test_a_release_that_a_killed_run_left_is_refused_or_taken_over(
    stack: Stack, cluster: Cluster, chart: Path, monkeypatch: pytest.MonkeyPatch
):
    stack.up(release(chart, size=1))
    stack.environment.run("state", "delete", "--all", "--force", "--yes", cwd=stack.directory)
    with pytest.raises(Failed, match=r"Helm release charts/tiny already exists and is not in this stack: give"):
        stack.up(release(chart, size=2))

    monkeypatch.setenv("PULUMI_K8S_UPSERT_EXISTING_OBJECTS", "true")
    stack.up(release(chart, size=2))
    found = cluster.get("v1", "ConfigMap", "tiny", "charts")
    assert found
    assert found["data"]["size"] == "2"
    stack.destroy()
    assert cluster.get("v1", "ConfigMap", "tiny", "charts") is None


def test_a_release_that_fails_is_kept_and_repaired_by_the_next_run(stack: Stack, cluster: Cluster, chart: Path):
    broken = chart / "templates" / "broken.yaml"
    broken.write_text("apiVersion: v1\nkind: Service\nmetadata: {name: broken}\nspec: {ports: [{port: 99999}]}\n")
    with pytest.raises(Failed, match=r"Helm release charts/tiny could not be installed.*99999"):
        stack.up(release(chart, size=1))
    broken.unlink()
    assert stack.preview().changed == {"update": 1}
    assert stack.up().changed == {"update": 1}
    assert cluster.get("v1", "ConfigMap", "tiny", "charts") is not None
