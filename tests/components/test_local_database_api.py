"""The database manifests of a platform without a cloud: what may be asked for, and what it becomes in the cluster."""

import re
from collections.abc import Callable
from typing import Any

import pulumi
import pytest
from pulumi_mlops import ArgumentError, conventions
from pulumi_mlops.database import _arguments
from pulumi_mlops.platform import DatabaseApi, LocalDatabaseApi
from pulumi_mlops.platform.databases._container_files import restore_drill

from tests.components import test_database_api
from tests.components.test_database_api import base, composition, definition, parameters
from tests.conftest import Build, Graph

ARGS: dict[str, Any] = {"images": {"17": "registry.example.org/postgresql:17.10"}}
FULL: dict[str, Any] = {
    "images": {"16": "registry.example.org/postgresql:16.14", **ARGS["images"]},
    "memory": {"tiny": "256Mi", "huge": "32Gi"},
    "storage_class": "fast",
    "backups": {"destination": "s3://databases/backups"},
    "restore_drill": "weekly",
    "group": "local.example.com",
    "keep_definitions": False,
    "object_name": "local",
}


def program(**changes: Any) -> LocalDatabaseApi:
    return LocalDatabaseApi("databases", {**ARGS, **changes})  # type: ignore[typeddict-item]


def rules(graph: Graph, version: str) -> list[str]:
    (only,) = definition(graph, version)["spec"]["versions"]
    schema = only["schema"]["openAPIV3Schema"]
    asked = schema["properties"]["spec"]["properties"]["parameters"]
    return [one["message"] for one in (*schema["x-kubernetes-validations"], *asked["x-kubernetes-validations"])]


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_manifest_may_say_the_same_whoever_provides_the_database(build: Build, version: str) -> None:
    here, on_aws = (
        build(program),
        build(lambda: DatabaseApi("databases", test_database_api.ARGS)),  # type: ignore[arg-type]
    )

    assert parameters(here, version)["storageGB"] == parameters(on_aws, version)["storageGB"]
    assert parameters(here, version)["size"] == parameters(on_aws, version)["size"]
    assert parameters(here, version)["version"] == {"type": "string", "enum": ["17"], "default": "17"}
    assert rules(here, version) == [one.replace("provider aws", "provider local") for one in rules(on_aws, version)]
    assert parameters(here, version)["storageGB"]["default"] == _arguments.ARGUMENTS["storage_gib"].default


def test_a_claim_s_secret_has_the_keys_of_every_database_and_the_authority(build: Build) -> None:
    keys = definition(build(program), "v1")["spec"]["connectionSecretKeys"]

    assert keys == ["host", "port", "username", "password", "database", "uri", "ca"]


@pytest.mark.parametrize("kind", ["XPostgreSQLInstance", "PostgreSQLDatabase"])
@pytest.mark.parametrize("environment", ["production", "development"])
def test_the_server_refuses_connections_without_tls(build: Build, kind: str, environment: str) -> None:
    made = composition(build(program), kind, environment)

    assert made["metadata"]["labels"]["provider"] == "local"
    assert base(made, "cluster")["spec"]["postgresql"]["pg_hba"] == ["hostnossl all all all reject"]


def test_crossplane_gets_the_rights_to_what_it_composes(build: Build) -> None:
    graph = build(lambda: program(**FULL))
    (role,) = [one for one in graph.of_kind("ClusterRole") if "drill" not in one.name]

    composed = {
        part["base"]["apiVersion"].rpartition("/")[0]
        for one in graph.of_kind("Composition")
        for part in one.inputs["spec"]["pipeline"][0]["input"]["resources"]
    }
    assert role.inputs["metadata"]["labels"]["rbac.crossplane.io/aggregate-to-crossplane"] == "true"
    assert {group for rule in role.inputs["rules"] for group in rule["apiGroups"]} == composed


def test_databases_of_production_alone_are_backed_up_to_the_store_of_their_workspace(build: Build) -> None:
    graph = build(lambda: program(**FULL))
    production, development = (composition(graph, "PostgreSQLDatabase", one) for one in ("production", "development"))

    backup = base(production, "cluster")["spec"]["backup"]
    assert backup["retentionPolicy"] == "7d"
    store = backup["barmanObjectStore"]
    assert store["destinationPath"] == "s3://databases/backups"
    assert store["endpointURL"] == conventions.OBJECT_STORE_ENDPOINT
    assert store["s3Credentials"]["accessKeyId"] == {"name": "object-store-credentials", "key": "AWS_ACCESS_KEY_ID"}
    assert base(production, "backups")["spec"] == {"schedule": "0 0 1 * * *", "immediate": True}
    assert "backup" not in base(development, "cluster")["spec"]
    assert "backup" not in base(composition(build(program), "PostgreSQLDatabase", "production"), "cluster")["spec"]


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        (
            "endpoint_url",
            "https://s3.example.org/%s",
            'must be a URL without "%", such as "https://s3.example.org", got',
        ),
        ("destination", "databases", 'must be a bucket such as "s3://databases", got'),
    ],
)
def test_an_address_that_is_known_later_is_checked_then(build: Build, key: str, value: str, problem: str) -> None:
    sound = {"destination": "s3://databases", "endpoint_url": "https://s3.example.org"}

    def built(value: str, output: Callable[[str], pulumi.Output[str]] = pulumi.Output.from_input) -> Graph:
        return build(lambda: program(backups={**sound, key: output(value)}))

    server = base(composition(built(sound[key]), "PostgreSQLDatabase", "production"), "cluster")
    assert server["spec"]["backup"]["barmanObjectStore"]["endpointURL"] == sound["endpoint_url"]
    with pytest.raises(ArgumentError, match=re.escape(f'LocalDatabaseApi "databases": args.backups.{key} {problem}')):
        built(value)
    with pytest.raises(ArgumentError, match="got a secret, which is not shown"):
        built(value, pulumi.Output.secret)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"backups": {"destination": "databases"}}, "args.backups.destination must be a bucket such as"),
        (
            {"backups": {"destination": "s3://databases", "endpoint_url": "https://s3.example.org/%s"}},
            'args.backups.endpoint_url must be a URL without "%"',
        ),
        ({"backups": {}}, "args.backups.destination"),
        ({"images": {}}, "args.images must not be empty: no database could be asked for"),
        ({"images": {"17": ""}}, "args.images.17 must not be empty"),
        ({"images": {"seventeen": "a:17"}}, 'args.images has the version "seventeen", which must be a major version'),
        ({"images": {"17": "a:17", "16": "a:16"}}, "args.images must be of different versions, oldest first"),
        ({"memory": {}}, "args.memory must not be empty"),
        ({"memory": {"Small": "1Gi"}}, 'args.memory has the name "Small"'),
        ({"memory": {"small": "much"}}, "args.memory"),
    ],
)
def test_arguments_that_are_wrong_are_refused(build: Build, changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(ArgumentError) as error:
        build(lambda: program(**changes))
    assert problem in str(error.value)


def test_a_restore_drill_has_a_schedule_and_the_rights_that_it_needs(build: Build) -> None:
    graph = build(lambda: program(backups=FULL["backups"], restore_drill="monthly"))
    (job,) = graph.of_kind("CronJob")
    drill = job.inputs["spec"]["jobTemplate"]["spec"]["template"]["spec"]

    assert job.inputs["spec"]["schedule"] == "@monthly"
    assert drill["containers"][0]["image"] == ARGS["images"]["17"]
    assert drill["containers"][0]["securityContext"]["readOnlyRootFilesystem"]
    (rights,) = [one.inputs["rules"] for one in graph.of_kind("ClusterRole") if "drill" in one.name]
    assert {resource for one in rights for resource in one["resources"]} == {"clusters", "pods"}
    assert build(program).of_kind("CronJob") == []


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"restore_drill": "weekly"}, "without args.backups there is nothing to restore"),
        (
            {"restore_drill": "hourly", "backups": FULL["backups"]},
            "args.restore_drill must be one of 'daily', 'weekly', 'monthly', got 'hourly'",
        ),
    ],
)
def test_a_drill_that_cannot_be_is_refused(build: Build, changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ArgumentError, match=complaint):
        build(lambda: program(**changes))


def test_a_drill_restores_what_the_backup_of_the_composition_has(build: Build) -> None:
    cluster = base(composition(build(lambda: program(**FULL)), "PostgreSQLDatabase", "production"), "cluster")
    cluster["metadata"] = {"name": "orders-1a2b3c4d", "namespace": "shop", "labels": {}}
    cluster["spec"]["bootstrap"]["initdb"]["database"] = "orders"

    restored = restore_drill.restored(cluster)["spec"]

    assert restored["bootstrap"]["recovery"] == {"source": "orders-1a2b3c4d", "database": "orders", "owner": "app"}
    (source,) = restored["externalClusters"]
    assert source["barmanObjectStore"]["serverName"] == "orders-1a2b3c4d"
    assert source["barmanObjectStore"]["destinationPath"] == "s3://databases/backups"
    assert "backup" not in restored, "it would write over the backups of the database that it was restored from"


def test_a_drill_touches_nobody_elses_objects() -> None:
    class Api:
        def call(self, method: str, path: str) -> Any:
            assert method == "GET", f"{method} {path}"
            return {"metadata": {"labels": {"team": "shop"}}}

    with pytest.raises(restore_drill.Failed, match="is somebody's own"):
        restore_drill.remove(Api(), "/clusters/drill-orders", 1)  # type: ignore[arg-type]
