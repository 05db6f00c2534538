"""The manifests of the option `delivery`: upstream's own, with every image from this machine."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from delivery.overlay import images
from local import node
from local.delivery import example, installation

pytestmark = pytest.mark.engine

BUILT = {
    name: f"10.88.0.1:5000/pulumi-mlops/{name}:1-abc" for part in installation.NAMES.values() for name in part.values()
}


@pytest.fixture(scope="module", params=[*installation.NAMES])
def part(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, list[Any]]]:
    """A part's name and its rendered objects."""
    with pytest.MonkeyPatch.context() as patch:
        directory = tmp_path_factory.mktemp("node")
        patch.setattr(node, "home", lambda: directory)
        yield request.param, [*yaml.safe_load_all(installation.render(request.param, BUILT))]


def test_no_image_comes_from_another_registry(part: tuple[str, list[Any]]) -> None:
    name, objects = part
    wanted = {BUILT[image] for image in installation.NAMES[name].values()}

    assert {image for _, image in images(iter(objects))} == wanted


def test_what_has_to_get_ready_is_installed_where_it_is_waited_for(part: tuple[str, list[Any]]) -> None:
    name, objects = part
    namespace, workloads = installation.WORKLOADS[name]
    found = {
        f"{one['kind'].lower()}/{one['metadata']['name']}"
        for one in objects
        if one["metadata"].get("namespace") == namespace
    }

    assert found >= {*workloads}


def test_no_part_comes_with_a_secrets_value(part: tuple[str, list[Any]]) -> None:
    _, objects = part

    assert [one for one in objects if one["kind"] == "Secret" and (one.get("data") or one.get("stringData"))] == []


def test_the_example_passes_its_own_unit_tests() -> None:
    command = [sys.executable, "-B", "-m", "unittest"]
    done = subprocess.run(command, cwd=example.SOURCE, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert "Ran 3 tests" in done.stderr
