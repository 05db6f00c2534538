"""From a CSV file to cells of text: compression, encoding, header, delimiter.

The file is read some rows at a time. What the cells mean is decided in `ml.columns`.
"""

import codecs
import csv
import itertools
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TextIO

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from ml import columns, files, text_column
from ml.column_store import BATCH_ROWS, Table, Writer
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
_START = 8  # bytes that tell a format
_CHUNK = 2**23
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_BYTE_ORDERS = {"utf-16": _UTF_16, "utf-32": (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)}


class _Dialect(NamedTuple):
    """How the text is written."""

    delimiter: str = ","
    encoding: str | None = None
    """None: UTF-8, with or without a byte order mark."""


class Copy(NamedTuple):
    """A file that holds an object, or is one."""

    path: Path
    where: str
    """The object in words of the user."""
    partitions: Mapping[str, str | None]
    """See `ml.files.partitions`."""


def read(copies: Sequence[Copy], where: str, settings: Settings | None, directory: Path) -> columns.Typed:
    """A table from files of delimited text with a header; raises DataError naming the file and the place.

    `where` names all of them. Spaces around names and before cells are no part of them. The table and what is needed to
    make it are written into `directory`.
    """
    dialect = _dialect(settings)
    cells = directory / "cells"
    shutil.rmtree(cells, ignore_errors=True)  # of a try that was killed
    cells.mkdir(parents=True)
    table = files.Files([_cells(copy, dialect, cells / str(number)) for number, copy in enumerate(copies)])
    declaration = columns.declared(settings, table.names, where) if settings else text_column.Declared()
    typed = columns.typed(table, declaration, text_column.Where(where, table.place), directory / "typed")
    shutil.rmtree(cells)
    return typed


def _cells(copy: Copy, dialect: _Dialect, directory: Path) -> files.File:
    """The cells of one file as they are; `directory` has to stay as long as they are read."""
    directory.mkdir()
    text = directory / "text.csv"
    quoted = _decode(copy.path, text, dialect.encoding, copy.where)
    header = _header(text, dialect, copy.where)
    table = None if quoted else _plain_cells(text, header, dialect, directory / "text")
    table = table or _any_cells(text, header, dialect, directory / "text", copy.where)
    place = text_column.Where(copy.where, lambda row: f"line {_line(text, row, dialect)}")
    return files.File(table, place, copy.partitions)


def _header(text: Path, dialect: _Dialect, where: str) -> list[str]:
    """The names of the columns; the file has rows under them."""
    try:
        with _opened(text) as lines:
            reader = csv.reader(lines, strict=True, skipinitialspace=True, delimiter=dialect.delimiter)
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
    return header


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


def _decode(path: Path, text: Path, encoding: str | None, where: str) -> bool:
    """Writes the file as UTF-8 without a byte order mark; whether it has quotes."""
    with path.open("rb") as stream:
        start = stream.read(_START)
    compression = next((name for sign, name in _COMPRESSIONS.items() if start.startswith(sign)), None)
    quoted, blank, first, lines = False, True, True, 1
    with pa.input_stream(str(path), compression=compression) as stream, text.open("wb") as decoded:
        while True:
            try:
                chunk = stream.read(_CHUNK)
            except OSError as error:
                raise DataError(f"{where} is compressed with {compression} but damaged ({error})") from None
            if first:
                _refuse_foreign(chunk, encoding, where)
                decoder = _decoder(encoding or "utf-8", chunk)
            try:
                part = decoder.decode(chunk, final=not chunk)
                part = part.removeprefix("\ufeff") if first else part
                content = part.encode()  # some of Python's encodings can make what is no text
            except UnicodeError as error:
                name = encoding or "UTF-8"
                if not isinstance(error, UnicodeDecodeError):
                    raise DataError(f"{where} is not {name} text ({error})") from None
                line = lines + error.object.count(b"\n", 0, error.start)
                raise DataError(
                    f"{where} is not {name} text (byte 0x{error.object[error.start]:02x} in line {line}): set "
                    "source.encoding to that of the file, such as windows-1252"
                ) from None
            if first and part.lstrip()[:15].casefold().startswith(("<!doctype html", "<html")):
                raise DataError(
                    f"{where} is an HTML page, which servers send instead of a file when they refuse a download"
                )
            decoded.write(content)
            quoted, blank, first = quoted or '"' in part, blank and not part.strip(), False
            lines += chunk.count(b"\n")
            if not chunk:
                break
    if blank:
        raise DataError(f"{where} is empty")
    return quoted


def _decoder(encoding: str, start: bytes) -> codecs.IncrementalDecoder:
    """Unlike the whole text at once, Python decodes parts of UTF-16 and UTF-32 only after a byte order mark."""
    name = codecs.lookup(encoding).name
    if name in _BYTE_ORDERS and not start.startswith(_BYTE_ORDERS[name]):
        name += "-le"
    return codecs.getincrementaldecoder(name)()


def _refuse_foreign(content: bytes, encoding: str | None, where: str) -> None:
    if not content.strip():
        return
    for start, kind in _FOREIGN.items():
        if content.startswith(start):
            raise DataError(f"{where} is {kind}")
    if encoding is None and content.startswith(_UTF_16):
        raise DataError(f"{where} is UTF-16 text, set source.encoding to utf-16")


def _plain_cells(text: Path, header: list[str], dialect: _Dialect, directory: Path) -> Table | None:
    """The cells of a file without quotes, as a table of text; None if it has rows of different lengths.

    Arrow reads ten times as fast as pandas, but accepts a quote that nobody closes.
    """
    if len(header) == 1:
        return None
    names = [f"f{i}" for i in range(len(header))]
    try:
        reader = pyarrow.csv.open_csv(
            str(text),
            pyarrow.csv.ReadOptions(column_names=names, block_size=_CHUNK),
            pyarrow.csv.ParseOptions(delimiter=dialect.delimiter, quote_char=False),
            pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.large_string()), strings_can_be_null=False),
        )
        with Writer(directory) as written:
            skip = 1  # the header
            for batch in reader:
                rows = batch.slice(skip)
                skip = 0 if batch.num_rows else skip
                for i, name in enumerate(header):
                    written.append(name, pc.utf8_ltrim(rows.column(i), " "))
            return written.close(header)
    except pa.ArrowInvalid:
        return None


def _any_cells(text: Path, header: list[str], dialect: _Dialect, directory: Path, where: str) -> Table:
    """The cells of any file, as a table of text; a row that is too short ends with missing cells."""
    try:
        parts = pd.read_csv(
            text, dtype="str", na_filter=False, skipinitialspace=True, sep=dialect.delimiter, chunksize=BATCH_ROWS
        )
        with parts, Writer(directory) as written:
            for frame in parts:
                for i, name in enumerate(header):
                    written.append(name, pa.array(frame.iloc[:, i], pa.large_string()))
            return written.close(header)
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        reason = str(error).strip().removeprefix("Error tokenizing data. C error: ")
        raise DataError(f"{where} is not a table ({reason})") from None


def _opened(text: Path) -> TextIO:
    """The text, its lines ended by line feeds alone."""
    return text.open(encoding="utf-8", newline="\n")


def _line(text: Path, row: int, dialect: _Dialect) -> int:
    """The line of the file on which a row, counted from 0 without the header, ends: cells may have several lines."""
    with _opened(text) as lines:
        reader = csv.reader(lines, strict=True, skipinitialspace=True, delimiter=dialect.delimiter)
        rows = (reader.line_num for cells in reader if cells)
        return next(itertools.islice(rows, row + 1, None))
