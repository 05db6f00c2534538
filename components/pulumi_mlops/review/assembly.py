"""Builds the review of previews: what each stack changes, by component, with dangers, findings, costs and charts."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from pulumi_mlops.review import engine_errors
from pulumi_mlops.review.capacity.fit import Fit
from pulumi_mlops.review.changes import Change, changes
from pulumi_mlops.review.charts import Rendered
from pulumi_mlops.review.counts import counts, is_quiet
from pulumi_mlops.review.dangers import dangers
from pulumi_mlops.review.estimate import Estimate
from pulumi_mlops.review.findings import Finding, Level, Undecided
from pulumi_mlops.review.groups import QUIET, Group, grouped, logical, title
from pulumi_mlops.review.json_data import NOTHING
from pulumi_mlops.review.notes import notes
from pulumi_mlops.review.preview import Operation, Preview, Step
from pulumi_mlops.review.resource_types import JUDGED_PACKAGES
from pulumi_mlops.review.view import Outcome, Review, Row, Section, StackView, resource_name


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


def _stack(preview: Preview, cost: Estimate | None, charts: Mapping[str, Rendered], fits: tuple[Fit, ...]) -> StackView:
    steps = logical(preview)
    every = {step.urn: step for step in steps}
    shown = [step for step in steps if not is_quiet(step, preview) or notes(step, every)]
    errors = engine_errors.messages(preview)
    if errors:
        outcome = Outcome.FAILED
    elif not preview.complete:
        outcome = Outcome.CUT_OFF
    else:
        outcome = Outcome.CHANGES if shown else Outcome.UNCHANGED
    return StackView(
        stack=preview.stack,
        outcome=outcome,
        counts=counts(preview, steps),
        error=errors[0] if errors else "",
        more_errors=max(0, len(errors) - 1),
        sections=tuple(_section(group, every, charts) for group in grouped(shown, every)),
        estimate=cost,
        fits=fits,
    )


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
