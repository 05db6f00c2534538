"""Property values as previews hold them: shapes, placeholders of the engine, text that is safe to show."""

import json
import unicodedata
from collections.abc import Mapping, Sequence
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


def mapping(value: Any) -> Mapping[str, Any]:
    """The value where it is a mapping, else an empty one."""
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else NOTHING


def items(value: Any) -> Sequence[Any]:
    """The value where it is a list, else an empty one."""
    return cast("Sequence[Any]", value) if isinstance(value, list | tuple) else ()


def words(value: Any) -> tuple[str, ...]:
    """The value as texts: a list of them, or one alone, as IAM allows in its documents."""
    if isinstance(value, str):
        return (value,)
    return tuple(one for one in items(value) if isinstance(one, str))


def is_unknown(value: Any) -> bool:
    """Whether the value is known only after `up`."""
    return isinstance(value, str) and value in UNKNOWNS


def is_secret(value: Any) -> bool:
    """Whether the engine masked the value, or marked it as secret where it was asked to show secrets."""
    return value == MASKED or mapping(value).get(SIGNATURE) == SECRET_SIGNATURE


def masked(value: dict[str, Any]) -> Any:
    """The engine's mask in the place of an object that wraps a secret, as its events have it; else the object."""
    return MASKED if is_secret(value) else value


def document(value: Any) -> Any:
    """What a text of JSON says, where the value is an object or a list in such a text; else None."""
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
