"""What columns that are no features say about rows: which ones are held out, and how much each counts in training."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ml.categories import MISSING_LABEL
from ml.column_store import Table
from ml.errors import BadInput, DataError
from ml.features import coded, has_value, numeric
from ml.settings import ClassWeight, Training

DEFAULT_VALIDATION_FRACTION = 0.2

_Choose = Callable[[np.ndarray, float], np.ndarray]
"""Chooses a fraction of the rows with these numbers to be held out."""


class Parts(NamedTuple):
    """Which rows, of those with a target, are for what."""

    train: np.ndarray
    validation: np.ndarray
    """None of them without early stopping."""
    test: np.ndarray


class Rows(NamedTuple):
    """The rows that have a target."""

    table: Table
    """All rows of the source, the columns under their names after renames."""
    known: np.ndarray
    """Which of them have a target."""
    truth: np.ndarray
    """Class numbers or values of those that have one."""
    classes: list[str] | None
    where: str
    """The data, for errors."""

    def column(self, name: str) -> Any:
        """The cells of a column."""
        return self.table.column(name).filter(self.known)


def parts(rows: Rows, training: Training) -> Parts:
    """Splits the rows; raises DataError."""
    if training.time_column is not None:
        choose = _latest(rows, training.time_column)
    elif training.group_column is not None:
        choose = _groups(rows, training.group_column, training.seed)
    else:
        choose = _at_random(rows, training.seed)
    test = choose(np.arange(len(rows.truth)), training.test_fraction)
    validation = np.zeros(len(rows.truth), dtype=bool)
    if training.early_stopping_rounds is not None:
        others = np.flatnonzero(~test)
        validation[others] = choose(others, training.validation_fraction or DEFAULT_VALIDATION_FRACTION)
        if not validation.any():
            raise DataError(f"{rows.where} has too few rows for validation rows (training.early_stopping_rounds)")
    train = ~test & ~validation
    for number, label in enumerate(rows.classes or ()):
        if not (rows.truth[train] == number).any():
            raise DataError(f"class {label!r} of the target has no training row: all of its rows are held out")
    return Parts(train, validation, test)


def weights(rows: Rows, training: Training, train: np.ndarray) -> np.ndarray | None:
    """The weight of each row, float32; None if all count 1. Raises DataError."""
    found: np.ndarray | None = None
    if (name := training.weight_column) is not None:
        at = f"column {name!r} of {rows.where} (training.weight_column)"
        try:
            found = np.asarray(numeric(rows.column(name), name), dtype=np.float64)
        except BadInput as error:
            raise DataError(f"{error} in {rows.where}") from None
        if wrong := int(np.sum(~(found >= 0))):
            raise DataError(f"{at} is missing or negative in {wrong} rows, a weight must be a number of at least 0")
        if not found[train].any():
            raise DataError(f"{at} is 0 in all training rows")
    if training.class_weight is ClassWeight.BALANCED:
        counts = np.bincount(rows.truth[train])
        of_class = (counts.sum() / (len(counts) * counts))[rows.truth]
        found = of_class if found is None else found * of_class
    return None if found is None else found.astype(np.float32)


def _at_random(rows: Rows, seed: int) -> _Choose:
    def choose(among: np.ndarray, fraction: float) -> np.ndarray:
        return split(rows.truth[among], fraction, seed, rows.classes is not None)

    return choose


def split(truth: np.ndarray, fraction: float, seed: int, stratified: bool) -> np.ndarray:
    """Which rows are held out at random; each class is split in the same proportion.

    Each class with two rows or more has at least one on each side.
    """
    generator = np.random.default_rng(seed)
    groups = [np.flatnonzero(truth == label) for label in np.unique(truth)] if stratified else [np.arange(len(truth))]
    held_out = np.zeros(len(truth), dtype=bool)
    for group in groups:
        count = min(max(round(len(group) * fraction), 1), len(group) - 1)
        held_out[generator.permutation(group)[:count]] = True
    return held_out


def _latest(rows: Rows, name: str) -> _Choose:
    times = _times(rows, name)

    def choose(among: np.ndarray, fraction: float) -> np.ndarray:
        ordered = np.sort(times[among])
        count = min(max(round(len(among) * fraction), 1), len(among) - 1)
        held_out = times[among] >= ordered[len(among) - count]
        if held_out.all():
            raise DataError(
                f"column {name!r} of {rows.where} (training.time_column) has one time in so many of the earliest rows "
                "that none would be left to train on"
            )
        return held_out

    return choose


def _times(rows: Rows, name: str) -> np.ndarray:
    column, at = rows.column(name), f"column {name!r} of {rows.where} (training.time_column)"
    if missing := len(column) - int(pc.sum(has_value(column)).as_py()):
        raise DataError(f"{at} has no value in {missing} rows")
    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        column = pc.cast(pc.cast(column, pa.timestamp("us", getattr(column.type, "tz", None)), safe=False), pa.int64())
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        return column.combine_chunks().to_numpy(zero_copy_only=False)
    try:
        text = pc.utf8_trim_whitespace(pc.cast(column, pa.large_string()))
    except pa.ArrowException:
        raise DataError(f"{at} holds {column.type}, not numbers, dates or ISO 8601 text") from None
    for kind in (pa.float64(), pa.timestamp("us"), pa.timestamp("us", "UTC")):
        try:
            return pc.cast(pc.cast(text, kind), pa.float64() if kind == pa.float64() else pa.int64()).to_numpy()
        except pa.ArrowInvalid:
            continue
    first = text[0].as_py()
    raise DataError(f"{at} must hold numbers, dates or ISO 8601 text, all of one form; its first cell is {first!r}")


def _groups(rows: Rows, name: str, seed: int) -> _Choose:
    at = f"column {name!r} of {rows.where} (training.group_column)"
    try:
        cells = coded(rows.column(name), name)
    except BadInput as error:
        raise DataError(f"{error} in {rows.where} (training.group_column)") from None
    if missing := cells.counts()[MISSING_LABEL]:
        raise DataError(f"{at} has no value in {missing} rows")
    numbers = cells.places({label: number for number, label in enumerate(sorted(set(cells.labels)))})

    def choose(among: np.ndarray, fraction: float) -> np.ndarray:
        groups, sizes = np.unique(numbers[among], return_counts=True)
        if len(groups) < 2:
            raise DataError(f"{at} has one group only among the rows that must be split into two parts")
        order = np.random.default_rng(seed).permutation(len(groups))
        enough = int(np.searchsorted(np.cumsum(sizes[order]), round(len(among) * fraction))) + 1
        return np.isin(numbers[among], groups[order[: min(enough, len(groups) - 1)]])

    return choose
