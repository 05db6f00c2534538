"""Values of resource inputs as previews hold them: known, unknown until `up`, secret; and text that is safe to show.

The readers in the first half accept anything, so that no preview stops a review. Those in the second half (`text`,
`number`, `flag`, `elements`, `part`) demand a known value and raise NotReadable.
"""

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, cast

from pulumi_mlops.review.preview import MASKED, NOTHING, UNKNOWN

# One placeholder for each type of value, as the SDK of the engine fixes them.
UNKNOWNS = frozenset(
    {
        UNKNOWN,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
    }
)
SIGNATURE = "4dabf18193072939515e22adb298388d"
"""Key of an object that stands for a value of a special kind."""
SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a public constant of the engine
"""Value of SIGNATURE in an object that wraps a secret."""

# Invisible or direction-changing characters: a reviewer must see that they are there.
INVISIBLE = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs", "Co", "Cn"})
_QUOTED = re.compile(r'[.\[\]"]')


class NotReadable(Exception):
    """A value that is needed is absent, secret, not known before `up`, or of another type; the message says which."""


def mapping(value: Any) -> Mapping[str, Any]:
    """The value if it is a mapping, else an empty one."""
    # Called millions of times: JSON has dicts, which are told apart faster than other mappings.
    if type(value) is dict:
        return cast("dict[str, Any]", value)
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else NOTHING


def items(value: Any) -> Sequence[Any]:
    """The elements of a list; a single value is a list of one, as providers that flatten lists write it."""
    if value is None:
        return ()
    return cast("Sequence[Any]", value) if isinstance(value, list | tuple) else (value,)


def strings(value: object) -> tuple[str, ...]:
    """The strings in a list, or one that stands alone, as IAM policy documents allow."""
    if isinstance(value, str):
        return (value,)
    return tuple(one for one in items(value) if isinstance(one, str))


def is_unknown(value: object) -> bool:
    """Whether the value is known only after `up`."""
    return type(value) is str and value in UNKNOWNS


def is_secret(value: object) -> bool:
    """Whether the engine masked the value, or marked it as secret where it was asked to show secrets."""
    if type(value) is str:
        return value == MASKED
    return type(value) is dict and cast("dict[str, object]", value).get(SIGNATURE) == SECRET_SIGNATURE


def is_hidden(value: object) -> bool:
    """Whether the preview does not show the value, or not all of it: unknown until `up`, or secret."""
    if type(value) is not str:
        return is_secret(value)
    return value == MASKED or (len(value) >= len(UNKNOWN) and any(one in value for one in UNKNOWNS))


def is_true(value: object) -> bool:
    """Whether a boolean is true; some providers write it as text."""
    return value is True or (isinstance(value, str) and value.lower() == "true")


def is_false(value: object) -> bool:
    """Whether a boolean is given and false."""
    return value is False or (isinstance(value, str) and value.lower() == "false")


def at(inputs: Mapping[str, object], path: str) -> Any:
    """The value at a dotted path such as `vpcConfig.subnetIds`; what hides it where a part above is hidden."""
    value: Any = inputs
    for part in path.split("."):
        if is_hidden(value):
            return value
        value = mapping(value).get(part)
    return value


def indexed(inputs: Mapping[str, object], key: str) -> Iterator[tuple[str, Any]]:
    """(path, value) of each element under a key; a value that stands alone has the key as its path."""
    value = inputs.get(key)
    for index, one in enumerate(items(value)):
        yield (key if one is value else f"{key}[{index}]"), one


def leaves(value: object, path: str = "") -> Iterator[tuple[str, str, object]]:
    """(path, key, value) of every value that is neither mapping nor list; the key is the nearest name above it."""
    yield from _leaves(value, path, path)


def _leaves(value: object, path: str, key: str) -> Iterator[tuple[str, str, object]]:
    if isinstance(value, Mapping):
        for name, inner in sorted(cast("Mapping[str, object]", value).items()):
            yield from _leaves(inner, joined(path, name), name)
    elif isinstance(value, list):
        for index, inner in enumerate(cast("list[object]", value)):
            yield from _leaves(inner, f"{path}[{index}]", key)
    else:
        yield path, key, value


def joined(path: str, name: str) -> str:
    """The path of a property below another one, as the engine writes it."""
    if _QUOTED.search(name):
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'{path}["{escaped}"]'
    return f"{path}.{name}" if path else name


def masked(value: dict[str, Any]) -> str | dict[str, Any]:
    """The engine's mask in the place of an object that wraps a secret, as its events have it; else the object."""
    return MASKED if is_secret(value) else value


def document(value: object) -> Any:
    """The object or list in a string of JSON; None for anything else."""
    if not isinstance(value, str) or value.lstrip()[:1] not in ("{", "["):
        return None
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return None


def visible(text: str) -> str:
    """The text on one line, without characters that move a cursor, turn the direction of text or cannot be seen."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_visible(character) for character in text)


def _visible(character: str) -> str:
    if character in "\n\t\r":
        return {"\n": "\\n", "\t": "\\t", "\r": "\\r"}[character]
    if unicodedata.category(character) not in INVISIBLE:
        return character
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def shortened(text: str, limit: int) -> str:
    """The text, its middle left out where it has more than `limit` characters."""
    if len(text) <= limit:
        return text
    head = (limit - 1) * 2 // 3
    return f"{text[:head]}…{text[len(text) - (limit - 1 - head) :]}"


def is_known(inputs: Mapping[str, object], key: str) -> bool:
    """Whether the value is given and neither secret nor unknown until `up`."""
    return inputs.get(key) is not None and not is_hidden(inputs[key])


def text(inputs: Mapping[str, object], key: str, default: str | None = None) -> str:
    """The value as text; raises NotReadable where it is hidden, or absent without a default."""
    return str(_value(inputs, key, default))


def number(inputs: Mapping[str, object], key: str, default: int | None = None) -> Decimal:
    """The number, 0 or more; raises NotReadable as `text` does, and for anything that is no such number."""
    value = _value(inputs, key, default)
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise NotReadable(f"{key} is not a number")
    try:
        figure = Decimal(str(value))
    except ArithmeticError:
        raise NotReadable(f"{key} is not a number") from None
    if not figure.is_finite() or figure < 0:
        raise NotReadable(f"{key} must be a number of 0 or more")
    return figure


def flag(inputs: Mapping[str, object], key: str) -> bool:
    """Whether a switch is on; off by default. Raises NotReadable where it is hidden."""
    return is_true(_value(inputs, key, False))


def elements(inputs: Mapping[str, object], key: str) -> Sequence[Any]:
    """The list, empty by default; raises NotReadable where it is hidden."""
    return items(_value(inputs, key, ()))


def part(inputs: Mapping[str, object], key: str) -> Mapping[str, Any]:
    """The object under the key, empty by default; raises NotReadable where it is hidden."""
    return mapping(_value(inputs, key, NOTHING))


def _value(inputs: Mapping[str, object], key: str, default: object) -> Any:
    value = inputs.get(key)
    if value is None:
        value = default
    if value is None:
        raise NotReadable(f"{key} is not given")
    if is_secret(value):
        raise NotReadable(f"{key} is secret")
    if is_hidden(value):
        raise NotReadable(f"{key} is known only after apply")
    return value
