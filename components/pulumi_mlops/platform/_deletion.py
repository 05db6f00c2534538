"""What must be gone from a cluster before the add-on that alone can delete it, and in which order.

Left out is what is inert without its controller (templates, stores, projects, routes), and what a controller makes of
another object that is listed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

Manifest = Mapping[str, Any]


class Stage(IntEnum):
    """What is deleted at the same time, in the order of deletion."""

    GITOPS = 1
    """What brings back what is deleted later."""
    WORKLOADS = 2
    LOAD_BALANCERS = 3
    VOLUMES = 4
    CLOUD_RESOURCES = 5
    REST = 6


def always(_: Manifest) -> bool:
    """Every object counts."""
    return True


def held(manifest: Manifest) -> bool:
    """The object has a finalizer, and is inert without."""
    return bool(manifest["metadata"].get("finalizers"))


@dataclass(frozen=True)
class Watched:
    """Objects of one kind, or of all kinds of a category."""

    stage: Stage
    resource: str = ""
    """As kubectl takes it, `<plural>.<group>`; empty for a category."""
    counts: Callable[[Manifest], bool] = always
    category: str = ""
    """A category of kinds, by which Crossplane marks those that teams defined."""
    chart: str = ""
    """The chart whose controller deletes them, which `cli.leftovers.kinds` fills in; empty: the foundation's does."""


def watched(stage: Stage, *resources: str, counts: Callable[[Manifest], bool] = always) -> tuple[Watched, ...]:
    """Kinds of one stage."""
    return tuple(Watched(stage, resource, counts) for resource in resources)
