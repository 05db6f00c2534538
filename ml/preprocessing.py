"""The fitted preprocessing: raw rows in, the float32 matrix that the model sees out.

Training and serving run this one code path on the same plain-JSON specification (see `features.fit` for how it is
made), so both see the same numbers. numpy only: no DataFrame is ever built for a request.

Steps, each column-wise: parse → engineered features → imputation → scaling → one-hot categories.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np

from ml.categories import Cells, OneHot, shown
from ml.errors import BadInput
from ml.expressions import Expression

SCHEMA_VERSION = 1
NUMERIC, CATEGORICAL = "numeric", "categorical"

_PLAIN_NUMBERS = frozenset({float, int, bool, type(None)})
_LARGEST = float(np.finfo(np.float32).max)


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
        self._categorical: list[OneHot] = []
        for column in spec["categorical"]:
            refuse = spec["unknown_category"] == "ERROR"
            encoder = OneHot(column, self.inputs.index(column["name"]), start, refuse)
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

    def encode_columns(self, columns: Mapping[str, Cells]) -> Encoded:
        """The same transform for data that is at hand column by column: training's table."""
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
            raise BadInput(f"name {shown(twice)} is given twice")
        if extra := [name for name in names if name not in self.inputs]:
            raise BadInput(f"name {shown(extra[0])} is not a column of this model, which has {self._expected()}")
        if lacking := [name for name in self.inputs if name not in positions]:
            raise BadInput(f"column {lacking[0]!r} is missing from the names, this model has {self._expected()}")
        return rows, [positions[name] for name in self.inputs], text

    def _expected(self) -> str:
        return f"{len(self.inputs)} columns ({', '.join(self.inputs)})"


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
    raise BadInput(f"column {name!r} must hold finite numbers, got {shown(cell)}")


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
            raise BadInput(f"row {number} must be a list of cells, got {shown(row)}")
        if width not in (-1, len(row)):
            raise BadInput(f"row {number} has {len(row)} cells, the rows before it have {width}")
        width = len(row)
    return width
