"""What a review says, as data: every form of it is rendered from this, and shows the same.

Decides what is said and in which order; not how it looks, nor how much of it fits.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from pulumi_mlops.review.capacity.fit import Fit
from pulumi_mlops.review.changes import Change, changes
from pulumi_mlops.review.charts import RELEASE, Rendered
from pulumi_mlops.review.dangers import Danger, dangers
from pulumi_mlops.review.dangers.owners import former_parent, is_renamed, place
from pulumi_mlops.review.estimate import Estimate
from pulumi_mlops.review.findings import Finding, Level, Undecided
from pulumi_mlops.review.groups import QUIET, WEIGHT, Group, grouped, logical, name_of, short_type, title, type_of
from pulumi_mlops.review.json_data import NOTHING
from pulumi_mlops.review.policies import named
from pulumi_mlops.review.preview import Operation, Preview, Step
from pulumi_mlops.review.printable import shortened, visible
from pulumi_mlops.review.resource_types import JUDGED_PACKAGES
from pulumi_mlops.review.secret_values import redacted

MAX_ERROR = 400
"""Characters of an error that are shown; the rest of it is in the run's log."""
POLICIES = (
    "without a message, perhaps because a policy refuses the change: set PULUMI_ENABLE_STREAMING_JSON_PREVIEW=1 "
    "for `pulumi preview`, which then says which"
)
"""Note on a preview that saw all resources and failed: only its events name policies."""
SILENT = "without a message"
"""Message for an error without a text of its own."""
ANSI = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
NOISE = re.compile(r"^(error:\s*|- |(?:preview|update) failed\b.*)+", re.IGNORECASE)


class Outcome(StrEnum):
    """How the preview of a stack ended."""

    CHANGES = "changes"
    UNCHANGED = "unchanged"
    FAILED = "failed"
    CUT_OFF = "cut off"


@dataclass(frozen=True)
class ResourceName:
    """What a review calls one resource."""

    kind: str
    """Such as `s3 Bucket`."""
    name: str
    urn: str


@dataclass(frozen=True)
class Row:
    """Resources of one component to which the same would happen."""

    operation: Operation
    resources: tuple[ResourceName, ...]
    changes: tuple[Change, ...] = ()
    notes: tuple[str, ...] = ()
    """What is to be known besides: renamed, moved, opaque."""
    steps: tuple[Step, ...] = ()
    """The same resources in full."""


@dataclass(frozen=True)
class Section:
    """One component instance."""

    title: str
    """Such as `ModelEndpoint penguins`; empty for what no component owns."""
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class StackView:
    """One stack."""

    stack: str
    outcome: Outcome
    counts: Mapping[Operation, int]
    """By operation, the weightiest first, operations that change nothing included."""
    error: str
    """The first error on one line; empty where there is none."""
    more_errors: int
    sections: tuple[Section, ...]
    estimate: Estimate | None = None
    fits: tuple[Fit, ...] = ()
    """Whether its platforms have room on their nodes."""


@dataclass(frozen=True)
class Review:
    """All stacks of one change."""

    stacks: tuple[StackView, ...]
    """In the order given."""
    dangers: tuple[Danger, ...] = ()
    blocking: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()
    undecided: tuple[Undecided, ...] = ()
    """What no rule can decide before `up`."""
    in_baseline: Mapping[str, int] = field(default_factory=dict[str, int])
    """Rule → how many findings the repository had before, by its baseline: they break nothing."""
    not_judged: Mapping[str, int] = field(default_factory=dict[str, int])
    """Package → how many of its resources change, of packages about which neither dangers nor rules know anything."""
    artifact: str = ""
    """Where all of it can be read: an address or a name; empty where nowhere."""


def review(
    previews: Sequence[Preview],
    findings: Sequence[Finding] = (),
    estimates: Sequence[Estimate] = (),
    artifact: str = "",
    *,
    in_baseline: Sequence[Finding] = (),
    undecided: Sequence[Undecided] = (),
    charts: Mapping[str, Rendered] = NOTHING,
    fits: Sequence[Fit] = (),
) -> Review:
    """What is to be said about the previews. The same input gives the same review.

    `charts` has the objects of releases by URN: see charts.py.
    """
    costs = {one.stack: one for one in estimates}
    ordered = sorted(findings, key=lambda one: (one.stack, one.rule, one.urn, one.message))
    return Review(
        stacks=tuple(
            _stack(preview, costs.get(preview.stack), charts, tuple(one for one in fits if one.stack == preview.stack))
            for preview in previews
        ),
        dangers=dangers(previews),
        blocking=tuple(one for one in ordered if one.level == Level.BLOCKING),
        warnings=tuple(one for one in ordered if one.level != Level.BLOCKING),
        undecided=tuple(sorted(undecided, key=lambda one: (one.stack, one.urn, one.rule, one.path))),
        in_baseline=dict(sorted(Counter(one.rule for one in in_baseline).items())),
        not_judged=_not_judged(previews),
        artifact=artifact,
    )


def _not_judged(previews: Sequence[Preview]) -> dict[str, int]:
    changing = {
        (step.urn, step.type.partition(":")[0])
        for preview in previews
        for step in preview.steps
        if step.operation not in QUIET and step.state.custom and not step.state.external
    }
    return dict(sorted(Counter(package for _, package in changing if package not in JUDGED_PACKAGES).items()))


def resource_name(urn: str) -> ResourceName:
    """What a review calls the resource of the URN."""
    return ResourceName(short_type(type_of(urn)), name_of(urn), urn)


def one_line(message: str) -> str:
    """The first line of an engine's message that says something, without colours and secrets."""
    return shortened(visible(" ".join(redacted((_telling(message) or [message.strip()])[0]).split())), MAX_ERROR)


def _telling(message: str) -> list[str]:
    """The lines that say more than that the preview failed."""
    lines = (NOISE.sub("", line.strip()).strip() for line in ANSI.sub("", message).splitlines())
    return [line for line in lines if line]


def _stack(preview: Preview, cost: Estimate | None, charts: Mapping[str, Rendered], fits: tuple[Fit, ...]) -> StackView:
    steps = logical(preview)
    every = {step.urn: step for step in steps}
    shown = [step for step in steps if not _is_quiet(step, preview) or notes(step, every)]
    errors = [one_line(message) for message in preview.errors if _telling(message)]
    if preview.errors:
        errors = errors or [_silent(preview)]
        outcome = Outcome.FAILED
    elif not preview.complete:
        outcome = Outcome.CUT_OFF
    else:
        outcome = Outcome.CHANGES if shown else Outcome.UNCHANGED
    return StackView(
        stack=preview.stack,
        outcome=outcome,
        counts=_counts(preview, steps),
        error=errors[0] if errors else "",
        more_errors=max(0, len(errors) - 1),
        sections=tuple(_section(group, every, charts) for group in grouped(shown, every)),
        estimate=cost,
        fits=fits,
    )


def _is_quiet(step: Step, preview: Preview) -> bool:
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


def _silent(preview: Preview) -> str:
    """Message for errors without a text, such as the engine's when a policy pack refuses a change."""
    broken = sorted({named(one) for one in preview.violations if one.mandatory})
    if broken:
        return f"policies refuse the change: {', '.join(broken)}"
    return POLICIES if preview.summary else SILENT


def _counts(preview: Preview, steps: Sequence[Step]) -> dict[Operation, int]:
    """The engine's own counts, or those of the steps that were seen before the preview ended."""
    counted: dict[Operation, int] = {}
    for step in steps:
        operation = Operation.SAME if step.operation in QUIET else step.operation
        counted[operation] = counted.get(operation, 0) + 1
    counts = dict(preview.summary or counted)
    if preview.summary.get(Operation.READ) and (
        again := sum(step.operation == Operation.READ and _is_read_the_same(step) for step in steps)
    ):
        # What is read again and is the same.
        counts[Operation.READ] = max(0, counts.get(Operation.READ, 0) - again)
        counts[Operation.SAME] = counts.get(Operation.SAME, 0) + again
    if drifted := sum(step.operation == Operation.REFRESH and bool(changes(step)) for step in steps):
        # The engine counts what its refresh found as updates that it would make.
        counts[Operation.UPDATE] = max(0, counts.get(Operation.UPDATE, 0) - drifted)
        counts[Operation.REFRESH] = drifted
    order = {operation: place for place, operation in enumerate(WEIGHT)}
    ranked = sorted(counts, key=lambda operation: (order.get(operation, len(order)), operation))
    return {operation: counts[operation] for operation in ranked if counts[operation]}


def _section(group: Group, every: Mapping[str, Step], charts: Mapping[str, Rendered]) -> Section:
    """The group's rows: resources to which the same would happen share one. A release's objects come after it all."""
    rows = [*_rows(group.steps, lambda step: notes(step, every, charts))]
    for step in group.steps:
        if step.urn in charts:
            said = (f"in the chart of the release {step.name}, not counted",)
            rows += _rows(charts[step.urn].steps, lambda _, said=said: said)
    return Section(title(group.urn), tuple(rows))


def _rows(steps: Sequence[Step], noted: Callable[[Step], tuple[str, ...]]) -> Iterator[Row]:
    alike: dict[tuple[Operation, tuple[Change, ...], tuple[str, ...]], list[Step]] = {}
    for step in steps:
        alike.setdefault((step.operation, changes(step), noted(step)), []).append(step)
    yield from (
        Row(operation, tuple(resource_name(step.urn) for step in members), differing, said, tuple(members))
        for (operation, differing, said), members in alike.items()
    )


def notes(step: Step, every: Mapping[str, Step], charts: Mapping[str, Rendered] = NOTHING) -> tuple[str, ...]:
    """What is to be known about the step besides its changes."""
    found: list[str] = []
    old, new = step.old, step.new
    former = resource_name(old.urn) if old and new and old.urn else None
    if former and (former.name, former.kind) != (step.name, short_type(step.type)):
        found.append(f"was {former.kind} {former.name}, known by an alias")
    before, after = former_parent(step), step.state.parent
    if before and after and before != after and not is_renamed(before, after, every):
        found.append(f"moved from {place(before)}")
    if step.operation == Operation.DELETE and old and old.retain_on_delete:
        found.append("leaves the stack and stays where it is, because of retainOnDelete")
    if old and new and old.protect != new.protect:
        found.append("becomes protected" if new.protect else "is no longer protected")
    if step.operation == Operation.REFRESH and step.old and step.new and changes(step):
        found.append("changed outside of Pulumi since the last up")
    if step.type == RELEASE and step.operation not in QUIET:
        found.append(f"a Helm release: {_objects(charts.get(step.urn))}")
    return tuple(found)


def _objects(chart: Rendered | None) -> str:
    """Note on the objects of a release's chart."""
    if chart is None:
        return "the objects of its chart are not shown"
    if chart.problem:
        return f"the objects of its chart are not shown, {one_line(chart.problem)}"
    if not chart.steps:
        return "its chart, as it is here, renders the same objects as before, secrets aside"
    return f"{len(chart.steps)} objects of its chart, as it is here, differ besides secrets"
