"""Databases by manifest in the cluster: Crossplane's core and functions are real, CloudNativePG's operator is played.

The API server has the operator's definitions, so that what it would refuse is refused here. What the operator writes,
the Secrets and the Cluster's status, the tests write in its place.
"""

import base64
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import crossplane_core
import pulumi
import pytest
import yaml
from pulumi_cli import Cluster, PulumiEnv
from pulumi_mlops import PostgresDatabase
from pulumi_mlops.platform import LocalDatabaseApi
from pulumi_mlops.platform.databases import _drill
from test_database_manifests import CLAIM, DATABASE, Manifest, Manifests, condition, manifest

from local.node.control_plane import control_plane
from local.tools import build as tools_build
from local.tools.catalogue import BINARIES
from standins.plugins.kubernetes.names import Kind
from tests.components import custom_resources as resources
from tests.components import test_local_database_api
from tests.conftest import Build

pytestmark = pytest.mark.engine

GROUP = "database.example.org"
DRILLED = "2026-11-30T02:00:00Z: 3 rows in 42 s"
PARTS = {CLAIM: 4, DATABASE: 5}
"""Cluster, schedule of backups and two OperatorSecrets; the developer's Secret is a part of the second kind."""
CREDENTIALS = {
    "username": "app",
    "password": "drawn by the operator",
    "dbname": "my_db",
    "port": "5432",
    "fqdn-uri": "postgresql://app:drawn@…",
}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with control_plane(tmp_path_factory.mktemp("control-plane")) as running:
        cluster = Cluster(running.kubeconfig)
        operator = tools_build.source(BINARIES["cloudnative-pg"]) / "config" / "crd" / "bases"
        files = [operator / f"postgresql.cnpg.io_{kind}.yaml" for kind in ("clusters", "scheduledbackups")]
        crossplane_core.serve(cluster, [yaml.safe_load(file.read_text(encoding="utf-8")) for file in files])
        with crossplane_core.core(tmp_path_factory.mktemp("crossplane"), running):
            yield cluster


_serving: list[Manifests] = []


@pytest.fixture
def api(build: Build, cluster: Cluster) -> Manifests:
    if not _serving or _serving[0].client is not cluster.client:
        args = {**test_local_database_api.FULL, "group": GROUP, "memory": {"small": "256Mi", "large": "1Gi"}}
        graph = build(lambda: LocalDatabaseApi("databases", args))  # type: ignore[arg-type]
        secrets = [one.inputs for one in graph.of_kind("CustomResourceDefinition")]
        crossplane_core.serve(cluster, secrets)
        builtin = ("ClusterRole", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")
        ours = [one.inputs for one in graph if one.inputs.get("kind") in builtin]
        _serving[:] = [Manifests(cluster, [*ours, *resources.among(graph)])]
    return _serving[0]


def local(kind: str, name: str, **parameters: Any) -> Manifest:
    one = manifest(kind, name, **parameters)
    spec = one["spec"].get("crossplane", one["spec"])
    spec["compositionSelector"]["matchLabels"]["provider"] = "local"
    one["spec"]["writeConnectionSecretToRef"] = {"name": f"{name}-conn"}
    return one


def secret(name: str, **data: str) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": "default"},
        **({"stringData": data} if data else {}),
    }


def played(api: Manifests, one: Manifest) -> Manifest:
    """Does what the operator does for the manifest's Cluster, and a restore drill, and returns it."""
    made = api.parts(one, PARTS[one["kind"]])["cluster"]
    name = made["metadata"]["name"]
    api.apply(secret(f"{name}-app", **CREDENTIALS))
    api.apply(secret(f"{name}-ca", **{"ca.crt": "an authority", "ca.key": "its key"}))
    api.merge(made, "", {"metadata": {"annotations": {_drill.ANNOTATION: DRILLED}}})
    ready = {"type": "Ready", "status": "True", "reason": "ClusterIsReady", "message": "Cluster is Ready"}
    at = {"lastTransitionTime": "2026-11-30T00:00:00Z"}
    told = {"phase": "Cluster in healthy state", "phaseReason": "", "lastSuccessfulBackup": "2026-11-30T01:00:00Z"}
    api.merge(made, "/status", {"status": {**told, "conditions": [{**ready, **at}]}})
    return made


@pytest.mark.parametrize("kind", [CLAIM, DATABASE])
def test_a_manifest_becomes_a_cluster_and_a_secret_with_what_the_operator_has_drawn(api: Manifests, kind: str) -> None:
    name = f"made-{kind.lower()}"
    one = local(kind, name, storageGB=30, version="16", size="large")
    api.apply(one)

    made = played(api, one)

    assert re.fullmatch(f"{name}-[0-9a-f]{{8}}", made["metadata"]["name"])
    assert made["metadata"]["namespace"] == "default"
    assert made["spec"]["storage"] == {"size": "30Gi", "storageClass": "fast", "resizeInUseVolumes": True}
    assert made["spec"]["imageName"] == "registry.example.org/postgresql:16.14"
    assert made["spec"]["resources"] == {"requests": {"cpu": "100m", "memory": "1Gi"}, "limits": {"memory": "1Gi"}}
    assert made["spec"]["bootstrap"]["initdb"]["database"] == name.replace("-", "_")
    crossplane_core.until(lambda: condition(api.now(one), "Ready").get("status") == "True", "Ready")
    told = api.now(one)["status"]
    assert told["phase"] == "Cluster in healthy state"
    assert told["lastBackup"] == "2026-11-30T01:00:00Z"
    assert told["lastRestoreDrill"] == DRILLED
    assert told["address"] == f"{made['metadata']['name']}-rw.default.svc.cluster.local"
    wanted = {"host", "port", "username", "password", "database", "uri", "ca"}

    def filled() -> dict[str, str] | None:
        there = api.there(secret(f"{name}-conn"))
        data = (there or {}).get("data", {})
        return data if data.keys() >= wanted else None

    values = {key: base64.b64decode(value).decode() for key, value in crossplane_core.until(filled, "Secret").items()}
    assert values == {
        "host": f"{made['metadata']['name']}-rw.default.svc.cluster.local",
        "port": "5432",
        "username": "app",
        "password": "drawn by the operator",
        "database": "my_db",
        "uri": "postgresql://app:drawn@…",
        "ca": "an authority",
    }


def test_a_component_is_ready_when_its_manifest_is_and_hands_on_what_that_tells(
    api: Manifests, cluster: Cluster, pulumi_env: PulumiEnv
) -> None:
    one = local(DATABASE, "orders")

    def program() -> None:
        args: Any = {"namespace": "default", "storage_gib": 30, "protect_data": False}
        orders = PostgresDatabase("orders", args)
        for output in ("connection_secret", "host", "port", "database"):
            pulumi.export(output, getattr(orders, output))

    def play() -> Manifest:
        crossplane_core.until(lambda: api.there(one), "the manifest")
        return played(api, one)

    stack = pulumi_env.stack(program, config={"kubernetes:kubeconfig": str(cluster.kubeconfig)})
    with ThreadPoolExecutor() as pool:
        playing = pool.submit(play)
        outputs = stack.up().outputs
        made = playing.result()

    assert made["spec"]["storage"]["size"] == "30Gi"
    assert outputs == {
        "connection_secret": "orders-connection",
        "host": f"{made['metadata']['name']}-rw.default.svc.cluster.local",
        "port": 5432,
        "database": "orders",
    }
    assert stack.up().changed == {}
    assert "drawn by the operator" not in stack.state()
    stack.destroy()
    crossplane_core.until(lambda: api.there(one) is None, "gone")


@pytest.mark.parametrize("kind", [CLAIM, DATABASE])
def test_storage_grows_and_is_never_made_smaller(api: Manifests, kind: str) -> None:
    name = f"growing-{kind.lower()}"
    api.apply(local(kind, name))
    count = PARTS[kind]
    api.parts(local(kind, name), count)

    api.apply(local(kind, name, storageGB=25))

    crossplane_core.until(
        lambda: api.parts(local(kind, name), count)["cluster"]["spec"]["storage"]["size"] == "25Gi", "25 GiB"
    )
    assert "storageGB can only grow: a volume cannot be made smaller" in api.refused(local(kind, name, storageGB=24))


@pytest.mark.parametrize("kind", [CLAIM, DATABASE])
def test_a_provider_that_the_platform_has_not_is_refused_in_one_sentence(api: Manifests, kind: str) -> None:
    refused = api.refused(manifest(kind, "elsewhere"), dry=True)

    assert "compositionSelector.matchLabels must have provider and environment: provider local, environment" in refused


def test_a_deleted_manifest_takes_its_cluster_along(api: Manifests) -> None:
    one = local(DATABASE, "leaving")
    api.apply(one)
    made = played(api, one)

    api.client.request("DELETE", api.path(one))

    kind = Kind("postgresql.cnpg.io", "v1", "Cluster")

    def gone() -> bool:
        found = api.client.get(kind, "default", made["metadata"]["name"])
        # The garbage collector, which this API server is without, deletes what is owned.
        return found is None or api.there(one) is None

    crossplane_core.until(gone, "gone")


@pytest.mark.parametrize("kind", [CLAIM, DATABASE])
@pytest.mark.parametrize("environment", ["production", "development"])
def test_a_manifest_starts_from_a_backup_at_a_moment(api: Manifests, kind: str, environment: str) -> None:
    name, lost = f"restored-{kind.lower()[-3:]}-{environment[:3]}", "my-orders-0a1b2c3d"
    moment = "2026-11-30T13:35:30.135189Z"
    one = local(kind, name, restoreFrom={"database": lost, "moment": moment}, highAvailability=True)
    one["spec"].get("crossplane", one["spec"])["compositionSelector"]["matchLabels"]["environment"] = environment
    api.apply(one)

    made = api.parts(one, PARTS[kind] - (environment == "development"))["cluster"]["spec"]

    assert set(made["bootstrap"]) == {"recovery"}
    assert made["bootstrap"]["recovery"] == {
        "source": lost,
        "database": "my_orders",
        "owner": "app",
        "recoveryTarget": {"targetTime": moment},
    }
    (store,) = made["externalClusters"]
    assert store["name"] == store["barmanObjectStore"]["serverName"] == lost
    assert store["barmanObjectStore"]["destinationPath"] == "s3://databases/backups"
    assert (made["instances"], made["enablePDB"]) == (2, True)


def test_a_manifest_without_restore_from_starts_empty(api: Manifests) -> None:
    one = local(DATABASE, "empty")
    api.apply(one)

    made = api.parts(one, PARTS[DATABASE])["cluster"]["spec"]

    assert set(made["bootstrap"]) == {"initdb"}
    assert "externalClusters" not in made
    assert (made["instances"], made["enablePDB"]) == (1, False)
    refused = api.refused(local(DATABASE, "elsewhere", restoreFrom={"database": "somewhere"}), dry=True)
    assert "should match" in refused
