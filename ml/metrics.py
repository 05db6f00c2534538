"""Metrics of predictions, in numpy alone (importing scikit-learn would cost each step two seconds)."""

import numpy as np

from ml.settings import Metric, Task

_SMALLEST_PROBABILITY = np.finfo(np.float32).eps  # keeps the log of a wrong certainty finite, as scikit-learn does


def metrics(task: Task, truth: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Every metric of the task that is defined for these rows.

    `predicted` is what `Model.predict` returns; `truth` holds class numbers or numbers. ROC AUC of several classes is
    the mean of one-against-the-rest, and undefined if a class has no row (then it is absent).
    """
    if task is Task.REGRESSION:
        error = predicted[:, 0].astype(np.float64) - truth
        spread = float(np.sum((truth - truth.mean()) ** 2))
        values = {Metric.RMSE: float(np.sqrt(np.mean(error**2))), Metric.MAE: float(np.mean(np.abs(error)))}
        return values | ({Metric.R2: 1 - float(np.sum(error**2)) / spread} if spread > 0 else {})
    probabilities = predicted.astype(np.float64)
    chosen = probabilities.argmax(axis=1)
    values = {
        Metric.ACCURACY: float(np.mean(chosen == truth)),
        Metric.F1_MACRO: _f1_macro(truth, chosen),
        Metric.LOG_LOSS: _log_loss(truth, probabilities),
    }
    area = _roc_auc(truth, probabilities)
    return values if area is None else values | {Metric.ROC_AUC: area}


def _f1_macro(truth: np.ndarray, chosen: np.ndarray) -> float:
    scores = []
    for label in np.union1d(truth, chosen):
        hits = np.sum((truth == label) & (chosen == label))
        scores.append(2 * hits / (np.sum(truth == label) + np.sum(chosen == label)))
    return float(np.mean(scores))


def _log_loss(truth: np.ndarray, probabilities: np.ndarray) -> float:
    shares = probabilities / probabilities.sum(axis=1, keepdims=True)
    of_truth = np.clip(shares[np.arange(len(truth)), truth], _SMALLEST_PROBABILITY, 1 - _SMALLEST_PROBABILITY)
    return float(-np.mean(np.log(of_truth)))


def _roc_auc(truth: np.ndarray, probabilities: np.ndarray) -> float | None:
    classes = probabilities.shape[1]
    if len(np.unique(truth)) < classes:
        return None
    if classes == 2:
        return _area(truth == 1, probabilities[:, 1])
    return float(np.mean([_area(truth == label, probabilities[:, label]) for label in range(classes)]))


def _area(positive: np.ndarray, score: np.ndarray) -> float:
    """Mann-Whitney: the share of (positive, negative) pairs in the right order, ties counting half."""
    _, place, counts = np.unique(score, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    positives = int(positive.sum())
    negatives = len(positive) - positives
    return float((ranks[positive].sum() - positives * (positives + 1) / 2) / (positives * negatives))
