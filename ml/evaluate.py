"""Step 4: measures the stored version on the held-out rows, as the server would answer them, and decides.

The gate: the metric reaches the threshold; and, with `must_beat_current`, it is not worse than that of the version the
endpoint has now, on the same rows. A tie passes: new data of equal quality should reach the endpoint.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from pulumi_mlops.contract.steps import NO, PASSED, VERDICT, YES

from ml import bundle, endpoint, step
from ml.dataset import class_numbers
from ml.errors import BadInput, BundleError
from ml.metrics import metrics
from ml.model import Model
from ml.preprocessing import numbers
from ml.settings import Evaluation, Metric, Task


class Rival(NamedTuple):
    """The endpoint's current version."""

    version: str
    score: float
    recorded: bool
    """The score is from the version's own record: its columns or classes are others than this run's."""


def run(context: step.Context) -> None:
    """test.parquet, version directory → output parameters `passed` and `verdict`."""
    settings = context.settings
    metric = settings.evaluation.metric
    model = _model(context, context.version)
    model.load()
    rows = pd.read_parquet(context.handed("test.parquet"))
    score = (score_of(model, rows) or {}).get(metric)
    rival = _rival(context, rows) if settings.evaluation.must_beat_current else None
    passed, sentence = verdict(settings.evaluation, score, rival)
    context.output(PASSED, YES if passed else NO)
    context.output(VERDICT, sentence)
    step.say(f"{'passed' if passed else 'not passed'}: {sentence}")


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


def score_of(model: Model, rows: pd.DataFrame) -> dict[str, float] | None:
    """Metrics of a model on raw rows; None if it cannot answer them all (other columns, other classes)."""
    task = Task(model.metadata()["task"])
    if not {*model.feature_names, model.target} <= set(rows.columns):
        return None
    truth: np.ndarray | None
    if task is Task.REGRESSION:
        truth = numbers(rows[model.target].tolist(), model.target)
    else:
        truth = class_numbers(rows[model.target], model.class_names or [])
    if truth is None:
        return None
    cells = rows[model.feature_names].astype(object)
    try:
        predicted = model.predict(cells.where(cells.notna(), None).to_numpy().tolist())
    except BadInput:
        return None
    return dict(metrics(task, truth, predicted))


def _rival(context: step.Context, rows: pd.DataFrame) -> Rival | None:
    settings = context.settings
    target = endpoint.endpoint(context.environment, settings.endpoint)
    current = target.current() if target else None
    if not current or current == context.version:
        return None
    metric = settings.evaluation.metric
    try:
        model = _model(context, current)
        model.load()
    except BundleError as error:
        step.say(f"no comparison with the endpoint's version: {error}")
        return None
    same_task = model.metadata()["task"] == settings.task and model.target == settings.target
    measured = score_of(model, rows) if same_task else None
    if measured is not None and metric in measured:
        return Rival(current, measured[metric], recorded=False)
    recorded = model.metadata()["metrics"].get(metric)
    if recorded is None:
        step.say(f"no comparison with the endpoint's version {current}: it has no {metric}")
        return None
    return Rival(current, recorded, recorded=True)


def _model(context: step.Context, version: str) -> Model:
    return Model(str(bundle.version_path(context.models, context.settings.model_name, version)))


def _worse(metric: Metric, score: float, than: float) -> bool:
    return score > than if metric.smaller_is_better else score < than


if __name__ == "__main__":
    step.main(run)
