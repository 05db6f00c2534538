"""Steps and previews for tests that are about one decision; whole previews are recorded: see recorded.py."""

from collections import Counter
from typing import Any

from pulumi_mlops.review.preview import Operation, Preview, PropertyChange, State, Step

STACK = "prod"


def urn(type_: str, name: str, parents: str = "", stack: str = STACK) -> str:
    return f"urn:pulumi:{stack}::project::{parents}{type_}::{name}"


def step(
    operation: str,
    type_: str,
    name: str = "x",
    old: dict[str, Any] | None = None,
    new: dict[str, Any] | None = None,
    changes: tuple[PropertyChange, ...] = (),
    parent: str = "",
    stack: str = STACK,
    was: dict[str, Any] | None = None,
    **settings: Any,
) -> Step:
    """`old` and `new` are inputs; `settings` hold for both states, `was` for the old one only."""
    place = urn(type_, name, stack=stack)
    common = {"urn": place, "parent": parent, "custom": True, **settings}
    return Step(
        Operation(operation),
        place,
        None if old is None else State(inputs=old, **{**common, **(was or {})}),
        None if new is None else State(inputs=new, **common),
        changes,
    )


def preview(*steps: Step, stack: str = STACK, **settings: Any) -> Preview:
    summary = Counter(one.operation for one in steps)
    return Preview(stack=stack, steps=steps, **{"summary": dict(summary), **settings})
