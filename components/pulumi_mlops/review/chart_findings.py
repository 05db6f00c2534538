"""What `up` would refuse of Helm releases whose charts were rendered."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from pulumi_mlops.review import known_fields, release_size, rules
from pulumi_mlops.review.charts import RELEASE, Rendered
from pulumi_mlops.review.findings import Finding, Level
from pulumi_mlops.review.groups import QUIET
from pulumi_mlops.review.json_data import mapping
from pulumi_mlops.review.preview import Operation, Preview
from pulumi_mlops.review.rules.exceptions import CHART_RENDERS, RELEASE_SIZE
from pulumi_mlops.review.secret_values import redacted

UNKNOWN_FIELD = "unknown-field"
"""Id of the rule that also judges objects of the program itself."""


def findings(
    previews: Sequence[Preview],
    charts: Mapping[str, Rendered],
    exceptions: Sequence[rules.Exemption] = (),
    today: date | None = None,
) -> Iterator[Finding]:
    """What `up` would refuse and no exception covers.

    Args:
        previews: of stacks that are reviewed together.
        charts: the rendered releases by their URNs.
        exceptions: those of a file: a release has neither annotations nor tags.
        today: the day on which exceptions may have ended; by default this one.
    """
    resources = {(one.stack, one.urn): one for one in rules.after(previews).all}
    for preview in previews:
        for step in preview.steps:
            chart = charts.get(step.urn)
            if chart is None or step.type != RELEASE or step.operation in (*QUIET, Operation.DELETE):
                continue
            inputs = step.state.inputs
            name = f"the chart {inputs.get('chart')} {inputs.get('version') or ''}".strip()
            release = resources.get((preview.stack, step.urn))
            for rule, level, message, fix in _problems(name, chart):
                if release and rules.excepted(rule, release, exceptions, today or date.today()):
                    continue
                yield Finding(rule, level, preview.stack, step.urn, message, fix)


def _problems(name: str, chart: Rendered) -> Iterator[tuple[str, Level, str, str]]:
    """Rule, level, message and fix."""
    if chart.refused:
        fix = "correct `values`; `helm template` with them shows the same message"
        yield CHART_RENDERS, Level.BLOCKING, f"{name} refuses its values: {redacted(chart.problem)}", fix
    for one in chart.objects:
        version, kind = str(one.get("apiVersion")), str(one.get("kind"))
        for field in known_fields.unknown(known_fields.BUILT_IN, version, kind, one):
            hint = f"; did you mean {field.hint}?" if field.hint else ""
            label = f"{kind} {mapping(one.get('metadata')).get('name')}"
            message = f"{name} makes with these values {label}, whose kind has no field {field.path}{hint}"
            fix = "put the value where the chart expects it: `helm show values` has its comments"
            yield UNKNOWN_FIELD, Level.BLOCKING, message, fix
    share = chart.secret_bytes / release_size.LIMIT
    if share > release_size.CLOSE:
        message = (
            f"helm keeps the release of {name} in a Secret of about {chart.secret_bytes // 1024} KiB, and Kubernetes "
            f"admits {release_size.LIMIT // 1024} KiB"
        )
        fix = "make `values` smaller: long texts belong in a ConfigMap of their own"
        yield RELEASE_SIZE, Level.BLOCKING if share > 1 else Level.WARNING, message, fix
