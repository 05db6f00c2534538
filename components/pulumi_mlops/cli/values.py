"""Parts of a decoded JSON document that may be missing."""

import json
from typing import Any, cast


def mapping(value: Any) -> dict[str, Any]:
    """The value if it is a mapping, else an empty one."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def items(value: Any) -> list[Any]:
    """The value if it is a list, else an empty one."""
    return cast("list[Any]", value) if isinstance(value, list) else []


def plain(value: object) -> Any:
    """A value of a state that was exported with its secrets shown."""
    secret = mapping(value).get("plaintext")
    return value if secret is None else json.loads(secret)
