"""Fitting the preprocessing: what `preprocessing.Preprocessing` needs to know, learned from the training rows.

`choose` decides which columns are features and of which kind; `fit` learns fills, scales and categories, one column
after the other. The specification is plain JSON:

    {"schema_version": 1, "unknown_category": "MISSING",
     "inputs": [{"name": "island", "kind": "categorical"}, {"name": "bill_length_mm", "kind": "numeric"}],
     "engineered": [{"name": "bill_ratio", "expression": "bill_length_mm / bill_depth_mm"}],
     "numeric": [{"name": "bill_length_mm", "fill": 44.4, "offset": 43.9, "scale": 5.4}, …],     (engineered ones last)
     "categorical": [{"name": "island", "categories": ["Biscoe", "Dream"], "fill": "Biscoe"}]}
"""

from collections import Counter
from collections.abc import Mapping, Set
from typing import Any, NamedTuple, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ml.categories import MISSING_LABEL, Cells, Coded, category
from ml.column_store import Table
from ml.errors import BadInput, DataError, SettingsError
from ml.expressions import Expression
from ml.preprocessing import CATEGORICAL, NUMERIC, SCHEMA_VERSION, numbers
from ml.settings import CategoricalImputation, Features, NumericImputation, Scaling

MAX_CATEGORIES = 500  # each is a column of the matrix; identifiers and free text have more and teach nothing


class Chosen(NamedTuple):
    """The columns that training uses."""

    table: Table
    """The source's, under the names after renames."""
    inputs: list[dict[str, str]]
    """Name and kind of each input, in the source's order."""


def choose(table: Table, features: Features, target: str, where: str, no_features: Set[str] = frozenset()) -> Chosen:
    """Renames, drops and chooses columns; raises DataError or SettingsError naming the column. `where` is the data."""
    for old in features.renames:
        _must_exist(old, table, where, "features.renames")
    table = table.renamed(features.renames)
    if twice := [name for name, count in Counter(table.names).items() if count > 1]:
        raise DataError(f"{where} has two columns named {twice[0]!r} after features.renames")
    if target not in table.names:
        raise DataError(f"{where} has no target column {target!r}, it has {_listed(table.names)}")
    for setting in ("drop", "numeric", "categorical"):
        for name in getattr(features, setting) or ():
            _must_exist(name, table, where, f"features.{setting}")
    declared = {name: NUMERIC for name in features.numeric or ()} | {
        name: CATEGORICAL for name in features.categorical or ()
    }
    # Both lists given: they are the choice of columns. Otherwise the columns in neither follow their type.
    infer = features.numeric is None or features.categorical is None
    inputs = [
        {"name": name, "kind": declared.get(name) or _inferred_kind(name, table.kind(name), where)}
        for name in table.names
        if name != target and name not in {*features.drop, *no_features} and (infer or name in declared)
    ]
    if not inputs:
        raise DataError(f"{where} has no column to learn from besides the target {target!r}")
    _check_engineered(features, inputs)
    return Chosen(table, inputs)


def cells_of(column: Any, name: str, kind: str, where: str) -> Cells:
    """An Arrow column as `Preprocessing.encode_columns` takes it; raises DataError."""
    try:
        return numeric(column, name) if kind == NUMERIC else coded(column, name)
    except BadInput as error:
        raise DataError(f"{error} in {where}") from None


def coded(column: Any, name: str) -> Coded:
    """An Arrow column as categories; raises BadInput."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    encoded = column.dictionary_encode()
    labels = [category(cell, name) for cell in encoded.dictionary.to_pylist()]
    return Coded([*labels, MISSING_LABEL], pc.fill_null(encoded.indices, len(labels)).to_numpy(zero_copy_only=False))


def has_value(column: Any) -> Any:
    """Which cells of an Arrow column are not missing."""
    known = pc.is_valid(column)
    if pa.types.is_floating(column.type):
        return pc.and_(known, pc.invert(pc.fill_null(pc.is_nan(column), True)))
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return pc.and_(known, pc.fill_null(pc.not_equal(column, MISSING_LABEL), False))
    return known


def fit(columns: Mapping[str, Cells], inputs: list[dict[str, str]], features: Features) -> dict[str, Any]:
    """The specification learned from the training rows."""
    numeric: list[dict[str, Any]] = []
    categorical: list[dict[str, Any]] = []
    for column in inputs:
        name, cells = column["name"], columns[column["name"]]
        if column["kind"] == NUMERIC:
            numeric.append(_fit_numeric(name, np.asarray(cells, dtype=np.float64), features))
        else:
            categorical.append(_fit_categorical(name, cast("Coded", cells), features))
    # sorted: the settings may travel through tools that reorder keys, the model must not change with them
    engineered = sorted(features.engineered.items())
    for name, text in engineered:
        expression = Expression(text)
        used = {column: np.asarray(columns[column], dtype=np.float64) for column in expression.columns}
        with np.errstate(all="ignore"):
            values = expression(used, len(used[expression.columns[0]]) if used else 1)
        numeric.append(_fit_numeric(name, values, features))
    return {
        "schema_version": SCHEMA_VERSION,
        "unknown_category": str(features.unknown_category),
        "inputs": inputs,
        "engineered": [{"name": name, "expression": text} for name, text in engineered],
        "numeric": numeric,
        "categorical": categorical,
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
        case NumericImputation.NONE:
            fill = None
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


def _fit_categorical(name: str, cells: Coded, features: Features) -> dict[str, Any]:
    counts = cells.counts()
    missing = counts.pop(MISSING_LABEL, 0)
    if not counts:
        raise DataError(f"column {name!r} has no value in any training row, add it to features.drop")
    if len(counts) > MAX_CATEGORIES:
        raise DataError(
            f"column {name!r} has {len(counts)} different values in the training rows, a categorical column may have "
            f"{MAX_CATEGORIES}: add it to features.drop"
        )
    labels = sorted(counts)
    if features.categorical_imputation is CategoricalImputation.MOST_FREQUENT:
        return {"name": name, "categories": labels, "fill": min(labels, key=lambda label: (-counts[label], label))}
    return {"name": name, "categories": [*labels, MISSING_LABEL] if missing else labels, "fill": MISSING_LABEL}


def _inferred_kind(name: str, kind: Any, where: str) -> str:
    if pa.types.is_dictionary(kind) or kind == pa.null():
        return CATEGORICAL
    if pa.types.is_boolean(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return CATEGORICAL
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return NUMERIC
    raise DataError(
        f"column {name!r} of {where} holds {kind}, only numbers, text and true/false can be learned from: "
        "add it to features.drop"
    )


def numeric(column: Any, name: str) -> np.ndarray:
    """An Arrow column as float64, NaN where missing; raises BadInput."""
    if pa.types.is_boolean(column.type):
        column = pc.cast(column, pa.uint8())
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        return numbers(pc.cast(column, pa.float64(), safe=False).to_numpy(zero_copy_only=False), name)
    return numbers(column.to_pylist(), name)


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


def _must_exist(name: str, table: Table, where: str, setting: str) -> None:
    if name not in table.names:
        raise DataError(f"{where} has no column {name!r} ({setting}), it has {_listed(table.names)}")


def _listed(names: Any) -> str:
    listed = list(map(str, names))
    return ", ".join(listed[:20]) + (f" and {len(listed) - 20} more" if len(listed) > 20 else "")
