"""Step 4: measures the stored version on the held-out rows, sent as JSON as clients send them, and decides.

The gate: no category of the test rows gets lost on the way; the metric reaches the threshold; and, with
`must_beat_current`, it is not worse than that of the version the endpoint has now, on the same rows. A tie passes: new
data of equal quality should reach the endpoint.
"""

import traceback
from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pulumi_mlops.contract.steps import NO, PASSED, VERDICT, YES

from ml import bundle, endpoint, request, step, tracking
from ml.column_store import Table
from ml.curves import Answers
from ml.dataset import class_numbers
from ml.errors import BadInput, BundleError
from ml.features import has_value, numeric
from ml.metrics import metrics
from ml.model import Model
from ml.settings import Evaluation, Metric, Task


class Rival(NamedTuple):
    """The endpoint's current version."""

    version: str
    score: float
    recorded: bool
    """The score is from the version's own record: its columns or classes are others than this run's."""
    stored: bundle.Bundle | None = None
    measured: "Measured | None" = None


class Measured(NamedTuple):
    """A model's answers to the test rows."""

    answers: Answers
    metrics: dict[str, float]
    unknown: Mapping[str, int]
    """Cells per column whose category was unknown."""


def run(context: step.Context) -> None:
    """Table `test-rows`, prepared.json, version directory → output parameters `passed` and `verdict`."""
    settings = context.settings
    metric = settings.evaluation.metric
    model = _model(context, context.version)
    model.load()
    rows = context.handed_table("test-rows")
    passed, rival, measured = False, None, None
    try:
        measured = measure(model, rows, settings.training.quantile)
    except BadInput as error:
        sentence = f"a client that sends the test rows as JSON is refused: {error}"
    else:
        in_training = context.handed_json("prepared.json").get("unknown_categories")
        problem = lost_categories(measured, in_training) if measured and in_training is not None else None
        if problem:
            sentence = problem
        else:
            rival = _rival(context, rows) if settings.evaluation.must_beat_current else None
            score = measured.metrics.get(metric) if measured else None
            passed, sentence = verdict(settings.evaluation, score, rival)
    context.output(PASSED, YES if passed else NO)
    context.output(VERDICT, sentence)
    context.hand_over_json(step.VERDICT_FILE, {"passed": passed, "sentence": sentence})
    step.say(f"{'passed' if passed else 'not passed'}: {sentence}")
    _record(context, passed, sentence, measured, rival)


def _record(context: step.Context, passed: bool, sentence: str, measured: Measured | None, rival: Rival | None) -> None:
    """The verdict and the comparison with the current version, in MLflow if the run is tracked."""
    version = bundle.read(bundle.version_path(context.models, context.settings.model_name, context.version))
    run_id = version.manifest["mlflow_run_id"]
    if not run_id:
        return
    documents: dict[str, str] = {}
    if measured and rival and rival.stored:
        from ml import comparison  # noqa: PLC0415 - matplotlib takes a second, and is for runs that are tracked

        new = comparison.Side(version, measured.metrics, measured.answers)
        same_rows = rival.measured
        current = comparison.Side(
            rival.stored,
            same_rows.metrics if same_rows else rival.stored.metrics["metrics"],
            same_rows.answers if same_rows else None,
        )
        try:
            documents[comparison.FILE] = comparison.page(new, current, sentence)
        except Exception as error:  # whatever a page cannot draw, the verdict holds
            traceback.print_exc()
            step.say(f"no page beside version {current.bundle.version}: {error}")
    try:
        tracking.tracker(context.environment).judge(run_id, passed, sentence, documents)
    except tracking.TrackingError as error:  # the verdict holds without it
        step.say(f"the verdict is not in MLflow: {error}")


def verdict(evaluation: Evaluation, score: float | None, rival: Rival | None) -> tuple[bool, str]:
    """Whether a version may be deployed, and why, in one sentence."""
    metric = evaluation.metric
    if score is None:
        return False, f"{metric} is not defined on these test rows (a class has none)"
    if _worse(metric, score, evaluation.threshold):
        side = "above" if metric.smaller_is_better else "below"
        return False, f"{metric} {score:.4g} is {side} the threshold {evaluation.threshold:g}"
    reached = f"{metric} {score:.4g} reaches the threshold {evaluation.threshold:g}"
    if rival is None:
        return True, reached
    how = ", as recorded with it" if rival.recorded else " on the same rows"
    if _worse(metric, score, rival.score):
        return False, f"{reached} but is worse than {rival.score:.4g} of the current version {rival.version}{how}"
    return True, f"{reached} and is not worse than {rival.score:.4g} of the current version {rival.version}{how}"


def lost_categories(measured: Measured, in_training: Mapping[str, int]) -> str | None:
    """Names a column in which more categories are unknown to the server than were to training, on the same rows."""
    for name, count in measured.unknown.items():
        known = in_training.get(name, 0)
        if count > known:
            return (
                f"column {name!r} of the test rows has {count} unknown categories when they are sent as JSON and "
                f"{known} as training read them, so clients would get other answers than those that were measured"
            )
    return None


def measure_if_it_can(model: Model, rows: Table, quantile: float | None = None) -> Measured | None:
    """Sends raw rows to a model; None if it cannot answer them all (other columns, other classes)."""
    try:
        return measure(model, rows, quantile)
    except BadInput:
        return None


def measure(model: Model, rows: Table, quantile: float | None = None) -> Measured | None:
    """Sends raw rows to a model as JSON; None if it has other columns or classes.

    `quantile` is that of the pinball loss, for both of two versions that are compared.

    Raises BadInput if the model refuses the rows.
    """
    task = Task(model.metadata()["task"])
    if not {*model.feature_names, model.target} <= set(rows.names):
        return None
    target = rows.column(model.target)
    if task is Task.REGRESSION:
        truth = numeric(target, model.target)
    else:
        truth = class_numbers(target, model.target, model.class_names or [])
    if truth is None:
        return None
    predictions: list[np.ndarray] = []
    unknown: Counter[str] = Counter()
    for batch in rows.batches(model.feature_names):
        cells = [_known(column).to_pylist() for column in batch.values()]
        answered = request.predict(model, model.feature_names, list(map(list, zip(*cells, strict=True))))
        predictions.append(answered.predictions)
        unknown += answered.unknown
    answers = Answers(np.asarray(truth), np.concatenate(predictions))
    return Measured(answers, dict(metrics(task, *answers, quantile)), unknown)


def _known(column: Any) -> Any:
    """The cells, null where they are NaN."""
    return pc.if_else(has_value(column), column, None) if pa.types.is_floating(column.type) else column


def _rival(context: step.Context, rows: Table) -> Rival | None:
    settings = context.settings
    target = endpoint.endpoint(context.environment, settings.endpoint)
    current = target.current() if target else None
    if not current or current == context.version:
        return None
    metric = settings.evaluation.metric
    try:
        model = _model(context, current)
        model.load()
        version = bundle.read(model.model_path)
    except BundleError as error:
        step.say(f"no comparison with the endpoint's version: {error}")
        return None
    same_task = model.metadata()["task"] == settings.task and model.target == settings.target
    measured = measure_if_it_can(model, rows, settings.training.quantile) if same_task else None
    if measured is not None and metric in measured.metrics:
        return Rival(current, measured.metrics[metric], recorded=False, stored=version, measured=measured)
    recorded = model.metadata()["metrics"].get(metric)
    if recorded is None:
        step.say(f"no comparison with the endpoint's version {current}: it has no {metric}")
        return None
    return Rival(current, recorded, recorded=True, stored=version)


def _model(context: step.Context, version: str) -> Model:
    return Model(str(bundle.version_path(context.models, context.settings.model_name, version)))


def _worse(metric: Metric, score: float, than: float) -> bool:
    return score > than if metric.smaller_is_better else score < than


if __name__ == "__main__":
    step.main(run)
