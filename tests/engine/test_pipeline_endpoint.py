"""A training pipeline moves an endpoint: against a real API server, with its RBAC and its Deployment controller.

No node runs pods here, so a thread plays the kubelet: it reports those pods ready whose version is good.
"""

import re
import threading
import uuid
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from kubernetes import client, config
from pulumi_mlops.contract.containers import MODEL_VERSION_ANNOTATION

from local.node.control_plane import ControlPlane
from ml import endpoint
from ml.errors import DeployError

pytestmark = pytest.mark.engine

GOOD, BETTER, BAD = "20260101-000000-aaaaaaaa", "20260102-000000-bbbbbbbb", "20260103-000000-badbadba"
NAME = "penguins"


class World:
    """One namespace with the endpoint's Deployment, and the pipeline's own restricted access to it."""

    def __init__(self, kubeconfig: str) -> None:
        self.admin = config.new_client_from_config(kubeconfig)
        self.apps, self.core = client.AppsV1Api(self.admin), client.CoreV1Api(self.admin)
        self.namespace = f"team-{uuid.uuid4().hex[:8]}"
        self.core.create_namespace({"metadata": {"name": self.namespace}})
        self.forbidden = client.AppsV1Api(self._as_service_account("nobody"))
        self.pipeline = client.AppsV1Api(self._as_service_account("pipeline"))
        rbac = client.RbacAuthorizationV1Api(self.admin)
        rules = [
            {"apiGroups": ["apps"], "resources": ["deployments"], "resourceNames": [NAME], "verbs": ["get", "patch"]},
            {"apiGroups": ["apps"], "resources": ["deployments", "replicasets"], "verbs": ["list"]},
        ]
        rbac.create_namespaced_role(self.namespace, {"metadata": {"name": "pipeline"}, "rules": rules})
        rbac.create_namespaced_role_binding(
            self.namespace,
            {
                "metadata": {"name": "pipeline"},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "pipeline"},
                "subjects": [{"kind": "ServiceAccount", "name": "pipeline", "namespace": self.namespace}],
            },
        )

    def deploy(self, version: str = "", replicas: int = 2) -> None:
        """What the stack applies: the Deployment with its first value of the annotation."""
        labels = {"app": NAME}
        container = {"name": "server", "image": "server:1", "ports": [{"containerPort": 8000}]}
        template = {
            "metadata": {"labels": labels, "annotations": {MODEL_VERSION_ANNOTATION: version, "other": "kept"}},
            "spec": {"containers": [container]},
        }
        body = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": NAME},
            "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template},
        }
        self.apps.patch_namespaced_deployment(
            NAME, self.namespace, body, field_manager="stack", force=True, _content_type="application/apply-patch+yaml"
        )

    def endpoint(self, timeout_seconds: float = 60, api: Any = None) -> endpoint.KubernetesEndpoint:
        """The endpoint as the pipeline's service account sees it."""
        return endpoint.KubernetesEndpoint(NAME, self.namespace, timeout_seconds, api or self.pipeline)

    def deployment(self) -> Any:
        """The Deployment now."""
        return self.apps.read_namespaced_deployment(NAME, self.namespace)

    def annotations(self) -> dict[str, str]:
        """Annotations of its pod template."""
        return self.deployment().spec.template.metadata.annotations

    def versions_of_pods(self) -> set[str]:
        """Versions that pods have."""
        pods = self.core.list_namespaced_pod(self.namespace).items
        return {pod.metadata.annotations[MODEL_VERSION_ANNOTATION] for pod in pods}

    def play_kubelet(self, stop: threading.Event) -> None:
        """Reports pods of good versions ready, until stopped."""
        ready = {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}
        while not stop.wait(0.2):
            for pod in self.core.list_namespaced_pod(self.namespace).items:
                if pod.metadata.annotations[MODEL_VERSION_ANNOTATION] == BAD or pod.status.phase == "Running":
                    continue
                with suppress(client.ApiException):  # it is gone already
                    self.core.patch_namespaced_pod_status(
                        pod.metadata.name, self.namespace, {"status": {"phase": "Running", "conditions": [ready]}}
                    )

    def _as_service_account(self, name: str) -> client.ApiClient:
        self.core.create_namespaced_service_account(self.namespace, {"metadata": {"name": name}})
        token = self.core.create_namespaced_service_account_token(name, self.namespace, {"spec": {}}).status.token
        access = client.Configuration()
        access.host = self.admin.configuration.host
        access.ssl_ca_cert = self.admin.configuration.ssl_ca_cert
        access.api_key = {"authorization": f"Bearer {token}"}
        return client.ApiClient(access)


@pytest.fixture
def world(api_server: ControlPlane) -> Iterator[World]:
    """A namespace of this test's own, with somebody who reports pods ready."""
    made = World(str(api_server.kubeconfig))
    stop = threading.Event()
    kubelet = threading.Thread(target=made.play_kubelet, args=(stop,))
    kubelet.start()
    yield made
    stop.set()
    kubelet.join()
    made.core.delete_namespace(made.namespace)


def test_the_endpoint_moves_and_every_pod_has_the_new_version(world: World) -> None:
    world.deploy(GOOD)
    assert world.endpoint().current() == GOOD
    endpoint.move(world.endpoint(), BETTER, GOOD)
    assert world.annotations() == {MODEL_VERSION_ANNOTATION: BETTER, "other": "kept"}
    assert world.versions_of_pods() == {BETTER}


def test_the_pipeline_owns_exactly_one_field(world: World) -> None:
    world.deploy()
    endpoint.move(world.endpoint(), GOOD, None)
    [owned] = [entry for entry in world.deployment().metadata.managed_fields if entry.manager == "training-pipeline"]
    assert owned.operation == "Apply"
    assert owned.fields_v1 == {
        "f:spec": {"f:template": {"f:metadata": {"f:annotations": {f"f:{MODEL_VERSION_ANNOTATION}": {}}}}}
    }


def test_an_endpoint_without_a_version_yet_is_moved_to_its_first(world: World) -> None:
    world.deploy("")
    assert world.endpoint().current() is None
    endpoint.move(world.endpoint(), GOOD, None)
    assert world.endpoint().current() == GOOD


def test_a_version_that_never_gets_ready_is_rolled_back_and_the_condition_quoted(world: World) -> None:
    world.deploy(GOOD)
    assert world.endpoint().wait(GOOD) is None
    with pytest.raises(DeployError) as caught:
        endpoint.move(world.endpoint(timeout_seconds=4), BAD, GOOD)
    sentence = str(caught.value)
    assert sentence.startswith(f"endpoint 'penguins' did not take version {BAD} (not ready after 4 s: condition ")
    assert re.search('replica ?set "penguins-', sentence, re.IGNORECASE)  # made just now, or waiting for its pods
    assert sentence.endswith(f"it has {GOOD} again")
    assert world.annotations()[MODEL_VERSION_ANNOTATION] == GOOD
    assert world.versions_of_pods() == {GOOD}


def test_a_first_version_that_never_gets_ready_is_taken_back(world: World) -> None:
    world.deploy("")
    assert world.endpoint().wait("") is None
    with pytest.raises(DeployError, match=r"it has no version again$"):
        endpoint.move(world.endpoint(timeout_seconds=4), BAD, None)
    assert world.annotations()[MODEL_VERSION_ANNOTATION] == ""


def test_a_move_by_somebody_else_meanwhile_is_respected(world: World) -> None:
    world.deploy(GOOD)
    other = threading.Timer(1, lambda: world.endpoint().put(BETTER))
    other.start()
    with pytest.raises(DeployError, match=f"somebody moved it to {BETTER} meanwhile.*it is left as it is$"):
        endpoint.move(world.endpoint(timeout_seconds=30), BAD, GOOD)
    other.join()
    assert world.annotations()[MODEL_VERSION_ANNOTATION] == BETTER


def test_an_endpoint_that_does_not_exist_is_named_and_not_created(world: World) -> None:
    assert world.endpoint().current() is None
    with pytest.raises(DeployError, match=f"endpoint 'penguins' has no Deployment in namespace '{world.namespace}'"):
        endpoint.move(world.endpoint(), GOOD, None)
    assert world.apps.list_namespaced_deployment(world.namespace).items == []


def test_a_service_account_without_the_role_is_told_what_it_lacks(world: World) -> None:
    world.deploy(GOOD)
    with pytest.raises(
        DeployError, match=r"service account may not get Deployment team-\w+/penguins, its Role must allow"
    ):
        world.endpoint(api=world.forbidden).current()


def test_an_endpoint_scaled_to_nothing_takes_a_version_without_pods(world: World) -> None:
    world.deploy(GOOD, replicas=0)
    endpoint.move(world.endpoint(), BETTER, GOOD)
    assert world.endpoint().current() == BETTER


def test_versions_in_use_are_those_served_and_those_to_go_back_to(world: World) -> None:
    world.deploy(GOOD)
    endpoint.move(world.endpoint(), BETTER, GOOD)

    assert endpoint.versions_of_namespace(world.namespace, world.pipeline) == {GOOD, BETTER}
    with pytest.raises(DeployError, match=f"may not list Deployments of {world.namespace}, its Role must allow it"):
        endpoint.versions_of_namespace(world.namespace, world.forbidden)
