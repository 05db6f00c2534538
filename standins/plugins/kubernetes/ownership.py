"""Who owns which field of a live object, and what that means for properties that a program ignores.

The published provider's rule for `ignoreChanges` under server-side apply (pulumi-kubernetes v4.34.2,
provider/pkg/await/await.go, `handleSSAIgnoreFields`): a field that only somebody else owns is left out of what is
applied, so that it neither conflicts nor changes; any other field is applied with its live value, because a field that
its owner stops applying is removed.

That provider splits the text of the path at every dot and takes each piece for the name of a field, quotes and brackets
included. A path through a key that needs quotes, or through a list, therefore names no field and has no effect here:
what the engine sends for it, the value of the last update, is applied and conflicts with whoever owns the field now.
"""

import re
from collections.abc import Callable, Iterable
from copy import deepcopy
from typing import Any

from standins.plugins.kubernetes.client import ApiError
from standins.plugins.kubernetes.names import metadata
from standins.plugins.paths import MISSING, get, parse, put, remove
from standins.plugins.plugin import Refused
from standins.plugins.values import Object

BY_HAND = frozenset({"before-first-apply", "kubectl"})
"""Managers whose fields an update takes over without asking: the published provider does the same."""


def without_ignored(manifest: Object, live: Object, ignored: Iterable[str], manager: str) -> Object:
    """The manifest to apply when the program ignores changes at these property paths.

    Raises:
        Refused: a path leads through a live value that has no fields.
    """
    result = deepcopy(manifest)
    for text in ignored:
        path = _fields(text)
        if owned(live, path, lambda name: name != manager) and not owned(live, path, lambda name: name == manager):
            remove(result, path)
            continue
        _refuse_path_through_a_value(live, path, text)
        value = get(live, path)
        if value is not MISSING:
            put(result, path, deepcopy(value))
    return result


def owned(live: Object, path: tuple[str, ...], by: Callable[[str], bool]) -> bool:
    """Whether a manager for whom `by(name)` holds owns the field at the path or something inside it."""
    entries = metadata(live).get("managedFields") or []
    return any(_has(entry.get("fieldsV1") or {}, path) for entry in entries if by(entry.get("manager", "")))


def _fields(text: str) -> tuple[str, ...]:
    """The names that the published provider reads from a property path."""
    return tuple(_written(text).split("."))


def _written(text: str) -> str:
    """A property path as the engine's SDK for Go writes it, which quotes all but letters, digits and underscores."""
    result = ""
    for part in parse(text):
        if isinstance(part, int):
            result += f"[{part}]"
        elif re.search("[^A-Za-z0-9_]", part):
            escaped = part.replace('"', '\\"')
            result += f'["{escaped}"]'
        else:
            result += f".{part}" if result else part
    return result


def _has(fields: Object, path: tuple[str, ...]) -> bool:
    for part in path:
        if f"f:{part}" not in fields:
            return False
        fields = fields[f"f:{part}"]
    return True


def _refuse_path_through_a_value(live: Object, path: tuple[str, ...], text: str) -> None:
    value: Any = live
    for part in path:
        if not isinstance(value, dict):
            raise Refused(f"unable to parse field to ignore {text!r} from live object: {value!r} has no fields")
        if part not in value:
            return
        value = value[part]


def conflicts(error: ApiError) -> dict[str, list[str]]:
    """The fields that a server-side apply could not have, by the manager that owns them; empty for any other error."""
    owners: dict[str, list[str]] = {}
    for cause in error.causes:
        if cause.get("reason") == "FieldManagerConflict":
            said = cause.get("message", "")
            name = said.split('"')[1] if said.count('"') >= 2 else said
            owners.setdefault(name, []).append(cause.get("field", "").lstrip("."))
    return owners


def explain_conflict(label: str, error: ApiError) -> str:
    """One sentence about a server-side apply conflict: whose fields, which, and what to do."""
    held = "; ".join(f"{', '.join(fields)} (owned by {name!r})" for name, fields in conflicts(error).items())
    return (
        f"{label}: server-side apply conflict over {held}; leave these fields out of the program, list them in "
        'ignore_changes, or take them over with the annotation pulumi.com/patchForce: "true"'
    )
