"""Property paths: how Pulumi writes the place of a value in a manifest, and the values at such places."""

import re
from itertools import pairwise
from typing import Any

Path = tuple[str | int, ...]

_PART = re.compile(r"""\.?(?:\["((?:[^"\\]|\\.)*)"\]|\[(\d+|\*)\]|([^.\[\]"]+))""")
MISSING = object()


def parse(text: str) -> Path:
    """`spec.ports[0].name` or `metadata.annotations["a.b/c"]` as a tuple; `[*]` stays the string `*`.

    Raises:
        ValueError: the text is not a property path.
    """
    parts: list[str | int] = []
    position = 0
    while position < len(text):
        match = _PART.match(text, position)
        if not match:
            raise ValueError(f"{text!r} is not a property path")
        quoted, index, plain = match.groups()
        if quoted is not None:
            parts.append(re.sub(r"\\(.)", r"\1", quoted))
        elif index is not None:
            parts.append(index if index == "*" else int(index))
        else:
            parts.append(plain)
        position = match.end()
    return tuple(parts)


def show(path: Path) -> str:
    """The text of a path, as the engine writes it."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif re.search(r'[.\[\]"]', part):
            escaped = part.replace("\\", "\\\\").replace('"', '\\"')
            text += f'["{escaped}"]'
        else:
            text += f".{part}" if text else part
    return text


def get(value: Any, path: Path) -> Any:
    """The value at a path, or MISSING."""
    for part in path:
        if isinstance(part, int):
            if not isinstance(value, list) or part >= len(value):
                return MISSING
            value = value[part]
        elif not isinstance(value, dict) or part not in value:
            return MISSING
        else:
            value = value[part]
    return value


def put(value: Any, path: Path, new: Any) -> None:
    """Sets the value at a path in place, making objects on the way; does nothing beyond the end of a list."""
    for part, following in pairwise(path):
        if isinstance(part, int):
            if not isinstance(value, list) or part >= len(value):
                return
            value = value[part]
        elif isinstance(value, dict):
            value = value.setdefault(part, [] if isinstance(following, int) else {})
        else:
            return
    last = path[-1]
    if isinstance(last, int):
        if isinstance(value, list) and last < len(value):
            value[last] = new
    elif isinstance(value, dict):
        value[last] = new


def remove(value: Any, path: Path) -> None:
    """Deletes the value at a path in place, if it is there."""
    parent = get(value, path[:-1])
    last = path[-1]
    if isinstance(parent, dict):
        parent.pop(last, None)
    elif isinstance(parent, list) and isinstance(last, int) and last < len(parent):
        del parent[last]


def covers(pattern: Path, path: Path) -> bool:
    """Whether `pattern` is the path or one of its parents; `*` in the pattern stands for any part."""
    return len(pattern) <= len(path) and all(wanted in ("*", part) for wanted, part in zip(pattern, path, strict=False))
