"""Values of a preview: what is known, what is masked, and where in a resource a value stands."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

from pulumi_mlops.review.preview import MASKED, UNKNOWN

_QUOTED = re.compile(r'[.\[\]"]')
TRUE, FALSE = frozenset({"true"}), frozenset({"false"})


def hidden(value: Any) -> bool:
    """Whether the preview does not tell the value: not known before `up`, or a secret."""
    return isinstance(value, str) and (value == MASKED or UNKNOWN in value)


def mapping(value: Any) -> Mapping[str, Any]:
    """The value if it is a mapping, else an empty one."""
    # Asked millions of times: that it is a dict, as JSON has it, is told faster.
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) or isinstance(value, Mapping) else {}  # noqa: SIM101


def items(value: Any) -> list[Any]:
    """The value's elements; a single value is a list of one, as providers that flatten lists write it."""
    if value is None:
        return []
    return cast("list[Any]", value) if isinstance(value, list) else [value]


def is_true(value: Any) -> bool:
    """Whether a boolean is true; some providers write it as text."""
    return value is True or (isinstance(value, str) and value.lower() in TRUE)


def is_false(value: Any) -> bool:
    """Whether a boolean is said to be false; not being there is another thing."""
    return value is False or (isinstance(value, str) and value.lower() in FALSE)


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, str, Any]]:
    """(path, key, value) of every value that is neither mapping nor list; the key is the nearest name above it."""
    yield from _leaves(value, path, path)


def _leaves(value: Any, path: str, key: str) -> Iterator[tuple[str, str, Any]]:
    if isinstance(value, Mapping):
        for name, inner in sorted(cast("Mapping[str, Any]", value).items()):
            yield from _leaves(inner, joined(path, name), name)
    elif isinstance(value, list):
        for index, inner in enumerate(cast("list[Any]", value)):
            yield from _leaves(inner, f"{path}[{index}]", key)
    else:
        yield path, key, value


def joined(path: str, name: str) -> str:
    """The path of a part, as the engine writes it."""
    if _QUOTED.search(name):
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'{path}["{escaped}"]'
    return f"{path}.{name}" if path else name
