"""How many resources a stack's change creates, updates, deletes, and leaves as they are."""

from collections.abc import Sequence

from pulumi_mlops.review.changes import changes
from pulumi_mlops.review.groups import QUIET, WEIGHT
from pulumi_mlops.review.preview import Operation, Preview, Step


def is_quiet(step: Step, preview: Preview) -> bool:
    """Whether nothing happens to the resource. The engine counts what it reads only where that has changed.

    What the published provider of Kubernetes reads has changed each time, by its own notes: those do not count.
    """
    if step.operation != Operation.READ:
        return step.operation in QUIET
    return not preview.summary.get(Operation.READ) or _is_read_the_same(step)


def _is_read_the_same(step: Step) -> bool:
    """Whether a resource that is read is what it was, but for the notes of its provider."""
    if step.old is None or step.new is None or changes(step):
        return False
    before, after = (
        {key: value for key, value in state.outputs.items() if not key.startswith("__")}
        for state in (step.old, step.new)
    )
    return before == after


def counts(preview: Preview, steps: Sequence[Step]) -> dict[Operation, int]:
    """The engine's own counts, or those of the steps that were seen before the preview ended."""
    counted: dict[Operation, int] = {}
    for step in steps:
        operation = Operation.SAME if step.operation in QUIET else step.operation
        counted[operation] = counted.get(operation, 0) + 1
    totals = dict(preview.summary or counted)
    if preview.summary.get(Operation.READ) and (
        again := sum(step.operation == Operation.READ and _is_read_the_same(step) for step in steps)
    ):
        # What is read again and is the same.
        totals[Operation.READ] = max(0, totals.get(Operation.READ, 0) - again)
        totals[Operation.SAME] = totals.get(Operation.SAME, 0) + again
    if drifted := sum(step.operation == Operation.REFRESH and bool(changes(step)) for step in steps):
        # The engine counts what its refresh found as updates that it would make.
        totals[Operation.UPDATE] = max(0, totals.get(Operation.UPDATE, 0) - drifted)
        totals[Operation.REFRESH] = drifted
    order = {operation: place for place, operation in enumerate(WEIGHT)}
    ranked = sorted(totals, key=lambda operation: (order.get(operation, len(order)), operation))
    return {operation: totals[operation] for operation in ranked if totals[operation]}
