"""Metrics of predictions, in numpy alone (importing scikit-learn would cost each step two seconds)."""

from collections.abc import Callable

import numpy as np

from ml.settings import Metric, Task

_SMALLEST_PROBABILITY = np.finfo(np.float32).eps  # keeps the log of a wrong certainty finite, as scikit-learn does


def metrics(task: Task, truth: np.ndarray, predicted: np.ndarray, quantile: float | None = None) -> dict[str, float]:
    """Every metric of the task that is defined for these rows.

    `predicted` is what `Model.predict` returns; `truth` holds class numbers or numbers. The areas under curves of
    several classes are means of one against the rest, and undefined if a class has no row (then they are absent). The
    pinball loss is that of `quantile`, if there is one.
    """
    if task is Task.REGRESSION:
        error = predicted[:, 0].astype(np.float64) - truth
        spread = float(np.sum((truth - truth.mean()) ** 2))
        values = {Metric.RMSE: float(np.sqrt(np.mean(error**2))), Metric.MAE: float(np.mean(np.abs(error)))}
        if quantile is not None:
            values[Metric.PINBALL] = float(np.mean(np.maximum(-quantile * error, (1 - quantile) * error)))
        if (truth != 0).all():
            values[Metric.MAPE] = float(np.mean(np.abs(error / truth)))
        return values | ({Metric.R2: 1 - float(np.sum(error**2)) / spread} if spread > 0 else {})
    probabilities = predicted.astype(np.float64)
    chosen = probabilities.argmax(axis=1)
    values = {
        Metric.ACCURACY: float(np.mean(chosen == truth)),
        **_of_classes(truth, chosen),
        Metric.LOG_LOSS: _log_loss(truth, probabilities),
    }
    if len(np.unique(truth)) == probabilities.shape[1]:
        values[Metric.ROC_AUC] = _one_against_the_rest(_area, truth, probabilities)
        values[Metric.PR_AUC] = _one_against_the_rest(_average_precision, truth, probabilities)
    return values


def _of_classes(truth: np.ndarray, chosen: np.ndarray) -> dict[Metric, float]:
    """Means over the classes that occur; 0 for the precision of one that is never chosen, and the like."""
    labels = np.union1d(truth, chosen)
    hits, true, found = np.array(
        [[np.sum((truth == n) & (chosen == n)), np.sum(truth == n), np.sum(chosen == n)] for n in labels]
    ).T
    return {
        Metric.F1_MACRO: float(np.mean(2 * hits / (true + found))),
        Metric.PRECISION_MACRO: float(np.mean(hits / np.maximum(found, 1))),
        Metric.RECALL_MACRO: float(np.mean(hits / np.maximum(true, 1))),
    }


def _log_loss(truth: np.ndarray, probabilities: np.ndarray) -> float:
    shares = probabilities / probabilities.sum(axis=1, keepdims=True)
    of_truth = np.clip(shares[np.arange(len(truth)), truth], _SMALLEST_PROBABILITY, 1 - _SMALLEST_PROBABILITY)
    return float(-np.mean(np.log(of_truth)))


def _one_against_the_rest(
    score: Callable[[np.ndarray, np.ndarray], float], truth: np.ndarray, probabilities: np.ndarray
) -> float:
    classes = probabilities.shape[1]
    chosen = [1] if classes == 2 else range(classes)
    return float(np.mean([score(truth == label, probabilities[:, label]) for label in chosen]))


def _average_precision(positive: np.ndarray, score: np.ndarray) -> float:
    """The mean of the precision at each positive row, rows of one score taken together."""
    order = np.argsort(-score, kind="stable")
    hits = np.cumsum(positive[order])
    last = np.append(np.diff(score[order]) != 0, True)  # of the rows of one score
    precision, recall = hits[last] / (np.flatnonzero(last) + 1), hits[last] / hits[-1]
    return float(np.sum(np.diff(recall, prepend=0) * precision))


def _area(positive: np.ndarray, score: np.ndarray) -> float:
    """Mann-Whitney: the share of (positive, negative) pairs in the right order, ties counting half."""
    _, place, counts = np.unique(score, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    positives = int(positive.sum())
    negatives = len(positive) - positives
    return float((ranks[positive].sum() - positives * (positives + 1) / 2) / (positives * negatives))
