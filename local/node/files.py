"""Writing configuration: whole or not at all, for the owner alone, and only when something changes.

A file that is written again with the same content would make kube-proxy end, which watches its configuration.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml


def write(place: Path, content: str | bytes) -> Path:
    """Makes the file have this content and returns its path."""
    wanted = content.encode() if isinstance(content, str) else content
    try:
        if place.read_bytes() == wanted:
            return place
    except OSError:  # not there yet
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    unfinished = place.with_name(f".{place.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(wanted)
    unfinished.replace(place)
    return place


def write_yaml(place: Path, content: Mapping[str, Any]) -> Path:
    """The same for a structure, as YAML."""
    return write(place, yaml.safe_dump(dict(content), sort_keys=False))
