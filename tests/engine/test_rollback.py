"""An operator takes an endpoint back to an earlier version: against a real API server and its Deployment controller."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from test_pipeline_endpoint import BAD, BETTER, GOOD, NAME, World, world

from local import endpoints
from local.cluster import Cluster
from local.node.control_plane import ControlPlane
from local.progress import StepFailed
from ml import endpoint

__all__ = ["world"]

pytestmark = pytest.mark.engine

UNKNOWN = "20260104-000000-dddddddd"


class Registry:
    """MLflow's part: which versions it has, and which is the champion."""

    champion = ""

    def versions(self) -> dict[str, str]:
        return {GOOD: "1", BETTER: "2", BAD: "3"}

    def promote(self, number: str) -> None:
        self.champion = number


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Registry:
    made = Registry()

    @contextmanager
    def connected(*_: object) -> Iterator[Registry]:
        yield made

    monkeypatch.setattr(endpoints.model_registry, "connected", connected)
    return made


@pytest.fixture
def cluster(api_server: ControlPlane) -> Cluster:
    """The session's API server."""
    return Cluster("test", Path(api_server.kubeconfig), "", "registry", "registry", "class", "http://127.0.0.1")


def outputs(world: World) -> dict[str, Any]:
    return {"namespace": world.namespace, "deployment": NAME, "model_name": NAME}


def held(world: World) -> str | None:
    return (world.deployment().metadata.annotations or {}).get(endpoint.HELD_ANNOTATION)


def test_the_endpoint_goes_back_to_the_version_before_and_is_held_there(
    world: World, cluster: Cluster, registry: Registry
) -> None:
    world.deploy(GOOD)
    assert world.endpoint().wait(GOOD) is None
    endpoint.move(world.endpoint(), BETTER, GOOD)

    endpoints.rollback(cluster, outputs(world), None)

    assert endpoints.served(cluster, outputs(world)) == GOOD
    assert world.versions_of_pods() == {GOOD}
    assert registry.champion == "1"
    assert (held(world) or "").startswith(f"at {GOOD} by ")
    assert world.endpoint().held() == held(world)  # as the pipeline's own service account sees it


def test_a_hold_restarts_no_pod_survives_the_stack_and_ends_with_release(
    world: World, cluster: Cluster, registry: Registry
) -> None:
    world.deploy(GOOD)
    assert world.endpoint().wait(GOOD) is None
    endpoints.rollback(cluster, outputs(world), GOOD)
    revision = world.deployment().metadata.annotations[endpoints.REVISION]
    world.deploy(GOOD)

    assert endpoints.held(cluster, outputs(world))
    assert revision == "1"

    endpoints.release(cluster, outputs(world))

    assert endpoints.held(cluster, outputs(world)) is None
    assert world.deployment().metadata.annotations[endpoints.REVISION] == "1"


@pytest.mark.parametrize(
    ("version", "sentence"),
    [
        (UNKNOWN, f"MLflow has no version {UNKNOWN} of model penguins; it has {BAD}, {BETTER}, {GOOD}: "),
        (None, f"there is no version before {GOOD} that this endpoint has served lately; name one"),
    ],
)
def test_a_version_that_is_not_there_changes_nothing(
    world: World, cluster: Cluster, registry: Registry, version: str | None, sentence: str
) -> None:
    world.deploy(GOOD)

    with pytest.raises(StepFailed, match=sentence):
        endpoints.rollback(cluster, outputs(world), version)

    assert held(world) is None
    assert world.endpoint().current() == GOOD


def test_a_version_that_does_not_come_up_is_taken_back_and_the_alias_stays(
    world: World, cluster: Cluster, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoints, "MOVE_SECONDS", 4.0)
    world.deploy(GOOD)
    assert world.endpoint().wait(GOOD) is None

    with pytest.raises(StepFailed, match=f"did not take version {BAD} .* it has {GOOD} again; it stays held"):
        endpoints.rollback(cluster, outputs(world), BAD)

    assert world.endpoint().current() == GOOD
    assert registry.champion == ""


def test_a_version_is_served_once_the_rollout_that_somebody_else_began_has_ended(
    world: World, cluster: Cluster
) -> None:
    world.deploy(GOOD)
    assert endpoints.served(cluster, outputs(world)) == GOOD
    world.endpoint().put(BETTER)  # a run whose command was killed goes on

    assert endpoints.served(cluster, outputs(world)) == BETTER
    assert world.versions_of_pods() == {BETTER}


def test_a_version_that_is_asked_for_and_does_not_come_up_is_not_called_served(
    world: World, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoints, "MOVE_SECONDS", 2.0)
    world.deploy(GOOD)
    world.endpoint().put(BAD)

    with pytest.raises(StepFailed, match=f"is asked for version {BAD} and does not serve it: not ready after 2 s"):
        endpoints.served(cluster, outputs(world))
