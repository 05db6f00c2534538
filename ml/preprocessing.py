"""The fitted preprocessing: raw rows in, the float32 matrix that the model sees out.

Training and serving run this one code path on the same plain-JSON specification (see `features.fit` for how it is
made), so both see the same numbers. numpy only: no DataFrame is ever built for a request.

Steps, each column-wise: parse → engineered features → imputation → scaling → one-hot categories.
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np

from ml.errors import BadInput
from ml.expressions import Expression

SCHEMA_VERSION = 1
MISSING_LABEL = ""  # no real category is the empty string: it means missing in raw data
NUMERIC, CATEGORICAL = "numeric", "categorical"

_PLAIN_NUMBERS = frozenset({float, int, bool, type(None)})
_LARGEST = float(np.finfo(np.float32).max)
_TRUE, _FALSE = frozenset({"true", "t", "1"}), frozenset({"false", "f", "0"})
_BOOLEANS = ({"true", "false"}, {"t", "f"}, {"1", "0"})
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+")
_SHOWN_CHARACTERS = 40  # of a bad value in an error message

Cells = list[Any] | np.ndarray


class Encoded(NamedTuple):
    """What the rows became."""

    matrix: np.ndarray
    """float32, one row per input row, columns as `Preprocessing.outputs`."""
    unknown: Counter[str]
    """Cells per column whose category was not in the training data and counted as missing."""


class Preprocessing:
    """The transform that a specification describes."""

    inputs: list[str]
    """Names of the raw columns, in the order of the signature."""
    outputs: list[str]
    """Names of the matrix' columns."""

    def __init__(self, spec: dict[str, Any]) -> None:
        if spec.get("schema_version") != SCHEMA_VERSION:
            raise ValueError(f"preprocessing has schema_version {spec.get('schema_version')!r}, not {SCHEMA_VERSION}")
        self.spec = spec
        self.inputs = [column["name"] for column in spec["inputs"]]
        self._kinds = [column["kind"] for column in spec["inputs"]]
        self._numeric_positions = [i for i, kind in enumerate(self._kinds) if kind == NUMERIC]
        self._numeric_names = [self.inputs[i] for i in self._numeric_positions]
        self._engineered = [Expression(feature["expression"]) for feature in spec["engineered"]]
        self._fill = np.array([column["fill"] for column in spec["numeric"]], dtype=np.float64)
        self._offset = np.array([column["offset"] for column in spec["numeric"]], dtype=np.float64)
        self._scale = np.array([column["scale"] for column in spec["numeric"]], dtype=np.float64)
        start = len(spec["numeric"])
        self._categorical: list[_OneHot] = []
        for column in spec["categorical"]:
            refuse = spec["unknown_category"] == "ERROR"
            encoder = _OneHot(column, self.inputs.index(column["name"]), start, refuse)
            self._categorical.append(encoder)
            start += len(encoder.labels)
        self.outputs = [column["name"] for column in spec["numeric"]] + [
            f"{encoder.name}={label or '(missing)'}" for encoder in self._categorical for label in encoder.labels
        ]

    def encode(self, rows: Sequence[Sequence[Any]] | np.ndarray, names: Iterable[str] | None = None) -> Encoded:
        """Transforms raw rows: lists of cells, or a two-dimensional array.

        None, NaN and "" are missing. `names` says which column each cell of a row belongs to; without it (or empty)
        the order of `inputs` holds. Raises BadInput in one sentence.
        """
        cells, order, text = self._table(rows, _names(names))
        return self._encode(
            len(cells),
            lambda position: _column(cells, order[position]),
            lambda: _numeric_block(cells, [order[i] for i in self._numeric_positions], self._numeric_names, text),
        )

    def encode_columns(self, columns: dict[str, Cells]) -> Encoded:
        """The same transform for data that is at hand column by column: training's frame."""
        rows = len(columns[self.inputs[0]])

        def numeric_block() -> np.ndarray:
            block = np.empty((rows, len(self._numeric_names)))
            for i, name in enumerate(self._numeric_names):
                block[:, i] = numbers(columns[name], name)
            return block

        return self._encode(rows, lambda position: columns[self.inputs[position]], numeric_block)

    def _encode(self, rows: int, column: Callable[[int], Cells], numeric_block: Callable[[], np.ndarray]) -> Encoded:
        block = with_engineered(numeric_block(), self._numeric_names, self._engineered)
        matrix = np.zeros((rows, len(self.outputs)), dtype=np.float32)
        block = np.where(np.isnan(block), self._fill, block)
        with np.errstate(over="ignore"):
            block = (block - self._offset) / self._scale
        # XGBoost refuses infinity; to a tree the largest float32 is just as far out
        matrix[:, : block.shape[1]] = np.minimum(np.maximum(block, -_LARGEST), _LARGEST)
        unknown: Counter[str] = Counter()
        for encoder in self._categorical:
            encoder.write(column(encoder.position), matrix, unknown)
        return Encoded(matrix, unknown)

    def _table(self, rows: Any, names: list[str]) -> tuple[list[Any] | np.ndarray, list[int], bool]:
        """The rows as a list of lists or a float array, where each input stands in a row, and whether all is text."""
        text = False
        if isinstance(rows, np.ndarray):
            if rows.ndim != 2:
                raise BadInput(f"rows must be two-dimensional (a list of rows), got {rows.ndim} dimension(s)")
            width = rows.shape[1]
            if rows.dtype.kind not in "fiub":
                # np.array() of mixed cells makes text of numbers too: only then may a number come as text.
                text = rows.dtype.kind == "U"
                rows = rows.tolist()
        else:
            width = _width(rows)
        if not len(rows):
            raise BadInput("there are no rows, send at least one")
        if not names:
            if width != len(self.inputs):
                raise BadInput(f"each row must have {self._expected()}, got {width}")
            return rows, list(range(width)), text
        if len(names) != width:
            raise BadInput(f"there are {len(names)} names for rows of {width} cells, send one name a cell")
        positions = {name: i for i, name in enumerate(names)}
        if len(positions) != len(names):
            twice = next(name for name, count in Counter(names).items() if count > 1)
            raise BadInput(f"name {_shown(twice)} is given twice")
        if extra := [name for name in names if name not in self.inputs]:
            raise BadInput(f"name {_shown(extra[0])} is not a column of this model, which has {self._expected()}")
        if lacking := [name for name in self.inputs if name not in positions]:
            raise BadInput(f"column {lacking[0]!r} is missing from the names, this model has {self._expected()}")
        return rows, [positions[name] for name in self.inputs], text

    def _expected(self) -> str:
        return f"{len(self.inputs)} columns ({', '.join(self.inputs)})"


class _OneHot:
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
                        f"column {self.name!r} has the category {_shown(label)}, which training has not seen "
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


def with_engineered(block: np.ndarray, names: list[str], expressions: list[Expression]) -> np.ndarray:
    """`block` (columns `names`) and, right of it, one column an expression."""
    if not expressions:
        return block
    columns = {name: block[:, i] for i, name in enumerate(names)}
    wide = np.empty((len(block), len(names) + len(expressions)))
    wide[:, : len(names)] = block
    with np.errstate(all="ignore"):
        for i, expression in enumerate(expressions, len(names)):
            wide[:, i] = expression(columns, len(block))
    return wide


def numbers(cells: Cells, name: str, text: bool = False) -> np.ndarray:
    """Cells of a numeric column as float64, NaN where missing; `text` allows numbers written as text."""
    if isinstance(cells, np.ndarray) and cells.dtype.kind in "fiub":
        values = cells.astype(np.float64)
        if np.isinf(values).any():
            raise BadInput(f"column {name!r} has an infinite value, numbers must be finite")
        return values
    return np.array([_number(cell, name, text) for cell in cells], dtype=np.float64)


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
    raise BadInput(f"column {name!r} must hold text, numbers or true/false, got {_shown(cell)}")


def _number(cell: Any, name: str, text: bool) -> float:
    if cell is None or (isinstance(cell, str) and cell == ""):
        return math.nan
    is_number = isinstance(cell, int | float | bool | np.number | np.bool_ | Decimal) and not isinstance(cell, complex)
    if is_number or (text and isinstance(cell, str)):
        try:
            value = float(cell)
        except (ValueError, OverflowError):
            pass
        else:
            if not math.isinf(value):
                return value
    raise BadInput(f"column {name!r} must hold finite numbers, got {_shown(cell)}")


def _numeric_block(cells: Any, positions: list[int], names: list[str], text: bool) -> np.ndarray:
    if isinstance(cells, np.ndarray):
        block = cells[:, positions].astype(np.float64)
    else:
        flat = [row[i] for row in cells for i in positions]
        if not _PLAIN_NUMBERS.issuperset(map(type, flat)):
            return np.array(
                [[_number(row[i], name, text) for i, name in zip(positions, names, strict=True)] for row in cells],
                dtype=np.float64,
            ).reshape(len(cells), len(positions))
        try:
            block = np.array(flat, dtype=np.float64).reshape(len(cells), len(positions))
        except OverflowError:
            raise BadInput("a number is beyond the range of a 64-bit float") from None
    infinite = np.isinf(block)
    if infinite.any():
        name = names[int(np.argmax(infinite.any(axis=0)))]
        raise BadInput(f"column {name!r} must hold finite numbers, got an infinite one")
    return block


def _column(cells: Any, position: int) -> Cells:
    if isinstance(cells, np.ndarray):
        return cells[:, position].tolist()
    return [row[position] for row in cells]


def _names(names: Any) -> list[str]:
    listed = [] if names is None or isinstance(names, str) else list(names)
    if isinstance(names, str) or not all(isinstance(name, str) for name in listed):
        raise BadInput("names must be a list of column names")
    return listed


def _width(rows: Any) -> int:
    if not isinstance(rows, list | tuple):
        raise BadInput("rows must be a list of rows, each a list of cells")
    width = -1
    for number, row in enumerate(rows):
        if not isinstance(row, list | tuple | np.ndarray):
            raise BadInput(f"row {number} must be a list of cells, got {_shown(row)}")
        if width not in (-1, len(row)):
            raise BadInput(f"row {number} has {len(row)} cells, the rows before it have {width}")
        width = len(row)
    return width


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[: _SHOWN_CHARACTERS - 1]}…"
