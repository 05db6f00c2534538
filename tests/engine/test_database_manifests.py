"""What a developer's database manifest may say, by a real API server with the schema of the platform's definitions."""

import base64
import re
from collections.abc import Callable, Iterator
from typing import Any

import crossplane_core
import pytest
from pulumi_cli import Cluster
from pulumi_mlops.platform import DatabaseApi

from local.node.control_plane import control_plane
from standins.plugins.kubernetes.client import ApiError
from standins.plugins.kubernetes.names import Kind
from tests.components import custom_resources as resources
from tests.components import test_database_api
from tests.conftest import Build
from tests.contract import definitions

pytestmark = pytest.mark.engine

CLAIM, DATABASE = "PostgreSQLInstance", "PostgreSQLDatabase"
COMPOSITE = "XPostgreSQLInstance"
COMPOSITION = Kind("apiextensions.crossplane.io", "v1", "Composition")
ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:rds!db-0"
ROLE = "crossplane.io/composition-resource-name"
PROVIDER = [*definitions.of_project("crossplane-provider-aws"), *definitions.of_project("external-secrets")]

ORDERS = "tenants-my-orders-0a1b2c3d"
"""A database of the platform's, as RDS calls it."""

Manifest = dict[str, Any]


def manifest(kind: str, name: str = "my-db", environment: str = "production", **parameters: Any) -> Manifest:
    more: Manifest = {"compositionSelector": {"matchLabels": {"provider": "aws", "environment": environment}}}
    if kind == DATABASE:
        more = {"crossplane": more}
    return {
        "apiVersion": "database.example.org/v1alpha1",
        "kind": kind,
        "metadata": {"name": name} if kind == COMPOSITE else {"name": name, "namespace": "default"},
        "spec": {"parameters": {"storageGB": 20, **parameters}, **more},
    }


class Manifests:
    """An API server with Crossplane, and the platform's definitions and compositions in it."""

    def __init__(self, cluster: Cluster, made: list[Manifest]) -> None:
        self.client = cluster.client
        definitions = [one for one in made if one["kind"] == "CompositeResourceDefinition"]
        for one in definitions:
            cluster.apply(one, "platform")
        for one in definitions:
            crossplane_core.until(lambda one=one: self._offered(one), one["metadata"]["name"])
        for one in made:
            if one not in definitions:
                cluster.apply(one, "platform")

    def apply(self, one: Manifest, *, dry: bool = False) -> Manifest:
        query = {"fieldManager": "developer", "fieldValidation": "Strict", **({"dryRun": "All"} if dry else {})}
        content_type = "application/apply-patch+yaml"
        return self.client.request("PATCH", self.path(one), query, one, content_type=content_type, attempts=1)

    def refused(self, one: Manifest, *, dry: bool = False) -> str:
        with pytest.raises(ApiError) as error:
            self.apply(one, dry=dry)
        return error.value.message

    def path(self, one: Manifest) -> str:
        return self.client.path(_kind(one), one["metadata"].get("namespace"), one["metadata"]["name"])

    def now(self, one: Manifest) -> Manifest:
        return self.client.request("GET", self.path(one), attempts=1)

    def there(self, one: Manifest) -> Manifest | None:
        return self.client.get(_kind(one), one["metadata"]["namespace"], one["metadata"]["name"])

    def parts(self, one: Manifest, count: int) -> dict[str, Manifest]:
        """What Crossplane has made of a manifest, by role, once there are so many."""

        def found() -> dict[str, Manifest]:
            owner = self.now(one)
            if one["kind"] == CLAIM:  # which says how its composite is called before there is one
                ref = owner["spec"].get("resourceRef", {})
                owner = self.client.get(Kind(*one["apiVersion"].split("/"), COMPOSITE), None, ref.get("name", "none"))
            if owner is None:
                return {}
            refs = owner["spec"].get("crossplane", owner["spec"]).get("resourceRefs", [])
            made = [self.client.get(_kind(ref), ref.get("namespace", "default"), ref["name"]) for ref in refs]
            return {part["metadata"]["annotations"][ROLE]: part for part in made if part}

        return crossplane_core.until(lambda: len(made := found()) == count and made, f"{count} parts of {one}")

    def report(self, part: Manifest, status: Manifest) -> None:
        """Writes a status as the part's own controller does once the part is as asked for."""
        conditions = [
            {"type": "Ready", "status": "True", "reason": "Available", "lastTransitionTime": "2026-11-30T00:00:00Z"}
        ]
        self.merge(part, "/status", {"status": {**status, "conditions": conditions}})

    def merge(self, one: Manifest, subresource: str, content: Manifest) -> None:
        path = f"{self.path(one)}{subresource}"
        self.client.request("PATCH", path, None, content, content_type="application/merge-patch+json")

    def _offered(self, definition: Manifest) -> bool:
        wanted = ["Established", *(["Offered"] if "claimNames" in definition["spec"] else [])]
        return all(condition(self.now(definition), one).get("status") == "True" for one in wanted)


def condition(one: Manifest, name: str) -> Manifest:
    found = [each for each in one.get("status", {}).get("conditions", []) if each["type"] == name]
    return found[0] if found else {}


def provider(part: Manifest) -> Manifest:
    return part["spec"]["forProvider"]


def _kind(one: Manifest) -> Kind:
    group, _, version = one["apiVersion"].rpartition("/")
    return Kind(group, version, one["kind"])


@pytest.fixture(scope="module")
def manifests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[list[Manifest]], Manifests]]:
    with control_plane(tmp_path_factory.mktemp("control-plane")) as running:
        cluster = Cluster(running.kubeconfig)
        crossplane_core.serve(cluster, PROVIDER)
        made: list[Manifests] = []

        def serving(ours: list[Manifest]) -> Manifests:
            if not made:
                made.append(Manifests(cluster, ours))
            return made[0]

        with crossplane_core.core(tmp_path_factory.mktemp("crossplane"), running):
            yield serving


@pytest.fixture
def api(build: Build, manifests: Callable[[list[Manifest]], Manifests]) -> Manifests:
    args = {**test_database_api.ARGS, "engine_versions": ["16", "17"]}
    graph = build(lambda: DatabaseApi("databases", args))  # type: ignore[arg-type]
    builtin = ("ClusterRole", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")
    ours = [one.inputs for one in graph if one.inputs.get("kind") in builtin]
    return manifests([*ours, *resources.among(graph)])


@pytest.mark.parametrize("kind", [CLAIM, DATABASE])
def test_the_smallest_manifest_gets_the_defaults(api: Manifests, kind: str) -> None:
    one = manifest(kind, "smallest")
    one["spec"]["parameters"] = {}
    one["spec"]["writeConnectionSecretToRef"] = {"name": "db-conn"}

    assert api.apply(one, dry=True)["spec"]["parameters"] == {
        "storageGB": 20,
        "version": "17",
        "size": "small",
        "highAvailability": False,
    }


@pytest.mark.parametrize("kind", [CLAIM, DATABASE])
@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        ({"storageGB": 19}, "should be greater than or equal to 20"),
        ({"storageGB": 65537}, "should be less than or equal to 65536"),
        ({"storageGB": "20"}, ".spec.parameters.storageGB: expected numeric"),
        ({"size": "gigantic"}, 'supported values: "small", "medium", "large"'),
        ({"version": "9"}, 'supported values: "16", "17"'),
        ({"restoreFrom": {}}, "restoreFrom must have database or snapshot, and not both"),
        (
            {"restoreFrom": {"database": ORDERS, "snapshot": f"{ORDERS}-final"}},
            "must have database or snapshot, and not",
        ),
        ({"restoreFrom": {"database": "orders-0a1b2c3d"}}, "should match '^"),
        ({"restoreFrom": {"snapshot": ORDERS}}, "should match '^"),
        (
            {"restoreFrom": {"snapshot": f"{ORDERS}-final", "moment": "2026-11-30T00:00:00Z"}},
            "restoreFrom.moment belongs to a database",
        ),
        ({"restoreFrom": {"database": ORDERS, "moment": "yesterday"}}, "restoreFrom.moment"),
        ({"highAvailability": "yes"}, ".spec.parameters.highAvailability: expected boolean"),
        ({"storageGb": 30}, ".spec.parameters.storageGb: field not declared in schema"),
    ],
)
def test_a_parameter_that_is_wrong_is_refused(
    api: Manifests, kind: str, parameters: dict[str, Any], problem: str
) -> None:
    assert problem in api.refused(manifest(kind, **parameters), dry=True)


@pytest.mark.parametrize("kind", [CLAIM, DATABASE])
@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("a" * 41, "metadata.name must be at most 40 characters"),
        ("a--b", "metadata.name must be lower-case letters, digits and single inner hyphens"),
        ("1st", "metadata.name must be lower-case letters, digits and single inner hyphens"),
        ("postgres", "metadata.name must be none of the server's own names"),
    ],
)
def test_a_name_that_rds_refuses_is_refused_at_once(api: Manifests, kind: str, name: str, problem: str) -> None:
    assert problem in api.refused(manifest(kind, name), dry=True)


def test_the_longest_name_is_accepted_and_so_is_what_crossplane_makes_of_it(api: Manifests) -> None:
    longest = "a" * 40

    for kind in (CLAIM, DATABASE):
        assert api.apply(manifest(kind, longest), dry=True)["metadata"]["name"] == longest
    assert api.apply(manifest(COMPOSITE, f"{longest}-x7k2p"), dry=True)


@pytest.mark.parametrize("kind", [CLAIM, DATABASE])
def test_storage_and_version_only_rise_and_sizes_go_both_ways(api: Manifests, kind: str) -> None:
    api.apply(manifest(kind, "orders", storageGB=30, version="16", size="small"))
    api.apply(manifest(kind, "orders", storageGB=40, version="17", size="large"))

    assert "storageGB can only grow" in api.refused(manifest(kind, "orders", storageGB=39, version="17", size="large"))
    assert "version can only rise" in api.refused(manifest(kind, "orders", storageGB=40, version="16", size="large"))
    assert api.apply(manifest(kind, "orders", storageGB=40, version="17", size="small"))["spec"]["parameters"] == {
        "storageGB": 40,
        "version": "17",
        "size": "small",
        "highAvailability": False,
    }


def test_every_resource_that_a_manifest_becomes_is_admitted_before_the_manifest_s_own_values(
    api: Manifests, build: Build
) -> None:
    graph = build(lambda: DatabaseApi("databases", test_database_api.FULL))  # type: ignore[arg-type]
    bases = [
        part["base"]
        for one in graph.of_kind("Composition")
        for part in one.inputs["spec"]["pipeline"][0]["input"]["resources"]
    ]
    aws = [one for one in bases if one["apiVersion"].endswith(".aws.m.upbound.io/v1beta1")]

    assert len(aws) == 4 * 6
    for number, one in enumerate(aws):
        # A class is the manifest's, and so required of it.
        settings = {"instanceClass": "db.t4g.small"} if one["kind"] == "Instance" else {}
        provider = {**one["spec"]["forProvider"], **settings}
        metadata = {"name": f"one-{number}", "namespace": "default"}
        assert api.apply({**one, "metadata": metadata, "spec": {"forProvider": provider}}, dry=True)


def test_a_setting_that_the_provider_does_not_know_would_be_found(api: Manifests) -> None:
    settings = {"region": "eu-central-1", "instanceClass": "db.t4g.small", "multiAzz": True}
    one = {"apiVersion": "rds.aws.m.upbound.io/v1beta1", "kind": "Instance"}
    metadata = {"name": "one", "namespace": "default"}

    assert ".spec.forProvider.multiAzz" in api.refused(
        {**one, "metadata": metadata, "spec": {"forProvider": settings}}, dry=True
    )


@pytest.mark.parametrize(
    ("kind", "environment", "lasting"), [(CLAIM, "production", True), (DATABASE, "development", False)]
)
def test_a_manifest_becomes_an_instance_with_what_it_asks_for(
    api: Manifests, kind: str, environment: str, lasting: bool
) -> None:
    one = manifest(kind, f"made-{environment}", environment, storageGB=50, version="16", size="medium")
    api.apply(one)

    parts = api.parts(one, 6)
    name = parts["subnets"]["metadata"]["annotations"]["crossplane.io/external-name"]
    assert re.fullmatch(f"tenants-made-{environment}-[0-9a-f]{{8}}", name)
    assert parts["security-group"]["spec"]["forProvider"]["name"] == name
    assert parts["instance"]["metadata"]["annotations"]["crossplane.io/external-name"] == name
    assert {
        key: value for key, value in provider(parts["instance"]).items() if key in test_database_api.BY_MANIFEST
    } == {
        "allocatedStorage": 50,
        "dbName": f"made_{environment}",
        "dbSubnetGroupName": name,
        "engineVersion": "16",
        "finalSnapshotIdentifier": f"{name}-final",
        "instanceClass": "db.m7g.large",
        "parameterGroupName": parts["parameters-16"]["metadata"]["annotations"]["crossplane.io/external-name"],
        "tags": {"Name": f"made-{environment}"},
    }
    assert provider(parts["instance"])["deletionProtection"] is lasting
    assert provider(parts["instance"])["skipFinalSnapshot"] is not lasting
    assert {part["metadata"]["namespace"] for part in parts.values()} == {"default"}


@pytest.mark.parametrize("kind", [CLAIM, DATABASE])
def test_more_storage_reaches_the_instance(api: Manifests, kind: str) -> None:
    name = f"growing-{kind.lower()}"
    api.apply(manifest(kind, name, storageGB=20))
    api.parts(manifest(kind, name), 6)

    api.apply(manifest(kind, name, storageGB=30))

    crossplane_core.until(
        lambda: provider(api.parts(manifest(kind, name), 6)["instance"])["allocatedStorage"] == 30, "30 GiB"
    )


def made(api: Manifests, one: Manifest) -> Manifest:
    """Reports every resource on AWS as made, and returns the ExternalSecret that follows."""
    for role, part in api.parts(one, 6).items():
        says = {"address": f"{one['metadata']['name']}.example.com", "masterUserSecret": [{"secretArn": ARN}]}
        api.report(part, {"atProvider": says} if role == "instance" else {})
    return api.parts(one, 7)["connection"]


def test_a_claim_s_secret_is_a_copy_of_what_the_secret_s_operator_has_filled(api: Manifests) -> None:
    one = manifest(CLAIM, "copied")
    one["spec"]["writeConnectionSecretToRef"] = {"name": "copied-conn"}
    api.apply(one)
    connection = made(api, one)
    target = connection["spec"]["target"]
    assert target["creationPolicy"] == "Merge"
    original = {"apiVersion": "v1", "kind": "Secret"}
    original["metadata"] = {"namespace": connection["metadata"]["namespace"], "name": target["name"]}
    crossplane_core.until(lambda: api.there(original), "the composite's Secret")

    api.merge(original, "", {"stringData": {key: f"a {key}" for key in target["template"]["data"] if key != "port"}})
    api.report(connection, {})

    crossplane_core.until(lambda: condition(api.now(one), "Ready")["status"] == "True", "Ready")
    copy = api.there(
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": "default", "name": "copied-conn"}}
    )
    assert copy
    assert {key: base64.b64decode(value).decode() for key, value in copy["data"].items()} == {
        "host": "a host",
        "port": "5432",
        "username": "a username",
        "password": "a password",
        "database": "a database",
        "uri": "a uri",
    }


def test_a_secret_of_somebody_else_s_is_not_overwritten_and_the_claim_says_so(api: Manifests) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": "default", "name": "taken"}}
    api.apply({**secret, "stringData": {"host": "mine"}})
    one = manifest(CLAIM, "taking")
    one["spec"]["writeConnectionSecretToRef"] = {"name": "taken"}
    api.apply(one)

    api.report(made(api, one), {})

    refusal = "cannot create or update connection secret"
    crossplane_core.until(lambda: refusal in condition(api.now(one), "Synced").get("message", ""), refusal)
    kept = api.there(secret)
    assert kept
    assert {key: base64.b64decode(value) for key, value in kept["data"].items()} == {"host": b"mine"}


@pytest.mark.parametrize("kind", [CLAIM, DATABASE])
def test_a_deleted_manifest_takes_its_resources_with_it(api: Manifests, kind: str) -> None:
    one = manifest(kind, f"going-{kind.lower()}")
    api.apply(one)
    parts = api.parts(one, 6)

    api.client.request("DELETE", api.path(one), attempts=1)

    crossplane_core.until(lambda: not any(map(api.there, [one, *parts.values()])), "everything to be gone")


def test_a_database_is_ready_once_the_provider_and_the_secret_s_operator_say_so(api: Manifests) -> None:
    one = manifest(DATABASE, "lasting")
    one["spec"]["writeConnectionSecretToRef"] = {"name": "db-conn"}
    api.apply(one)
    connection = made(api, one)
    assert condition(api.now(one), "Ready")["status"] == "False"
    assert [(item["remoteRef"]["key"], item["remoteRef"]["property"]) for item in connection["spec"]["data"]] == [
        (ARN, "username"),
        (ARN, "password"),
    ]
    target = connection["spec"]["target"]
    assert (target["name"], target["creationPolicy"]) == ("db-conn", "Owner")
    assert target["template"]["data"] == {
        "host": "lasting.example.com",
        "port": "5432",
        "username": "{{ .username }}",
        "password": "{{ .password }}",
        "database": "lasting",
        "uri": "postgresql://{{ .username | urlquery }}:{{ .password | urlquery }}"
        "@lasting.example.com:5432/lasting?sslmode=require",
    }

    api.report(connection, {})

    crossplane_core.until(lambda: condition(api.now(one), "Ready")["status"] == "True", "Ready")


@pytest.mark.parametrize("kind", [CLAIM, DATABASE])
@pytest.mark.parametrize(
    "labels",
    [
        {},
        {"provider": "aws"},
        {"environment": "production"},
        {"provider": "aws", "environment": "staging"},
        {"provider": "mars", "environment": "production"},
    ],
)
def test_labels_that_do_not_choose_one_composition_are_refused(
    api: Manifests, kind: str, labels: dict[str, str]
) -> None:
    one = manifest(kind)
    selecting = one["spec"]["crossplane"] if kind == DATABASE else one["spec"]
    selecting["compositionSelector"]["matchLabels"] = labels

    assert "must have provider and environment: provider aws, environment production or development" in api.refused(
        one, dry=True
    )


@pytest.mark.parametrize("kind", [CLAIM, DATABASE])
def test_a_manifest_without_labels_is_refused_unless_it_names_a_composition(api: Manifests, kind: str) -> None:
    one = manifest(kind)
    selecting = one["spec"]["crossplane"] if kind == DATABASE else one["spec"]
    del selecting["compositionSelector"]
    refusal = api.refused(one, dry=True)
    selecting["compositionRef"] = {"name": "own"}

    assert "must have provider and environment" in refusal
    assert api.apply(one, dry=True)


@pytest.mark.parametrize("kind", [CLAIM, DATABASE])
def test_a_database_stays_in_the_environment_that_it_was_made_for(api: Manifests, kind: str) -> None:
    name = f"staying-{kind.lower()}"
    api.apply(manifest(kind, name, "development"))

    assert "a database keeps the composition that it was made by" in api.refused(manifest(kind, name, "production"))


def test_a_second_composition_with_the_same_labels_is_refused(api: Manifests) -> None:
    name = "databases-postgresqldatabase-aws-production"
    there = api.client.get(COMPOSITION, None, name)
    assert there
    twin = {
        "apiVersion": there["apiVersion"],
        "kind": "Composition",
        "metadata": {"name": "twin", "labels": there["metadata"]["labels"]},
        "spec": there["spec"],
    }

    assert f"these labels belong to the composition {name}" in api.refused(twin)
    other = {"provider": "aws", "environment": "staging"}
    assert api.apply(
        {**twin, "metadata": {"name": "databases-postgresqldatabase-aws-staging", "labels": other}}, dry=True
    )
    assert api.apply({**twin, "metadata": {"name": "twin"}}, dry=True)


@pytest.mark.parametrize(
    ("source", "settings"),
    [
        (
            {"database": ORDERS},
            {"restoreToPointInTime": {"sourceDbInstanceIdentifier": ORDERS, "useLatestRestorableTime": True}},
        ),
        (
            {"database": ORDERS, "moment": "2026-11-30T13:35:30Z"},
            {"restoreToPointInTime": {"sourceDbInstanceIdentifier": ORDERS, "restoreTime": "2026-11-30T13:35:30Z"}},
        ),
        ({"snapshot": f"{ORDERS}-final"}, {"snapshotIdentifier": f"{ORDERS}-final"}),
    ],
    ids=["latest", "moment", "snapshot"],
)
def test_a_manifest_starts_from_a_backup_and_keeps_to_it(
    api: Manifests, source: dict[str, str], settings: dict[str, Any]
) -> None:
    name = f"from-{'-'.join(source)}"
    one = manifest(DATABASE, name, restoreFrom=source, highAvailability=True)
    api.apply(one)

    made = provider(api.parts(one, 6)["instance"])

    assert {key: made[key] for key in ("restoreToPointInTime", "snapshotIdentifier") if key in made} == settings
    assert made["dbName"] == "my_orders"
    assert made["multiAz"] is True
    problem = "restoreFrom cannot change: a database is restored when it is made"
    assert problem in api.refused(manifest(DATABASE, name, restoreFrom={"database": ORDERS[:-1] + "e"}), dry=True)
    api.apply(manifest(DATABASE, f"{name}-empty"))
    assert problem in api.refused(manifest(DATABASE, f"{name}-empty", restoreFrom=source), dry=True)
