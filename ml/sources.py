"""Reading training data: every byte that enters a pipeline from outside comes through here.

Errors tell apart what a retry may mend (SourceError: no answer) from what it cannot (DataError: wrong bucket, key,
credentials, query or content). Drivers are imported where they are used: a step pays for what it reads.
"""

import hashlib
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from pulumi_mlops.contract.containers import Variable

from ml import columns, csv_text
from ml.column_store import Table
from ml.errors import DataError, SettingsError, SourceError
from ml.settings import DataFormat, FileSource, S3Source, Settings, SQLSource

CONNECT_SECONDS = 10
READ_SECONDS = 120
ROWS_AT_ONCE = 50_000
"""Rows of a query that are in memory as Python's own objects."""
BYTES_AT_ONCE = 2**23
"""Of an object."""

# What S3 answers when asking again would bring the same answer.
_S3_REASONS = {
    "NoSuchBucket": "the bucket does not exist",
    "NoSuchKey": "the key does not exist",
    "404": "the key or the bucket does not exist",
    "AccessDenied": "these credentials may not read it",
    "403": "these credentials may not read it",
    "InvalidAccessKeyId": "the access key is unknown to the store",
    "SignatureDoesNotMatch": "the secret key is wrong",
    "InvalidObjectState": "the object is archived, restore it first",
    "InvalidBucketName": "that is not a valid bucket name",
    "AuthorizationHeaderMalformed": "the region (AWS_REGION) is not the bucket's",
    "PermanentRedirect": "the bucket is in another region, set AWS_REGION",
}
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
    """Hash of the object's bytes; of the rows as CSV for a query."""
    where: str
    """The source in words of the user, for messages and records: s3://bucket/key, …; never a secret."""
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
    directory.mkdir(parents=True, exist_ok=True)
    copy = directory / "object"
    if file := environment.get(Variable.DATA_FILE):
        path, where, sha256 = Path(file), file, _file_sha256(file)
        with path.open("rb") as stream:
            file_format = DataFormat.PARQUET if stream.read(4) == b"PAR1" else DataFormat.CSV
    elif isinstance(source, FileSource):
        path, where, sha256, file_format = Path(source.path), source.path, _file_sha256(source.path), source.format
    else:
        path, where, file_format = copy, f"s3://{source.bucket}/{source.key}", source.format
        sha256 = _s3_object(source, where, environment, copy)
    read = read_parquet if file_format == DataFormat.PARQUET else csv_text.read
    typed = read(path, where, settings, directory)
    copy.unlink(missing_ok=True)
    return Loaded(typed.table, sha256, where, typed.types, typed.notes)


def read_parquet(path: Path, where: str, settings: Settings | None, directory: Path) -> columns.Typed:
    """A table from a parquet file, indexes among its columns; raises DataError."""
    from ml import tables  # noqa: PLC0415 - see the module docstring

    if not path.stat().st_size:
        raise DataError(f"{where} is empty")
    table = tables.Parquet(path, where)
    csv_text.check_names(table.names, where)
    if not table.rows:
        raise DataError(f"{where} has columns but no rows")
    return tables.typed(table, settings, where, directory / "typed")


def _file_sha256(path: str) -> str:
    try:
        with Path(path).open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise DataError(f"file {path} cannot be read ({error.strerror})") from None


def _s3_object(source: S3Source, where: str, environment: Mapping[str, str], copy: Path) -> str:
    """Copies the object into a file; its hash."""
    import boto3  # noqa: PLC0415
    from botocore import config, exceptions  # noqa: PLC0415

    endpoint = environment.get(Variable.AWS_ENDPOINT_URL_S3) or None
    try:
        client: Any = boto3.client(
            "s3",
            endpoint_url=endpoint,
            region_name=environment.get(Variable.AWS_REGION) or "us-east-1",
            aws_access_key_id=environment.get("AWS_ACCESS_KEY_ID"),
            aws_secret_access_key=environment.get("AWS_SECRET_ACCESS_KEY"),
            aws_session_token=environment.get("AWS_SESSION_TOKEN"),
            config=config.Config(
                connect_timeout=CONNECT_SECONDS,
                read_timeout=READ_SECONDS,
                retries={"mode": "standard", "max_attempts": 3},
                # stores inside a cluster have one host name, not one a bucket
                s3={"addressing_style": "path" if endpoint else "auto"},
            ),
        )
        body = client.get_object(Bucket=source.bucket, Key=source.key)["Body"]
        digest = hashlib.sha256()
        with copy.open("wb") as stream:
            for chunk in body.iter_chunks(BYTES_AT_ONCE):
                digest.update(chunk)
                stream.write(chunk)
        return digest.hexdigest()
    except exceptions.ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code in _S3_REASONS:
            raise DataError(f"{where} cannot be read: {_S3_REASONS[code]} ({code})") from None
        raise SourceError(f"{where} cannot be read: the store answered {code}") from None
    except (exceptions.NoCredentialsError, exceptions.PartialCredentialsError):
        raise SettingsError(
            f"{where} cannot be read: there are no credentials, the pipeline's Secret must hold AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY"
        ) from None
    except exceptions.ParamValidationError as error:
        raise SettingsError(f"{where} cannot be read: {_first_line(error.kwargs['report'])}") from None
    except ValueError as error:  # an endpoint that is no URL
        raise SettingsError(f"{where} cannot be read: {_first_line(error)} (AWS_ENDPOINT_URL_S3)") from None
    except (exceptions.BotoCoreError, OSError) as error:
        raise SourceError(f"{where} cannot be read: {_first_line(error)}") from None


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
        reason = _first_line(error.orig)
        passing = error.connection_invalidated or (
            isinstance(error, sqlalchemy.exc.OperationalError) and not _SQL_REFUSALS.search(str(error.orig))
        )
        # SQLite calls a missing table "operational" too, where others say "programming"
        if passing and url.get_backend_name() != "sqlite":
            raise SourceError(f"{where} did not answer the query: {reason}") from None
        raise DataError(f"{where} refused the query: {reason}") from None
    except sqlalchemy.exc.SQLAlchemyError as error:
        raise SettingsError(f"source.query cannot be run: {_first_line(error)}") from None
    typed = tables.typed(table, settings, rows, directory / "typed")
    shutil.rmtree(directory / "rows")
    return Loaded(typed.table, digest.hexdigest(), where, typed.types, typed.notes)


def _chunks(result: Any, digest: Any) -> Iterator[list[Any]]:
    """The rows of a query, some at a time; the digest gets them too."""
    while rows := result.fetchmany(ROWS_AT_ONCE):
        digest.update(pd.DataFrame(rows, dtype=object).to_csv(index=False, header=False).encode())
        yield rows


def _first_line(error: object) -> str:
    """The part of a driver's message that fits one sentence."""
    lines = str(error).strip().splitlines()
    return csv_text.shorten(lines[0].strip().rstrip(".")) if lines else type(error).__name__
