"""The names of the fields that each kind of Kubernetes has, for the review: `python -m maintenance.fields [--check]`.

Kubernetes' own kinds come from its OpenAPI document (maintenance/upstream.py); this makes the file of the custom kinds
from the definitions that are stored here. What is equal is written once, and nothing but names is kept.
"""

import argparse
import gzip
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pulumi_mlops.review import known_fields
from pulumi_mlops.review.json_data import mapping

from local.paths import ROOT

FILE = ROOT / "components/pulumi_mlops/review/known_fields/custom.json.gz"
COMMAND = "python -m maintenance.fields"
JSON_SCHEMA_PROPS = "JSONSchemaProps"
"""The one type of Kubernetes that contains itself."""
Schema = dict[str, Any]


class Nodes:
    """Descriptions of values, each written once: see `known_fields` for their form."""

    def __init__(self) -> None:
        self.nodes: list[Any] = [known_fields.ANYTHING]
        self._places: dict[str, int] = {json.dumps(known_fields.ANYTHING): 0}

    def add(self, node: Any) -> int:
        """The place of a node."""
        text = json.dumps(node, sort_keys=True)
        if text not in self._places:
            self._places[text] = len(self.nodes)
            self.nodes.append(node)
        return self._places[text]

    def of(self, schema: Schema, types: dict[str, Schema]) -> int:
        """The place of what a schema admits; `types` are those that it refers to."""
        reference = schema.get("$ref", "").rpartition("/")[2]
        if reference:
            return 0 if reference.endswith(JSON_SCHEMA_PROPS) else self.of(types[reference], types)
        if schema.get("x-kubernetes-preserve-unknown-fields") or schema.get("x-kubernetes-embedded-resource"):
            return 0
        if "items" in schema:
            below = self.of(schema["items"], types)
            return self.add([below]) if below else 0
        more = mapping(schema.get("additionalProperties"))
        if more:
            below = self.of({**more}, types)
            return self.add({known_fields.EVERY: below}) if below else 0
        if fields := schema.get("properties"):
            return self.add({name: self.of(one, types) for name, one in sorted(fields.items())})
        return 0


def of_kubernetes(file: Path, _: Any) -> dict[str, Any]:
    """The fields of Kubernetes' own kinds, from its OpenAPI document."""
    types: dict[str, Schema] = json.loads(file.read_text(encoding="utf-8"))["definitions"]
    nodes = Nodes()
    kinds = {
        known_fields.key("/".join(filter(None, (one["group"], one["version"]))), one["kind"]): nodes.of(schema, types)
        for _, schema in sorted(types.items())
        for one in schema.get("x-kubernetes-group-version-kind", ())
        if "metadata" in schema.get("properties", {}) and not one["kind"].endswith("List")
    }
    return {"kinds": kinds, "nodes": nodes.nodes}


def of_definitions(definitions: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """The fields of custom kinds; a kind of two versions of its project has those of both."""
    schemas: dict[str, Schema] = {}
    for one in definitions:
        spec = one["spec"]
        for version in spec["versions"]:
            name = known_fields.key(f"{spec['group']}/{version['name']}", spec["names"]["kind"])
            schemas[name] = _united(schemas.get(name, {}), version["schema"]["openAPIV3Schema"])
    nodes = Nodes()
    head = {"apiVersion": 0, "kind": 0, "metadata": 0}
    kinds = {}
    for name, schema in sorted(schemas.items()):
        place = nodes.of(schema, {})
        kinds[name] = nodes.add({**nodes.nodes[place], **head}) if place else 0
    return {"kinds": kinds, "nodes": nodes.nodes}


def _united(one: Schema, other: Schema) -> Schema:
    """A schema that admits the fields of two."""
    merged = {**one, **other}
    fields = [side["properties"] for side in (one, other) if "properties" in side]
    if fields:
        names = sorted({name for side in fields for name in side})
        merged["properties"] = {name: _united(fields[0].get(name, {}), fields[-1].get(name, {})) for name in names}
    for key in ("items", "additionalProperties"):
        if isinstance(one.get(key), dict) and isinstance(other.get(key), dict):
            merged[key] = _united(one[key], other[key])
    return merged


def custom() -> bytes:
    """The file of the custom kinds."""
    from maintenance import upstream  # which reads this module

    stored = [
        one
        for data in upstream.DATA
        if data.kind in (upstream.DEFINITIONS, upstream.INSTALLED)
        for one in upstream.content(data.kind, data.name)
    ]
    text = json.dumps(of_definitions(stored), sort_keys=True, separators=(",", ":"))
    return gzip.compress(text.encode(), mtime=0)


def main(argv: list[str] | None = None) -> int:
    """Writes the file, or says that it is out of date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit status 1 if the file is out of date")
    if not parser.parse_args(argv).check:
        FILE.write_bytes(custom())
    elif not FILE.exists() or gzip.decompress(FILE.read_bytes()) != gzip.decompress(custom()):
        print(f"{FILE.relative_to(ROOT)} is out of date: run `{COMMAND}`", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
