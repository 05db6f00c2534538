"""What the cells of a text file are: the type of each column, decided once over all of its rows.

A cell is text. A column becomes something else only if all of its cells allow it:

| type | every cell that is not missing |
|---|---|
| integer | an integer of at most 64 bits without leading zeros; missing cells leave it an integer |
| number | a decimal number such as 4.5, .5 or 1e-3, or an integer |
| boolean | true or false, in any case |
| text | everything else, also `02116` and integers of more than 64 bits |

Blank cells are missing, and so are the words of `source.missing`, in every column. Without that setting, the words of
`MARKS` are missing in a column whose other cells are all numbers or all booleans; a word found there is the missing
mark of this file and is missing in its text columns too. Elsewhere it is text.
Declared columns are not inferred: `features.categorical` are text, `features.numeric` are numbers. A column that looks
like numbers or dates but is neither is refused with the line and the cell, unless it is declared or dropped.
"""

from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass
from typing import Any, NamedTuple

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ml.errors import DataError
from ml.settings import Settings, Task

INTEGER, NUMBER, BOOLEAN, TEXT = "integer", "number", "boolean", "text"

MARKS = frozenset(
    "? NA N/A n/a #N/A #NA <NA> NaN nan -NaN -nan NULL null None".split()  # noqa: SIM905 - a list of words
)
MOSTLY = 0.9
"""A column with this share of numbers is one of numbers with a mistake in it, not one of categories."""

_FRACTION = r"(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?$"
_NUMBER = rf"^[+-]?((0|[1-9][0-9]*){_FRACTION}"
_DECLARED_NUMBER = rf"^[+-]?([0-9]+{_FRACTION}"
_INTEGER = r"^[+-]?[0-9]+$"
_SEVERAL_DIGITS = r"^[+-]?0[0-9]+(\.[0-9]*)?$"
_BOOLEAN = r"(?i)^(true|false)$"
_SEPARATORS = r"^[+-]?[0-9]+(,[0-9]+)+(\.[0-9]*)?$"
_DATE = (
    r"^([0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([T ][0-9]{1,2}:.*)?"
    r"|[0-9]{1,2}/[0-9]{1,2}/([0-9]{4}|[0-9]{2})( .*)?|[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{4}( .*)?)$"
)


@dataclass(frozen=True)
class Declared:
    """What the settings say about the columns, by their names in the source."""

    numeric: frozenset[str] = frozenset()
    categorical: frozenset[str] = frozenset()
    unused: frozenset[str] = frozenset()
    label: str | None = None
    """The target of a classification: a column of any type."""
    missing: frozenset[str] | None = None
    """The words that are missing in every column; None: to be inferred."""


class Typed(NamedTuple):
    """A table whose columns have types."""

    frame: pd.DataFrame
    types: dict[str, str]
    notes: list[str]
    """What the user should know of the choices, one sentence each."""


def declared(settings: Settings, names: list[str]) -> Declared:
    """What the settings declare about the columns `names` of a source."""
    features, target = settings.features, settings.target
    new = {name: features.renames.get(name, name) for name in names}
    numeric, categorical = set(features.numeric or ()), set(features.categorical or ())
    every_column = features.numeric is None or features.categorical is None
    if settings.task is Task.REGRESSION:
        numeric.add(target)

    def used(name: str) -> bool:
        return name == target or (name not in features.drop and (every_column or name in numeric | categorical))

    return Declared(
        frozenset(name for name in names if new[name] in numeric),
        frozenset(name for name in names if new[name] in categorical),
        frozenset(name for name in names if not used(new[name])),
        next((name for name in names if new[name] == target), None) if settings.task is Task.CLASSIFICATION else None,
        None if (missing := getattr(settings.source, "missing", None)) is None else frozenset(missing),
    )


def typed(cells: pd.DataFrame, declaration: Declared, where: str, line: Callable[[int], int]) -> Typed:
    """Gives each column of text its type; raises DataError with column, line and cell.

    `line` returns the line of the file that a row, counted from 0, comes from.
    """
    columns = {str(name): _Column(str(name), series, declaration) for name, series in cells.items()}
    found: dict[str, str] = {}
    for column in columns.values():
        if column.type != TEXT:
            found |= {mark: column.name for mark in column.marks if mark not in found}
    for column in columns.values():
        if problem := column.problem(declaration):
            row, reason = problem
            raise DataError(f"column {column.name!r} of {where} has {column.cell(row)!r} in line {line(row)}, {reason}")
    frame = pd.DataFrame({name: column.values(frozenset(found)) for name, column in columns.items()})
    notes = [note for column in columns.values() for note in column.notes(found, declaration)]
    return Typed(frame, {name: column.type for name, column in columns.items()}, notes)


class _Column:
    """One column of text, and its type."""

    def __init__(self, name: str, series: pd.Series, declaration: Declared) -> None:
        self.name = name
        self._text: Any = pc.fill_null(pa.array(series, type=pa.large_string()), "")
        self._trimmed: Any = pc.utf8_trim_whitespace(self._text)
        self._declared_number = name in declaration.numeric
        pattern = _DECLARED_NUMBER if self._declared_number else _NUMBER
        self._number: Any = self._matches(pattern)
        self._candidates = MARKS if declaration.missing is None else frozenset[str]()
        known = pc.invert(self._among({"", *(declaration.missing or ())}))
        self._known: Any = known
        self.marks: frozenset[str] = frozenset()
        self.type = TEXT
        if name in declaration.categorical or name in declaration.unused:
            return
        for kind in (NUMBER, BOOLEAN):
            fits = pc.and_(known, self._number if kind == NUMBER else self._matches(_BOOLEAN))
            others = pc.and_(known, pc.invert(fits))
            if not pc.any(fits).as_py():
                continue
            if pc.any(pc.and_(others, pc.invert(self._among(self._candidates)))).as_py():
                continue
            self.type = kind
            self.marks = frozenset(pc.unique(self._trimmed.filter(others)).to_pylist())
            self._known = fits
            break
        if self.type == NUMBER and self._all(self._matches(_INTEGER)):
            self.type = INTEGER if self._fits_64_bits() else (NUMBER if self._declared_number else TEXT)
            if self.type == TEXT:
                self.marks, self._known = frozenset(), known

    def cell(self, row: int) -> str:
        """The cell as it is in the file."""
        return self._text[row].as_py()

    def problem(self, declaration: Declared) -> tuple[int, str] | None:
        """The first row that makes this column ambiguous, and why."""
        if self.type != TEXT or self.name in declaration.categorical | declaration.unused:
            return None
        known = pc.and_(self._known, pc.invert(self._among(self._candidates)))
        wrong = pc.and_(known, pc.invert(self._number))
        count, numbers = pc.sum(known).as_py() or 0, pc.sum(pc.and_(known, self._number)).as_py() or 0
        if not count or numbers == count:
            return None
        way_out = "correct it, or list the column in features.categorical or features.drop"
        first = pc.index(wrong, True).as_py()
        if self._declared_number:
            return first, "which is not a number without separators"
        if self.name == declaration.label:
            return None
        separated = self._matches(_SEPARATORS)
        if not pc.any(pc.and_(wrong, pc.invert(separated))).as_py():
            return first, f"where a comma may separate thousands or decimals: {way_out}"
        if self._all(self._matches(_DATE), known):
            return first, f"a date, which is no feature: {way_out.replace('correct it', 'replace it with numbers')}"
        if numbers >= MOSTLY * count and not pc.any(self._matches(_SEVERAL_DIGITS)).as_py():
            return first, f"where almost all other cells are numbers: {way_out}"
        return None

    def values(self, marks: frozenset[str]) -> pd.Series:
        """The cells in the column's type; `marks` are missing."""
        if self.type == TEXT:
            known = pc.and_(self._known, pc.invert(self._among(marks)))
            return pd.Series(pc.if_else(known, self._text, None).to_pandas(), dtype="str")
        present = pc.if_else(self._known, self._trimmed, None)
        if self.type == BOOLEAN:
            truth = pc.equal(pc.utf8_lower(present), "true")
            return pd.Series(truth.to_pandas(), dtype="boolean" if truth.null_count else "bool")
        present = pc.replace_substring_regex(present, r"^\+", "")
        if self.type == NUMBER:
            return pd.Series(pc.cast(present, pa.float64()).to_pandas(), dtype="float64")
        whole = pc.cast(present, pa.int64())
        exact = {pa.int64(): pd.Int64Dtype()}.get if whole.null_count else None  # int64 has no missing value
        return whole.to_pandas(types_mapper=exact)

    def notes(self, marks: dict[str, str], declaration: Declared) -> Iterator[str]:
        """What was decided about words that may mean missing, and about numbers that stay text."""
        if self.name in declaration.unused:
            return
        for mark in sorted(self.marks):
            yield f"column {self.name!r}: {self._count(mark)} cells {mark!r} are missing"
        if self.type != TEXT:
            return
        for mark in sorted(set(pc.unique(self._trimmed.filter(self._among(self._candidates))).to_pylist())):
            reason = f"are missing, as in column {marks[mark]!r}" if mark in marks else "are text, not missing"
            yield f"column {self.name!r}: {self._count(mark)} cells {mark!r} {reason}"
        if self.name not in declaration.categorical and pc.any(self._matches(_SEVERAL_DIGITS)).as_py():
            yield f"column {self.name!r} has numbers with leading zeros and is text; features.numeric makes it numbers"

    def _matches(self, pattern: str) -> Any:
        return pc.match_substring_regex(self._trimmed, pattern)

    def _among(self, words: Set[str]) -> Any:
        return pc.is_in(self._trimmed, pa.array(sorted(words), pa.large_string()))

    def _all(self, mask: Any, rows: Any = None) -> bool:
        """Whether all cells that are known match."""
        return not pc.any(pc.and_(self._known if rows is None else rows, pc.invert(mask))).as_py()

    def _fits_64_bits(self) -> bool:
        digits = pc.replace_substring_regex(self._trimmed.filter(self._known), r"^\+", "")
        try:
            pc.cast(digits, pa.int64())
        except pa.ArrowInvalid:
            return False
        return True

    def _count(self, word: str) -> int:
        return pc.sum(pc.equal(self._trimmed, word)).as_py()
