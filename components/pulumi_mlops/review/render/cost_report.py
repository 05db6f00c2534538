"""An estimate in full, as text for a terminal and as Markdown: what the subcommand `cost` prints."""

from collections.abc import Iterator

from pulumi_mlops.review.cost.names import name
from pulumi_mlops.review.estimate import Estimate
from pulumi_mlops.review.render.estimates import Table, lists, sentence, tables
from pulumi_mlops.review.render.markdown import inline


def text(estimate: Estimate) -> str:
    """For a terminal: aligned columns."""
    parts = [f"{name(estimate.stack)}: {''.join(piece.text for piece in sentence(estimate))}"]
    parts += ["\n".join(_aligned(one)) for one in tables(estimate)]
    parts += [f"{title}:\n" + "\n".join(f"  - {line}" for line in entries) for title, entries in lists(estimate)]
    return "\n\n".join(parts) + "\n"


def markdown(estimate: Estimate) -> str:
    """For documents."""
    parts = [f"**{name(estimate.stack)}: {inline(sentence(estimate))}**"]
    parts += ["\n".join(_piped(one)) for one in tables(estimate)]
    parts += [f"{title}:\n\n" + "\n".join(f"- {line}" for line in entries) for title, entries in lists(estimate)]
    return "\n\n".join(parts) + "\n"


def _aligned(table: Table) -> Iterator[str]:
    rows = [table.head, *table.rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(table.head))]
    for row in rows:
        first, *others = (
            cell.ljust(width) if not column else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield "  ".join((first, *others)).rstrip()


def _piped(table: Table) -> Iterator[str]:
    yield f"| {' | '.join(table.head)} |"
    yield f"| --- |{' ---: |' * (len(table.head) - 1)}"
    for row in table.rows:
        yield f"| {' | '.join(row)} |"
