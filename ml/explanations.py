"""What a model's columns do to its answers: TreeSHAP by XGBoost itself, and the gain of splits.

Both are per column of the data: those of a category's labels are added up, as contributions to one sum may be.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import xgboost

MOST_ROWS = 1000
"""That are explained; a picture of more of them looks the same."""
_LARGE_MODEL = 2_000_000
"""Bytes of a model with which MOST_ROWS take some seconds; the time grows with its size, so larger ones get fewer."""
_FEWEST_ROWS = 50


class Contributions(NamedTuple):
    """How much each column moves the model's raw answer (log odds, for classes) away from its mean."""

    names: list[str]
    """Columns after `renames`, and engineered features."""
    values: np.ndarray
    """Rows × outputs (one for each class of three or more, else 1) × columns."""
    numbers: np.ndarray
    """Rows × columns: the cells as the model sees them, NaN for categories and missing numbers."""


def rows(model_bytes: int, available: int) -> int:
    """How many rows to explain."""
    affordable = MOST_ROWS * _LARGE_MODEL // max(model_bytes, _LARGE_MODEL)
    return min(max(affordable, _FEWEST_ROWS), available)


def contributions(booster: xgboost.Booster, preprocessing: Mapping[str, Any], matrix: np.ndarray) -> Contributions:
    """Of encoded rows; raises XGBoostError for models that XGBoost cannot explain (multi_output_tree)."""
    raw = booster.predict(xgboost.DMatrix(matrix), pred_contribs=True)
    raw = raw.reshape(len(matrix), -1, matrix.shape[1] + 1)  # the last column is the mean
    parts = _parts(preprocessing)
    numbers = np.full((len(matrix), len(parts)), np.nan)
    numeric = len(preprocessing["numeric"])
    numbers[:, :numeric] = matrix[:, :numeric]
    values = np.stack([raw[:, :, part].sum(axis=2) for part in parts.values()], axis=2)
    return Contributions(list(parts), values, numbers)


def gains(booster: xgboost.Booster, preprocessing: Mapping[str, Any]) -> dict[str, float]:
    """Each column's share of what all splits gained, the largest first; 0 for one that no split uses."""
    scores = np.zeros(booster.num_features())
    for feature, gain in booster.get_score(importance_type="total_gain").items():
        scores[int(feature.removeprefix("f"))] = gain
    shares = {name: float(scores[part].sum() / (scores.sum() or 1)) for name, part in _parts(preprocessing).items()}
    return dict(sorted(shares.items(), key=lambda item: -item[1]))


def _parts(preprocessing: Mapping[str, Any]) -> dict[str, slice]:
    """The matrix' columns of each column of the data."""
    parts, start = {}, 0
    for column in [*preprocessing["numeric"], *preprocessing["categorical"]]:
        stop = start + len(column.get("categories", [None]))
        parts[column["name"]] = slice(start, stop)
        start = stop
    return parts
