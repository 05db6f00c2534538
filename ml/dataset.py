"""From a table to encoded rows: choose columns, split the rows, fit the preprocessing, encode both parts.

Two passes over the table: one column after the other to learn from the training rows, then some rows at a time to
encode them. What is in memory besides is the target and the number of each row's part.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ml import features as feature_fitting
from ml.categories import MISSING_LABEL, Cells
from ml.column_store import Table, Writer
from ml.errors import BadInput, DataError
from ml.preprocessing import Encoded, Preprocessing
from ml.settings import Settings, Task

MIN_ROWS = 10  # rows with a target; fewer cannot be split into anything worth measuring
MATRIX, TRUTH = "matrix", "truth"
"""Columns of encoded rows: what the booster sees, and class numbers or the values of a regression's target."""


@dataclass(frozen=True)
class Dataset:
    """Rows made ready for the booster, split into training and held-out test rows."""

    signature: dict[str, Any]
    preprocessing: dict[str, Any]
    features: int
    """Columns of the matrix."""
    train: Table
    """Encoded rows, see `encoded_batches`."""
    test: Table
    """Encoded rows, see `encoded_batches`."""
    test_rows: Table
    """The test rows as they came, inputs and target: what the served model will be measured on."""
    unknown_categories: dict[str, int]
    """Cells of the test rows per column whose category no training row has."""
    without_target: int
    """Rows that were left out because they have no target."""


def prepare(table: Table, settings: Settings, where: str, directory: Path) -> Dataset:
    """Chooses and splits the rows and fits the preprocessing on the training rows.

    `where` names the data in errors; the tables that this makes are directories in `directory`.
    """
    chosen = feature_fitting.choose(table, settings.features, settings.target, where)
    target = chosen.table.column(settings.target)
    known = feature_fitting.has_value(target).to_numpy()
    count = int(known.sum())
    if count < MIN_ROWS:
        raise DataError(f"{where} has {count} rows with a {settings.target!r}, at least {MIN_ROWS} are needed")
    classes, truth = target_values(target.filter(known), settings.target, settings.task, where)
    if classes and (counts := np.bincount(truth)).min() < 2:
        label = classes[int(counts.argmin())]
        raise DataError(
            f"class {label!r} of the target {settings.target!r} has one row only, each class needs two or more: "
            "collect more of it, or drop it"
        )
    in_test = split(truth, settings.training.test_fraction, settings.training.seed, classes is not None)
    train, test = _spread(~in_test, known), _spread(in_test, known)
    preprocessing = feature_fitting.fit(_Columns(chosen, train, where), chosen.inputs, settings.features)
    transform = Preprocessing(preprocessing)
    encoder = _Encoder(chosen, transform, _spread(truth, known), where)
    encoded_test, unknown = encoder.write(test, directory / "test")
    return Dataset(
        {"task": str(settings.task), "target": settings.target, "inputs": chosen.inputs, "classes": classes},
        preprocessing,
        len(transform.outputs),
        encoder.write(train, directory / "train")[0],
        encoded_test,
        _raw(chosen.table, [*(column["name"] for column in chosen.inputs), settings.target], test, directory),
        dict(unknown),
        table.rows - count,
    )


def encoded_batches(rows: Table) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Matrix (float32, a row a row) and truth of encoded rows, some at a time."""
    for batch in rows.batches([MATRIX, TRUTH]):
        matrix = batch[MATRIX]
        yield matrix.flatten().to_numpy().reshape(len(matrix), matrix.type.list_size), batch[TRUTH].to_numpy()


def target_values(target: Any, name: str, task: Task, where: str) -> tuple[list[str] | None, np.ndarray]:
    """Class labels (None for a regression), and each row's class number or value; no cell is missing."""
    if task is Task.REGRESSION:
        try:
            return None, np.asarray(feature_fitting.numeric(target, name), dtype=np.float64)
        except BadInput as error:
            raise DataError(f"target {error} in {where}") from None
    try:
        cells = feature_fitting.coded(target, name)
    except BadInput as error:
        raise DataError(f"target {error} in {where}") from None
    classes = sorted(set(cells.counts()) - {MISSING_LABEL}, key=_label_order)
    if len(classes) < 2:
        raise DataError(
            f"target {name!r} of {where} has a single class ({classes[0]!r}), there is nothing to tell apart"
        )
    return classes, cells.places({label: i for i, label in enumerate(classes)})


def class_numbers(target: Any, name: str, classes: list[str]) -> np.ndarray | None:
    """Numbers of labels in another model's classes; None if it does not know one of them."""
    found = feature_fitting.coded(target, name).places({label: i for i, label in enumerate(classes)})
    return None if (found < 0).any() else found


def split(truth: np.ndarray, fraction: float, seed: int, stratified: bool) -> np.ndarray:
    """Which rows are test rows; each class is split in the same proportion.

    Each class has two rows or more, of which at least one is on each side.
    """
    generator = np.random.default_rng(seed)
    groups = [np.flatnonzero(truth == label) for label in np.unique(truth)] if stratified else [np.arange(len(truth))]
    test = np.zeros(len(truth), dtype=bool)
    for group in groups:
        count = min(max(round(len(group) * fraction), 1), len(group) - 1)
        test[generator.permutation(group)[:count]] = True
    return test


class _Columns(Mapping[str, Cells]):
    """Some rows of the inputs; each column is read when it is asked for."""

    def __init__(self, chosen: feature_fitting.Chosen, rows: np.ndarray, where: str) -> None:
        self._table, self._rows, self._where = chosen.table, rows, where
        self._kinds = {column["name"]: column["kind"] for column in chosen.inputs}

    def __getitem__(self, name: str) -> Cells:
        column = self._table.column(name)
        if not pc.any(feature_fitting.has_value(column)).as_py():
            raise DataError(f"column {name!r} of {self._where} has no value in any row, add it to features.drop")
        return feature_fitting.cells_of(column.filter(self._rows), name, self._kinds[name], self._where)

    def __iter__(self) -> Iterator[str]:
        return iter(self._kinds)

    def __len__(self) -> int:
        return len(self._kinds)


class _Encoder:
    """Encodes rows of a table, some at a time."""

    def __init__(self, chosen: feature_fitting.Chosen, transform: Preprocessing, truth: np.ndarray, where: str) -> None:
        self._chosen, self._transform, self._truth, self._where = chosen, transform, truth, where

    def write(self, rows: np.ndarray, directory: Path) -> tuple[Table, Counter[str]]:
        """The chosen rows, encoded, and their unknown categories per column; raises DataError."""
        kinds = {column["name"]: column["kind"] for column in self._chosen.inputs}
        unknown: Counter[str] = Counter()
        start = 0
        with Writer(directory) as written:
            for batch in self._chosen.table.batches(kinds):
                stop = start + len(next(iter(batch.values())))
                chosen = rows[start:stop]
                cells = {
                    name: feature_fitting.cells_of(column.filter(chosen), name, kinds[name], self._where)
                    for name, column in batch.items()
                }
                encoded = self._encoded(cells)
                unknown += encoded.unknown
                flat = pa.array(encoded.matrix.reshape(-1))
                written.append(MATRIX, pa.FixedSizeListArray.from_arrays(flat, encoded.matrix.shape[1]))
                written.append(TRUTH, pa.array(self._truth[start:stop][chosen]))
                start = stop
            return written.close([MATRIX, TRUTH]), unknown

    def _encoded(self, cells: Mapping[str, Cells]) -> Encoded:
        try:
            return self._transform.encode_columns(cells)
        except BadInput as error:  # the setting ERROR, and a category that only test rows have
            raise DataError(
                f"{error}, so it is too rare: merge or drop it, or set features.unknown_category to MISSING"
            ) from None


def _raw(table: Table, names: list[str], rows: np.ndarray, directory: Path) -> Table:
    """Some rows of the table as they are."""
    with Writer(directory / "test-rows") as written:
        for name in names:
            written.append(name, table.column(name).filter(rows))
        return written.close(names)


def _spread(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The values in those rows, 0 in the others."""
    spread = np.zeros(len(rows), dtype=values.dtype)
    spread[rows] = values
    return spread


def _label_order(label: str) -> tuple[int, float, str]:
    try:
        return 0, float(label), label
    except ValueError:
        return 1, 0.0, label
