"""A review as JSON for machines. Additions may come; what is there keeps its meaning while `version` stays."""

import json

from pulumi_mlops.review.changes import Change, properties
from pulumi_mlops.review.findings import Finding
from pulumi_mlops.review.json_data import Json
from pulumi_mlops.review.preview import Operation, Step
from pulumi_mlops.review.render import estimates
from pulumi_mlops.review.render.spans import headline
from pulumi_mlops.review.shown_values import Value
from pulumi_mlops.review.view import ResourceName, Review, Row, StackView

VERSION = 1


def to_json(review: Review) -> str:
    """The review as one JSON document. Amounts of money are strings: JSON's numbers are no decimals."""
    said = {
        "version": VERSION,
        "headline": headline(review),
        "artifact": review.artifact,
        "dangers": [
            {"kind": one.kind.value, "stack": one.stack, "urn": one.urn, "message": one.message}
            for one in review.dangers
        ],
        "findings": [_finding(one) for one in (*review.blocking, *review.warnings)],
        "undecided": [
            {"rule": one.rule, "stack": one.stack, "urn": one.urn, "path": one.path} for one in review.undecided
        ],
        "in_baseline": dict(review.in_baseline),
        "not_judged": dict(review.not_judged),
        "stacks": [_stack(one) for one in review.stacks],
    }
    return json.dumps(said, indent=2, ensure_ascii=True) + "\n"


def _finding(one: Finding) -> dict[str, Json]:
    return {
        "rule": one.rule,
        "level": one.level.value,
        "stack": one.stack,
        "urn": one.urn,
        "message": one.message,
        "fix": one.fix,
    }


def _stack(stack: StackView) -> dict[str, Json]:
    return {
        "stack": stack.stack,
        "outcome": stack.outcome.value,
        "counts": {operation.value: count for operation, count in stack.counts.items()},
        "error": stack.error,
        "more_errors": stack.more_errors,
        "estimate": estimates.document(stack.estimate) if stack.estimate else None,
        "fits": [{"urn": one.urn, "verdict": one.verdict.value, "message": one.message} for one in stack.fits],
        "components": [
            {"title": section.title, "rows": [_row(row) for row in section.rows]} for section in stack.sections
        ],
    }


def _row(row: Row) -> dict[str, Json]:
    return {
        "operation": row.operation.value,
        "resources": [
            {**_resource(one), **({"properties": dict(_properties(step))} if not row.changes else {})}
            for one, step in zip(row.resources, row.steps, strict=True)
        ],
        "changes": [_change(one) for one in row.changes],
        "notes": list(row.notes),
    }


def _properties(step: Step) -> list[tuple[str, Json]]:
    if step.operation not in (Operation.CREATE, Operation.DELETE, Operation.IMPORT):
        return []
    return [(path, _value(value)) for path, value in properties(step)]


def _resource(one: ResourceName) -> dict[str, Json]:
    return {"type": one.kind, "name": one.name, "urn": one.urn}


def _change(one: Change) -> dict[str, Json]:
    return {"path": one.path, "old": _value(one.old), "new": _value(one.new), "replaces": one.replaces}


def _value(value: Value) -> dict[str, Json]:
    """A value, or words in its place."""
    return {"value": value.text} if value.quoted else {"words": value.text}
