"""Decoded JSON: its type, and readers that accept anything, so that no preview stops a review."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Never, TypeAlias, cast

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
"""Json value of a JSON document."""
JsonObject: TypeAlias = Mapping[str, Json]

NOTHING: Mapping[str, Never] = MappingProxyType({})

MAX_DEPTH = 100
"""Levels of objects, lists and texts of JSON in a property or a text: nobody writes more, and functions that call
themselves for each level would fail."""

_QUOTED = re.compile(r'[.\[\]"]')


def mapping(value: object) -> JsonObject:
    """The value if it is a mapping, else an empty one."""
    # Called millions of times: JSON has dicts, which are told apart faster than other mappings.
    if type(value) is dict:
        return cast("dict[str, Json]", value)
    return cast("JsonObject", value) if isinstance(value, Mapping) else NOTHING


def items(value: object) -> Sequence[Json]:
    """The elements of a list; a single value is a list of one, as providers that flatten lists write it."""
    if value is None:
        return ()
    return cast("Sequence[Json]", value if isinstance(value, list | tuple) else (value,))


def strings(value: object) -> tuple[str, ...]:
    """The strings in a list, or one that stands alone, as IAM policy documents allow."""
    if isinstance(value, str):
        return (value,)
    return tuple(one for one in items(value) if isinstance(one, str))


def is_true(value: object) -> bool:
    """Whether a boolean is true; some providers write it as text."""
    return value is True or (isinstance(value, str) and value.lower() == "true")


def is_false(value: object) -> bool:
    """Whether a boolean is given and false."""
    return value is False or (isinstance(value, str) and value.lower() == "false")


def leaves(value: Json, path: str = "") -> Iterator[tuple[str, str, Json]]:
    """(path, key, value) of every value that is neither mapping nor list; the key is the nearest name above it."""
    yield from _leaves(value, path, path)


def _leaves(value: Json, path: str, key: str) -> Iterator[tuple[str, str, Json]]:
    if isinstance(value, Mapping):
        for name, inner in sorted(mapping(value).items()):
            yield from _leaves(inner, joined(path, name), name)
    elif isinstance(value, list):
        for index, inner in enumerate(items(value)):
            yield from _leaves(inner, f"{path}[{index}]", key)
    else:
        yield path, key, value


def joined(path: str, name: str) -> str:
    """The path of a property below another one, as the engine writes it."""
    if _QUOTED.search(name):
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'{path}["{escaped}"]'
    return f"{path}.{name}" if path else name


def document(value: object) -> Json:
    """The object or list in a string of JSON; None for anything else, and for one with more levels than MAX_DEPTH."""
    found = _parsed(value)
    level = [found]
    for _ in range(MAX_DEPTH):
        texts = [inner for one in level if (inner := _parsed(one)) is not None]
        level = [*texts, *(inner for one in level for inner in inside(one))]
        if not level:
            return found
    return None


def keys(value: Json) -> Iterator[str]:
    """The names in an object or list, at any depth."""
    waiting = [value]
    for one in waiting:
        yield from mapping(one)
        waiting += inside(one)


def inside(value: Json) -> Sequence[Json]:
    """What is one level deeper."""
    if isinstance(value, Mapping):
        return (*mapping(value).values(),)
    return items(value) if isinstance(value, list) else ()


def _parsed(value: object) -> Json:
    if not isinstance(value, str) or value.lstrip()[:1] not in ("{", "["):
        return None
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return None
