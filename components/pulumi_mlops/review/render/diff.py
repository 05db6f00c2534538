"""Everything in a stack's preview about its resources, line by line, as a diff."""

import itertools
from collections.abc import Iterator

from pulumi_mlops.review.changes import properties
from pulumi_mlops.review.preview import Operation, Step
from pulumi_mlops.review.printable import shortened, visible
from pulumi_mlops.review.shown_values import Value
from pulumi_mlops.review.view import Row, StackView

SIGNS = {
    Operation.CREATE: "+",
    Operation.DELETE: "-",
    Operation.REPLACE: "-/+",
    Operation.UPDATE: "!",
    Operation.IMPORT: "+",
}
"""What a line of a diff begins with; other operations begin with a space."""
MAX_VALUE = 400
"""Characters of a value."""
MAX_RESOURCE = 6_000
"""Characters of one resource: what has more is a document, not settings."""


def resources(stack: StackView) -> Iterator[list[str]]:
    """The lines of each resource, in the order of the sections."""
    for section in stack.sections:
        for row in section.rows:
            for step in row.steps:
                yield _cut(list(_lines(step, row)))


def _cut(lines: list[str]) -> list[str]:
    ends = itertools.accumulate(len(line) + 1 for line in lines)
    fitting = sum(1 for end in ends if end <= MAX_RESOURCE)
    return lines if fitting == len(lines) else [*lines[:fitting], f"#   and {len(lines) - fitting} more lines"]


def _lines(step: Step, row: Row) -> Iterator[str]:
    sign = SIGNS.get(step.operation, " ")
    yield f"{sign} {_text(step.type)} {_text(step.name)} ({step.operation})"
    for note in row.notes:
        yield f"#   {_text(note)}"
    for one in row.changes:
        why = "  # replaces" if one.replaces else ""
        yield f"-   {_text(one.path)}: {_value(one.old)}"
        yield f"+   {_text(one.path)}: {_value(one.new)}{why}"
    if step.operation in (Operation.CREATE, Operation.DELETE, Operation.IMPORT):
        for path, value in properties(step):
            yield f"{sign}   {_text(path)}: {_value(value)}"


def _value(value: Value) -> str:
    return _text(value.text) if value.quoted else f"({value.text})"


def _text(text: str) -> str:
    return shortened(visible(text), MAX_VALUE)
