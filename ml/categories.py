"""Categorical cells: the label of a cell, and the columns of the matrix that it becomes.

Data and clients spell one category in several ways: 2007, 2007.0 and "2007"; true, t and 1.
"""

import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from ml.errors import BadInput

MISSING_LABEL = ""  # no real category is the empty string: it means missing in raw data

_TRUE, _FALSE = frozenset({"true", "t", "1"}), frozenset({"false", "f", "0"})
_BOOLEANS = ({"true", "false"}, {"t", "f"}, {"1", "0"})
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+")
_SHOWN_CHARACTERS = 40  # of a bad value in an error message


@dataclass(frozen=True)
class Coded:
    """The cells of a categorical column, each label written once."""

    labels: list[str]
    """Of each code; MISSING_LABEL where a cell is missing. Two codes may have one label."""
    codes: np.ndarray
    """One a row."""

    def __len__(self) -> int:
        return len(self.codes)

    def counts(self) -> Counter[str]:
        """Rows per label that has some."""
        counts: Counter[str] = Counter()
        for label, rows in zip(self.labels, np.bincount(self.codes, minlength=len(self.labels)).tolist(), strict=True):
            if rows:
                counts[label] += rows
        return counts

    def places(self, place: Mapping[str, int]) -> np.ndarray:
        """The number of each row's label; -1 for labels that `place` does not have."""
        return np.array([place.get(label, -1) for label in self.labels], dtype=np.int64)[self.codes]


Cells = list[Any] | np.ndarray | Coded
"""The cells of one column."""


class OneHot:
    """One categorical column: a matrix column a label, 1 where the cell has that label."""

    def __init__(self, column: dict[str, Any], position: int, start: int, refuse_unknown: bool) -> None:
        self.name: str = column["name"]
        self.position = position
        self.labels: list[str] = column["categories"]
        self._start = start
        self._index = {label: start + i for i, label in enumerate(self.labels)}
        self._boolean = any({_form(label).casefold() for label in self.labels if label} <= pair for pair in _BOOLEANS)
        self._forms = _other_forms(self._index, self._boolean)
        self._fill = self._index.get(column["fill"], -1)  # -1: training saw no missing cell and none is filled in
        self._refuse_unknown = refuse_unknown

    def write(self, cells: Cells, matrix: np.ndarray, unknown: Counter[str]) -> None:
        """Sets the matrix' columns of this one; counts categories that training has not seen."""
        if isinstance(cells, Coded):
            self._write_coded(cells, matrix, unknown)
            return
        index = self._index
        for row, cell in enumerate(cells):
            place = index.get(cell) if type(cell) is str and cell else None  # most cells: the shortest way
            if place is None:
                place, known = self._place(cell)
                if not known:
                    unknown[self.name] += 1
            if place >= 0:
                matrix[row, place] = 1.0

    def _write_coded(self, cells: Coded, matrix: np.ndarray, unknown: Counter[str]) -> None:
        present = np.bincount(cells.codes, minlength=len(cells.labels))
        found = [self._place(label) if rows else (-1, True) for label, rows in zip(cells.labels, present, strict=True)]
        places = np.array([place for place, _ in found])[cells.codes]
        rows = np.flatnonzero(places >= 0)
        matrix[rows, places[rows]] = 1.0
        if lost := int(sum(rows for (_, known), rows in zip(found, present, strict=True) if not known)):
            unknown[self.name] += lost

    def _place(self, cell: Any) -> tuple[int, bool]:
        """The matrix column of a cell, -1 if it has none, and whether training has seen its category."""
        label = cell if type(cell) is str else category(cell, self.name)
        place = self._index.get(label) if label else self._fill
        if place is None:
            form = _form(label).casefold() if self._boolean else _form(label)
            place = self._forms.get(form) if form else self._fill
        if place is not None:
            return place, True
        if self._refuse_unknown:
            raise BadInput(
                f"column {self.name!r} has the category {shown(label)}, which training has not seen "
                f"(it saw {', '.join(filter(None, self.labels))})"
            )
        return self._fill, False


def _other_forms(index: dict[str, int], boolean: bool) -> dict[str, int]:
    """Where a category is that is written in another way than its label: 2007.0 for 2007, True or 1 for t.

    A way of writing that fits two labels is left out: it stays an unknown category.
    """
    places: dict[str, set[int]] = {}
    for label, place in index.items():
        form = _form(label)
        words = {form}
        if boolean:
            words = next((pair for pair in (_TRUE, _FALSE) if form.casefold() in pair), frozenset())
        for word in words:
            places.setdefault(word, set()).add(place)
    return {form: next(iter(found)) for form, found in places.items() if form and len(found) == 1}


def _form(label: str) -> str:
    """A label without spaces around it, and a number in it without the zeros at the end of its fraction."""
    label = label.strip()
    return label.rstrip("0").rstrip(".") if _DECIMAL.fullmatch(label) else label


def category(cell: Any, name: str) -> str:
    """The label of a categorical cell; MISSING_LABEL where it is missing. 2007, 2007.0 and "2007" are one label."""
    if cell is None:
        return MISSING_LABEL
    if isinstance(cell, str):
        return str(cell)
    if isinstance(cell, bool | np.bool_):
        return "true" if cell else "false"
    if isinstance(cell, int | np.integer):
        return str(int(cell))
    if isinstance(cell, Decimal) and cell.is_finite() and cell == cell.to_integral_value():
        return str(int(cell))  # a float has 53 bits, an identifier may have more
    if isinstance(cell, float | np.floating | Decimal):
        value = float(cell)
        if math.isnan(value):
            return MISSING_LABEL
        return str(int(value)) if value.is_integer() else repr(value)
    raise BadInput(f"column {name!r} must hold text, numbers or true/false, got {shown(cell)}")


def shown(value: Any) -> str:
    """A bad value, for an error message."""
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[: _SHOWN_CHARACTERS - 1]}…"
