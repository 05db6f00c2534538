"""One column of text: the type that its cells have, and what they become. The rules are those of `ml.columns`."""

from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
from pulumi_mlops.contract.settings import ColumnType

from ml.errors import DataError

INTEGER, NUMBER, BOOLEAN, TEXT = ColumnType.INTEGER, ColumnType.NUMBER, ColumnType.BOOLEAN, ColumnType.TEXT

MARKS = frozenset(
    "? NA N/A n/a #N/A #NA <NA> NaN nan -NaN -nan NULL null None".split()  # noqa: SIM905 - a list of words
)
MOSTLY = 0.9
"""A column with this share of numbers is one of numbers with a mistake in it, not one of categories."""

_INTEGER = r"^[+-]?[0-9]+$"
_SEVERAL_DIGITS = r"^[+-]?0[0-9]+(\.[0-9]*)?$"
_BOOLEAN = r"(?i)^(true|false)$"
_DECLARED_BOOLEAN = r"(?i)^(true|false|t|f|1|0)$"
_COMMAS = r"^[+-]?[0-9]+(,[0-9]+)+(\.[0-9]*)?$"
_POINTS = r"^[+-]?[0-9]{1,3}(\.[0-9]{3})+(,[0-9]*)?$"
"""Where a comma is the decimal sign: points between groups of three digits, unlike in dates and versions."""
_DATE = (
    r"^([0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([T ][0-9]{1,2}:.*)?"
    r"|[0-9]{1,2}/[0-9]{1,2}/([0-9]{4}|[0-9]{2})( .*)?|[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{4}( .*)?)$"
)
_LONGEST = 200  # characters of a cell that a message shows


@dataclass(frozen=True)
class Declared:
    """What the settings say about the columns, by their names in the source."""

    types: Mapping[str, str] = field(default_factory=dict)
    """`source.columns`."""
    numeric: frozenset[str] = frozenset()
    categorical: frozenset[str] = frozenset()
    unused: frozenset[str] = frozenset()
    label: str | None = None
    """The target of a classification: a column of any type."""
    missing: frozenset[str] | None = None
    """The words that are missing in every column; None: to be inferred."""
    decimal: str = "."
    thousands: str = ""
    """The sign between groups of three digits; "" where there is none."""


class Where(NamedTuple):
    """How messages name a table and a row of it."""

    name: str
    place: Callable[[int], str] = lambda row: f"row {row + 1}"
    """Where a row, counted from 0, stands."""


class Column:
    """One column of text, and its type."""

    def __init__(
        self,
        name: str,
        cells: Any,
        declaration: Declared,
        where: Where,
        *,
        decided: str | None = None,
    ) -> None:
        """Finds the type, unless it is `decided`; raises DataError with column, line and cell if it is ambiguous."""
        self.name = name
        text = pc.cast(_whole(cells), pa.large_string())
        self._text: Any = pc.fill_null(text, "") if text.null_count else text
        self._trimmed: Any = pc.utf8_trim_whitespace(self._text)
        self._declaration = declaration
        self._unused = name in declaration.unused
        self._kind = None if self._unused else declaration.types.get(name)
        self._declared_number = name in declaration.numeric or self._kind in (INTEGER, NUMBER)
        self._is_text = self._unused or self._kind == TEXT or (self._kind is None and name in declaration.categorical)
        self._candidates = MARKS if declaration.missing is None else frozenset[str]()
        self._known: Any = pc.invert(self._among({"", *(declaration.missing or ())}))
        self.marks: frozenset[str] = frozenset()
        self.type: str = TEXT
        if not self._is_text and decided is None:
            self._decide()
            if problem := self._problem():
                row, reason = problem
                raise DataError(
                    f"column {name!r} of {where.name} has {self._cell(row)!r} in {where.place(row)}, {reason}"
                )

    def _decide(self) -> None:
        known = self._known
        for kind in [NUMBER, BOOLEAN] if self._kind is None else [self._kind]:
            fits = self._fits(kind)
            others = pc.and_(known, pc.invert(fits))
            if self._kind is None and not pc.any(fits).as_py():
                continue
            words = frozenset(pc.unique(self._trimmed.filter(others)).to_pylist())
            if not words <= self._candidates:
                continue
            self.type = kind
            self.marks = words
            self._known = fits
            break
        if self.type == NUMBER and self._kind is None and self._integers is not None:
            self.type = INTEGER
        elif self.type == NUMBER and not self._declared_number and self._are_integers:
            self.type, self.marks, self._known = TEXT, frozenset(), known  # more than 64 bits: not to be rounded

    def _fits(self, kind: str) -> Any:
        """The cells that are known and of a type."""
        if kind == BOOLEAN:
            return pc.and_(self._known, self._matches(_BOOLEAN if self._kind is None else _DECLARED_BOOLEAN))
        numbers = pc.and_(self._known, self._number)
        if kind == NUMBER:
            return numbers
        digits = _digits(self._plain)
        whole = pc.and_(numbers, pc.match_substring_regex(digits, _INTEGER))
        try:
            pc.cast(digits.filter(whole), pa.int64())
        except pa.ArrowInvalid:  # one at a time, to find those that have more than 64 bits
            return pa.array([text is not None and _has_64_bits(text) for text in _only(digits, whole).to_pylist()])
        return whole

    @cached_property
    def _number(self) -> Any:
        """Whether each cell is a number in the signs of the file."""
        if self._floats is not None:
            return pc.is_valid(self._floats)
        return self._matches(_number_pattern(self._declaration, leading_zeros=self._declared_number))

    @cached_property
    def _plain(self) -> Any:
        """The numbers with a decimal point and without separators of thousands."""
        plain = self._trimmed
        if self._declaration.thousands:
            plain = pc.replace_substring(plain, self._declaration.thousands, "")
        return plain if self._declaration.decimal == "." else pc.replace_substring(plain, ",", ".")

    @cached_property
    def _floats(self) -> Any:
        """All cells as numbers, null where blank; None if one is no number or may be none: this is the fast way."""
        if self._declaration.decimal != "." or self._declaration.thousands:
            return None
        try:
            floats = pc.cast(_only(self._trimmed, self._known), pa.float64())
        except pa.ArrowInvalid:
            return None
        if not pc.all(pc.is_finite(floats)).as_py() and floats.null_count < len(floats):
            return None  # the words inf and nan, which Arrow takes for numbers
        if self._declared_number:
            return floats
        zeros = self._trimmed.filter(pc.or_(pc.starts_with(self._trimmed, "0"), pc.starts_with(self._trimmed, "-0")))
        return None if _any(pc.match_substring_regex(zeros, "^-?0[0-9]")) else floats

    @cached_property
    def _are_integers(self) -> bool:
        """Whether all known cells are integers; most columns that are not say so early."""
        digits = _digits(self._plain)
        return all(
            not _any(pc.and_(self._known.slice(start, rows), pc.invert(pc.match_substring_regex(part, _INTEGER))))
            for start, rows in ((0, 1000), (1000, len(digits)))
            if len(part := digits.slice(start, rows))
        )

    @cached_property
    def _integers(self) -> Any:
        """The numbers as integers of 64 bits, null where missing; None if they are not all such."""
        if not self._are_integers:
            return None
        try:
            return pc.cast(_only(_digits(self._plain), self._known), pa.int64())
        except pa.ArrowInvalid:
            return None

    def _cell(self, row: int) -> str:
        """The cell as it is in the file, or its beginning."""
        text = self._text[row].as_py()
        return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"

    def _problem(self) -> tuple[int, str] | None:
        """The first row that makes this column ambiguous or has another type than the declared one, and why."""
        if self.type != TEXT or self._is_text:
            return None
        known = pc.and_(self._known, pc.invert(self._among(self._candidates)))
        if self._kind is not None:
            reasons = {
                INTEGER: "which is not an integer of at most 64 bits",
                NUMBER: "which is not a number",
                BOOLEAN: "which is neither true nor false",
            }
            wrong = pc.and_(known, pc.invert(self._fits(self._kind)))
            return pc.index(wrong, True).as_py(), f"{reasons[ColumnType(self._kind)]} (source.columns)"
        wrong = pc.and_(known, pc.invert(self._number))
        count, numbers = pc.sum(known).as_py() or 0, pc.sum(pc.and_(known, self._number)).as_py() or 0
        if not count or numbers == count:
            return None
        way_out = "correct it, or list the column in features.categorical or features.drop"
        first = pc.index(wrong, True).as_py()
        if self._declared_number:
            return first, "which is not a number without separators"
        if self.name == self._declaration.label:
            return None
        sign, separators = ("point", _POINTS) if self._declaration.decimal == "," else ("comma", _COMMAS)
        if not _any(pc.and_(wrong, pc.invert(self._matches(separators)))):
            what = f"where a {sign} may separate thousands or decimals"
            return first, f"{what}: set source.decimal or source.thousands, {way_out}"
        if self._all(self._matches(_DATE), known):
            instead = "replace it with numbers, name it as training.time_column if rows are in time"
            return first, f"a date, which is no feature: {way_out.replace('correct it', instead)}"
        if numbers >= MOSTLY * count and not _any(self._matches(_SEVERAL_DIGITS)):
            return first, f"where almost all other cells are numbers: {way_out}"
        return None

    def values(self, marks: frozenset[str]) -> Any:
        """The cells in the column's type, null where missing; `marks` are missing in text."""
        if self.type == TEXT:
            return _only(self._text, pc.and_(self._known, pc.invert(self._among(marks))))
        if self.type == BOOLEAN:
            lower = pc.utf8_lower(_only(self._trimmed, self._known))
            return pc.if_else(pc.is_valid(lower), _is_in(lower, {"true", "t", "1"}), None)
        if self.type == NUMBER:
            if self._floats is not None:
                return self._floats
            return pc.cast(_only(_digits(self._plain), self._known), pa.float64())
        return self._integers

    def notes(self, marks: dict[str, str]) -> Iterator[str]:
        """What was decided about words that may mean missing, and about numbers that stay text."""
        if self._unused:
            return
        for mark in sorted(self.marks):
            yield f"column {self.name!r}: {self._count(mark)} cells {mark!r} are missing"
        if self.type != TEXT:
            return
        for mark in sorted(set(pc.unique(self._trimmed.filter(self._among(self._candidates))).to_pylist())):
            reason = f"are missing, as in column {marks[mark]!r}" if mark in marks else "are text, not missing"
            yield f"column {self.name!r}: {self._count(mark)} cells {mark!r} {reason}"
        if not self._is_text and _any(self._matches(_SEVERAL_DIGITS)):
            yield f"column {self.name!r} has numbers with leading zeros and is text; features.numeric makes it numbers"

    @cached_property
    def _distinct(self) -> Any:
        """The different cells, and which of them each row has."""
        return pc.dictionary_encode(self._trimmed)

    def _matches(self, pattern: str) -> Any:
        """Which cells match: each different one is tried once."""
        different = pc.match_substring_regex(self._distinct.dictionary, pattern)
        return different.take(self._distinct.indices)

    def _among(self, words: Set[str]) -> Any:
        return _is_in(self._trimmed, words)

    def _all(self, mask: Any, rows: Any = None) -> bool:
        """Whether all cells that are known match."""
        return not _any(pc.and_(self._known if rows is None else rows, pc.invert(mask)))

    def _count(self, word: str) -> int:
        return pc.sum(pc.equal(self._trimmed, word)).as_py()


def _number_pattern(declaration: Declared, leading_zeros: bool) -> str:
    sign = "," if declaration.decimal == "," else r"\."
    digits = "[0-9]+" if leading_zeros else "(0|[1-9][0-9]*)"
    if declaration.thousands:
        group = r"\." if declaration.thousands == "." else declaration.thousands
        digits = f"({digits}|[1-9][0-9]{{0,2}}({group}[0-9]{{3}})+)"
    return rf"^[+-]?({digits}({sign}[0-9]*)?|{sign}[0-9]+)([eE][+-]?[0-9]+)?$"


def _whole(cells: Any) -> Any:
    """An array in one piece."""
    return cells.combine_chunks() if isinstance(cells, pa.ChunkedArray) else cells


def _is_in(array: Any, words: Set[str]) -> Any:
    if not words - {""}:
        return pc.and_(pc.equal(pc.binary_length(array), 0), bool(words))
    return pc.is_in(array, pa.array(sorted(words), pa.large_string()))


def _digits(numbers: Any) -> Any:
    """Numbers without the plus sign, which Arrow does not read."""
    return pc.utf8_ltrim(numbers, "+") if _any(pc.starts_with(numbers, "+")) else numbers


def _has_64_bits(digits: str) -> bool:
    return len(digits.lstrip("-0")) < len(str(2**63)) + 1 and -(2**63) <= int(digits) < 2**63


def _only(array: Any, rows: Any) -> Any:
    """The array with null in the other rows."""
    return pc.if_else(rows, array, None)


def _any(mask: Any) -> bool:
    return bool(pc.any(mask).as_py())
