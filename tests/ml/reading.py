"""Tables of tests: small ones, so that they may be in memory, and read by the code that reads large ones from disk."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from ml import csv_text, dataset, sources
from ml.column_store import Table, Writer
from ml.settings import FileSource, S3Source, Settings, SQLSource

_ROOT = tempfile.TemporaryDirectory(prefix="tables-of-tests-")
_NULLABLE = {pa.int64(): pd.Int64Dtype(), pa.uint64(): pd.UInt64Dtype(), pa.bool_(): pd.BooleanDtype()}


@dataclass
class Read:
    """What was read."""

    frame: pd.DataFrame
    types: dict[str, str]
    notes: list[str]
    sha256: str = ""
    where: str = ""


def directory() -> Path:
    """A new directory; it goes with this process."""
    return Path(tempfile.mkdtemp(dir=_ROOT.name))


def csv(content: bytes, where: str, settings: Settings | None = None) -> Read:
    """A CSV file."""
    place = directory()
    (place / "file").write_bytes(content)
    typed = csv_text.read([csv_text.Copy(place / "file", where, {})], where, settings, place)
    return Read(frame_of(typed.table), typed.types, typed.notes)


def parquet(content: bytes, where: str, settings: Settings | None = None) -> Read:
    """A parquet file."""
    place = directory()
    (place / "file").write_bytes(content)
    typed = sources.read_parquet([csv_text.Copy(place / "file", where, {})], where, settings, place)
    return Read(frame_of(typed.table), typed.types, typed.notes)


def load(
    source: S3Source | SQLSource | FileSource, environment: Mapping[str, str], settings: Settings | None = None
) -> Read:
    """A source."""
    loaded = sources.load(source, environment, directory(), settings)
    return Read(frame_of(loaded.table), loaded.types, loaded.notes, loaded.sha256, loaded.where)


def frame_of(table: Table) -> pd.DataFrame:
    """The table in memory; integers and booleans stay what they are beside missing cells."""
    columns: dict[str, Any] = {}
    for name in table.names:
        column = table.column(name)
        columns[name] = column.to_pandas(types_mapper=_NULLABLE.get if column.null_count else None)
    return pd.DataFrame(columns)


def table_of(frame: pd.DataFrame) -> Table:
    """The frame on disk, without its index."""
    arrow = pa.Table.from_pandas(frame, preserve_index=False)
    with Writer(directory()) as written:
        for name in arrow.column_names:
            written.append(name, arrow[name])
        return written.close(arrow.column_names)


def prepared(frame: pd.DataFrame, settings: Settings, where: str = "the table") -> dataset.Dataset:
    """The frame as the step preprocess makes it ready."""
    return dataset.prepare(table_of(frame), settings, where, directory())


def matrix_of(rows: Table) -> np.ndarray:
    """The matrix of encoded rows."""
    return np.concatenate([batch.matrix for batch in dataset.encoded_batches(rows)])
