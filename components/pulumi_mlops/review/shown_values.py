"""Values of properties in words that are safe to show.

A secret is never shown, whatever the provider did with it: neither what the engine masked, nor what a Secret holds, nor
what the rule `plain-secret` takes for one. One that is given as a plain value besides, and looks like none, is shown.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pulumi_mlops.review.json_data import Json, document, items, mapping
from pulumi_mlops.review.property_paths import Path
from pulumi_mlops.review.secret_values import label, must_hide
from pulumi_mlops.review.values import is_secret, is_unknown

SECRET_FIELDS = {
    "kubernetes:core/v1:Secret": ("data", "stringData"),
    "random:index/randomPassword:RandomPassword": ("result",),
    "aws:ssm/parameter:Parameter": ("value",),
}
"""Top-level properties that hold secrets by their type's meaning."""


@dataclass(frozen=True)
class Value:
    """One side of a change."""

    text: str
    quoted: bool = True
    """Whether the text is the value itself; else it is words about it."""


ABSENT = Value("nothing", quoted=False)
LATER = Value("known after apply", quoted=False)
SECRET = Value("secret", quoted=False)
SECRET_CHANGED = Value("secret changed", quoted=False)
CHANGED = Value("changed", quoted=False)


def shown(type_: str, path: Path, value: Json, *, in_text: bool = False) -> Value:
    """The value at a path of a resource of the type, or words in its place; `in_text` as in `must_hide`."""
    if value is None:
        return ABSENT
    if is_unknown(value):
        return LATER
    if is_secret_at(type_, path, value, in_text=in_text) or is_secret(value):
        return SECRET
    if isinstance(value, str):
        inner = document(value)
        return Value(value if inner is None else _json(_masked(type_, path, inner, in_text=True)))
    return Value(_json(_masked(type_, path, value, in_text=in_text)))


def _masked(type_: str, path: Path, value: Json, owner: Json = None, *, in_text: bool) -> Json:
    """The value with words in the place of what is secret or not known yet, at any depth."""
    if is_secret_at(type_, path, value, owner, in_text=in_text) or is_secret(value):
        return f"<{SECRET.text}>"
    if is_unknown(value):
        return f"<{LATER.text}>"
    if isinstance(value, Mapping):
        return {key: _masked(type_, (*path, key), one, value, in_text=in_text) for key, one in mapping(value).items()}
    if isinstance(value, list):
        return [_masked(type_, (*path, index), one, in_text=in_text) for index, one in enumerate(items(value))]
    inner = document(value)
    return value if inner is None else _json(_masked(type_, path, inner, in_text=True))


def _json(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)


def is_secret_at(type_: str, path: Path, value: object, owner: object = None, *, in_text: bool = False) -> bool:
    """Whether the value must not be shown; `owner` is the object that it stands in, `in_text` as in `must_hide`."""
    if path and path[0] in SECRET_FIELDS.get(type_, ()):
        return not isinstance(value, dict)  # the keys in a Secret are no secret
    return not is_unknown(value) and must_hide(label(path, owner), value, in_text=in_text)


def leaves(value: Json, path: Path, type_: str, owner: Json = None) -> Iterator[tuple[Path, Value]]:
    """Path and value of everything below a path."""
    if is_secret_at(type_, path, value, owner) or is_secret(value):
        yield path, SECRET
    elif isinstance(value, Mapping) and value:
        for key, one in sorted(mapping(value).items()):
            if not key.startswith("__"):
                yield from leaves(one, (*path, key), type_, value)
    elif isinstance(value, list) and value:
        for index, one in enumerate(items(value)):
            yield from leaves(one, (*path, index), type_)
    elif path:
        yield path, shown(type_, path, value)
