"""A review as a comment on GitHub or GitLab.

Somebody else's text stands in code spans, in `<code>` inside tables, or in a fenced block, and nowhere else: there a
Git host reads neither Markdown nor HTML, and makes no mention, reference, link or image of it. Tables are HTML, since
a bar in a cell of a Markdown table ends the cell even within a code span.
"""

import re
from collections.abc import Iterator
from enum import StrEnum
from html import escape

from pulumi_mlops.review.preview import Operation
from pulumi_mlops.review.render import diff, estimates
from pulumi_mlops.review.render.spans import (
    Spans,
    baseline_line,
    change,
    counts,
    danger_line,
    finding_line,
    fit_lines,
    headline,
    not_judged_line,
    own,
    plural,
    prose,
    quoted,
    resources,
    stack_line,
    undecided_line,
)
from pulumi_mlops.review.render.truncation import Part, fill
from pulumi_mlops.review.view import Outcome, Review, Row, Section, StackView

LIMIT = 60_000
"""Bytes of a comment, and so at most as many characters. GitHub takes 65 536 characters, Gitea on MySQL 65 535 bytes;
what posts it may put a line before it."""
MAX_CHANGES = 12
"""Paths of one row; the full diff has all."""
RESERVE = 2_000
"""Bytes kept for the headline and the last line, even for an artifact's name that is all backticks or emoji."""
ADDRESS = re.compile(r"https://[\w.-]+(:\d+)?(/[\w./?=&%~+-]*)?", re.ASCII)
"""An artifact that becomes a link: it is the caller's own word, and the only link of a comment."""
LOUD = frozenset({Operation.DELETE, Operation.REPLACE})
BROKEN = frozenset({Outcome.FAILED, Outcome.CUT_OFF})

# Who is served first when not all fits, and the most that each list may take.
BLOCKING, DANGERS, STACKS, WARNINGS, TABLES, DIFFS = range(6)
SHARES = {BLOCKING: 14_000, DANGERS: 14_000, STACKS: 10_000, WARNINGS: 5_000}


class Dialect(StrEnum):
    """Whose comment it is."""

    GITHUB = "github"
    GITLAB = "gitlab"


def markdown(review: Review, dialect: Dialect, limit: int = LIMIT) -> str:
    """The comment, at most `limit` bytes long. It says what it leaves out, and where that is."""
    several = len(review.stacks) > 1
    parts = [
        _alert(
            dialect, [finding_line(one, with_stack=several) for one in review.blocking], "blocking finding", BLOCKING
        ),
        _alert(dialect, [danger_line(one, with_stack=several) for one in review.dangers], "danger", DANGERS),
        _overview(review),
        _details("warning", [finding_line(one, with_stack=several) for one in review.warnings]),
    ]
    if review.undecided:
        parts.append(Part([inline(undecided_line(review.undecided))], foot="\n\n", rank=WARNINGS))
    if review.in_baseline:
        parts.append(Part([inline(baseline_line(review.in_baseline))], foot="\n\n", rank=WARNINGS))
    if review.not_judged:
        parts.append(Part([inline(not_judged_line(review.not_judged))], foot="\n\n", rank=WARNINGS))
    for stack in review.stacks:
        if stack.sections:
            parts += [_table(stack), _diff(stack)]
    body = fill(parts, limit - RESERVE)
    return f"## {headline(review)}\n\n{body.text}{_last_line(review, body.left_out)}"


def _alert(dialect: Dialect, lines: list[Spans], what: str, rank: int) -> Part:
    word = "CAUTION" if dialect == Dialect.GITHUB else "caution"
    return Part(
        items=[f"> - {inline(line)}\n" for line in lines],
        head=f"> [!{word}]\n> **{plural(len(lines), what)}**\n>\n",
        foot="\n",
        rank=rank,
        share=SHARES[rank],
        more="> - and {count} more\n",
    )


def _overview(review: Review) -> Part:
    """One line a stack; first those whose preview did not come to its end, since the last may not fit."""
    items = [
        f"- {'**!** ' if stack.outcome in BROKEN else ''}{inline(quoted(stack.stack))}: {inline(stack_line(stack))}\n"
        for stack in sorted(review.stacks, key=lambda one: one.outcome not in BROKEN)
    ]
    return Part(items, foot="\n", rank=STACKS, share=SHARES[STACKS], more="- and {count} more stacks\n")


def _details(what: str, lines: list[Spans]) -> Part:
    return Part(
        items=[f"- {inline(line)}\n" for line in lines],
        head=f"<details><summary>{plural(len(lines), what)}</summary>\n\n",
        foot="\n</details>\n\n",
        rank=WARNINGS,
        share=SHARES[WARNINGS],
        more="- and {count} more\n",
    )


def _table(stack: StackView) -> Part:
    """The stack's headline, whether it fits, its cost and its resources by component."""
    lines = [*fit_lines(stack), *(estimates.lines(stack.estimate) if stack.estimate else ())]
    summary = "".join(f"{inline(line)}\n\n" for line in lines)
    columns = "".join(f"<th>{word}</th>" for word in ("", "resource", "what changes"))
    return Part(
        items=_enough(
            (row for section in stack.sections for row in _rows(section)),
            sum(len(section.rows) for section in stack.sections),
        ),
        head=f"### {inline(quoted(stack.stack))}: {counts(stack)}\n\n{summary}<table>\n<tr>{columns}</tr>\n",
        foot="</table>\n\n",
        rank=TABLES,
        more='<tr><td colspan="3">and {count} more rows: {what}</td></tr>\n',
        holds=[(row.operation.value, len(row.resources)) for section in stack.sections for row in section.rows],
    )


def _rows(section: Section) -> Iterator[str]:
    """The rows of a component, the first with its name above it."""
    name = _html(quoted(section.title)) if section.title else "outside of components"
    head = f'<tr><th colspan="3" align="left">{name}</th></tr>\n'
    for place, row in enumerate(section.rows):
        word = row.operation.value
        said = f"<b>{word}</b>" if row.operation in LOUD else word
        what = "<br>".join(_html(line) for line in _changes(row))
        yield f"{'' if place else head}<tr><td>{said}</td><td>{_html(resources(row))}</td><td>{what}</td></tr>\n"


def _changes(row: Row) -> Iterator[Spans]:
    first = sorted(row.changes, key=lambda one: not one.replaces)[:MAX_CHANGES]
    for one in first:
        yield (*change(one), *own(" (forces the replacement)" if one.replaces else ""))
    if len(row.changes) > len(first):
        yield own(f"and {plural(len(row.changes) - len(first), 'more path')}")
    yield from (prose(note) for note in row.notes)


def _diff(stack: StackView) -> Part:
    count = sum(len(row.steps) for section in stack.sections for row in section.rows)
    items = _enough(("\n".join(lines) + "\n" for lines in diff.resources(stack)), count)
    longest = max((len(run) for item in items for run in re.findall("`+", item)), default=0)
    fence = "`" * max(3, longest + 1)
    name = _html(quoted(stack.stack))
    return Part(
        items,
        head=f"<details><summary>Full diff of {name}</summary>\n\n{fence}diff\n",
        foot=f"{fence}\n\n</details>\n\n",
        rank=DIFFS,
        more="# and {count} more resources\n",
    )


def _enough(texts: Iterator[str], count: int) -> list[str]:
    """The texts as far as a comment can hold them; those after them, which are only counted, stay empty."""
    written: list[str] = []
    room = LIMIT
    for text in texts:
        written.append(text)
        room -= len(text)
        if room < 0:
            break
    return written + [""] * (count - len(written))


def _last_line(review: Review, left_out: int) -> str:
    linked = ADDRESS.fullmatch(review.artifact) and len(review.artifact) < RESERVE // 2
    named = f"<{review.artifact}>" if linked else inline(quoted(review.artifact, 300))
    where = f": {named}" if review.artifact else ""
    if left_out:
        hint = f"all of it is in the artifact{where}" if where else "`pulumi preview` shows all of it"
        return f"{plural(left_out, 'entry', 'entries')} left out, because a comment may not be longer; {hint}.\n"
    return f"All of it as JSON{where}.\n" if where else ""


def inline(phrase: Spans) -> str:
    """The phrase in Markdown."""
    return "".join(_code(piece.text) if piece.quoted else piece.text for piece in phrase)


def _html(phrase: Spans) -> str:
    """The phrase inside a block of HTML."""
    return "".join(f"<code>{escape(piece.text)}</code>" if piece.quoted else escape(piece.text) for piece in phrase)


def _code(text: str) -> str:
    """A code span: its fence is longer than any run of backticks in the text."""
    fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    pad = " " if text[0] in "` " or text[-1] in "` " else ""
    return f"{fence}{pad}{text}{pad}{fence}"
