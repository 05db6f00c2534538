"""What a danger is."""

from dataclasses import dataclass
from enum import StrEnum


class DangerKind(StrEnum):
    """What is at stake, the worst first."""

    DATA = "data"
    """Something that holds data is deleted or replaced."""
    PROTECTION = "protection"
    """A protected resource goes, or loses what protects it."""
    EXPOSURE = "exposure"
    """Something can be reached from everywhere that could not be before."""
    IDENTITY = "identity"
    """Somebody may do more than before."""
    AVAILABILITY = "availability"
    """Something that runs stops, or cannot be upgraded as planned."""
    ADDRESS = "address"
    """A gateway or a name that clients use goes or changes."""
    CLIENTS = "clients"
    """A model takes other inputs, or answers something else, than its clients expect."""
    OWNER = "owner"
    """A resource changes hands between components or stacks."""


@dataclass(frozen=True)
class Danger:
    """One thing that a reviewer must have seen."""

    kind: DangerKind
    stack: str
    urn: str
    message: str
    """A sentence's end about the resource, such as `is replaced: the data in it is lost`. Plain text; no secret."""
