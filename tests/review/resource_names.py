"""Every name that a resource of a stack of this repository has had in a recorded preview.

Recording a preview adds the new ones; only people take one out.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "resource_names.json"


def kept(stack: str) -> set[str]:
    """The names of a stack's resources, past and present."""
    return set(json.loads(FILE.read_text()).get(stack, []))


def add(stack: str, states: Iterable[dict[str, Any]]) -> None:
    """Adds the names of these resources."""
    names = json.loads(FILE.read_text())
    names[stack] = sorted({*names.get(stack, []), *(name(one["urn"]) for one in states)})
    FILE.write_text(json.dumps(names, indent=0, sort_keys=True) + "\n")


def lost(names: Iterable[str], states: Iterable[dict[str, Any]]) -> set[str]:
    """Those of the names that no resource has, not even as an alias."""
    known = {name(urn) for one in states for urn in (one["urn"], *one.get("aliases", []))}
    return set(names) - known


def name(urn: str) -> str:
    """A URN without stack and project: types of the parents, type, name."""
    return urn.split("::", 2)[2]
