"""What is kept of other projects' files: keys and schemas of charts, definitions of custom resources, policies.

Never text that upstream wrote for people: no comments, no descriptions.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ANYTHING = "anything"
"""Leaf of a tree of keys below which anything may stand."""
ISTIO_DEFAULTS = "_internal_defaults_do_not_set"
"""Where Istio's charts keep their defaults; users set the same keys at the top."""


def chart(directory: Path) -> dict[str, Any]:
    """`keys` and `schema` (null where it has none) of the chart in a directory.

    Keys are a tree: a subtree for every map that has keys; a leaf is the YAML type of the default. An empty map, an
    empty list and null say nothing about what may stand below them, so anything may.
    """
    defaults = yaml.safe_load((directory / "values.yaml").read_text(encoding="utf-8")) or {}
    schema = directory / "values.schema.json"
    hidden = defaults.pop(ISTIO_DEFAULTS, {})
    return {
        "keys": tree({**defaults, **hidden}) if defaults or hidden else {},
        "schema": _without_prose(json.loads(schema.read_text(encoding="utf-8"))) if schema.exists() else None,
    }


def tree(value: Any) -> Any:
    """The keys of a chart's default values."""
    if isinstance(value, dict):
        return {str(key): tree(part) for key, part in value.items()} or ANYTHING
    return ANYTHING if value in (None, []) else type(value).__name__


def _without_prose(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_without_prose(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    prose = {key for key in ("description", "title", "$comment", "examples", "default") if _is_prose(schema.get(key))}
    return {key: _without_prose(part) for key, part in schema.items() if key not in prose}


def _is_prose(value: Any) -> bool:
    return value is not None and not (isinstance(value, dict) and ("type" in value or "$ref" in value))


def definitions(directory: Path, kinds: set[str]) -> list[dict[str, Any]]:
    """Name, annotations, labels and spec of the CustomResourceDefinitions in a directory of manifests.

    Those of the kinds; all of them if there are none.
    """
    return [
        {
            "metadata": {
                key: one["metadata"][key] for key in ("annotations", "labels", "name") if key in one["metadata"]
            },
            "spec": _without_descriptions(one["spec"]),
        }
        for one in _documents(directory)
        if one["kind"] == "CustomResourceDefinition" and (one["spec"]["names"]["kind"] in kinds or not kinds)
    ]


class _Loader(yaml.SafeLoader):
    """YAML as Kubernetes reads it: a bare `=`, which is an operator in some definitions, is text."""


_Loader.add_constructor("tag:yaml.org,2002:value", _Loader.construct_yaml_str)


def _documents(directory: Path) -> Iterator[dict[str, Any]]:
    for file in sorted(directory.glob("*.yaml")):
        # A safe loader: it makes no objects of any class.
        yield from filter(None, yaml.load_all(file.read_text(encoding="utf-8"), _Loader))


def _without_descriptions(node: Any) -> Any:
    """A property may be called "description", which is no text."""
    if isinstance(node, list):
        return [_without_descriptions(part) for part in node]
    if not isinstance(node, dict):
        return node
    return {
        key: _without_descriptions(part) for key, part in node.items() if key != "description" or isinstance(part, dict)
    }


def policy(file: Path) -> list[dict[str, Any]]:
    """The statements of an IAM policy, in the form that `WorkloadIdentity` takes."""

    def listed(value: str | list[str]) -> list[str]:
        return [value] if isinstance(value, str) else value

    return [
        {
            "actions": listed(one["Action"]),
            "resources": listed(one["Resource"]),
            "conditions": {
                operator: {key: listed(value) for key, value in keys.items()}
                for operator, keys in one.get("Condition", {}).items()
            },
        }
        for one in json.loads(file.read_text(encoding="utf-8"))["Statement"]
    ]


def json_schema(file: Path, kinds: set[str]) -> dict[str, Any]:
    """The kinds of a JSON schema, each under its own name, and the definitions that they refer to."""
    known: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))["definitions"]
    roots = {kind: next(name for name in known if name.endswith(f".{kind}")) for kind in sorted(kinds)}
    wanted, found = [*roots.values()], dict[str, Any]()
    while wanted:
        name = wanted.pop()
        if name not in found:
            found[name] = _without_descriptions(known[name])
            wanted += _references(found[name])
    return {**{kind: {"$ref": f"#/definitions/{name}"} for kind, name in roots.items()}, "definitions": found}


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"].removeprefix("#/definitions/")
        for part in node.values():
            yield from _references(part)
    elif isinstance(node, list):
        for part in node:
            yield from _references(part)
