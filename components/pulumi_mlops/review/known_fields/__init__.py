"""Which fields the kinds of Kubernetes have: its own, and those of the definitions that the library's charts bring.

Only names are known, not types. A field that a kind does not have passes a preview of the published Kubernetes
provider, and fails in `up`.
"""

import difflib
import functools
import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pulumi_mlops.review.values import items, mapping

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
    return key(api_version, kind) in _read(file)["kinds"]


def unknown(file: str, api_version: str, kind: str, manifest: Mapping[str, object]) -> Iterator[UnknownField]:
    """The fields of an object that its kind does not have; none for a kind that the file does not have."""
    document = _read(file)
    yield from _unknown(manifest, document["kinds"].get(key(api_version, kind), 0), document["nodes"], "")
    if file != BUILT_IN and knows(
        file, api_version, kind
    ):  # definitions leave the metadata out: it is the same for every kind
        core = _read(BUILT_IN)
        place = mapping(core["nodes"][core["kinds"]["v1/ConfigMap"]])["metadata"]
        yield from _unknown(manifest.get("metadata"), place, core["nodes"], "metadata.")


def version(file: str) -> str:
    """The version of Kubernetes whose fields a file has; empty for custom kinds."""
    return str(_read(file).get("version", ""))


@functools.cache
def _read(file: str) -> Mapping[str, Any]:
    text = gzip.decompress(Path(__file__).with_name(f"{file}.json.gz").read_bytes())
    document = json.loads(text)
    return {**document, **document.get("content", {})}


def _unknown(value: Any, place: int, nodes: list[Any], at: str) -> Iterator[UnknownField]:
    if place == ANYTHING:
        return
    node = nodes[place]
    if isinstance(node, list):
        (below,) = items(node)
        for index, one in enumerate(items(value)):
            yield from _unknown(one, below, nodes, f"{at.removesuffix('.')}[{index}].")
        return
    fields = mapping(node)
    for name, one in mapping(value).items():
        below = fields.get(EVERY, fields.get(name))
        if below is not None:
            yield from _unknown(one, below, nodes, f"{at}{name}.")
        elif not name.startswith(OWN):
            near = difflib.get_close_matches(name, fields, n=1, cutoff=0.5)
            yield UnknownField(f"{at}{name}", near[0] if near else "")
