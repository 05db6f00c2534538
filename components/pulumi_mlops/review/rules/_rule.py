"""What a rule is, and what it says of a resource."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pulumi_mlops.review.findings import Level
from pulumi_mlops.review.rules._world import Resource, World


@dataclass(frozen=True)
class Broken:
    """The resource breaks the rule."""

    message: str
    """What is wrong, with the property and its value, in one sentence; never a secret."""


@dataclass(frozen=True)
class Open:
    """The rule cannot decide, because a value is known only after `up`."""

    path: str
    """The property that is not known."""


Verdict = Broken | Open
Check = Callable[[Resource, World], Iterator[Verdict]]


@dataclass(frozen=True)
class Rule:
    """One thing that must not be, why, and the way out."""

    id: str
    """Never changes: exceptions name it."""
    level: Level
    title: str
    """What must be, in one short sentence."""
    why: str
    fix: str
    unknown: str
    """What the rule does with a value that is known only after `up`."""
    check: Check
    whole_stack: bool = False
    """Whether a verdict needs resources that may be registered later, or in another stack."""
