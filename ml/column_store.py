"""A table on disk, one file a column: it is read a column at a time or some rows at a time, never whole.

Memory therefore grows with the longest column, not with the table. Files are Arrow's IPC format, compressed; the index
`columns.json` is written last, so a table is there completely or not at all.
"""

import json
import os
import resource
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self

import pyarrow as pa

from ml.bundle_writer import json_bytes, replace_durably

INDEX = "columns.json"
BATCH_ROWS = 50_000
_OPTIONS = pa.ipc.IpcWriteOptions(compression="lz4", unify_dictionaries=True)


class Table:
    """The rows that a `Writer` has written."""

    def __init__(self, directory: Path, renames: Mapping[str, str] | None = None) -> None:
        index = json.loads((directory / INDEX).read_bytes())
        self.rows: int = index["rows"]
        self._directory = directory
        new = renames or {}
        self._files: list[tuple[str, list[str]]] = [(new.get(name, name), files) for name, files in index["columns"]]

    @property
    def names(self) -> list[str]:
        """The columns, in the order of the source; after renames, two may have one name."""
        return [name for name, _ in self._files]

    def renamed(self, new: Mapping[str, str]) -> "Table":
        """The same table, its columns under new names."""
        return Table(self._directory, new)

    def kind(self, name: str) -> Any:
        """The Arrow type of a column."""
        return self._concatenated(name, [reader.schema.empty_table() for reader in self._readers(name)]).type

    def column(self, name: str) -> pa.ChunkedArray:
        """All cells of a column; raises pyarrow.ArrowException if its parts have no common type."""
        return self._concatenated(name, [reader.read_all() for reader in self._readers(name)])

    def batches(self, names: Iterable[str]) -> Iterator[dict[str, pa.Array]]:
        """The rows from the first to the last, at most BATCH_ROWS at a time."""
        _allow_a_file_a_column()
        columns = {name: self._cells(name) for name in names}
        for cells in zip(*columns.values(), strict=True):
            yield dict(zip(columns, cells, strict=True))

    def _cells(self, name: str) -> Iterator[pa.Array]:
        for reader in self._readers(name):
            for number in range(reader.num_record_batches):
                yield reader.get_batch(number).column(0)

    def _readers(self, name: str) -> Iterator[pa.ipc.RecordBatchFileReader]:
        for file in dict(self._files)[name]:
            with pa.OSFile(str(self._directory / file)) as stream, pa.ipc.open_file(stream) as reader:
                yield reader

    @staticmethod
    def _concatenated(name: str, parts: list[pa.Table]) -> pa.ChunkedArray:
        return pa.concat_tables(parts, promote_options="permissive").column(0)


class Writer:
    """Writes the columns of a table into a directory of their own: each at once, or in parts of the same rows.

    A context manager, which closes the files if something goes wrong.
    """

    def __init__(self, directory: Path) -> None:
        shutil.rmtree(directory, ignore_errors=True)  # of a try that was killed
        directory.mkdir(parents=True)
        self._directory = directory
        self._columns: dict[str, _ColumnFiles] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for column in self._columns.values():
            column.close()

    def append(self, name: str, cells: pa.Array | pa.ChunkedArray) -> None:
        """Adds cells at the end of a column; a part of another type than the one before is kept as it is."""
        if name not in self._columns:
            self._columns[name] = _ColumnFiles(self._directory, len(self._columns))
        self._columns[name].append(cells)

    def close(self, names: Iterable[str]) -> Table:
        """Writes the index, the columns in this order; the table can be read from now on."""
        columns = [(name, self._columns[name].close()) for name in names]
        rows = {self._columns[name].rows for name, _ in columns}
        if len(rows) != 1:
            raise ValueError(f"the columns must have the same rows, got {sorted(rows)}")
        replace_durably(self._directory / INDEX, json_bytes({"rows": rows.pop(), "columns": columns}))
        return Table(self._directory)


class _ColumnFiles:
    """The files of one column: one, as long as all of its cells have one type."""

    def __init__(self, directory: Path, number: int) -> None:
        self._directory, self._number = directory, number
        self._files: list[str] = []
        self._schema: pa.Schema | None = None
        self._stream: Any = None
        self._writer: Any = None
        self.rows = 0

    def append(self, cells: pa.Array | pa.ChunkedArray) -> None:
        table = pa.table({"c": cells})
        if pa.types.is_dictionary(table.schema.field(0).type):
            table = table.combine_chunks()  # one dictionary
        if table.schema != self._schema:
            self._end()
            self._begin(table.schema)
        self._writer.write_table(table.combine_chunks(), max_chunksize=BATCH_ROWS)
        self.rows += table.num_rows

    def close(self) -> list[str]:
        self._end()
        return self._files

    def _begin(self, schema: pa.Schema) -> None:
        _allow_a_file_a_column()
        name = f"{self._number:05}-{len(self._files)}.arrow"
        self._files.append(name)
        self._schema = schema
        self._stream = (self._directory / name).open("wb")
        self._writer = pa.ipc.new_file(self._stream, schema, options=_OPTIONS)

    def _end(self) -> None:
        if self._writer is None:
            return
        writer, self._writer = self._writer, None
        with self._stream as stream:
            writer.close()
            stream.flush()
            os.fsync(stream.fileno())


def _allow_a_file_a_column() -> None:
    """Lets this process open as many files as the system allows it: many tables have more than 1024 columns."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
