"""The sentences of a review, cut into words of our own and text of others.

Names, values and messages come from programs, providers and clouds. Every form quotes them, so that none of them can
be more than text: see `Spans`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from pulumi_mlops.review.capacity.fit import Verdict
from pulumi_mlops.review.changes import Change
from pulumi_mlops.review.dangers import Danger
from pulumi_mlops.review.findings import Finding, Undecided
from pulumi_mlops.review.preview import Operation
from pulumi_mlops.review.printable import shortened, visible
from pulumi_mlops.review.render.amounts import signed
from pulumi_mlops.review.shown_values import Value
from pulumi_mlops.review.view import Outcome, ResourceName, Review, Row, StackView, resource_name

MAX_NAME = 120
MAX_VALUE = 110
MAX_MESSAGE = 600
"""Characters of a name, a value or a message in a table or a list; the full diff has more."""
MAX_NAMED = 6
"""More resources than these, to which the same happens, are counted by type and not named."""

# Nothing that a Git host turns into a link, a mention, a reference or an emoji consists of letters alone, but a hash.
WORD = re.compile(r"(?!-|[a-f]{7})[A-Za-z][A-Za-z-]*[a-z]?['’]?[a-z]*[.,;:]?|[0-9]{1,5}[.,;:]?|[A-Za-z][.,;:]?")
MARKED = re.compile(r"`([^`]+)`")
TOKEN = re.compile(r" +|[^ ]+")
AROUND = re.compile(r"^(\(?)(.*?)([).,;:]*)$", re.DOTALL)

COUNTED: Mapping[Operation, str] = {
    Operation.CREATE: "to create",
    Operation.UPDATE: "to update",
    Operation.DELETE: "to delete",
    Operation.REPLACE: "to replace",
    Operation.IMPORT: "to import",
    Operation.READ: "to read",
    Operation.DISCARD: "to forget",
    Operation.SAME: "unchanged",
    Operation.REFRESH: "refreshed",
}


@dataclass(frozen=True)
class Span:
    """A part of a sentence."""

    text: str
    quoted: bool = False
    """Whether it is somebody else's text."""


Spans = tuple[Span, ...]


def own(text: str) -> Spans:
    """Words of this package."""
    return (Span(text),)


def quoted(text: str, limit: int = MAX_NAME) -> Spans:
    """Somebody else's text, on one line."""
    return (Span(shortened(visible(text), limit), quoted=True),) if text else (Span("(empty)"),)


def prose(text: str) -> Spans:
    """A message that mixes our words with somebody else's: all but plain words is quoted, as is what has backticks."""
    pieces: list[Span] = []
    said = shortened(visible(" ".join(text.split())), MAX_MESSAGE)
    for place, part in enumerate(MARKED.split(said)):
        if place % 2:
            pieces.append(Span(part, quoted=True))
        else:
            pieces += (piece for token in TOKEN.findall(part) for piece in _token(token))
    return tuple(_merged(pieces))


def _token(token: str) -> Spans:
    """One word with the brackets and the punctuation around it."""
    before, word, after = AROUND.findall(token)[0]
    if not word.strip() or WORD.fullmatch(word):
        return own(token)
    if "(" in word and ")" in after:
        before, word, after = "", token, ""
    return tuple(piece for piece in (Span(before), Span(word, quoted=True), Span(after)) if piece.text)


def _merged(pieces: Sequence[Span]) -> list[Span]:
    """Neighbours of one sort as one, and what is quoted on both sides of a space."""
    merged: list[Span] = []
    for piece in pieces:
        if merged and merged[-1].quoted == piece.quoted:
            merged[-1] = Span(merged[-1].text + piece.text, piece.quoted)
        elif piece.quoted and len(merged) > 1 and merged[-1].text == " ":
            merged[-2:] = [Span(f"{merged[-2].text} {piece.text}", quoted=True)]
        else:
            merged.append(piece)
    return merged


def joined(phrases: Sequence[Spans], separator: str = ", ") -> Spans:
    """The phrases with words of ours between them."""
    pieces: list[Span] = []
    for phrase in phrases:
        pieces += [Span(separator), *phrase] if pieces else phrase
    return tuple(pieces)


def plural(count: int, one: str, many: str = "") -> str:
    """`1 danger`, `2 dangers`."""
    return f"{count} {one if count == 1 else many or f'{one}s'}"


def headline(review: Review) -> str:
    """The whole review in one line."""
    outcomes = [stack.outcome for stack in review.stacks]
    said = [
        plural(len(review.blocking), "blocking finding") if review.blocking else "",
        plural(len(review.dangers), "danger") if review.dangers else "",
        *(
            f"{plural(outcomes.count(outcome), 'stack')} {word}"
            for outcome, word in (
                (Outcome.FAILED, "failed"),
                (Outcome.CUT_OFF, "cut off"),
                (Outcome.CHANGES, "with changes"),
            )
            if outcome in outcomes
        ),
        plural(len(review.warnings), "warning") if review.warnings else "",
    ]
    costs = [stack.estimate.delta for stack in review.stacks if stack.estimate]
    if sum(costs):
        least = any(stack.estimate and stack.estimate.at_least for stack in review.stacks)
        said.append(f"{signed(sum(costs, Decimal(0)))} USD a month{' (not all is counted)' if least else ''}")
    return "Preview: " + (", ".join(one for one in said if one) or "no changes")


def counts(stack: StackView) -> str:
    """`1 to replace, 3 to create, 40 unchanged`."""
    if stack.outcome == Outcome.UNCHANGED:
        same = stack.counts.get(Operation.SAME, 0)
        return f"no changes ({same} unchanged)" if same else "no changes"
    return ", ".join(f"{count} {COUNTED.get(operation, operation.value)}" for operation, count in stack.counts.items())


def stack_line(stack: StackView) -> Spans:
    """One stack on one line."""
    said = counts(stack)
    if stack.outcome == Outcome.FAILED:
        more = f" (and {plural(stack.more_errors, 'more error')})" if stack.more_errors else ""
        seen = f"; seen before: {said}" if said else ""
        return (*own("the preview failed: "), *quoted(stack.error, MAX_MESSAGE), *own(more + seen))
    if stack.outcome == Outcome.CUT_OFF:
        return own(f"the preview was cut off, so what follows may not be all: {said or 'nothing was seen'}")
    return own(said)


def danger_line(danger: Danger, *, with_stack: bool) -> Spans:
    """One danger on one line."""
    place = (*own(" in "), *quoted(danger.stack)) if with_stack else ()
    return (*named(resource_name(danger.urn)), *place, Span(" "), *prose(danger.message))


def finding_line(finding: Finding, *, with_stack: bool) -> Spans:
    """One finding on one line: rule, resource, what is wrong, what to do."""
    place = (*own(" in " if finding.urn else ""), *quoted(finding.stack)) if with_stack or not finding.urn else ()
    about = named(resource_name(finding.urn)) if finding.urn else ()
    fix = (*own(". Fix: "), *prose(finding.fix)) if finding.fix else ()
    return (*quoted(finding.rule), *own(": "), *about, *place, *own(": "), *prose(finding.message.rstrip(". ")), *fix)


def undecided_line(undecided: Sequence[Undecided]) -> Spans:
    """What no rule can decide yet, on one line: rules, and how many resources each leaves open."""
    open_to = {
        rule: len({one.urn for one in undecided if one.rule == rule}) for rule in {one.rule for one in undecided}
    }
    said = [(*quoted(rule), *own(f" ({plural(count, 'resource')})")) for rule, count in sorted(open_to.items())]
    return (
        *own("Decided only during "),
        *quoted("up"),
        *own(", where the policy pack runs: "),
        *joined(said),
        *own("."),
    )


def baseline_line(in_baseline: Mapping[str, int]) -> Spans:
    """Findings of the baseline, on one line: rules, and how many each has."""
    said = [(*quoted(rule), *own(f" ({count})")) for rule, count in in_baseline.items()]
    total = plural(sum(in_baseline.values()), "finding")
    return (*own(f"In the baseline, and left out: {total} of "), *joined(said), *own("."))


def not_judged_line(not_judged: Mapping[str, int]) -> Spans:
    """Packages about which neither dangers nor rules know anything, on one line."""
    said = [(*own(f"{plural(count, 'resource')} of "), *quoted(package)) for package, count in not_judged.items()]
    return (*own("Neither dangers nor rules know anything about "), *joined(said), *own("."))


def named(one: ResourceName) -> Spans:
    """`Deployment penguins`."""
    return quoted(f"{one.kind} {one.name}" if one.kind else one.name)


def resources(row: Row) -> Spans:
    """The row's resources by name, or counted by type where they are many."""
    if len(row.resources) <= MAX_NAMED:
        return joined([named(one) for one in row.resources])
    kinds: dict[str, int] = {}
    for one in row.resources:
        kinds[one.kind] = kinds.get(one.kind, 0) + 1
    listed = [(*quoted(kind), *own(f" ×{count}" if count > 1 else "")) for kind, count in sorted(kinds.items())]
    more = len(listed) - 2 * MAX_NAMED
    rest = [own(f"{plural(more, 'more type')}")] if more > 0 else []
    return (*own(f"{len(row.resources)} resources: "), *joined([*listed[: 2 * MAX_NAMED], *rest]))


def change(one: Change, limit: int = MAX_VALUE) -> Spans:
    """`spec.replicas: 2 → 3`."""
    old, new = sides(one, limit)
    differs = new if one.old == one.new and not one.old.quoted else (*old, *own(" → "), *new)
    return (*quoted(one.path, MAX_NAME), *own(": "), *differs)


def sides(one: Change, limit: int) -> tuple[Spans, Spans]:
    """Both values, shortened so that where they differ can be seen."""
    old, new = one.old.text, one.new.text
    if one.old.quoted and one.new.quoted and max(len(old), len(new)) > limit:
        start = max(0, _common(old, new) - limit // 3)
        lead = "…" if start else ""
        old, new = lead + old[start:], lead + new[start:]
    return _side(one.old, old, limit), _side(one.new, new, limit)


def _side(value: Value, text: str, limit: int) -> Spans:
    if not value.quoted:
        return own(value.text)
    text = visible(text)
    return quoted(text if len(text) <= limit else f"{text[: limit - 1]}…", limit)


def _common(old: str, new: str) -> int:
    """Length of what both begin with."""
    return next((place for place, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))


def fit_lines(stack: StackView) -> Iterator[Spans]:
    """Whether the stack's platforms fit on their nodes; why not is a finding."""
    for one in stack.fits:
        why = "does not fit, see the finding" if one.verdict is Verdict.DOES_NOT_FIT else one.message
        yield (*own("Nodes: "), *prose(why), *own("."))
