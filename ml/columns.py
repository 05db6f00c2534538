"""The type of each column of a table, decided once over all of its rows.

A cell of a CSV file is text. A column becomes something else only if all of its cells allow it:

| type | every cell that is not missing |
|---|---|
| integer | an integer of at most 64 bits without leading zeros; missing cells leave it an integer |
| number | a decimal number such as 4.5, .5 or 1e-3, or an integer |
| boolean | true or false, in any case |
| text | everything else, also `02116` and integers of more than 64 bits |

Blank cells are missing, and so are the words of `source.missing`, in every column. Without that setting, the words of
`MARKS` are missing in a column whose other cells are all numbers or all booleans; a word found there is the missing
mark of this file and is missing in its text columns too. Elsewhere it is text.
Declared columns are not inferred: `source.columns` has their types, `features.categorical` are text,
`features.numeric` are numbers. Declared numbers may have leading zeros, declared booleans may be t/f and 1/0. A column
that looks like numbers or dates but is neither is refused with the line and the cell, unless it is declared or dropped.
"""

from pathlib import Path
from typing import Any, NamedTuple, Protocol

import pyarrow as pa

from ml.column_store import Table, Writer
from ml.errors import DataError
from ml.settings import Settings, Task
from ml.text_column import TEXT, Column, Declared, Where


class Text(Protocol):
    """A table of text."""

    names: list[str]

    def column(self, name: str) -> pa.ChunkedArray:
        """All cells of a column."""
        ...


class Typed(NamedTuple):
    """A table whose columns have types."""

    table: Table
    types: dict[str, str]
    """Type of each column that was text."""
    notes: list[str]
    """What the user should know of the choices, one sentence each."""


def declared(settings: Settings, names: list[str], where: str) -> Declared:
    """What the settings declare about the columns `names` of a source; raises DataError if one does not exist."""
    features, target, source = settings.features, settings.target, settings.source
    types = source.columns or {}
    if absent := [name for name in types if name not in names]:
        raise DataError(f"{where} has no column {absent[0]!r} (source.columns), it has {listed(names)}")
    new = {name: features.renames.get(name, name) for name in names}
    numeric, categorical = set(features.numeric or ()), set(features.categorical or ())
    every_column = features.numeric is None or features.categorical is None
    if settings.task is Task.REGRESSION:
        numeric.add(target)
    training = settings.training
    numeric |= {training.weight_column} - {None}
    categorical |= {training.time_column, training.group_column} - {None}

    chosen = {target, *training.row_columns}

    def used(name: str) -> bool:
        return name in chosen or (name not in features.drop and (every_column or name in numeric | categorical))

    return Declared(
        {name: str(kind) for name, kind in types.items()},
        frozenset(name for name in names if new[name] in numeric),
        frozenset(name for name in names if new[name] in categorical),
        frozenset(name for name in names if not used(new[name])),
        next((name for name in names if new[name] == target), None) if settings.task is Task.CLASSIFICATION else None,
        None if (missing := getattr(source, "missing", None)) is None else frozenset(missing),
        getattr(source, "decimal", None) or ".",
        getattr(source, "thousands", None) or "",
    )


def typed(text: Text, declaration: Declared, where: Where, directory: Path) -> Typed:
    """Gives each column of a table of text its type; raises DataError with column, line and cell.

    The typed table is written into `directory`.
    """
    types: dict[str, str] = {}
    notes: dict[str, list[str]] = {}
    marks: dict[str, str] = {}
    with Writer(directory) as written:
        for name in text.names:
            column = Column(name, text.column(name), declaration, where)
            types[name] = column.type
            if column.type != TEXT:
                marks |= {mark: name for mark in column.marks if mark not in marks}
                notes[name] = list(column.notes({}))
                written.append(name, column.values(frozenset()))
        for name in text.names:  # now that the missing marks of the whole file are known
            if types[name] == TEXT:
                column = Column(name, text.column(name), declaration, where, decided=TEXT)
                notes[name] = list(column.notes(marks))
                written.append(name, column.values(frozenset(marks)))
        return Typed(written.close(text.names), types, [note for name in text.names for note in notes[name]])


def listed(names: Any) -> str:
    """The names, or the first of them, for a message."""
    texts = list(map(str, names))
    return ", ".join(texts[:20]) + (f" and {len(texts) - 20} more" if len(texts) > 20 else "")
