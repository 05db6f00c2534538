"""What was changed in a cluster past the program: told apart from what the program itself would change."""

from pulumi_mlops.review import reading
from pulumi_mlops.review.preview import Operation, PreviewError, Step

from local.engine import Engine
from local.progress import StepFailed

MOST_PATHS = 5


def lines(engine: Engine, stack: str) -> list[str]:
    """One line for each resource of the stack that is not as it was left, or is gone; changes nothing.

    Raises:
        StepFailed: the cluster could not be looked at.
    """
    try:
        found = reading.read(engine.drift_json(stack), stack)
    except PreviewError as error:
        raise StepFailed(str(error)) from None
    return [_line(step) for step in found.steps if step.operation in (Operation.UPDATE, Operation.DELETE)]


def _line(step: Step) -> str:
    named = f"{step.type.rpartition(':')[2]} {step.name}"
    if step.operation is Operation.DELETE:
        return f"drift: {named} is gone; `make up` makes it again"
    paths = [change.path for change in step.changes] or list(step.changed_keys)
    more = f" and {len(paths) - MOST_PATHS} more" if len(paths) > MOST_PATHS else ""
    return f"drift: {named} was changed: {', '.join(paths[:MOST_PATHS])}{more}; `make up` changes it back"
