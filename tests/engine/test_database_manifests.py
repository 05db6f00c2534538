"""What a developer's database manifest may say, by a real API server with the schema of the platform's definitions."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pulumi_cli import Cluster
from pulumi_mlops.platform import DatabaseApi

from local.node.control_plane import control_plane
from standins.plugins.kubernetes.client import ApiError, NotServed
from standins.plugins.kubernetes.names import Kind
from tests.components import custom_resources as resources
from tests.components import test_database_api
from tests.conftest import Build
from tests.contract import definitions

pytestmark = pytest.mark.engine

WAIT_SECONDS = 120
CLAIM, DATABASE = "PostgreSQLInstance", "PostgreSQLDatabase"
COMPOSITE = "XPostgreSQLInstance"
SELECTOR = {"matchLabels": {"provider": "aws", "environment": "production"}}
PROVIDER = [*definitions.of_project("crossplane-provider-aws"), *definitions.of_project("external-secrets")]

Manifest = dict[str, Any]


def offered(definition: Manifest) -> list[Manifest]:
    """The definitions that Crossplane makes of one of its own, with those of its fields that these tests use."""
    spec = definition["spec"]
    ref = {"type": "object", "properties": {"name": {"type": "string"}}}
    selector = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    of_claims = {"compositionSelector": selector, "writeConnectionSecretToRef": ref}
    forms: list[tuple[Manifest, str, Manifest]] = [
        (spec["names"], "Cluster" if "claimNames" in spec else "Namespaced", {"crossplane": selector})
    ]
    if "claimNames" in spec:
        forms.append((spec["claimNames"], "Namespaced", of_claims))
    return [_served(spec, *form) for form in forms]


def _served(spec: Manifest, names: Manifest, scope: str, more: Manifest) -> Manifest:
    (version,) = spec["versions"]
    schema = version["schema"]["openAPIV3Schema"]
    fields = schema["properties"]
    own = {**fields["spec"], "properties": {**fields["spec"]["properties"], **more}}
    served = {
        "name": version["name"],
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": {**schema, "properties": {**fields, "spec": own}}},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{names['plural']}.{spec['group']}"},
        "spec": {"group": spec["group"], "names": names, "scope": scope, "versions": [served]},
    }


def manifest(kind: str, name: str = "my-db", **parameters: Any) -> Manifest:
    more: Manifest = {"crossplane": {"compositionSelector": SELECTOR}}
    if kind == CLAIM:
        more = {"compositionSelector": SELECTOR}
    return {
        "apiVersion": "database.example.org/v1alpha1",
        "kind": kind,
        "metadata": {"name": name} if kind == COMPOSITE else {"name": name, "namespace": "default"},
        "spec": {"parameters": {"storageGB": 20, **parameters}, **more},
    }


class Manifests:
    """An API server that serves the kinds."""

    def __init__(self, cluster: Cluster, made: list[Manifest]) -> None:
        self._client = cluster.client
        for one in made:
            cluster.apply(one, "test")
        deadline = time.monotonic() + WAIT_SECONDS
        for one in made:
            while not self._serves(one):
                assert time.monotonic() < deadline, one["metadata"]["name"]
                time.sleep(0.1)

    def apply(self, one: Manifest, *, dry: bool = False) -> Manifest:
        query = {"fieldManager": "developer", "fieldValidation": "Strict", **({"dryRun": "All"} if dry else {})}
        content_type = "application/apply-patch+yaml"
        return self._client.request("PATCH", self._path(one), query, one, content_type=content_type, attempts=1)

    def refused(self, one: Manifest, *, dry: bool = False) -> str:
        with pytest.raises(ApiError) as error:
            self.apply(one, dry=dry)
        return error.value.message

    def _path(self, one: Manifest) -> str:
        return self._client.path(self._kind(one), one["metadata"].get("namespace"), one["metadata"]["name"])

    def _kind(self, one: Manifest) -> Kind:
        group, _, version = one["apiVersion"].rpartition("/")
        return Kind(group, version, one["kind"])

    def _serves(self, crd: Manifest) -> bool:
        spec = crd["spec"]
        (version,) = [one["name"] for one in spec["versions"] if one["storage"]]
        kind = Kind(spec["group"], version, spec["names"]["kind"])
        try:
            return self._client.serves(kind) and bool(
                self._client.request("GET", self._client.path(kind, None), attempts=1)
            )
        except (ApiError, NotServed):
            return False


@pytest.fixture(scope="module")
def manifests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[list[Manifest]], Manifests]]:
    with control_plane(tmp_path_factory.mktemp("control-plane")) as running:
        made: list[Manifests] = []

        def serving(definitions: list[Manifest]) -> Manifests:
            if not made:
                made.append(Manifests(Cluster(running.kubeconfig), definitions))
            return made[0]

        yield serving


@pytest.fixture
def api(build: Build, manifests: Callable[[list[Manifest]], Manifests]) -> Manifests:
    args = {**test_database_api.ARGS, "engine_versions": ["16", "17"]}
    made = resources.among(build(lambda: DatabaseApi("databases", args)))  # type: ignore[arg-type]
    ours = [crd for one in made if one["kind"] == "CompositeResourceDefinition" for crd in offered(one)]
    return manifests([*ours, *PROVIDER])


@pytest.mark.parametrize("kind", [CLAIM, DATABASE])
def test_the_smallest_manifest_gets_the_defaults(api: Manifests, kind: str) -> None:
    one = manifest(kind, "smallest")
    one["spec"]["parameters"] = {}
    one["spec"]["writeConnectionSecretToRef"] = {"name": "db-conn"}

    assert api.apply(one, dry=True)["spec"]["parameters"] == {"storageGB": 20, "version": "17", "size": "small"}


@pytest.mark.parametrize("kind", [CLAIM, DATABASE])
@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        ({"storageGB": 19}, "should be greater than or equal to 20"),
        ({"storageGB": 65537}, "should be less than or equal to 65536"),
        ({"storageGB": "20"}, ".spec.parameters.storageGB: expected numeric"),
        ({"size": "gigantic"}, 'supported values: "small", "medium", "large"'),
        ({"version": "9"}, 'supported values: "16", "17"'),
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
