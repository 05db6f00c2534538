"""What was made of every column of a run's data, for the people who chose them; `report_page` shows it.

Counts are of all rows; what needs comparing cells (different values, identifiers, leaks) looks at `SAMPLE` rows at
most, and the report says how many those were.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from pulumi_mlops.contract.settings import ROW_COLUMNS, ColumnType

from ml.column_store import Table
from ml.features import coded, has_value, numeric
from ml.preprocessing import NUMERIC
from ml.settings import Settings, Task

SAMPLE = 100_000
"""Rows; the same ones for the same data."""
DIFFERENT = 0.99
"""A column of integers or text with this share of different values names its rows and describes none."""


def make(table: Table, signature: Mapping[str, Any], settings: Settings, types: Mapping[str, str]) -> dict[str, Any]:
    """The report on the rows of a source, after renames; `types` are those that its text got, by its own names.

    Reads one column after the other.
    """
    target = table.column(settings.target)
    with_target = has_value(target).to_numpy()
    rows = np.flatnonzero(with_target)
    if len(rows) > SAMPLE:
        rows = np.sort(np.random.default_rng(0).choice(rows, SAMPLE, replace=False))
    sample = pa.array(rows)
    kinds = {column["name"]: column["kind"] for column in signature["inputs"]}
    new = settings.features.renames
    read_as = {new.get(name, name): kind for name, kind in types.items()}
    classification = settings.task is Task.CLASSIFICATION
    truth = (
        coded(target.take(sample), settings.target).places({label: i for i, label in enumerate(signature["classes"])})
        if classification
        else None
    )
    report: dict[str, Any] = {
        "rows": table.rows,
        "rows_without_target": table.rows - int(with_target.sum()),
        "rows_compared": len(rows),
        "target": _target(target.filter(with_target), settings.target, settings.task),
        "columns": [],
    }
    for name in table.names:
        if name == settings.target:
            continue
        use = kinds.get(name, "unused")
        column: dict[str, Any] = {
            "column": name,
            "use": use,
            "why": _why(name, use, settings),
            "type": read_as.get(name) or _type(table.kind(name)),
        }
        if use != "unused":
            cells = table.column(name)
            chosen = cells.take(sample)
            known = has_value(chosen).to_numpy()
            values = _numbered(chosen.filter(known), name, use)
            column |= {
                "missing": int((with_target & ~has_value(cells).to_numpy()).sum()),
                "different": len(np.unique(values)),
                "remarks": list(_remarks(values, known.all(), truth, use)),
            }
        report["columns"].append(column)
    return report


def _target(target: Any, name: str, task: Task) -> dict[str, Any]:
    if task is Task.CLASSIFICATION:
        return {"name": name, "classes": dict(coded(target, name).counts().most_common())}
    values = numeric(target, name)
    return {"name": name, "min": float(values.min()), "mean": float(values.mean()), "max": float(values.max())}


def _type(kind: Any) -> str:
    """The type of a column that was no text, as the types of text are called where there is such a one."""
    if pa.types.is_integer(kind):
        return ColumnType.INTEGER
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return ColumnType.NUMBER
    if pa.types.is_boolean(kind):
        return ColumnType.BOOLEAN
    if pa.types.is_dictionary(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return ColumnType.TEXT
    return str(kind)


def _numbered(cells: Any, name: str, use: str) -> np.ndarray:
    """Known cells as numbers: of a category, its place among the sorted labels."""
    if use == NUMERIC:
        return numeric(cells, name)
    column = coded(cells, name)
    return column.places({label: i for i, label in enumerate(sorted(set(column.labels)))})


def _why(name: str, use: str, settings: Settings) -> str:
    features = settings.features
    declared = {features.renames.get(old, old) for old in settings.source.columns or ()}
    if name in features.drop:
        return "features.drop"
    training = settings.training
    if role := next((role for role in ROW_COLUMNS if getattr(training, role) == name), None):
        return f"training.{role}"
    if use == "unused":
        return "in neither features.numeric nor features.categorical"
    if name in ((features.numeric if use == NUMERIC else features.categorical) or ()):
        return f"features.{use}"
    return "source.columns" if name in declared else "its type"


def _remarks(values: np.ndarray, all_known: bool, truth: np.ndarray | None, use: str) -> Iterator[str]:
    different = len(np.unique(values))
    if different == 1 and all_known:
        yield "constant"
        return
    fractions = use == NUMERIC and bool((values % 1 != 0).any())
    if len(values) > 1 and different >= DIFFERENT * len(values) and not fractions:
        yield "an identifier? almost every row has a value of its own"
    if truth is not None and all_known and _decides(values, truth, use):
        yield "a leak? it decides the target alone"


def _decides(values: np.ndarray, labels: np.ndarray, use: str) -> bool:
    """Whether each value comes with one label; for numbers, each label with one interval of values."""
    order = np.lexsort((labels, values))
    values, labels = values[order], labels[order]
    if (np.diff(labels)[np.diff(values) == 0] != 0).any():
        return False
    changes = int((np.diff(labels) != 0).sum())
    classes = len(np.unique(labels))
    return changes == classes - 1 if use == NUMERIC else len(np.unique(values)) <= len(values) / 2
