"""Fitting the preprocessing: what `preprocessing.Preprocessing` needs to know, learned from the training rows.

`prepare` decides which columns are features and of which kind; `fit` learns fills, scales and categories. Both are
pure functions on frames. The specification is plain JSON:

    {"schema_version": 1, "unknown_category": "MISSING",
     "inputs": [{"name": "island", "kind": "categorical"}, {"name": "bill_length_mm", "kind": "numeric"}],
     "engineered": [{"name": "bill_ratio", "expression": "bill_length_mm / bill_depth_mm"}],
     "numeric": [{"name": "bill_length_mm", "fill": 44.4, "offset": 43.9, "scale": 5.4}, …],     (engineered ones last)
     "categorical": [{"name": "island", "categories": ["Biscoe", "Dream"], "fill": "Biscoe"}]}
"""

from collections import Counter
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ml.categories import MISSING_LABEL, Cells, category
from ml.errors import BadInput, DataError, SettingsError
from ml.expressions import Expression
from ml.preprocessing import CATEGORICAL, NUMERIC, SCHEMA_VERSION, numbers, with_engineered
from ml.settings import CategoricalImputation, Features, NumericImputation, Scaling

MAX_CATEGORIES = 500  # each is a column of the matrix; identifiers and free text have more and teach nothing


class Prepared(NamedTuple):
    """The columns that training uses."""

    frame: pd.DataFrame
    """Inputs in the source's order, and the target as last column."""
    inputs: list[dict[str, str]]
    """Name and kind of each input."""


def prepare(frame: pd.DataFrame, features: Features, target: str, where: str) -> Prepared:
    """Renames, drops and chooses columns; raises DataError or SettingsError naming the column. `where` is the data."""
    for old in features.renames:
        _must_exist(old, frame, where, "features.renames")
    frame = frame.rename(columns=features.renames)
    if twice := [name for name, count in Counter(frame.columns).items() if count > 1]:
        raise DataError(f"{where} has two columns named {twice[0]!r} after features.renames")
    if target not in frame.columns:
        raise DataError(f"{where} has no target column {target!r}, it has {_listed(frame.columns)}")
    for setting in ("drop", "numeric", "categorical"):
        for name in getattr(features, setting) or ():
            _must_exist(name, frame, where, f"features.{setting}")
    declared = {name: NUMERIC for name in features.numeric or ()} | {
        name: CATEGORICAL for name in features.categorical or ()
    }
    # Both lists given: they are the choice of columns. Otherwise the columns in neither follow their type.
    infer = features.numeric is None or features.categorical is None
    inputs = [
        {"name": name, "kind": declared.get(name) or _inferred_kind(frame[name], where)}
        for name in frame.columns
        if name != target and name not in features.drop and (infer or name in declared)
    ]
    if not inputs:
        raise DataError(f"{where} has no column to learn from besides the target {target!r}")
    _check_engineered(features, inputs)
    for column in inputs:
        if frame[column["name"]].isna().all():
            raise DataError(f"column {column['name']!r} of {where} has no value in any row, add it to features.drop")
    return Prepared(frame[[*(column["name"] for column in inputs), target]], inputs)


def columns_of(frame: pd.DataFrame, inputs: list[dict[str, str]], where: str) -> dict[str, Cells]:
    """The frame's input columns as arrays and lists that `Preprocessing.encode_columns` takes."""
    columns: dict[str, Cells] = {}
    try:
        for column in inputs:
            name, series = column["name"], frame[column["name"]]
            if column["kind"] == NUMERIC:
                columns[name] = _numeric(series)
            else:
                columns[name] = [category(None if pd.isna(cell) else cell, name) for cell in series]
    except BadInput as error:
        raise DataError(f"{error} in {where}") from None
    return columns


def fit(columns: dict[str, Cells], inputs: list[dict[str, str]], features: Features) -> dict[str, Any]:
    """The specification learned from the training rows."""
    names = [column["name"] for column in inputs if column["kind"] == NUMERIC]
    rows = len(next(iter(columns.values())))
    block = np.empty((rows, len(names)))
    for i, name in enumerate(names):
        block[:, i] = columns[name]
    # sorted: the settings may travel through tools that reorder keys, the model must not change with them
    engineered = sorted(features.engineered.items())
    block = with_engineered(block, names, [Expression(text) for _, text in engineered])
    return {
        "schema_version": SCHEMA_VERSION,
        "unknown_category": str(features.unknown_category),
        "inputs": inputs,
        "engineered": [{"name": name, "expression": text} for name, text in engineered],
        "numeric": [
            _fit_numeric(name, block[:, i], features)
            for i, name in enumerate([*names, *(name for name, _ in engineered)])
        ],
        "categorical": [
            _fit_categorical(column["name"], columns[column["name"]], features)
            for column in inputs
            if column["kind"] == CATEGORICAL
        ],
    }


def _fit_numeric(name: str, values: np.ndarray, features: Features) -> dict[str, Any]:
    known = values[~np.isnan(values)]
    if not len(known):
        raise DataError(f"feature {name!r} has no value in any training row, drop it or look at its expression")
    match features.numeric_imputation:
        case NumericImputation.MEDIAN:
            fill = float(np.median(known))
        case NumericImputation.MEAN:
            fill = float(np.mean(known))
        case NumericImputation.ZERO:
            fill = 0.0
    offset, scale = 0.0, 1.0
    match features.scaling:
        case Scaling.STANDARD:
            offset, scale = float(np.mean(known)), float(np.std(known))
        case Scaling.MIN_MAX:
            offset, scale = float(np.min(known)), float(np.ptp(known))
        case Scaling.NONE:
            pass
    # a constant column has no width to divide by
    return {"name": name, "fill": fill, "offset": offset, "scale": scale if np.isfinite(scale) and scale > 0 else 1.0}


def _fit_categorical(name: str, cells: Cells, features: Features) -> dict[str, Any]:
    counts = Counter(cells)
    missing = counts.pop(MISSING_LABEL, 0)
    if not counts:
        raise DataError(f"column {name!r} has no value in any training row, add it to features.drop")
    if len(counts) > MAX_CATEGORIES:
        raise DataError(
            f"column {name!r} has {len(counts)} different values, a categorical column may have {MAX_CATEGORIES}: "
            "add it to features.drop"
        )
    labels = sorted(counts)
    if features.categorical_imputation is CategoricalImputation.MOST_FREQUENT:
        return {"name": name, "categories": labels, "fill": min(labels, key=lambda label: (-counts[label], label))}
    return {"name": name, "categories": [*labels, MISSING_LABEL] if missing else labels, "fill": MISSING_LABEL}


def _inferred_kind(series: pd.Series, where: str) -> str:
    dtype = series.dtype
    if pd.api.types.is_bool_dtype(dtype) or isinstance(dtype, pd.StringDtype | pd.CategoricalDtype):
        return CATEGORICAL
    if pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_complex_dtype(dtype):
        return NUMERIC
    if pd.api.types.is_object_dtype(dtype):
        kind = pd.api.types.infer_dtype(series, skipna=True)
        if kind in ("integer", "floating", "mixed-integer-float", "decimal"):
            return NUMERIC
        if kind in ("string", "boolean", "mixed-integer", "mixed", "empty"):
            return CATEGORICAL
    raise DataError(
        f"column {series.name!r} of {where} holds {dtype}, only numbers, text and true/false can be learned from: "
        "add it to features.drop"
    )


def _numeric(series: pd.Series) -> np.ndarray:
    if pd.api.types.is_numeric_dtype(series.dtype):
        return numbers(series.to_numpy(dtype=np.float64, na_value=np.nan), str(series.name))
    return numbers([None if pd.isna(cell) else cell for cell in series], str(series.name))


def _check_engineered(features: Features, inputs: list[dict[str, str]]) -> None:
    kinds = {column["name"]: column["kind"] for column in inputs}
    for name, text in features.engineered.items():
        field = f"features.engineered.{name}"
        if name in kinds:
            raise SettingsError(f"{field} has the name of a column, choose another")
        try:
            expression = Expression(text)
        except ValueError as error:
            raise SettingsError(f"{field} {error}") from None
        for column in expression.columns:
            if column not in kinds:
                raise SettingsError(f"{field} reads the unknown column {column!r}, there are {_listed(kinds)}")
            if kinds[column] != NUMERIC:
                raise SettingsError(f"{field} reads {column!r}, which is categorical, not numeric")


def _must_exist(name: str, frame: pd.DataFrame, where: str, setting: str) -> None:
    if name not in frame.columns:
        raise DataError(f"{where} has no column {name!r} ({setting}), it has {_listed(frame.columns)}")


def _listed(names: Any) -> str:
    listed = list(map(str, names))
    return ", ".join(listed[:20]) + (f" and {len(listed) - 20} more" if len(listed) > 20 else "")
