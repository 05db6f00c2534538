"""Between Pulumi's property values and botocore's parameters and answers: names, lists of one, texts, templates."""

import datetime
import json
import re
from collections.abc import Mapping
from typing import Any

from standins.plugins.plugin import Refused
from standins.plugins.values import UNKNOWN

_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z0-9]+|[A-Z]+[0-9]*")
_TEMPLATE = re.compile(r"^\{(\w+)\}$")


def camel(name: str) -> str:
    """A name of the API as Pulumi writes it: `DBInstanceClass` → `dbInstanceClass`."""
    words = _WORD.findall(name)
    return words[0].lower() + "".join(word[0].upper() + word[1:].lower() for word in words[1:]) if words else name


def to_api(shape: Any, value: Any, renames: Mapping[str, str], path: str) -> Any:
    """A property's value as the shape of an API parameter wants it.

    Args:
        shape: botocore's shape of the parameter.
        value: the plain value.
        renames: API name → Pulumi name, where one is not the other in another case.
        path: the property's path, for messages.

    Raises:
        Refused: the value has a key that the API does not know.
    """
    if value is None or value == UNKNOWN:
        return value
    kind = shape.type_name
    if kind == "structure" and isinstance(value, dict):
        members = {renames.get(name, name).lower(): name for name in shape.members}
        translated = {}
        for key, item in value.items():
            name = members.get(key.lower())
            if name is None:
                where = f"{path}.{key}" if path else key
                raise Refused(
                    f"{where} is not implemented by the AWS provider stand-in: leave it out, or use the "
                    "published plugin"
                )
            translated[name] = to_api(shape.members[name], item, renames, f"{path}.{key}")
        return translated
    if kind == "list" and isinstance(value, dict) and {*getattr(shape.member, "members", ())} == {"Key", "Value"}:
        return [{"Key": key, "Value": item} for key, item in value.items()]
    if kind == "list":
        items = value if isinstance(value, list) else [value]
        return [to_api(shape.member, item, renames, path) for item in items]
    if kind == "map" and isinstance(value, dict):
        return {key: to_api(shape.value, item, renames, f"{path}.{key}") for key, item in value.items()}
    return _scalar(kind, value)


def _scalar(kind: str, value: Any) -> Any:
    if kind == "string" and isinstance(value, bool):
        return str(value).lower()
    if kind == "string" and isinstance(value, int | float):
        return str(value)
    if kind in ("integer", "long") and isinstance(value, str):
        return int(value)
    if kind == "boolean" and isinstance(value, str):
        return value == "true"
    return value


def from_api(value: Any, renames: Mapping[str, str], *, keys: bool = True) -> Any:
    """An answer of the API with Pulumi's names; keys of free maps stay as they are with `keys=False`."""
    if isinstance(value, dict):
        return {
            (renames.get(key) or camel(key)) if keys else key: from_api(item, renames, keys=keys)
            for key, item in value.items()
        }
    if isinstance(value, list) and value and all(isinstance(one, dict) and {*one} == {"Key", "Value"} for one in value):
        return {one["Key"]: one["Value"] for one in value}
    if isinstance(value, list | tuple):
        return [from_api(item, renames, keys=keys) for item in value]
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, bytes):
        return value.decode()
    return value


def fill(template: Any, known: Mapping[str, Any]) -> Any:
    """A template with its `{name}` places filled; a text that is one place alone gets the value itself."""
    if isinstance(template, str):
        whole = _TEMPLATE.match(template)
        return known.get(whole[1]) if whole else template.format_map(known)
    if isinstance(template, dict):
        return {key: fill(item, known) for key, item in template.items()}
    if isinstance(template, list):
        return [fill(item, known) for item in template]
    return template


def _document(text: Any) -> Any:
    if not isinstance(text, str) or not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.loads(text)
    except ValueError:
        return None


def equal(old: Any, new: Any) -> bool:
    """Whether AWS takes two values as the same: JSON texts by what they say, lists in any order, numbers as text."""
    if isinstance(old, bool) or isinstance(new, bool):
        return str(old).lower() == str(new).lower()
    if old == new or (
        isinstance(old, str | int | float) and isinstance(new, str | int | float) and str(old) == str(new)
    ):
        return True
    if isinstance(old, dict) and isinstance(new, dict):
        return old.keys() == new.keys() and all(equal(old[key], new[key]) for key in old)
    if isinstance(old, list) and isinstance(new, list):
        rest = list(new)
        for item in old:
            place = next((index for index, other in enumerate(rest) if equal(item, other)), None)
            if place is None:
                return False
            del rest[place]
        return not rest
    before, after = _document(old), _document(new)
    return before is not None and after is not None and equal(_unlisted(before), _unlisted(after))


def _unlisted(document: Any) -> Any:
    """A policy in which a list of one is its item, as IAM itself reads it."""
    if isinstance(document, dict):
        return {key: _unlisted(item) for key, item in document.items()}
    if isinstance(document, list):
        items = [_unlisted(item) for item in document]
        return items[0] if len(items) == 1 else items
    return document


def unify(old: Any, new: Any) -> Any:
    """The new value in the old one's words wherever they mean the same, so that a comparison shows real changes."""
    if equal(old, new):
        return old
    if isinstance(old, dict) and isinstance(new, dict):
        return {key: unify(old[key], item) if key in old else item for key, item in new.items()}
    return new


def drift(given: Any, live: Any) -> Any:
    """What a program's value has become: the given one where the live one agrees in every key that was given."""
    if isinstance(given, dict) and isinstance(live, dict):
        return {key: drift(item, live[key]) if key in live else item for key, item in given.items()}
    if isinstance(given, list) and isinstance(live, list):
        rest = list(live)
        for item in given:
            place = next((index for index, other in enumerate(rest) if drift(item, other) == item), None)
            if place is None:
                break
            del rest[place]
        else:
            if not rest:
                return given
        keys = {key for item in given if isinstance(item, dict) for key in item}
        return [{k: v for k, v in item.items() if k in keys} if isinstance(item, dict) else item for item in live]
    if isinstance(given, dict) and isinstance(live, list) and len(live) == 1:
        return drift(given, live[0])
    return given if equal(given, live) else live
