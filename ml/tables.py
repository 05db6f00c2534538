"""Tables whose columns have types already: parquet files, and the rows of queries.

A column keeps its type unless the settings declare another one. Columns that are not used are not looked at: each is
handed on without its values.
"""

from collections.abc import Callable, Iterable
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pulumi_mlops.contract.settings import ColumnType

from ml import columns
from ml.errors import DataError
from ml.settings import Settings

_UNNAMED_INDEX = "__index_level_"  # how pandas writes an index that has no name
_NULLABLE = {
    pa.int8(): pd.Int8Dtype(),
    pa.int16(): pd.Int16Dtype(),
    pa.int32(): pd.Int32Dtype(),
    pa.int64(): pd.Int64Dtype(),
    pa.uint8(): pd.UInt8Dtype(),
    pa.uint16(): pd.UInt16Dtype(),
    pa.uint32(): pd.UInt32Dtype(),
    pa.uint64(): pd.UInt64Dtype(),
    pa.bool_(): pd.BooleanDtype(),
}
"""Types of pandas that keep integers and booleans as they are beside missing cells."""
_ARROW = {
    ColumnType.INTEGER: (pa.int64(), "which is not an integer of at most 64 bits"),
    ColumnType.NUMBER: (pa.float64(), "which is not exactly a 64-bit floating-point number"),
    ColumnType.BOOLEAN: (pa.bool_(), "which is neither true nor false"),
    ColumnType.TEXT: (pa.large_string(), "which cannot be text"),
}


def typed(table: pa.Table, settings: Settings | None, where: str) -> columns.Typed:
    """The table as a frame; raises DataError by column, row and cell. `where` names the source."""
    unnamed = [name for name in table.column_names if name.startswith(_UNNAMED_INDEX)]
    table = table.drop_columns(unnamed)
    notes = ["the index of the table has no name and is left out"] if unnamed else []
    names = table.column_names
    declared = columns.declared(settings, names, where) if settings else columns.Declared()
    series: dict[str, pd.Series] = {}
    types: dict[str, str] = {}
    for name in names:
        if name in declared.unused:
            series[name] = pd.Series([None] * table.num_rows, dtype=object)
            continue
        kind = declared.types.get(name)
        array = _supported(table[name], name, where)
        if pa.types.is_dictionary(array.type) and (kind or name in declared.numeric):
            array = array.dictionary_decode()
        if _is_text(array.type) and (kind not in (None, ColumnType.TEXT) or (not kind and name in declared.numeric)):
            read = columns.typed({name: array}, declared, where, _row)
            series[name], types[name] = read.frame[name], read.types[name]
            notes += read.notes
            continue
        if kind:
            array, types[name] = _converted(array, ColumnType(kind), name, where), kind
        elif _is_text(array.type) and name not in declared.categorical and name != declared.label:
            _refuse_numbers(array, name, where)
        series[name] = _series(array)
    return columns.Typed(pd.DataFrame(series), types, notes)


def as_pandas_wrote_it(table: pa.Table) -> pa.Table:
    """The table with what stands in pandas' own metadata alone: an index that is a range, and categories of numbers."""
    metadata: dict[str, Any] = table.schema.pandas_metadata or {}
    for index in metadata.get("index_columns", ()):
        if isinstance(index, dict) and index.get("name") is not None and index["name"] not in table.column_names:
            table = table.append_column(
                str(index["name"]), pa.array(range(index["start"], index["stop"], index["step"]))
            )
    for column in metadata.get("columns", ()):
        name = column.get("field_name")
        if column.get("pandas_type") == "categorical" and name in table.column_names:
            position, array = table.column_names.index(name), table[name]
            if not pa.types.is_dictionary(array.type):
                table = table.set_column(position, name, array.dictionary_encode())
    return table


def of_rows(chunks: Iterable[list[Any]], names: list[str], unused: Iterable[str], where: str) -> pa.Table:
    """A table from the rows of a query; raises DataError naming a column whose cells have no common type."""
    left_out = set(unused)
    parts: list[pa.Table] = []
    for rows in chunks:
        cells: dict[str, Any] = {}
        for name, values in zip(names, zip(*rows, strict=True), strict=True):
            try:
                cells[name] = pa.nulls(len(rows)) if name in left_out else pa.array(values)
            except (pa.ArrowException, OverflowError) as error:
                raise _foreign(name, where, error) from None
        parts.append(pa.table(cells))
    if not parts:
        raise DataError(f"{where} has no rows")
    for name in names:
        try:
            pa.concat_tables([part.select([name]) for part in parts], promote_options="permissive")
        except pa.ArrowException as error:
            raise _foreign(name, where, error) from None
    return pa.concat_tables(parts, promote_options="permissive")


def _foreign(name: str, where: str, error: Exception) -> DataError:
    reason = str(error).splitlines()[0]
    return DataError(
        f"column {name!r} of {where} holds values of mixed or foreign types ({reason}), only numbers, text and "
        "true/false can be learned from: add it to features.drop, or select something else"
    )


def _row(row: int) -> str:
    return f"row {row + 1}"


def _supported(array: pa.ChunkedArray, name: str, where: str) -> Any:
    """The column in one piece; raises DataError if nothing can be learned from its type."""
    kind = array.type.value_type if pa.types.is_dictionary(array.type) else array.type
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
    return array.combine_chunks()


def _is_text(kind: Any) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)


def _converted(array: Any, kind: ColumnType, name: str, where: str) -> Any:
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
        f"column {name!r} of {where} has {array[start].as_py()!r} in {_row(start)}, {reason} (source.columns)"
    )


def _refuse_numbers(array: Any, name: str, where: str) -> None:
    """Text of numbers alone would be a category a number: whether it is that is not ours to guess."""
    if array.null_count == len(array):
        return
    inferred = columns.typed({name: array}, columns.Declared(missing=frozenset()), where, _row).types[name]
    if inferred in (ColumnType.INTEGER, ColumnType.NUMBER):
        raise DataError(
            f"column {name!r} of {where} is text but all of its cells are numbers: say in source.columns whether it is "
            "text, integer or number"
        )


def _series(array: Any) -> pd.Series:
    """The column as pandas has it; integers and booleans stay what they are beside missing cells."""
    nullable = _NULLABLE.get(array.type) if array.null_count else None
    return array.to_pandas(types_mapper={array.type: nullable}.get) if nullable else array.to_pandas()
