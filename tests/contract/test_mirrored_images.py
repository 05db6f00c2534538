"""With a mirror, every image of every chart comes from it, under its own path and by the digest that a chart names."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from pulumi_mlops.platform import ADD_ONS
from pulumi_mlops.platform.add_ons import kserve

from tests.components.addons import ADD_ON_ARGUMENTS, MIRROR
from tests.conftest import Build

DATA = Path(__file__).parent / "data" / "images.yaml"
IMAGES: Mapping[str, Mapping[str, Any]] = yaml.safe_load(DATA.read_text())
WITHOUT = {"public_gateway"}
"""Add-ons whose charts name no image: Istio puts its own into the gateway's pods."""
WAYS: Mapping[str, list[dict[str, Any]]] = {
    "argo_cd": [{"redis_high_availability": False}, {"redis_high_availability": True}],
    "kserve": [{"runtimes": [*kserve.RUNTIMES]}],
}
"""Arguments beside the fullest, by which other images are used."""
each = pytest.mark.parametrize("name", sorted(IMAGES))


def test_the_images_of_every_add_on_are_known() -> None:
    assert IMAGES.keys() == ADD_ONS.keys() - WITHOUT


@each
def test_every_image_comes_from_the_mirror_under_its_own_path(build: Build, name: str) -> None:
    values = list(_values(build, name))

    astray = {
        f"{key} ({path})": found
        for path, keys in IMAGES[name].items()
        for key in (keys if isinstance(keys, list) else [keys])
        if (found := _first(values, key)) is None or not _is_from_the_mirror(found, path)
    }

    assert astray == {}


def test_the_digest_of_karpenters_chart_is_kept(build: Build) -> None:
    """The chart pulls its controller by digest. Only the repository is another."""
    (values,) = (one for one in _values(build, "karpenter") if one)

    assert values["controller"]["image"] == {"repository": f"{MIRROR}/karpenter/controller"}


def _values(build: Build, name: str) -> Iterator[dict[str, Any]]:
    component, _, most = ADD_ON_ARGUMENTS[name]
    for more in WAYS.get(name, [{}]):
        graph = build(lambda more=more: component("one", {**most, **more, "image_mirror": MIRROR}))
        yield from (one.inputs.get("values", {}) for one in graph.of_kind("Release"))


def _first(values: list[dict[str, Any]], key: str) -> str | None:
    return next((found for one in values if (found := _at(one, key)) is not None), None)


def _at(value: Any, key: str) -> Any:
    for part in key.split("."):
        value = dict(enumerate(value)).get(int(part)) if isinstance(value, list) else (value or {}).get(part)
    return value


def _is_from_the_mirror(text: str, path: str) -> bool:
    """Whether it is the image at the mirror, the mirror alone, or a folder of it that the chart completes."""
    place = re.sub(r"(?<=[^/]):[^/:]*$", "", text)
    return f"{MIRROR}/{path}" == place or f"{MIRROR}/{path}".startswith(f"{place}/")
