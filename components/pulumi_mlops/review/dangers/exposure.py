"""What becomes reachable by everybody through a change. What that is for each type is in resource_types."""

from collections.abc import Iterator

from pulumi_mlops.review.danger import Danger, DangerKind
from pulumi_mlops.review.preview import Operation, State, Step
from pulumi_mlops.review.resource_types import describe
from pulumi_mlops.review.resource_types.facts import Condition, Holds


def exposures(step: Step, stack: str) -> Iterator[Danger]:
    """The facts `open_if` and `published_if` that the step makes true, also of a new resource.

    `unguarded_if` only of one that changes: of a new one it is no danger unless it is published, which a rule forbids.
    """
    new = step.new
    if step.operation == Operation.DELETE or new is None or not new.custom or new.external:
        return
    described = describe(step.type, new.inputs)
    for condition, verb in (
        (described.open_if and described.open_if.condition, "becomes public"),
        (described.published_if, "faces the internet"),
        (described.unguarded_if if step.old else None, "no longer asks who sends a request"),
    ):
        if condition:
            for meaning in became_true(condition, step.old, new):
                yield Danger(DangerKind.EXPOSURE, stack, step.urn, f"{verb}: {meaning}")


def became_true(condition: Condition, old: State | None, new: State) -> list[str]:
    """The facts that hold for the new state and did not hold for the old one, as sentences."""
    before = {fact.key for fact in condition(old.inputs) if isinstance(fact, Holds)} if old else set[tuple[str, str]]()
    held = [fact for fact in condition(new.inputs) if isinstance(fact, Holds)]
    return sorted({fact.key: fact.message for fact in held if fact.key not in before}.values())
