"""Every custom resource of the library, as a real API server with the kinds' real definitions takes it.

That is more than the contract tests see: rules in CEL, unions, formats and defaults. Each one is applied as Pulumi does
it, server-side, with strict validation of fields, but not stored.
"""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from pulumi_cli import Cluster
from pulumi_mlops import conventions
from pulumi_mlops.platform import ExternalSecrets, Gateway, Karpenter
from pulumi_mlops.platform.add_ons import _closed_door

from local.node.control_plane import control_plane
from standins.plugins.kubernetes.client import ApiError, NotServed
from standins.plugins.kubernetes.names import Kind
from tests.components import custom_resources as resources
from tests.conftest import Build
from tests.contract import definitions

pytestmark = pytest.mark.engine

WAIT_SECONDS = 120
ANY_SPEC = {"EventBus", "EventSource", "Sensor"}
"""Kinds whose definition says nothing of what is in them; the component's own test has to."""
OTHER_ARGO = definitions.ARGO_WORKFLOWS[1:]

Manifest = dict[str, Any]


class _Admission:
    """An API server of this module's own, with the definitions of every kind that the library makes."""

    def __init__(self, cluster: Cluster) -> None:
        self._client = cluster.client
        self._cluster = cluster
        self.groups = {one["name"] for one in self._client.request("GET", "/apis")["groups"]}
        """API groups that it has without any definition."""
        installed = [*definitions.everything(), *(one for argo in OTHER_ARGO for one in _of_argo(argo))]
        for one in installed:
            cluster.apply(one, "test")
        deadline = time.monotonic() + WAIT_SECONDS
        for one in installed:
            while not self._serves(one):
                assert time.monotonic() < deadline, one["metadata"]["name"]
                time.sleep(0.1)

    def problem(self, manifest: Manifest) -> str:
        """What the API server has against an object; empty when it takes it."""
        namespace, name = manifest["metadata"].get("namespace"), manifest["metadata"]["name"]
        if namespace:
            self._cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}, "test")
        path = self._client.path(_kind(*resources.kind_of(manifest)), namespace, name)
        query = {"fieldManager": "test", "fieldValidation": "Strict", "dryRun": "All"}
        content_type = "application/apply-patch+yaml"
        try:
            self._client.request("PATCH", path, query, manifest, content_type=content_type, attempts=1)
        except ApiError as error:
            return f"{manifest['kind']} {name}: {error.message}"
        return ""

    def apply(self, manifest: Manifest) -> None:
        """Stores an object."""
        self._cluster.apply(manifest, "test")

    def delete(self, api_version: str, kind: str, name: str) -> None:
        """Deletes an object without a namespace."""
        self._client.delete(_kind(api_version, kind), None, name, "Background")

    def _serves(self, definition: Manifest) -> bool:
        spec = definition["spec"]
        (version,) = [version["name"] for version in spec["versions"] if version["storage"]]
        kind = Kind(spec["group"], version, spec["names"]["kind"])
        try:
            return self._client.serves(kind) and bool(
                self._client.request("GET", self._client.path(kind, None), attempts=1)
            )
        except ApiError:
            return False


def _kind(api_version: str, kind: str) -> Kind:
    group, _, version = api_version.rpartition("/")
    return Kind(group, version, kind)


def _group(argo: str) -> str:
    return f"{argo}.argoproj.io"


def _of_argo(argo: str) -> list[Manifest]:
    """Another version's definitions, in a group of their own: so several stand side by side."""
    made = []
    for one in definitions.of_project(argo):
        name = f"{one['spec']['names']['plural']}.{_group(argo)}"
        made.append({**one, "metadata": {"name": name}, "spec": {**one["spec"], "group": _group(argo)}})
    return made


@pytest.fixture(scope="module")
def admission(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Admission]:
    with control_plane(tmp_path_factory.mktemp("control-plane")) as running:
        yield _Admission(Cluster(running.kubeconfig))


def one_of(build: Build, component: Any, kind: str) -> Manifest:
    """The one object of a kind that the component makes with its smallest arguments."""
    (found,) = [one for one in resources.made(build, component, 0) if one["kind"] == kind]
    return found


def test_what_counts_as_kubernetes_own_is_served_without_a_definition(admission: _Admission) -> None:
    assert resources.KUBERNETES_GROUPS - {""} <= admission.groups
    assert not {one["spec"]["group"] for one in definitions.everything()} & admission.groups


@pytest.mark.parametrize(("component", "size"), resources.EACH, ids=resources.NAMES)
def test_every_custom_resource_is_admitted(admission: _Admission, build: Build, component: Any, size: int) -> None:
    assert [found for one in resources.made(build, component, size) if (found := admission.problem(one))] == []


@pytest.mark.parametrize("argo", OTHER_ARGO)
def test_workflows_are_admitted_by_the_later_lines_of_argo(admission: _Admission, build: Build, argo: str) -> None:
    kinds = {one["spec"]["names"]["kind"] for one in _of_argo(argo)}
    made = [one for form in resources.EACH for one in resources.made(build, *form) if one["kind"] in kinds]
    ours = [{**one, "apiVersion": f"{_group(argo)}/v1alpha1"} for one in made]

    assert [found for one in ours if (found := admission.problem(one))] == []
    assert {one["kind"] for one in ours} == kinds


def test_a_field_that_a_definition_does_not_know_is_refused_by_its_name(admission: _Admission, build: Build) -> None:
    made = {resources.kind_of(one): one for form in resources.EACH for one in resources.made(build, *form)}
    wrong = [{**one, "spec": {**one["spec"], "comand": "x"}} for one in made.values() if one["kind"] not in ANY_SPEC]

    assert [one["kind"] for one in wrong if ".spec.comand: field not declared" not in admission.problem(one)] == []
    assert len(wrong) == len(made) - len(ANY_SPEC)


def test_a_kind_without_a_definition_is_refused(admission: _Admission) -> None:
    manifest = {"apiVersion": "serving.kserve.io/v1beta1", "kind": "InferenceService", "metadata": {"name": "one"}}
    with pytest.raises(NotServed, match="InferenceService"):
        admission.problem(manifest)


def test_a_rule_among_fields_is_checked(admission: _Admission, build: Build) -> None:
    nodes = one_of(build, Karpenter, "EC2NodeClass")
    both = {**nodes, "spec": {**nodes["spec"], "instanceProfile": "nodes"}}

    assert "must specify exactly one of ['role', 'instanceProfile']" in admission.problem(both)


def test_a_rule_among_the_parts_of_a_list_is_checked(admission: _Admission, build: Build) -> None:
    gateway = one_of(build, Gateway, "Gateway")
    (listener,) = gateway["spec"]["listeners"]
    twice = {**gateway, "spec": {**gateway["spec"], "listeners": [listener, {**listener, "name": "other"}]}}

    assert "Combination of port, protocol and hostname must be unique" in admission.problem(twice)


def test_a_union_has_one_member(admission: _Admission, build: Build) -> None:
    store = one_of(build, ExternalSecrets, "ClusterSecretStore")
    other = {"fake": {"data": [{"key": "a", "value": "b"}]}}
    both = {**store, "spec": {"provider": {**store["spec"]["provider"], **other}}}

    assert "spec.provider: Too many: 2: must have at most 1 item" in admission.problem(both)


def endpoint_route(port: int, **metadata: Any) -> Manifest:
    labels = {"app.kubernetes.io/name": conventions.MODEL_ENDPOINT}
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "churn", "namespace": "team", "labels": labels, **metadata},
        "spec": {
            "parentRefs": [{"name": "public", "namespace": "gateway"}],
            "rules": [{"backendRefs": [{"name": "churn", "port": port}]}],
        },
    }


def test_a_gateway_on_the_internet_takes_no_route_to_an_endpoint_that_asks_nobody(admission: _Admission) -> None:
    api = "admissionregistration.k8s.io/v1"
    spec = {"policyName": "public-access", "validationActions": ["Deny"]}
    for kind, made in (("", _closed_door.spec("public", "gateway")), ("Binding", spec)):
        admission.apply(
            {
                "apiVersion": api,
                "kind": f"ValidatingAdmissionPolicy{kind}",
                "metadata": {"name": "public-access"},
                "spec": made,
            }
        )
    unguarded = endpoint_route(conventions.ENDPOINT_PORT)
    deadline = time.monotonic() + WAIT_SECONDS
    while not (problem := admission.problem(unguarded)):  # a policy is in force some moments after it was made
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert _closed_door.MESSAGE in problem

    reason = {_closed_door.EXCEPTION: "2027-01-31 a public demo"}
    elsewhere = [{"name": "internal", "namespace": "gateway"}]
    for fine in (
        endpoint_route(conventions.ENDPOINT_PORT + 1),
        endpoint_route(conventions.ENDPOINT_PORT, annotations=reason),
        endpoint_route(conventions.ENDPOINT_PORT, labels={"app.kubernetes.io/name": "mlflow"}),
        {**unguarded, "spec": {**unguarded["spec"], "parentRefs": elsewhere}},
    ):
        assert admission.problem(fine) == ""
    admission.delete(api, "ValidatingAdmissionPolicyBinding", "public-access")
