"""What is to be known about a step besides its changes: renamed, moved, protected, opaque."""

from collections.abc import Mapping

from pulumi_mlops.review.changes import changes
from pulumi_mlops.review.charts import RELEASE, Rendered
from pulumi_mlops.review.dangers.owners import former_parent, is_renamed, place
from pulumi_mlops.review.engine_errors import one_line
from pulumi_mlops.review.groups import QUIET, short_type
from pulumi_mlops.review.json_data import NOTHING
from pulumi_mlops.review.preview import Operation, Step
from pulumi_mlops.review.view import resource_name


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
