"""Tables whose columns have types already: parquet files, and the rows of queries.

A column keeps its type unless the settings declare another one. Columns that are not used are not looked at: each is
handed on without its values.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet
from pulumi_mlops.contract.settings import ColumnType

from ml import columns, text_column
from ml.column_store import Table, Writer
from ml.errors import DataError
from ml.files import UNNAMED_INDEX, Files
from ml.settings import Settings

_ARROW = {
    ColumnType.INTEGER: (pa.int64(), "which is not an integer of at most 64 bits"),
    ColumnType.NUMBER: (pa.float64(), "which is not exactly a 64-bit floating-point number"),
    ColumnType.BOOLEAN: (pa.bool_(), "which is neither true nor false"),
    ColumnType.TEXT: (pa.large_string(), "which cannot be text"),
}


class Parquet:
    """A parquet file, with what stands in pandas' own metadata alone: an index that is a range, numbers as categories.

    Raises DataError if it cannot be read; `where` names it.
    """

    def __init__(self, path: Path, where: str) -> None:
        self._path, self._where = path, where
        with self._reading(), pyarrow.parquet.ParquetFile(path) as file:  # closed: a source may have thousands
            self._metadata, self._schema = file.metadata, file.schema_arrow
        metadata: dict[str, Any] = self._schema.pandas_metadata or {}
        self._ranges = {
            str(index["name"]): range(index["start"], index["stop"], index["step"])
            for index in metadata.get("index_columns", ())
            if isinstance(index, dict) and index.get("name") is not None and index["name"] not in self._schema.names
        }
        self._categories = {
            column.get("field_name")
            for column in metadata.get("columns", ())
            if column.get("pandas_type") == "categorical"
        }
        self.names = [*self._schema.names, *self._ranges]
        self.rows = self._metadata.num_rows

    def kind(self, name: str) -> Any:
        """See `ml.files.Source`."""
        return pa.int64() if name in self._ranges else self._schema.field(name).type

    def column(self, name: str) -> pa.ChunkedArray:
        """See `ml.files.Source`."""
        if name in self._ranges:
            return pa.chunked_array([pa.array(np.array(self._ranges[name]))])
        with self._reading(), pyarrow.parquet.ParquetFile(self._path, metadata=self._metadata) as file:
            column = file.read(columns=[name], use_threads=False).column(0)
        is_category = name in self._categories and not pa.types.is_dictionary(column.type)
        return column.dictionary_encode() if is_category else column

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except (pa.ArrowException, OSError, ValueError) as error:
            reason = str(error).strip().splitlines()[0].rstrip(".")
            raise DataError(f"{self._where} is not a readable parquet file ({reason})") from None


def typed(source: Files, settings: Settings | None, where: str, directory: Path) -> columns.Typed:
    """Writes the table with types into `directory`; raises DataError by column, row and cell. `where` names the source.

    Reads one column after the other.
    """
    names = [name for name in source.names if not name.startswith(UNNAMED_INDEX)]
    notes = ["the index of the table has no name and is left out"] if len(names) < len(source.names) else []
    declared = columns.declared(settings, names, where) if settings else text_column.Declared()
    at = text_column.Where(where, source.place)
    for name in names:
        if name not in declared.unused:
            for part, kind in source.kinds(name):
                _check_kind(kind, name, part)
            if name not in declared.types:
                source.check_one_kind(name)
    types: dict[str, str] = {}
    with Writer(directory) as written:
        for name in names:
            if name in declared.unused:
                written.append(name, pa.nulls(source.rows))
                continue
            cells, kind, said = _typed(source.column(name), name, declared, at, infer=name in source.partitioned)
            written.append(name, cells)
            types |= {name: kind} if kind else {}
            notes += said
        return columns.Typed(written.close(names), types, notes)


def _typed(
    column: pa.ChunkedArray, name: str, declared: text_column.Declared, at: text_column.Where, *, infer: bool
) -> tuple[Any, str, list[str]]:
    """The cells in the column's type; that type if it is declared or was inferred from text; notes."""
    kind = declared.types.get(name)
    if pa.types.is_dictionary(column.type) and (kind or name in declared.numeric):
        column = pc.cast(column, column.type.value_type)
    array: Any = column.combine_chunks()
    becomes_number = kind not in (None, ColumnType.TEXT) or (not kind and name in declared.numeric)
    if _is_text(array.type) and (becomes_number or infer):
        text = text_column.Column(name, array, declared, at)
        marks = dict.fromkeys(text.marks, name)
        return text.values(frozenset(marks)), text.type, list(text.notes(marks))
    if kind:
        return _converted(array, ColumnType(kind), name, at), kind, []
    if _is_text(array.type) and name not in declared.categorical and name != declared.label:
        _refuse_numbers(array, name, at.name)
    return array, "", []


def spool(chunks: Iterable[list[Any]], names: list[str], unused: Iterable[str], where: str, directory: Path) -> Table:
    """The rows of a query as a table; raises DataError naming a column whose cells have no common type."""
    left_out = set(unused)
    with Writer(directory) as written:
        empty = True
        for rows in chunks:
            empty = False
            for name, values in zip(names, zip(*rows, strict=True), strict=True):
                try:
                    written.append(name, pa.nulls(len(rows)) if name in left_out else pa.array(values))
                except (pa.ArrowException, OverflowError) as error:
                    raise _foreign(name, where, error) from None
        if empty:
            raise DataError(f"{where} has no rows")
        table = written.close(names)
    for name in names:
        try:
            table.kind(name)
        except pa.ArrowException as error:
            raise _foreign(name, where, error) from None
    return table


def _foreign(name: str, where: str, error: Exception) -> DataError:
    reason = str(error).splitlines()[0]
    return DataError(
        f"column {name!r} of {where} holds values of mixed or foreign types ({reason}), only numbers, text and "
        "true/false can be learned from: add it to features.drop, or select something else"
    )


def _check_kind(kind: Any, name: str, where: str) -> None:
    """Raises DataError if nothing can be learned from cells of this type."""
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    tests: dict[str, Callable[[Any], bool]] = {
        "lists": lambda t: pa.types.is_list(t) or pa.types.is_large_list(t) or pa.types.is_fixed_size_list(t),
        "structs": pa.types.is_struct,
        "maps": pa.types.is_map,
        "bytes": lambda t: pa.types.is_binary(t) or pa.types.is_large_binary(t) or pa.types.is_fixed_size_binary(t),
        "values of an extension type": lambda t: isinstance(t, pa.BaseExtensionType),
    }
    if held := next((word for word, test in tests.items() if test(kind)), None):
        raise DataError(
            f"column {name!r} of {where} holds {held}, only numbers, text and true/false can be learned from: "
            "add it to features.drop"
        )


def _is_text(kind: Any) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)


def _converted(array: Any, kind: ColumnType, name: str, at: text_column.Where) -> Any:
    """The column in its declared type, if every cell can be that without a change of its value."""
    target, reason = _ARROW[kind]

    def fits(start: int, rows: int) -> bool:
        part = array.slice(start, rows)
        try:
            cast = pc.cast(part, target)
            if kind != ColumnType.BOOLEAN:
                return True
            changed = pc.not_equal(pc.cast(cast, part.type), part)  # Arrow takes 2 for true
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            return False
        return not pc.any(changed).as_py()

    if fits(0, len(array)):
        return pc.cast(array, target)
    start, rows = 0, len(array)
    while rows > 1:
        half = rows // 2
        start, rows = (start, half) if not fits(start, half) else (start + half, rows - half)
    raise DataError(
        f"column {name!r} of {at.name} has {array[start].as_py()!r} in {at.place(start)}, {reason} (source.columns)"
    )


def _refuse_numbers(array: Any, name: str, where: str) -> None:
    """Text of numbers alone would be a category a number: whether it is that is not ours to guess."""
    if array.null_count == len(array):
        return
    inferred = text_column.Column(name, array, text_column.Declared(missing=frozenset()), text_column.Where(where)).type
    if inferred in (ColumnType.INTEGER, ColumnType.NUMBER):
        raise DataError(
            f"column {name!r} of {where} is text but all of its cells are numbers: say in source.columns whether it is "
            "text, integer or number"
        )
