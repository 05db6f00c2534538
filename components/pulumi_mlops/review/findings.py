"""What a rule reports about a resource that breaks it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How much a finding weighs."""

    BLOCKING = "blocking"
    """The change must not be merged: CI fails."""
    WARNING = "warning"
    """A reviewer should know."""


@dataclass(frozen=True)
class Undecided:
    """A rule that cannot say anything about a resource before `up`."""

    rule: str
    stack: str
    urn: str
    path: str
    """The property that is known only after `up`."""


@dataclass(frozen=True)
class Finding:
    """One resource that breaks one rule."""

    rule: str
    """Id of the rule, such as `s3-public`; it never changes, exceptions name it."""
    level: Level
    stack: str
    urn: str
    """The resource; empty for a finding about the stack as a whole."""
    message: str
    """What is wrong, with the property and its value, in one sentence. Plain text; never a secret."""
    fix: str
    """What to do, in one sentence. Plain text."""


@dataclass(frozen=True)
class Judgement:
    """What the rules report about stacks that are reviewed together."""

    findings: Sequence[Finding] = ()
    undecided: Sequence[Undecided] = ()
