"""Parts of a preview's document by their shape: what is of another one is told by its key."""

import json
from collections.abc import Mapping
from typing import NoReturn, cast

from pulumi_mlops.review.json_data import Json
from pulumi_mlops.review.printable import shortened, visible

MAX_SHOWN = 60
"""Characters of a value in a message."""
KINDS: Mapping[type, str] = {
    dict: "an object",
    list: "a list",
    str: "a text",
    bool: "a boolean",
    int: "a number",
    float: "a number",
}
"""What JSON calls the types that it has."""


class Misshapen(Exception):
    """A part is not what the engine writes there; the message says which, in a sentence's end."""


def mapping(owner: dict[str, Json], key: str) -> dict[str, Json]:
    """The object under the key; an empty one where there is none."""
    value = owner.get(key)
    if isinstance(value, dict):
        return value
    return {} if value is None else _refused(key, dict, value)


def objects(owner: dict[str, Json], key: str) -> list[dict[str, Json]]:
    """The list of objects under the key; an empty one where there is none."""
    return cast("list[dict[str, Json]]", _items(owner, key, dict))


def texts(owner: dict[str, Json], key: str) -> tuple[str, ...]:
    """The texts under the key; none where there is no list."""
    return tuple(cast("list[str]", _items(owner, key, str)))


def text(owner: dict[str, Json], key: str) -> str:
    """The text under the key; an empty one where there is none."""
    value = owner.get(key)
    if isinstance(value, str):
        return value
    return "" if value is None else _refused(key, str, value)


def name(owner: dict[str, Json], key: str) -> str:
    """The text under the key, which must be there."""
    found = text(owner, key)
    if not found:
        raise Misshapen(f"{shown(key)} is missing beside {', '.join(map(shown, sorted(owner)[:4])) or 'nothing'}")
    return found


def _items(owner: dict[str, Json], key: str, wanted: type) -> list[Json]:
    found = owner.get(key)
    if found is None:
        return []
    if not isinstance(found, list):
        return _refused(key, list, found)
    for one in found:
        if not isinstance(one, wanted):
            raise Misshapen(f"{shown(key)} must be a list, each {KINDS[wanted]}, got {_kind(one)} in it")
    return found


def _refused(key: str, wanted: type, value: Json) -> NoReturn:
    raise Misshapen(f"{shown(key)} must be {KINDS[wanted]}, got {_kind(value)}")


def _kind(value: Json) -> str:
    """What a value is; not the value, which may be a secret."""
    return KINDS.get(type(value), "nothing")


def shown(word: object) -> str:
    """A key, a word or a number in a message: on one line, and not all of it."""
    return shortened(visible(json.dumps(word)), MAX_SHOWN)
