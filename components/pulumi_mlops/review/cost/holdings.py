"""Which resources a stack has before a change and after it, as its preview tells."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pulumi_mlops.review.preview import Operation, Preview, State, Step, Urn

ENDS = frozenset(
    {
        Operation.DELETE,
        Operation.DELETE_REPLACED,
        Operation.DISCARD,
        Operation.DISCARD_REPLACED,
        Operation.REMOVE_PENDING_REPLACE,
    }
)
"""After these there is no resource, or it is another step that tells of it."""
GONE = frozenset({Operation.REMOVE_PENDING_REPLACE})
"""Before these there was none any more."""


@dataclass(frozen=True)
class Resource:
    """One resource that a provider manages, on one side of the change."""

    urn: str
    id: str
    """Empty before it is created."""
    inputs: Mapping[str, Any]

    @property
    def type(self) -> str:
        """The type token."""
        return Urn.parse(self.urn).type


@dataclass(frozen=True)
class Holdings:
    """What there is on both sides. Components, which cost nothing, and what is only read are left out."""

    before: tuple[Resource, ...]
    after: tuple[Resource, ...]
    kept: tuple[Resource, ...]
    """What leaves the stack and yet is not deleted."""
    hidden: int
    """How many resources stay the same and are not in the preview."""


def holdings(preview: Preview) -> Holdings:
    """Both sides of the preview. The steps of one replacement count once, whichever of them are shown."""
    before: dict[tuple[str, str], Resource] = {}
    after: dict[str, Resource] = {}
    kept: dict[tuple[str, str], Resource] = {}
    for step in preview.steps:
        old = _managed(step, step.old)
        new = _managed(step, step.new)
        if old and step.operation not in GONE:
            before[old.urn, old.id] = old
            if step.operation in ENDS and step.old and step.old.retain_on_delete:
                kept[old.urn, old.id] = old
        if new and step.operation not in ENDS:
            after[new.urn] = new
    same = preview.summary.get(Operation.SAME, 0)
    shown = sum(step.operation is Operation.SAME for step in preview.steps)
    return Holdings(tuple(before.values()), tuple(after.values()), tuple(kept.values()), max(0, same - shown))


def _managed(step: Step, state: State | None) -> Resource | None:
    if state is None or state.external or not state.custom:
        return None
    return Resource(step.urn, state.id, state.inputs)
