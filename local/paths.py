"""Where the one-machine platform keeps its files. Nothing is written anywhere else but in `.venv`."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""The checkout."""


def _directory(variable: str, fallback: str) -> Path:
    base = os.environ.get(variable)
    return (Path(base) if base else Path.home() / fallback) / "pulumi-mlops"


CACHE = _directory("XDG_CACHE_HOME", ".cache")
"""What can be made again at the cost of time: built tools, base images. Keyed by version or content, safe to delete."""

STATE = _directory("XDG_STATE_HOME", ".local/state")
"""What the running platform is: the node's data and pids, the registry, Pulumi's state and passphrase."""
