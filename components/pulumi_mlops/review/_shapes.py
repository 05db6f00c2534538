"""Parts of a preview's document by their shape: what is of another one is told by its key."""

import json
from typing import Any

from pulumi_mlops.review._data import shortened, visible

MAX_SHOWN = 60
"""Characters of a value in a message."""
KINDS = {dict: "an object", list: "a list", str: "a text", bool: "a boolean", int: "a number", float: "a number"}
"""What JSON calls the types that it has."""


class Misshapen(Exception):
    """A part is not what the engine writes there; the message says which, in a sentence's end."""


def mapping(owner: dict[str, Any], key: str) -> dict[str, Any]:
    """The object under the key; an empty one where there is none."""
    return _of_type(owner, key, dict) or {}


def objects(owner: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """The list of objects under the key; an empty one where there is none."""
    found: list[Any] = _of_type(owner, key, list) or []
    for one in found:
        if not isinstance(one, dict):
            raise Misshapen(f"{key} must be a list of objects, got {_kind(one)} in it")
    return found


def texts(owner: dict[str, Any], key: str) -> tuple[str, ...]:
    """The texts under the key; none where there is no list."""
    found: list[Any] = _of_type(owner, key, list) or []
    for one in found:
        if not isinstance(one, str):
            raise Misshapen(f"{key} must be a list of texts, got {_kind(one)} in it")
    return tuple(found)


def text(owner: dict[str, Any], key: str) -> str:
    """The text under the key; an empty one where there is none."""
    return _of_type(owner, key, str) or ""


def name(owner: dict[str, Any], key: str) -> str:
    """The text under the key, which must be there."""
    found = text(owner, key)
    if not found:
        raise Misshapen(f"{shown(key)} is missing beside {', '.join(map(shown, sorted(owner)[:4])) or 'nothing'}")
    return found


def _of_type(owner: dict[str, Any], key: str, wanted: type) -> Any:
    """The value under the key, which may be missing."""
    value = owner.get(key)
    if value is not None and not isinstance(value, wanted):
        raise Misshapen(f"{shown(key)} must be {KINDS[wanted]}, got {_kind(value)}")
    return value


def _kind(value: Any) -> str:
    """What a value is; not the value, which may be a secret."""
    return KINDS.get(type(value), "nothing")


def shown(word: Any) -> str:
    """A key, a word or a number in a message: on one line, and not all of it."""
    return shortened(visible(json.dumps(word)), MAX_SHOWN)
