"""A review as text for a terminal."""

import textwrap
import unicodedata
from collections.abc import Iterator

from pulumi_mlops.review.preview import Operation
from pulumi_mlops.review.render import estimates
from pulumi_mlops.review.render.spans import (
    Spans,
    baseline_line,
    change,
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
from pulumi_mlops.review.view import Outcome, Review, Row, StackView

DEFAULT_WIDTH = 100
MIN_WIDTH = 40
PAD = "\ue000"
"""Stands for the second column of a wide character while lines are cut. No text has it: it is no visible character."""
COMMANDS = ("::", "##[")
"""What a line begins with that the log of a CI run takes for a command."""
RED, GREEN, YELLOW, BLUE, BOLD = "31", "32", "33", "34", "1"
COLOURS = {
    Operation.CREATE: GREEN,
    Operation.IMPORT: GREEN,
    Operation.UPDATE: YELLOW,
    Operation.DELETE: RED,
    Operation.REPLACE: RED,
}


def terminal(review: Review, width: int = DEFAULT_WIDTH, *, colour: bool = False) -> str:
    """The text: no line is wider than `width` columns, where words allow it; colours on request."""
    writer = _Writer(max(width, MIN_WIDTH), colour)
    return "\n".join(writer.lines(review)) + "\n"


class _Writer:
    """Lines of one width, with or without colours."""

    def __init__(self, width: int, colour: bool) -> None:
        self._width = width
        self._colour = colour

    def lines(self, review: Review) -> Iterator[str]:
        several = len(review.stacks) > 1
        yield from self._said(own(headline(review)), "", BOLD)
        for what, found, colour in (
            ("blocking finding", [finding_line(one, with_stack=several) for one in review.blocking], RED),
            ("danger", [danger_line(one, with_stack=several) for one in review.dangers], RED),
            ("warning", [finding_line(one, with_stack=several) for one in review.warnings], YELLOW),
        ):
            if found:
                yield ""
                yield from self._said(own(plural(len(found), what)), "", colour)
                for line in found:
                    yield from self._said(line, "  ! ", colour)
        if review.undecided:
            yield from ("", *self._said(undecided_line(review.undecided), ""))
        if review.in_baseline:
            yield from ("", *self._said(baseline_line(review.in_baseline), ""))
        if review.not_judged:
            yield from ("", *self._said(not_judged_line(review.not_judged), ""))
        for stack in review.stacks:
            yield from self._stack(stack)
        if review.artifact:
            yield ""
            yield from self._said((*own("All of it as JSON: "), *quoted(review.artifact, 300)), "")

    def _stack(self, stack: StackView) -> Iterator[str]:
        bad = stack.outcome in (Outcome.FAILED, Outcome.CUT_OFF)
        if stack.sections:
            yield ""
        yield from self._said((*quoted(stack.stack), *own(": "), *stack_line(stack)), "", RED if bad else BOLD)
        for line in (*fit_lines(stack), *(estimates.lines(stack.estimate) if stack.estimate else ())):
            yield from self._said(line, "  ")
        for section in stack.sections:
            yield from self._said(quoted(section.title) if section.title else own("outside of components"), "  ", BLUE)
            for row in section.rows:
                yield from self._row(row)

    def _row(self, row: Row) -> Iterator[str]:
        word = f"    {row.operation.value} "
        yield from self._said(resources(row), word, COLOURS.get(row.operation, ""))
        for one in row.changes:
            why = own(" (forces the replacement)" if one.replaces else "")
            yield from self._said((*change(one), *why), "      ")
        for note in row.notes:
            yield from self._said(prose(note), "      ")

    def _said(self, phrase: Spans, lead: str, colour: str = "") -> Iterator[str]:
        text = _padded("".join(piece.text for piece in phrase))
        wrapped = textwrap.wrap(
            text,
            # A line may end between a character and its pad, or get a sign more.
            self._width - (PAD in text) - any(one in text for one in COMMANDS),
            initial_indent=lead,
            subsequent_indent=" " * len(lead),
            break_long_words=True,
            break_on_hyphens=False,
        )
        for line in (_harmless(one.replace(PAD, "")) for one in wrapped):
            yield f"\x1b[{colour}m{line}\x1b[0m" if self._colour and colour else line


def _harmless(line: str) -> str:
    """The line as no command of a log: names and values stand where lines begin."""
    said = line.lstrip(" ")
    return f"{line[: len(line) - len(said)]}\\{said}" if said.startswith(COMMANDS) else line


def _padded(text: str) -> str:
    """The text with as many characters as it has columns."""
    if text.isascii():
        return text
    return "".join(one + PAD if unicodedata.east_asian_width(one) in "WF" else one for one in text)
