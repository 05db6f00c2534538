"""Who owns which field of a live object, and what that means for properties that a program ignores.

The published provider's rule for `ignoreChanges` under server-side apply: a field that somebody else owns is left out
of what is applied, so that it neither conflicts nor changes; a field that is ours alone is applied with its live value,
because a field that its owner stops applying is removed.
"""

import json
from collections.abc import Iterable
from copy import deepcopy
from typing import Any

from standins.plugins.kubernetes.client import ApiError
from standins.plugins.kubernetes.names import metadata
from standins.plugins.paths import MISSING, Path, get, put, remove
from standins.plugins.values import Object

BY_HAND = frozenset({"before-first-apply", "kubectl"})
"""Managers whose fields an update takes over without asking: the published provider does the same."""


def without_ignored(manifest: Object, live: Object, ignored: Iterable[Path], manager: str) -> Object:
    """The manifest to apply when the program ignores changes at these paths."""
    result = deepcopy(manifest)
    for path in ignored:
        if owned(live, path, lambda name: name != manager) and not owned(live, path, lambda name: name == manager):
            remove(result, path)
            continue
        value = get(live, path)
        if value is not MISSING:
            put(result, path, deepcopy(value))
    return result


def owned(live: Object, path: Path, by: Any) -> bool:
    """Whether a manager for whom `by(name)` holds owns the field at the path or something inside it."""
    entries = metadata(live).get("managedFields") or []
    return any(
        _in_fields(entry.get("fieldsV1") or {}, path, live)
        for entry in entries
        if not entry.get("subresource") and by(entry.get("manager", ""))
    )


def _in_fields(fields: Object, path: Path, live: Any) -> bool:
    for part in path:
        if isinstance(part, int):
            item = live[part] if isinstance(live, list) and part < len(live) else None
            key = next((name for name in fields if name.startswith("k:") and _is_item(name, item)), None)
        else:
            item = live.get(part) if isinstance(live, dict) else None
            key = f"f:{part}"
        if key is None or key not in fields:
            return False
        fields, live = fields[key], item
    return True


def _is_item(name: str, item: Any) -> bool:
    return isinstance(item, dict) and all(item.get(key) == value for key, value in json.loads(name[2:]).items())


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
