"""Every custom resource of the library, as a real API server with the kinds' real definitions takes it.

That is more than the contract tests see: rules in CEL, unions, formats, defaults, and names. Each one is applied as
Pulumi does it, server-side, with strict validation of fields, and without being stored.
"""

import copy
import time
from collections.abc import Iterator
from typing import Any

import pytest
from pulumi_cli import Cluster
from pulumi_mlops.platform import CertManager, ExternalSecrets, Gateway, Karpenter

from local.node.control_plane import control_plane
from local.providers.kubernetes.client import ApiError
from local.providers.kubernetes.names import Kind
from tests.components import custom_resources as resources
from tests.conftest import Build
from tests.contract import definitions

pytestmark = pytest.mark.engine

WAIT_SECONDS = 60
ARGO = ("WorkflowTemplate", "CronWorkflow")


class _Admission:
    """An API server of this module's own, with one version of Argo's definitions at a time."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._argo = definitions.STORED["argo-workflows"]
        self.groups = {one["name"] for one in cluster.client.request("GET", "/apis")["groups"]}
        """Those that it has without any definition."""
        self._install(definitions.everything())

    def problem(self, manifest: dict[str, Any]) -> str:
        """What the API server has against an object; empty when it takes it."""
        namespace = manifest["metadata"].get("namespace")
        if namespace:
            self._cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}, "test")
        path = self._cluster.client.path(_kind(manifest), namespace, manifest["metadata"]["name"])
        query = {"fieldManager": "test", "fieldValidation": "Strict", "dryRun": "All"}
        try:
            self._cluster.client.request(
                "PATCH", path, query, manifest, content_type="application/apply-patch+yaml", attempts=1
            )
        except ApiError as error:
            return f"{manifest['kind']} {manifest['metadata']['name']}: {error.message}"
        return ""

    def use_argo(self, version: str) -> None:
        """Replaces the definitions of Argo Workflows by those of a version."""
        if version == self._argo:
            return
        for one in definitions.of_project("argo-workflows", self._argo):
            place = (one["apiVersion"], one["kind"], one["metadata"]["name"])
            self._cluster.delete(*place)
            _eventually(lambda place=place: not self._cluster.get(*place))
        self._argo = version
        self._install(definitions.of_project("argo-workflows", version))

    def _install(self, manifests: list[dict[str, Any]]) -> None:
        for one in manifests:
            self._cluster.apply(one, "test")
        for one in manifests:
            (version,) = [version["name"] for version in one["spec"]["versions"] if version["storage"]]
            kind = Kind(one["spec"]["group"], version, one["spec"]["names"]["kind"])
            _eventually(lambda kind=kind: self._serves(kind))

    def _serves(self, kind: Kind) -> bool:
        client = self._cluster.client
        try:
            return client.serves(kind) and bool(client.request("GET", client.path(kind, None), attempts=1))
        except ApiError:
            return False


def _kind(manifest: dict[str, Any]) -> Kind:
    group, _, version = manifest["apiVersion"].rpartition("/")
    return Kind(group, version, manifest["kind"])


def _eventually(question: Any) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not question():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.fixture(scope="module")
def admission(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Admission]:
    with control_plane(tmp_path_factory.mktemp("control-plane")) as running:
        yield _Admission(Cluster(running.kubeconfig))


def test_what_counts_as_kubernetes_own_is_served_without_a_definition(admission: _Admission) -> None:
    assert resources.KUBERNETES_GROUPS - {""} <= admission.groups
    assert not {one["spec"]["group"] for one in definitions.everything()} & admission.groups


@pytest.mark.parametrize(("component", "size"), resources.EACH, ids=resources.NAMES)
def test_every_custom_resource_is_admitted(admission: _Admission, build: Build, component: Any, size: int) -> None:
    admission.use_argo(definitions.STORED["argo-workflows"])

    assert [found for one in resources.made(build, component, size) if (found := admission.problem(one))] == []


@pytest.mark.parametrize("version", definitions.ARGO_WORKFLOWS)
def test_workflows_are_admitted_by_every_line_of_argo(admission: _Admission, build: Build, version: str) -> None:
    admission.use_argo(version)
    made = [one for form in resources.EACH for one in resources.made(build, *form)]

    assert [found for one in made if one["kind"] in ARGO and (found := admission.problem(one))] == []


