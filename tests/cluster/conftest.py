"""The platform on this machine, brought up by `make up` as a user would, and taken down again if it was not there."""

from collections.abc import Iterator

import pytest
from loop import Loop, make

from local import node, up
from local.cluster import target
from tests.engine.conftest import pulumi_env, pulumi_home

__all__ = ["pulumi_env", "pulumi_home"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The tests that take things apart come last."""
    items.sort(key=lambda item: "teardown" in item.path.name)


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
        yield Loop(cluster, up.engine_of(cluster), api)
