"""The platform on this machine, brought up by `make up` as a user would, and taken down again if it was not there."""

from collections.abc import Generator, Iterator

import pytest
from delivering import Delivery
from kubernetes import client
from loop import Loop, make

from local import node, up
from local.cluster import target
from local.delivery import deliver
from local.engine import PENGUINS
from tests.engine.conftest import pulumi_env, pulumi_home

__all__ = ["pulumi_env", "pulumi_home"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The tests that take things apart come last, and before them those that add what the others do without."""
    items.sort(key=lambda item: ("teardown" in item.path.name, "delivery" in item.path.name))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed test's report tells what the cluster looked like, for those who were not there."""
    report = yield
    if report.when == "call" and report.failed:
        try:
            with target().api() as api:
                report.sections.append(("the cluster at the failure", cluster_state(api)))
        except Exception as error:
            report.sections.append(("the cluster at the failure", f"could not be asked: {error}"))
    return report


def cluster_state(api: client.ApiClient) -> str:
    """Every pod with its containers' states, and the latest events, a line each."""
    core = client.CoreV1Api(api)
    lines: list[str] = []
    for pod in core.list_pod_for_all_namespaces(_request_timeout=10).items:
        conditions = {one.type: f"{one.status} since {one.last_transition_time}" for one in pod.status.conditions or []}
        containers = [
            f"{one.name} ready={one.ready} restarts={one.restart_count}" for one in pod.status.container_statuses or []
        ]
        leaving = f" deleted {pod.metadata.deletion_timestamp}" if pod.metadata.deletion_timestamp else ""
        name = f"{pod.metadata.namespace}/{pod.metadata.name}"
        lines.append(f"{name} {pod.status.phase}{leaving} Ready={conditions.get('Ready')} {'; '.join(containers)}")
    events = core.list_event_for_all_namespaces(_request_timeout=10).items
    for event in sorted(events, key=lambda one: str(one.last_timestamp or one.event_time))[-60:]:
        about = f"{event.involved_object.kind} {event.metadata.namespace}/{event.involved_object.name}"
        lines.append(f"{event.last_timestamp or event.event_time} {about}: {event.reason} {event.message}")
    return "\n".join(lines)


@pytest.fixture(scope="session")
def brought_up() -> Iterator[str]:
    """What `make up` printed. A machine that cannot run containers skips the tier and says why."""
    if reason := node.can_run_containers():
        pytest.skip(f"the cluster tier needs containers: {reason}")
    was_there = bool(node.status())
    done = make("up")
    assert done.returncode == 0, done.stdout
    yield done.stdout
    if not was_there:
        done = make("down")
        assert done.returncode == 0, done.stdout


@pytest.fixture(scope="session")
def loop(brought_up: str) -> Iterator[Loop]:
    """The example team's part of the platform that `make up` has brought up."""
    cluster = target()
    with cluster.api() as api:
        engine = up.engine_of(cluster)
        yield Loop(cluster, engine, api, engine.outputs(PENGUINS))


@pytest.fixture(scope="module")
def delivery(loop: Loop) -> Iterator[Delivery]:
    """The option `delivery`, brought up as `make deliver` does and taken away as `make deliver REMOVE=1` does."""
    yield Delivery(loop, deliver.bring_up(loop.cluster))
    deliver.take_down(loop.cluster)
