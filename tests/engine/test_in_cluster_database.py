"""A database in the cluster under the real engine and a real API server, and RDS's Secret by Go's own templates."""

import base64
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
import pytest
import sqlalchemy
import yaml
from pulumi_cli import Cluster, Failed, PulumiEnv, Stack
from pulumi_mlops import PostgresDatabase
from pulumi_mlops._manifests import RESTRICTED, name_of

from local import tools
from local.node.control_plane import control_plane
from tests.components.programs import DATABASE_RDS, database_with
from tests.conftest import Build
from tests.engine.kubelet import pretending

pytestmark = pytest.mark.engine

PASSWORD = "p{a}:s#s?w%o&r=d+1;[2]*3~4`5\\6|7<8>9$^()-_.,!"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """An API server of this module alone: on its node, pods are said to run."""
    with control_plane(tmp_path_factory.mktemp("control-plane")) as running, pretending(running.kubeconfig):
        yield Cluster(running.kubeconfig)


@pytest.fixture
def stack(pulumi_env: PulumiEnv, cluster: Cluster) -> Stack:
    return pulumi_env.stack(lambda: None, config={"kubernetes:kubeconfig": str(cluster.kubeconfig)})


def program(namespace: str, **changes: Any) -> Callable[[], None]:
    """A namespace that admits only restricted pods, and a database in it."""

    def run() -> None:
        place = k8s.core.v1.Namespace("place", metadata={"name": namespace, "labels": RESTRICTED})
        database = PostgresDatabase(
            "bird-log", database_with({"namespace": name_of(place), "single_pod": {}}, **changes)
        )
        pulumi.export("secret", database.connection_secret)

    return run


def test_a_database_comes_and_goes_and_leaves_nothing(stack: Stack, cluster: Cluster) -> None:
    planned = stack.preview(program("comes-and-goes", protect_data=False))
    made = stack.up()
    assert planned.changed == made.changed == {"create": 9}
    assert stack.up().changed == {}
    stack.refresh()
    assert stack.up().changed == {}

    assert made.outputs["secret"] == "bird-log-connection"
    secret = cluster.get("v1", "Secret", "bird-log-connection", "comes-and-goes")
    assert secret
    values = {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}
    url = sqlalchemy.make_url(values["uri"])
    assert {key: str(getattr(url, key)) for key in ("username", "password", "host", "port", "database")} == {
        key: value for key, value in values.items() if key != "uri"
    }
    assert len(values["password"]) == 40
    assert values["password"] not in stack.state()
    pod = cluster.get("v1", "Pod", "bird-log-0", "comes-and-goes")  # the restricted standard has admitted it
    assert pod
    assert pod["status"]["phase"] == "Running"

    stack.destroy()
    assert cluster.get("v1", "Namespace", "comes-and-goes") is None


def test_a_change_of_the_server_touches_neither_its_data_nor_its_password(stack: Stack) -> None:
    stack.up(program("changes"))
    changed = stack.up(program("changes", memory="1Gi", client_namespaces=["web"]))
    assert {name: step["op"] for name, step in changed.steps.items()} == {
        "bird-log": "update",
        "bird-log-server": "update",
        "bird-log-ingress": "update",
    }


def test_protected_data_stops_a_destroy_and_a_replacement(stack: Stack, cluster: Cluster) -> None:
    stack.up(program("protected"))
    with pytest.raises(Failed, match="protect"):
        stack.preview(program("protected", storage_class="other"))
    with pytest.raises(Failed, match="protect"):
        stack.destroy()
    assert cluster.get("v1", "PersistentVolumeClaim", "bird-log-data", "protected")


def test_go_templates_make_the_secret_of_rds_from_any_password(build: Build, tmp_path: Path) -> None:
    graph = build(lambda: PostgresDatabase("bird-log", DATABASE_RDS))
    texts = graph["bird-log-connection"].inputs["spec"]["target"]["template"]["data"]

    values = rendered(tmp_path, texts, {"username": "app", "password": PASSWORD})

    url = sqlalchemy.make_url(values.pop("uri"))
    assert url.query == {"sslmode": "require"}
    assert values["password"] == PASSWORD
    assert {key: str(getattr(url, key)) for key in ("username", "password", "host", "port", "database")} == values


def rendered(directory: Path, texts: dict[str, str], values: dict[str, str]) -> dict[str, str]:
    """The texts as Go's template engine renders them, which helm has as External Secrets has it."""
    lines = "".join(f"  {key}: |-\n    {text}\n" for key, text in texts.items())
    manifest = f"{{{{ with .Values }}}}apiVersion: v1\nkind: ConfigMap\ndata:\n{lines}{{{{ end }}}}"
    (directory / "templates").mkdir()
    (directory / "templates" / "map.yaml").write_text(manifest)
    (directory / "Chart.yaml").write_text("apiVersion: v2\nname: tiny\nversion: 1.2.3\n")
    (directory / "values.yaml").write_text(yaml.safe_dump(values))
    helm = tools.ensure("helm")["helm"]
    done = subprocess.run([helm, "template", str(directory)], capture_output=True, text=True, check=True)
    return yaml.safe_load(done.stdout)["data"]
