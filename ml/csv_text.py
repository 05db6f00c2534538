"""From the bytes of a CSV file to cells of text: compression, encoding, header, delimiter.

What the cells mean is decided in `ml.columns`.
"""

import csv
import io
import itertools
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from ml import columns
from ml.errors import DataError
from ml.settings import Settings

_DELIMITERS = {";": "semicolon", "\t": "tab", "|": "bar", ",": "comma", ":": "colon"}

# By their first bytes. Compressed text is read; the others are named, because they are no text.
_COMPRESSIONS = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
_FOREIGN = {
    b"PAR1": "a parquet file, set source.format to parquet",
    b"PK\x03\x04": "a zip archive or an Excel workbook, store the CSV file itself",
    b"\xd0\xcf\x11\xe0": "an Excel workbook, store a CSV file",
    b"BZh": "compressed with bzip2, use gzip or zstd",
    b"\xfd7zXZ\x00": "compressed with xz, use gzip or zstd",
}
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


class _Dialect(NamedTuple):
    """How the text is written."""

    delimiter: str = ","
    encoding: str | None = None
    """None: UTF-8, with or without a byte order mark."""


def parse(content: bytes, where: str, settings: Settings | None = None) -> columns.Typed:
    """A table from delimited text with a header; raises DataError naming the file and the place.

    `where` names the file. Spaces around names and before cells are no part of them.
    """
    dialect = _dialect(settings)
    text = _text(content, dialect.encoding, where)
    try:
        reader = csv.reader(_lines(text), strict=True, skipinitialspace=True, delimiter=dialect.delimiter)
        rows = filter(None, reader)  # not the blank lines
        header, first = next(rows, []), next(rows, None)
    except csv.Error as error:
        raise DataError(f"{where} is not {_DELIMITERS[dialect.delimiter]}-separated text ({error})") from None
    others = [sign for sign in _DELIMITERS if sign not in (dialect.delimiter, ":")]  # a colon may stand in a name
    if len(header) == 1 and (found := next((sign for sign in others if sign in header[0]), None)):
        raise DataError(
            f"{where} has one column {shorten(header[0])!r}: its columns seem to be separated by "
            f"{_DELIMITERS[found]}s, set source.delimiter to {found!r}"
        )
    header = [name.strip() for name in header]
    check_names(header, where)
    if first is None:
        raise DataError(f"{where} has a header but no rows")
    if len(first) > len(header):  # pandas would take the surplus for row labels and shift every column
        raise DataError(f"{where} has {len(first)} cells in its first row under {len(header)} column names")
    cells = _plain_cells(text, header, dialect) or _cells(text, header, dialect, where)
    declaration = columns.declared(settings, header, where) if settings else columns.Declared()
    return columns.typed(cells, declaration, where, lambda row: f"line {_line(text, row, dialect)}")


def check_names(names: list[str], where: str) -> None:
    """Raises DataError unless every column has a name of its own."""
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise DataError(f"{where} has two columns named {twice[0]!r}")
    if unnamed := [number for number, name in enumerate(names, 1) if not name.strip()]:
        raise DataError(f"{where} has no name for its column {unnamed[0]}")


def shorten(text: str, length: int = 200) -> str:
    """The beginning of a text that may be long."""
    return text if len(text) <= length else f"{text[: length - 1]}…"


def _dialect(settings: Settings | None) -> _Dialect:
    source = settings.source if settings else None
    return _Dialect(getattr(source, "delimiter", None) or ",", getattr(source, "encoding", None))


def _text(content: bytes, encoding: str | None, where: str) -> str:
    for start, compression in _COMPRESSIONS.items():
        if content.startswith(start):
            try:
                content = pa.input_stream(pa.BufferReader(content), compression=compression).read()
            except OSError as error:
                raise DataError(f"{where} is compressed with {compression} but damaged ({error})") from None
    if not content.strip():
        raise DataError(f"{where} is empty")
    for start, kind in _FOREIGN.items():
        if content.startswith(start):
            raise DataError(f"{where} is {kind}")
    if encoding is None and content.startswith(_UTF_16):
        raise DataError(f"{where} is UTF-16 text, set source.encoding to utf-16")
    try:
        text = content.decode(encoding or "utf-8-sig").removeprefix("\ufeff")
        if encoding is not None:
            text.encode()  # some of Python's encodings can make what is no text
    except UnicodeError as error:
        name = encoding or "UTF-8"
        if not isinstance(error, UnicodeDecodeError):
            raise DataError(f"{where} is not {name} text ({error})") from None
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(f"{where} is not {name} text (byte 0x{error.object[error.start]:02x} in line {line})") from None
    if text.lstrip()[:15].casefold().startswith(("<!doctype html", "<html")):
        raise DataError(f"{where} is an HTML page, which servers send instead of a file when they refuse a download")
    return text


def _plain_cells(text: str, header: list[str], dialect: _Dialect) -> dict[str, Any] | None:
    """The cells of a file without quotes; None if it has some, or rows of different lengths.

    Arrow reads ten times as fast as pandas, but accepts a quote that nobody closes.
    """
    if '"' in text or len(header) == 1:
        return None
    names = [f"f{i}" for i in range(len(header))]
    try:
        table = pyarrow.csv.read_csv(
            pa.BufferReader(text.encode()),
            pyarrow.csv.ReadOptions(column_names=names),
            pyarrow.csv.ParseOptions(delimiter=dialect.delimiter, quote_char=False),
            pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.large_string()), strings_can_be_null=False),
        )
    except pa.ArrowInvalid:
        return None
    table = table.slice(1)  # the header
    return {name: pc.utf8_ltrim(table[i], " ") for i, name in enumerate(header)}


def _cells(text: str, header: list[str], dialect: _Dialect, where: str) -> dict[str, Any]:
    """The cells of any file; a row that is too short ends with missing cells."""
    try:
        frame = pd.read_csv(
            io.StringIO(text), dtype="str", na_filter=False, skipinitialspace=True, sep=dialect.delimiter
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        reason = str(error).strip().removeprefix("Error tokenizing data. C error: ")
        raise DataError(f"{where} is not a table ({reason})") from None
    return {name: pa.array(frame.iloc[:, i], pa.large_string()) for i, name in enumerate(header)}


def _lines(text: str) -> Iterator[str]:
    """The lines of a long text one by one, without a copy of it."""
    return (line[0] for line in re.finditer(r"[^\n]*\n|[^\n]+", text))


def _line(text: str, row: int, dialect: _Dialect) -> int:
    """The line of the file on which a row, counted from 0 without the header, ends: cells may have several lines."""
    reader = csv.reader(_lines(text), strict=True, skipinitialspace=True, delimiter=dialect.delimiter)
    rows = (reader.line_num for cells in reader if cells)
    return next(itertools.islice(rows, row + 1, None))
