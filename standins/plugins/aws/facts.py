"""What the published AWS provider does with each resource type, read from `facts.json`.

The file names its source and version, and what each of its keys means. Nothing here decides about one type: what
replaces a resource, which values stay when a program drops them, defaults and limits are data.
"""

import functools
import json
from collections.abc import Iterator
from pathlib import Path as File
from typing import Any

from standins.plugins.diff import ADD, DELETE, Change
from standins.plugins.paths import MISSING, Path, covers, get, parse, put, remove, show
from standins.plugins.values import UNKNOWN, Object, has_unknowns

FILE = File(__file__).with_name("facts.json")
EMPTY = (None, "", False, 0, [], {})
"""What the provider takes for a property that was left out."""


@functools.cache
def _types() -> dict[str, Object]:
    return json.loads(FILE.read_text())["types"]


def tokens() -> tuple[str, ...]:
    """Every resource type of the file."""
    return tuple(_types())


@functools.cache
def of(token: str) -> "Facts":
    """The facts of a type, or of the type that it is an earlier name of (`BucketVersioningV2`).

    Raises:
        KeyError: the file does not have it, so nothing may be claimed about it.
    """
    return Facts(_types()[token.replace("V2", "")])


class Facts:
    """The facts of one resource type."""

    def __init__(self, entry: Object) -> None:
        self.entry = entry
        self.required: tuple[str, ...] = tuple(entry.get("required", ()))
        self.replaces = tuple(parse(path) for path in entry["replaces"])
        self.kept = tuple(parse(path) for path in entry.get("kept", ()))
        self.undecided = tuple(parse(path) for path in entry.get("undecided", ()))
        self.defaults = {parse(path): value for path, value in entry.get("defaults", {}).items()}
        self.deletes_first: bool = entry.get("deletes_first", False)
        self.name: Object = entry.get("name", {})
        deferred = entry.get("deferred", {})
        self.deferred = frozenset(deferred.get("properties", ()))
        self.deferred_unless: str = deferred.get("unless", "")

    # Changes

    def settle(self, before: Object, after: Object) -> None:
        """Brings two sets of inputs, in place, to what the provider compares: kept values and defaults filled in."""
        for pattern in self.kept:
            for path in _places(before, pattern):
                if get(after, path) is MISSING and get(after, path[:-1]) is not MISSING:
                    remove(before, path)
        for pattern, default in self.defaults.items():
            for parent in {*_places(before, pattern[:-1]), *_places(after, pattern[:-1])}:
                sides = [side for side in (before, after) if isinstance(get(side, parent), dict)]
                if any(get(side, (*parent, pattern[-1])) is not MISSING for side in sides):
                    for side in sides:
                        if get(side, (*parent, pattern[-1])) is MISSING:
                            put(side, (*parent, pattern[-1]), default)
        kept = {path[0] for path in self.kept if len(path) == 1}
        for one, other in ((before, after), (after, before)):
            for key in [key for key in one if key not in other and key not in kept and one[key] in EMPTY]:
                del one[key]

    def replacing(self, change: Change, before: Object, after: Object) -> bool:
        """Whether a change replaces the resource."""
        return any(self._touches(pattern, change, before, after) for pattern in self.replaces) or any(
            self._touches(parse(path), change, before, after) and _holds(condition, parse(path), before, after)
            for path, condition in self.entry.get("replaces_if", {}).items()
        )

    def _touches(self, pattern: Path, change: Change, before: Object, after: Object) -> bool:
        """Whether a change is one of the property, of an item in it, or brings or takes it with what it is part of."""
        path = change.path
        if covers(pattern, path):
            return len(path) == len(pattern) or (len(path) == len(pattern) + 1 and isinstance(path[-1], int))
        if len(path) >= len(pattern) or not covers(pattern[: len(path)], path):
            return False
        came = change.way != DELETE and any(_places(get(after, path), pattern[len(path) :]))
        went = change.way != ADD and any(_places(get(before, path), pattern[len(path) :]))
        return came or (went and pattern not in self.kept)

    # Checks

    def problems(self, inputs: Object) -> Iterator[tuple[str, str]]:
        """What the provider refuses while it plans: (property, sentence)."""
        for key in self.required:
            if key not in inputs:
                yield key, f"Missing required property '{key}'"
        for key, others in self.entry.get("conflicts", {}).items():
            for other in others:
                if key < other and _given(inputs, key) and _given(inputs, other):
                    yield key, f"{key} and {other} exclude each other"
        for group in self.entry.get("exactly_one_of", ()):
            given = [key for key in group if _given(inputs, key)]
            if len(given) != 1 and _reached(inputs, group):
                yield group[0], f"one of {', '.join(group)} must be given, got {', '.join(given) or 'none'}"
        for group in self.entry.get("at_least_one_of", ()):
            if not any(_given(inputs, key) for key in group):
                yield group[0], f"one of {', '.join(group)} must be given"
        for key, others in self.entry.get("requires", {}).items():
            for other in others:
                if _given(inputs, key) and not _given(inputs, other):
                    yield key, f"{key} needs {other}"
        yield from self._beyond(inputs)

    def _beyond(self, inputs: Object) -> Iterator[tuple[str, str]]:
        for text, allowed in self.entry.get("values", {}).items():
            for path, value in _known(inputs, text):
                if str(value) not in {str(one) for one in allowed}:
                    yield show(path), f"{show(path)} must be one of {', '.join(map(str, allowed))}, got {value!r}"
        for text, (least, most) in self.entry.get("ranges", {}).items():
            for path, value in _known(inputs, text):
                if float(value) < least or (most is not None and float(value) > most):
                    bounds = f"from {least} to {most}" if most is not None else f"at least {least}"
                    yield show(path), f"{show(path)} must be {bounds}, got {value}"
        for text, (least, most) in self.entry.get("lengths", {}).items():
            for path, value in _known(inputs, text):
                if not least <= len(str(value)) <= most:
                    yield show(path), f"{show(path)} must have {least} to {most} characters, got {len(str(value))}"


def _places(value: Any, pattern: Path) -> list[Path]:
    """The paths in a value that a pattern stands for; `*` is any item of a list."""
    if not pattern:
        return [()] if value is not MISSING else []
    head, rest = pattern[0], pattern[1:]
    if head == "*":
        items = range(len(value)) if isinstance(value, list) else ()
        return [(index, *path) for index in items for path in _places(value[index], rest)]
    below = get(value, (head,))
    return [(head, *path) for path in _places(below, rest)] if below is not MISSING else []


def _holds(condition: Object, path: Path, before: Object, after: Object) -> bool:
    """Whether the condition of a `replaces_if` entry is met."""
    old, new = get(before, path), get(after, path)
    way = "added" if old is MISSING else "removed" if new is MISSING else "changed"
    known = {
        key: (after.get(key, before.get(key))) for key in {*condition.get("where", {}), *condition.get("where_not", {})}
    }
    return (
        way in condition.get("change", (way,))
        and [old, new] != condition.get("except")
        and ("only" not in condition or [old, new] == condition["only"])
        and all(known[key] == value for key, value in condition.get("where", {}).items())
        and all(known[key] != value for key, value in condition.get("where_not", {}).items())
    )


def _given(inputs: Object, text: str) -> bool:
    return any(get(inputs, path) not in EMPTY for path in _places(inputs, parse(text)))


def _reached(inputs: Object, group: list[str]) -> bool:
    """Whether the object that a group of properties belongs to is there and known."""
    parent = parse(group[0])[:-1]
    return any(isinstance(get(inputs, path), dict) for path in _places(inputs, parent))


def _known(inputs: Object, text: str) -> Iterator[tuple[Path, Any]]:
    for path in _places(inputs, parse(text)):
        value = get(inputs, path)
        if value is not None and value != UNKNOWN and not has_unknowns(value):
            yield path, value
