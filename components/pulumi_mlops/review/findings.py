"""What a rule says of a resource that breaks it."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How much a finding weighs."""

    BLOCKING = "blocking"
    """The change must not be merged: CI fails."""
    WARNING = "warning"
    """A reviewer should know."""


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
