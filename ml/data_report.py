"""What was made of every column of a run's data, for the people who chose them; `report_page` shows it.

Counts are of all rows; what needs comparing cells (different values, identifiers, leaks) looks at `SAMPLE` rows at
most, and the report says how many those were.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from ml.preprocessing import NUMERIC
from ml.settings import Settings, Task

SAMPLE = 100_000
"""Rows; the same ones for the same data."""
DIFFERENT = 0.99
"""A column of integers or text with this share of different values names its rows and describes none."""


def make(
    frame: pd.DataFrame, signature: Mapping[str, Any], settings: Settings, types: Mapping[str, str]
) -> dict[str, Any]:
    """The report on the rows of a source, after renames; `types` are those that its text got, by its own names."""
    target = settings.target
    with_target = frame[frame[target].notna() & (frame[target] != "")]
    sample = with_target.sample(min(SAMPLE, len(with_target)), random_state=0)
    kinds = {column["name"]: column["kind"] for column in signature["inputs"]}
    new = settings.features.renames
    read_as = {new.get(name, name): kind for name, kind in types.items()}
    truth = sample[target].astype(str).to_numpy() if settings.task is Task.CLASSIFICATION else None
    report: dict[str, Any] = {
        "rows": len(frame),
        "rows_without_target": len(frame) - len(with_target),
        "rows_compared": len(sample),
        "target": _target(with_target[target], settings.task),
        "columns": [],
    }
    for name in frame.columns:
        if name == target:
            continue
        use = kinds.get(name, "unused")
        column: dict[str, Any] = {
            "column": name,
            "use": use,
            "why": _why(name, use, settings),
            "type": read_as.get(name, str(frame[name].dtype)),
        }
        if use != "unused":
            known = sample[name].dropna()
            column |= {
                "missing": int(with_target[name].isna().sum()),
                "different": int(known.nunique()),
                "remarks": list(_remarks(sample[name], truth, use)),
            }
        report["columns"].append(column)
    return report


def _target(target: pd.Series, task: Task) -> dict[str, Any]:
    if task is Task.CLASSIFICATION:
        counts = target.astype(str).value_counts()
        return {"name": str(target.name), "classes": {str(label): int(count) for label, count in counts.items()}}
    values = target.astype("float64")
    return {"name": str(target.name), **{name: float(getattr(values, name)()) for name in ("min", "mean", "max")}}


def _why(name: str, use: str, settings: Settings) -> str:
    features = settings.features
    declared = {features.renames.get(old, old) for old in settings.source.columns or ()}
    if name in features.drop:
        return "features.drop"
    if use == "unused":
        return "in neither features.numeric nor features.categorical"
    if name in ((features.numeric if use == NUMERIC else features.categorical) or ()):
        return f"features.{use}"
    return "source.columns" if name in declared else "its type"


def _remarks(cells: pd.Series, truth: np.ndarray | None, use: str) -> Iterator[str]:
    known = cells.notna().to_numpy()
    values = pd.factorize(cells[known].astype("float64") if use == NUMERIC else cells[known].astype(str), sort=True)[0]
    different = len(np.unique(values))
    if different == 1 and known.all():
        yield "constant"
        return
    fractions = use == NUMERIC and bool((cells[known].astype("float64") % 1 != 0).any())
    if len(values) > 1 and different >= DIFFERENT * len(values) and not fractions:
        yield "an identifier? almost every row has a value of its own"
    if truth is not None and known.all() and _decides(values, pd.factorize(truth)[0], use):
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
