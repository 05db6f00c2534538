"""What this library reads of a stack's state, as `pulumi stack export` prints it."""

from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict


class StateResource(TypedDict):
    """One resource of a state. Inputs and outputs are any JSON: each type has its own."""

    urn: str
    id: str
    """Only of resources that exist outside the state."""
    custom: NotRequired[bool]
    """Whether a provider manages it; a component is none of those."""
    parent: NotRequired[str]
    provider: NotRequired[str]
    """URN of the provider, two colons and its identifier."""
    importID: NotRequired[str]
    """By which it was imported."""
    protect: NotRequired[bool]
    delete: NotRequired[bool]
    """Whether it has been replaced and its deletion is still to come."""
    inputs: NotRequired[Mapping[str, Any]]
    outputs: NotRequired[Mapping[str, Any]]
