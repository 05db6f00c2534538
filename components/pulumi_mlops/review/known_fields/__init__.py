"""Which fields the kinds of Kubernetes have: its own, and those of the definitions that the library's charts bring.

Only names are known, not types. A field that a kind does not have passes a preview of the published Kubernetes
provider, and fails in `up`.
"""

import difflib
import functools
import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pulumi_mlops.review.json_data import Json, JsonObject, items, mapping

BUILT_IN: Final = "kubernetes"
CUSTOM: Final = "custom"
"""Names of the files: `kinds` has a place in `nodes` for each kind.

A node is ANYTHING (the first one), the places of an object's fields by their names, that of all values of a map under
EVERY, or, in a list, that of a list's items.
"""
ANYTHING: Final = 0
EVERY: Final = "*"
OWN = "__"
"""How keys begin that Pulumi notes in an object, and that the server never sees."""


@dataclass(frozen=True)
class UnknownField:
    """A field that the kind does not have."""

    path: str
    """Such as `spec.template.spec.containers[0].imagePullPolcy`."""
    hint: str
    """The nearest field that is known there, if there is one; else empty."""


def key(api_version: str, kind: str) -> str:
    """How files name a kind: `apps/v1/Deployment`."""
    return f"{api_version}/{kind}"


def knows(file: str, api_version: str, kind: str) -> bool:
    """Whether a file has the kind."""
    return key(api_version, kind) in _read(file).kinds


def unknown(file: str, api_version: str, kind: str, manifest: JsonObject) -> Iterator[UnknownField]:
    """The fields of an object that its kind does not have; none for a kind that the file does not have."""
    fields = _read(file)
    yield from _unknown(manifest, fields.kinds.get(key(api_version, kind), ANYTHING), fields.nodes, "")
    if file != BUILT_IN and knows(
        file, api_version, kind
    ):  # definitions leave the metadata out: it is the same for every kind
        core = _read(BUILT_IN)
        config_map = core.nodes[core.kinds["v1/ConfigMap"]]
        if isinstance(config_map, dict):
            yield from _unknown(manifest.get("metadata"), config_map["metadata"], core.nodes, "metadata.")


def version(file: str) -> str:
    """The version of Kubernetes whose fields a file has; empty for custom kinds."""
    return _read(file).version


@dataclass(frozen=True)
class _Fields:
    """What a file holds."""

    kinds: Mapping[str, int]
    """Key of a kind → place of its node."""
    nodes: Sequence[dict[str, int] | list[int]]
    version: str


@functools.cache
def _read(file: str) -> _Fields:
    text = gzip.decompress(Path(__file__).with_name(f"{file}.json.gz").read_bytes())
    document = json.loads(text)
    content = {**document, **document.get("content", {})}
    return _Fields(content["kinds"], content["nodes"], str(content.get("version", "")))


def _unknown(value: Json, place: int, nodes: Sequence[dict[str, int] | list[int]], at: str) -> Iterator[UnknownField]:
    if place == ANYTHING:
        return
    node = nodes[place]
    if isinstance(node, list):
        (below,) = node
        for index, one in enumerate(items(value)):
            yield from _unknown(one, below, nodes, f"{at.removesuffix('.')}[{index}].")
        return
    for name, one in mapping(value).items():
        below = node.get(EVERY, node.get(name))
        if below is not None:
            yield from _unknown(one, below, nodes, f"{at}{name}.")
        elif not name.startswith(OWN):
            near = difflib.get_close_matches(name, node, n=1, cutoff=0.5)
            yield UnknownField(f"{at}{name}", near[0] if near else "")
