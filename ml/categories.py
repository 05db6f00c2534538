"""Categorical cells: the label of a cell, and the columns of the matrix that it becomes.

Data and clients spell one category in several ways: 2007, 2007.0 and "2007"; true, t and 1.
"""

import math
import re
from collections import Counter
from decimal import Decimal
from typing import Any

import numpy as np

from ml.errors import BadInput

MISSING_LABEL = ""  # no real category is the empty string: it means missing in raw data

_TRUE, _FALSE = frozenset({"true", "t", "1"}), frozenset({"false", "f", "0"})
_BOOLEANS = ({"true", "false"}, {"t", "f"}, {"1", "0"})
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+")
_SHOWN_CHARACTERS = 40  # of a bad value in an error message

Cells = list[Any] | np.ndarray
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
        index, fill = self._index, self._fill
        for row, cell in enumerate(cells):
            label = cell if type(cell) is str else category(cell, self.name)
            place = index.get(label, -2) if label else fill
            if place == -2:
                form = _form(label).casefold() if self._boolean else _form(label)
                place = self._forms.get(form, -2) if form else fill
            if place == -2:
                if self._refuse_unknown:
                    raise BadInput(
                        f"column {self.name!r} has the category {shown(label)}, which training has not seen "
                        f"(it saw {', '.join(filter(None, self.labels))})"
                    )
                unknown[self.name] += 1
                place = fill
            if place >= 0:
                matrix[row, place] = 1.0


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
