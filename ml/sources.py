"""Reading training data: every byte that enters a pipeline from outside comes through here.

Errors tell apart what a retry may mend (SourceError: no answer) from what it cannot (DataError: wrong bucket, key,
credentials, query or content). Drivers are imported where they are used: a step pays for what it reads.
"""

import hashlib
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from pulumi_mlops.contract.containers import Variable

from ml import columns, csv_text, files, objects, text_column
from ml.column_store import Table
from ml.errors import DataError, SettingsError, SourceError
from ml.object_store import first_line
from ml.settings import DataFormat, FileSource, S3Source, Settings, SQLSource

CONNECT_SECONDS = 10
ROWS_AT_ONCE = 50_000
"""Rows of a query that are in memory as Python's own objects."""
# Words of databases for refusals that stay refusals. (A failed login carries no error code in psycopg.)
_SQL_REFUSALS = re.compile(
    r"password authentication failed|no password supplied|role .* does not exist|database .* does not exist"
    r"|no pg_hba.conf entry|access denied|unknown database|permission denied|unable to open database",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Loaded:
    """Data as it came."""

    table: Table
    sha256: str
    """Hash of the object's bytes; of the keys and ETags of several objects; of the rows as CSV for a query."""
    where: str
    """The source in words of the user, for messages and records: s3://bucket/key, …; never a secret."""
    files: int = 1
    """Number of files that were read."""
    types: dict[str, str] = field(default_factory=dict)
    """Type of each column that was read from text, see `ml.columns`."""
    notes: list[str] = field(default_factory=list)
    """What was decided about cells of text, one sentence each."""


def load(
    source: S3Source | SQLSource | FileSource,
    environment: Mapping[str, str],
    directory: Path,
    settings: Settings | None = None,
) -> Loaded:
    """Reads the source into tables in `directory`; DATA_FILE in the environment takes its place (on a laptop).

    `settings` declare types of columns; without them all are inferred.
    """
    if isinstance(source, SQLSource) and not environment.get(Variable.DATA_FILE):
        return _query(source, environment, settings, directory)
    fetched = directory / "objects"
    fetched.mkdir(parents=True, exist_ok=True)
    if file := environment.get(Variable.DATA_FILE):
        found = objects.on_disk(file, environment)
        with found.copies[0].path.open("rb") as stream:
            file_format = DataFormat.PARQUET if stream.read(4) == b"PAR1" else DataFormat.CSV
    elif isinstance(source, FileSource):
        found, file_format = objects.on_disk(source.path, environment), source.format
    else:
        found, file_format = objects.in_bucket(source, environment, fetched), source.format
    read = read_parquet if file_format == DataFormat.PARQUET else csv_text.read
    typed = read(found.copies, found.where, settings, directory)
    shutil.rmtree(fetched)
    return Loaded(typed.table, found.sha256, found.where, len(found.copies), typed.types, typed.notes)


def read_parquet(
    copies: Sequence[csv_text.Copy], where: str, settings: Settings | None, directory: Path
) -> columns.Typed:
    """A table from parquet files, indexes among its columns; raises DataError."""
    from ml import tables  # noqa: PLC0415 - see the module docstring

    parts: list[files.File] = []
    for copy in copies:
        if not copy.path.stat().st_size:
            raise DataError(f"{copy.where} is empty")
        table = tables.Parquet(copy.path, copy.where)
        csv_text.check_names(table.names, copy.where)
        parts.append(files.File(table, text_column.Where(copy.where), copy.partitions))
    if not any(part.source.rows for part in parts):
        raise DataError(f"{where} has columns but no rows")
    return tables.typed(files.Files(parts), settings, where, directory / "typed")


def _query(source: SQLSource, environment: Mapping[str, str], settings: Settings | None, directory: Path) -> Loaded:
    import sqlalchemy  # noqa: PLC0415

    from ml import tables  # noqa: PLC0415

    address = environment.get(Variable.DATABASE_URI, "")
    if not address:
        raise SettingsError(
            "the database's address is missing: DATABASE_URI must come from the source's Secret (key uri)"
        )
    try:
        url = sqlalchemy.make_url(re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", address))
        where = f"database {url.database} at {url.host or 'this machine'}"  # never the URL: it holds the password
        options = {"connect_timeout": CONNECT_SECONDS} if url.get_backend_name() == "postgresql" else {}
        engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool, connect_args=options)
    except (sqlalchemy.exc.NoSuchModuleError, ModuleNotFoundError):
        raise SettingsError(
            f"DATABASE_URI is the address of a database of the kind {url.drivername}, for which this image has no "
            "driver: it has those of postgresql and sqlite, another one must be added to the image of the steps"
        ) from None
    except (sqlalchemy.exc.ArgumentError, ValueError):
        raise SettingsError(
            "DATABASE_URI is not a database address like postgresql://user:password@host/name"
        ) from None
    try:
        # As it is written: neither a colon nor a percent sign is a parameter. Rows stay in the database until fetched.
        with (
            engine.connect().execution_options(no_parameters=True, stream_results=True) as connection,
            connection.exec_driver_sql(source.query) as result,
        ):
            if not result.returns_rows:
                raise SettingsError("source.query returns no rows, it must be a select")
            names = list(result.keys())
            rows = f"the query's result from {where}"
            csv_text.check_names(names, rows)
            unused = columns.declared(settings, names, rows).unused if settings else ()
            digest = hashlib.sha256(repr(names).encode())
            table = tables.spool(_chunks(result, digest), names, unused, rows, directory / "rows")
    except sqlalchemy.exc.DBAPIError as error:
        reason = first_line(error.orig)
        passing = error.connection_invalidated or (
            isinstance(error, sqlalchemy.exc.OperationalError) and not _SQL_REFUSALS.search(str(error.orig))
        )
        # SQLite calls a missing table "operational" too, where others say "programming"
        if passing and url.get_backend_name() != "sqlite":
            raise SourceError(f"{where} did not answer the query: {reason}") from None
        raise DataError(f"{where} refused the query: {reason}") from None
    except sqlalchemy.exc.SQLAlchemyError as error:
        raise SettingsError(f"source.query cannot be run: {first_line(error)}") from None
    typed = tables.typed(files.Files([files.File(table, text_column.Where(rows))]), settings, rows, directory / "typed")
    shutil.rmtree(directory / "rows")
    return Loaded(typed.table, digest.hexdigest(), where, types=typed.types, notes=typed.notes)


def _chunks(result: Any, digest: Any) -> Iterator[list[Any]]:
    """The rows of a query, some at a time; the digest gets them too."""
    while rows := result.fetchmany(ROWS_AT_ONCE):
        digest.update(pd.DataFrame(rows, dtype=object).to_csv(index=False, header=False).encode())
        yield rows
