"""From a frame to matrices: choose rows and columns, split, fit the preprocessing. Pure functions; no I/O."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ml import features as feature_fitting
from ml.categories import MISSING_LABEL, category
from ml.errors import BadInput, DataError
from ml.preprocessing import Preprocessing, numbers
from ml.settings import Settings, Task

MIN_ROWS = 10  # rows with a target; fewer cannot be split into anything worth measuring


@dataclass(frozen=True)
class Dataset:
    """Rows made ready for the booster, split into training and held-out test rows."""

    signature: dict[str, Any]
    preprocessing: dict[str, Any]
    train_x: np.ndarray
    train_y: np.ndarray
    test_x: np.ndarray
    test_y: np.ndarray
    test_rows: pd.DataFrame
    """The test rows as they came, inputs and target: what the served model will be measured on."""
    unknown_categories: dict[str, int]
    """Cells of the test rows per column whose category no training row has."""
    without_target: int
    """Rows that were left out because they have no target."""


def prepare(frame: pd.DataFrame, settings: Settings, where: str) -> Dataset:
    """Chooses and splits the rows and fits the preprocessing on the training rows; `where` names the data in errors."""
    prepared = feature_fitting.prepare(frame, settings.features, settings.target, where)
    known = ~prepared.frame[settings.target].isna() & (prepared.frame[settings.target] != "")
    rows = prepared.frame[known].reset_index(drop=True)
    if len(rows) < MIN_ROWS:
        raise DataError(f"{where} has {len(rows)} rows with a {settings.target!r}, at least {MIN_ROWS} are needed")
    classes, truth = target_values(rows[settings.target], settings.task, where)
    if classes and (counts := np.bincount(truth)).min() < 2:
        label = classes[int(counts.argmin())]
        raise DataError(
            f"class {label!r} of the target {settings.target!r} has one row only, each class needs two or more: "
            "collect more of it, or drop it"
        )
    train, test = split(truth, settings.training.test_fraction, settings.training.seed, classes is not None)
    columns = feature_fitting.columns_of(rows, prepared.inputs, where)
    chosen = {
        part: {name: _take(cells, index) for name, cells in columns.items()}
        for part, index in (("train", train), ("test", test))
    }
    preprocessing = feature_fitting.fit(chosen["train"], prepared.inputs, settings.features)
    transform = Preprocessing(preprocessing)
    try:
        encoded = {part: transform.encode_columns(chosen[part]) for part in chosen}
    except BadInput as error:  # the setting ERROR, and a category that only test rows have
        raise DataError(
            f"{error}, so it is too rare: merge or drop it, or set features.unknown_category to MISSING"
        ) from None
    signature = {
        "task": str(settings.task),
        "target": settings.target,
        "inputs": prepared.inputs,
        "classes": classes,
    }
    return Dataset(
        signature,
        preprocessing,
        encoded["train"].matrix,
        truth[train],
        encoded["test"].matrix,
        truth[test],
        rows.iloc[test].reset_index(drop=True),
        dict(encoded["test"].unknown),
        len(frame) - len(rows),
    )


def target_values(target: pd.Series, task: Task, where: str) -> tuple[list[str] | None, np.ndarray]:
    """Class labels (None for a regression), and each row's class number or value."""
    name = str(target.name)
    try:
        if task is Task.REGRESSION:
            return None, numbers(target.tolist(), name)
        labels = [category(cell, name) for cell in target.tolist()]
    except BadInput as error:
        raise DataError(f"target {error} in {where}") from None
    classes = sorted(set(labels) - {MISSING_LABEL}, key=_label_order)
    if len(classes) < 2:
        raise DataError(
            f"target {name!r} of {where} has a single class ({classes[0]!r}), there is nothing to tell apart"
        )
    place = {label: i for i, label in enumerate(classes)}
    return classes, np.array([place[label] for label in labels], dtype=np.int64)


def class_numbers(target: pd.Series, classes: list[str]) -> np.ndarray | None:
    """Numbers of labels in another model's classes; None if it does not know one of them."""
    place = {label: i for i, label in enumerate(classes)}
    labels = [category(cell, str(target.name)) for cell in target.tolist()]
    return np.array([place[label] for label in labels]) if place.keys() >= set(labels) else None


def split(truth: np.ndarray, fraction: float, seed: int, stratified: bool) -> tuple[np.ndarray, np.ndarray]:
    """Indices of training and test rows, ascending; each class is split in the same proportion.

    Each class has two rows or more, of which at least one is on each side.
    """
    generator = np.random.default_rng(seed)
    groups = [np.flatnonzero(truth == label) for label in np.unique(truth)] if stratified else [np.arange(len(truth))]
    tests = []
    for group in groups:
        count = min(max(round(len(group) * fraction), 1), len(group) - 1)
        tests.append(generator.permutation(group)[:count])
    test = np.sort(np.concatenate(tests))
    return np.setdiff1d(np.arange(len(truth)), test), test


def _label_order(label: str) -> tuple[int, float, str]:
    try:
        return 0, float(label), label
    except ValueError:
        return 1, 0.0, label


def _take(cells: Any, index: np.ndarray) -> Any:
    return cells[index] if isinstance(cells, np.ndarray) else [cells[i] for i in index]
