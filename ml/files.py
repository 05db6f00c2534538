"""The rows of several files as one table, one file after the other; columns that only the files' paths have are text.

A single file, or the rows of a query, are the simplest case of it.
"""

import itertools
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol
from urllib.parse import unquote

import pyarrow as pa

from ml.columns import listed
from ml.errors import DataError
from ml.text_column import Where

UNNAMED_INDEX = "__index_level_"
"""How pandas writes an index that has no name."""
_MISSING = "__HIVE_DEFAULT_PARTITION__"
_NO_PARTITIONS: Mapping[str, str | None] = MappingProxyType({})


class Source(Protocol):
    """A table as it came."""

    names: list[str]
    rows: int

    def kind(self, name: str) -> Any:
        """The Arrow type of a column."""
        ...

    def column(self, name: str) -> pa.ChunkedArray:
        """All cells of a column."""
        ...


class File(NamedTuple):
    """The rows of one file."""

    source: Source
    at: Where
    partitions: Mapping[str, str | None] = _NO_PARTITIONS
    """What its path says about all of its rows, see `partitions`."""


def partitions(path: str) -> dict[str, str | None]:
    """The columns of a path below a data set's directory, as Hive writes them: `year=2026/month=01/part-0.csv`.

    Raises DataError if a column has no name, or two have the same.
    """
    pairs = [part.split("=", 1) for part in path.split("/")[:-1] if "=" in part]
    found = {unquote(name): None if value == _MISSING else unquote(value) for name, value in pairs}
    if len(found) < len(pairs) or not all(map(str.strip, found)):
        raise DataError(f"each part of a path with = must name a column of its own, got {path!r}")
    return found


class Files:
    """The rows of all files. `names` are the columns of the first, then those of its path.

    Raises DataError, with the names of both, if two files have different columns.
    """

    def __init__(self, files: Sequence[File]) -> None:
        self._files = files
        first = files[0]
        self.partitioned = frozenset(first.partitions)
        """The columns that only paths have."""
        self.names = [*first.source.names, *first.partitions]
        self.rows = sum(file.source.rows for file in files)
        self._ends = list(itertools.accumulate(file.source.rows for file in files))
        for file in files:
            if both := sorted(set(file.partitions) & set(file.source.names)):
                raise DataError(f"{file.at.name} has a column {both[0]!r}, and so has its path")
            for kind, here, there in (
                ("columns", _named(file.source.names), _named(first.source.names)),
                ("columns in its path", set(file.partitions), set(first.partitions)),
            ):
                if here != there:
                    raise DataError(
                        f"{file.at.name} and {first.at.name} do not have the same {kind}: "
                        f"{listed(sorted(here ^ there))} in only one of them"
                    )

    def place(self, row: int) -> str:
        """Where a row, counted from 0, stands."""
        number = bisect_right(self._ends, row)
        file = self._files[number]
        place = file.at.place(row - (self._ends[number - 1] if number else 0))
        return f"{place} of {file.at.name}" if len(self._files) > 1 else place

    def kinds(self, name: str) -> Iterator[tuple[str, Any]]:
        """The file's name and the Arrow type of a column, of each file that has another type than those before."""
        seen: list[Any] = []
        for file in self._files:
            kind = pa.large_string() if name in self.partitioned else file.source.kind(name)
            if kind not in seen:
                seen.append(kind)
                yield file.at.name, kind

    def check_one_kind(self, name: str) -> None:
        """Raises DataError if a column has different types in two files, other than no value at all."""
        kinds = [(where, _bare(kind)) for where, kind in self.kinds(name) if not pa.types.is_null(kind)]
        for where, kind in kinds:
            if kind != kinds[0][1]:
                raise DataError(
                    f"column {name!r} is {kinds[0][1]} in {kinds[0][0]} and {kind} in {where}: declare its type in "
                    "source.columns, or add it to features.drop"
                )

    def column(self, name: str) -> pa.ChunkedArray:
        """All cells of a column."""
        if name in self.partitioned:
            return pa.chunked_array(
                [
                    pa.repeat(pa.scalar(file.partitions[name], pa.large_string()), file.source.rows)
                    for file in self._files
                ]
            )
        if len(self._files) == 1:
            return self._files[0].source.column(name)
        columns = [file.source.column(name) for file in self._files]
        tables = [pa.table({"c": column.cast(_bare(column.type))}) for column in columns]
        try:
            whole = pa.concat_tables(tables, promote_options="permissive").column(0)
        except pa.ArrowException as error:
            raise DataError(
                f"column {name!r} has different types in {self._files[0].at.name} and the files after it, which cannot "
                f"become one ({str(error).splitlines()[0]})"
            ) from None
        are_categories = any(pa.types.is_dictionary(column.type) for column in columns)
        return whole.dictionary_encode() if are_categories else whole


def _named(names: Sequence[str]) -> set[str]:
    return {name for name in names if not name.startswith(UNNAMED_INDEX)}


def _bare(kind: Any) -> Any:
    """The type of the values, not the way in which they are kept."""
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return pa.large_string() if pa.types.is_string(kind) or pa.types.is_string_view(kind) else kind
