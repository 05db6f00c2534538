"""Paths of properties, as the engine writes them and as segments."""

import json
import re

Path = tuple[str | int, ...]

SEGMENT = re.compile(r'\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|([^.\[\]]+)')
PLAIN_KEY = re.compile(r"[A-Za-z_$][\w$/-]*")


def written(path: Path) -> str:
    """The path as the engine writes it."""
    text = ""
    for segment in path:
        if isinstance(segment, int):
            text += f"[{segment}]"
        elif PLAIN_KEY.fullmatch(segment):
            text += f".{segment}" if text else segment
        else:
            text += f"[{json.dumps(segment, ensure_ascii=False)}]"
    return text


def parsed(path: str) -> Path:
    """The segments of a path as the engine writes it; what is written otherwise is taken as it is."""
    return tuple(_segment(*parts) for parts in SEGMENT.findall(path))


def _segment(quoted: str, index: str, plain: str) -> str | int:
    try:
        return int(index) if index else plain or str(json.loads(f'"{quoted}"'))
    except ValueError:
        return index or quoted
