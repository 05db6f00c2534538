"""From a table to encoded rows: choose columns, split the rows, fit the preprocessing, encode both parts.

Two passes over the table: one column after the other to learn from the training rows, then some rows at a time to
encode them. What is in memory besides is the target and the number of each row's part.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pulumi_mlops.contract.settings import ROW_COLUMNS

from ml import features as feature_fitting
from ml import monotone, row_columns
from ml.categories import MISSING_LABEL, Cells
from ml.column_store import Table, Writer
from ml.columns import listed
from ml.errors import BadInput, DataError
from ml.preprocessing import Encoded, Preprocessing
from ml.settings import Objective, Settings, Task

MIN_ROWS = 10  # rows with a target; fewer cannot be split into anything worth measuring
MATRIX, TRUTH, WEIGHT = "matrix", "truth", "weight"
"""Columns of encoded rows, see `EncodedRows`."""


@dataclass(frozen=True)
class Dataset:
    """Rows made ready for the booster, split into training and held-out test rows."""

    signature: dict[str, Any]
    preprocessing: dict[str, Any]
    features: int
    """Columns of the matrix."""
    train: Table
    """Encoded rows, see `encoded_batches`."""
    validation: Table | None
    """Encoded rows, see `encoded_batches`; only with early stopping."""
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
    training = settings.training
    for role in ROW_COLUMNS:
        if (name := getattr(training, role)) is not None and name not in table.renamed(settings.features.renames).names:
            raise DataError(f"{where} has no column {name!r} (training.{role}), it has {listed(table.names)}")
    chosen = feature_fitting.choose(table, settings.features, settings.target, where, training.row_columns)
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
    monotone.check(settings, chosen.inputs, classes, where)
    if training.objective is Objective.POISSON and truth.min() < 0:
        raise DataError(
            f"target {settings.target!r} of {where} has a negative value ({truth.min():g}), training.objective POISSON "
            "is for counts"
        )
    rows = row_columns.Rows(chosen.table, known, truth, classes, where)
    parts = row_columns.parts(rows, training)
    weights = row_columns.weights(rows, training, parts.train)
    train, validation, test = (_spread(part, known) for part in parts)
    preprocessing = feature_fitting.fit(_Columns(chosen, train, where), chosen.inputs, settings.features)
    transform = Preprocessing(preprocessing)
    about = {TRUTH: _spread(truth, known)} | ({} if weights is None else {WEIGHT: _spread(weights, known)})
    encoder = _Encoder(chosen, transform, about, where)
    encoded_test, unknown = encoder.write(test, directory / "test")
    return Dataset(
        {"task": str(settings.task), "target": settings.target, "inputs": chosen.inputs, "classes": classes},
        preprocessing,
        len(transform.outputs),
        encoder.write(train, directory / "train")[0],
        encoder.write(validation, directory / "validation")[0] if parts.validation.any() else None,
        encoded_test,
        _raw(chosen.table, [*(column["name"] for column in chosen.inputs), settings.target], test, directory),
        dict(unknown),
        table.rows - count,
    )


class EncodedRows(NamedTuple):
    """Some rows as the booster takes them."""

    matrix: np.ndarray
    """float32, a row a row."""
    truth: np.ndarray
    """Class numbers, or the values of a regression's target."""
    weight: np.ndarray | None
    """How much each row counts; None: 1."""


def encoded_batches(rows: Table) -> Iterator[EncodedRows]:
    """Encoded rows, some at a time."""
    for batch in rows.batches(rows.names):
        matrix = batch[MATRIX]
        yield EncodedRows(
            matrix.flatten().to_numpy().reshape(len(matrix), matrix.type.list_size),
            batch[TRUTH].to_numpy(),
            batch[WEIGHT].to_numpy() if WEIGHT in batch else None,
        )


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

    def __init__(
        self, chosen: feature_fitting.Chosen, transform: Preprocessing, about: Mapping[str, np.ndarray], where: str
    ) -> None:
        """`about` holds what is known of every row besides its matrix: TRUTH, and WEIGHT."""
        self._chosen, self._transform, self._about, self._where = chosen, transform, about, where

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
                for name, values in self._about.items():
                    written.append(name, pa.array(values[start:stop][chosen]))
                start = stop
            return written.close([MATRIX, *self._about]), unknown

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
