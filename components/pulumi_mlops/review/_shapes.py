"""Parts of a preview's document by their shape: what is of another one is told by its key."""

import json
from typing import Any, NoReturn, cast

from pulumi_mlops.review.values import shortened, visible

MAX_SHOWN = 60
"""Characters of a value in a message."""
KINDS = {dict: "an object", list: "a list", str: "a text", bool: "a boolean", int: "a number", float: "a number"}
"""What JSON calls the types that it has."""


class Misshapen(Exception):
    """A part is not what the engine writes there; the message says which, in a sentence's end."""


def mapping(owner: dict[str, Any], key: str) -> dict[str, Any]:
    """The object under the key; an empty one where there is none."""
    value = owner.get(key)
    if isinstance(value, dict):
        return cast("dict[str, Any]", value)
    return {} if value is None else _refused(key, dict, value)


def objects(owner: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """The list of objects under the key; an empty one where there is none."""
    return _items(owner, key, dict)


def texts(owner: dict[str, Any], key: str) -> tuple[str, ...]:
    """The texts under the key; none where there is no list."""
    return tuple(_items(owner, key, str)) if owner.get(key) is not None else ()


def text(owner: dict[str, Any], key: str) -> str:
    """The text under the key; an empty one where there is none."""
    value = owner.get(key)
    if isinstance(value, str):
        return value
    return "" if value is None else _refused(key, str, value)


def name(owner: dict[str, Any], key: str) -> str:
    """The text under the key, which must be there."""
    found = text(owner, key)
    if not found:
        raise Misshapen(f"{shown(key)} is missing beside {', '.join(map(shown, sorted(owner)[:4])) or 'nothing'}")
    return found


def _items(owner: dict[str, Any], key: str, wanted: type) -> list[Any]:
    found: object = owner.get(key)
    if found is None:
        return []
    if not isinstance(found, list):
        return _refused(key, list, found)
    for one in cast("list[object]", found):
        if not isinstance(one, wanted):
            raise Misshapen(f"{shown(key)} must be a list, each {KINDS[wanted]}, got {_kind(one)} in it")
    return cast("list[Any]", found)


def _refused(key: str, wanted: type, value: object) -> NoReturn:
    raise Misshapen(f"{shown(key)} must be {KINDS[wanted]}, got {_kind(value)}")


def _kind(value: Any) -> str:
    """What a value is; not the value, which may be a secret."""
    return KINDS.get(value.__class__, "nothing")


def shown(word: object) -> str:
    """A key, a word or a number in a message: on one line, and not all of it."""
    return shortened(visible(json.dumps(word)), MAX_SHOWN)
