"""What the pictures of an evaluation are drawn from, in numpy alone: answers, and what is counted of them."""

from typing import NamedTuple

import numpy as np

MOST_POINTS = 500
"""Of a curve: more than a picture has pixels would only make it larger."""


class Answers(NamedTuple):
    """What a model answers to rows whose target is known."""

    truth: np.ndarray
    """Class numbers, or the values of a regression's target."""
    predicted: np.ndarray
    """A probability a class, or one column."""


class Curve(NamedTuple):
    """Points of a line."""

    x: np.ndarray
    y: np.ndarray


def confusion(truth: np.ndarray, chosen: np.ndarray, classes: int) -> np.ndarray:
    """Rows a pair of true and chosen class: true classes in rows, chosen ones in columns."""
    pairs = truth.astype(np.int64) * classes + chosen
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def roc(positive: np.ndarray, score: np.ndarray) -> Curve:
    """False positive rate and true positive rate, for every cut between scores; both kinds of rows occur."""
    hits, rows = _cuts(positive, score)
    misses = rows - hits
    return _thinned(np.concatenate(([0.0], misses / misses[-1])), np.concatenate(([0.0], hits / hits[-1])))


def precision_recall(positive: np.ndarray, score: np.ndarray) -> Curve:
    """Recall and precision, for every cut between scores; a positive row occurs."""
    hits, rows = _cuts(positive, score)
    return _thinned(hits / hits[-1], hits / rows)


def calibration(positive: np.ndarray, score: np.ndarray, bins: int = 10) -> Curve:
    """Mean score and share of positive rows, of each tenth of the scores' range that has rows."""
    place = np.minimum((score * bins).astype(np.int64), bins - 1)
    rows = np.bincount(place, minlength=bins)
    kept = rows > 0
    means = np.bincount(place, score, minlength=bins)[kept] / rows[kept]
    return Curve(means, np.bincount(place, positive, minlength=bins)[kept] / rows[kept])


def _cuts(positive: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positive rows and all rows with at least some score, for each score that occurs, from the highest."""
    order = np.argsort(-score, kind="stable")
    last = np.append(np.diff(score[order]) != 0, True)  # of the rows of one score
    return np.cumsum(positive[order])[last], np.flatnonzero(last) + 1


def _thinned(x: np.ndarray, y: np.ndarray) -> Curve:
    """Evenly chosen points, the first and the last among them."""
    if len(x) > MOST_POINTS:
        kept = np.linspace(0, len(x) - 1, MOST_POINTS).round().astype(np.int64)
        x, y = x[kept], y[kept]
    return Curve(x, y)
