"""Reading training data: every byte that enters a pipeline from outside comes through here.

Errors tell apart what a retry may mend (SourceError: no answer) from what it cannot (DataError: wrong bucket, key,
credentials, query or content). Drivers are imported where they are used: a step pays for what it reads.
"""

import csv
import hashlib
import io
import itertools
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from pulumi_mlops.contract.containers import Variable

from ml import columns
from ml.errors import DataError, SettingsError, SourceError
from ml.settings import S3Source, Settings, SQLSource

CONNECT_SECONDS = 10
READ_SECONDS = 120
OTHER_DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "bars"}

# What S3 answers when asking again would bring the same answer.
_S3_REASONS = {
    "NoSuchBucket": "the bucket does not exist",
    "NoSuchKey": "the key does not exist",
    "404": "the key or the bucket does not exist",
    "AccessDenied": "these credentials may not read it",
    "403": "these credentials may not read it",
    "InvalidAccessKeyId": "the access key is unknown to the store",
    "SignatureDoesNotMatch": "the secret key is wrong",
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

    frame: pd.DataFrame
    sha256: str
    """Hash of the object's bytes; of the rows as CSV for a query."""
    where: str
    """The source in words of the user, for messages and records: s3://bucket/key, …; never a secret."""
    types: dict[str, str] = field(default_factory=dict)
    """Type of each column that was read from text, see `ml.columns`."""
    notes: list[str] = field(default_factory=list)
    """What was decided about cells of text, one sentence each."""


def load(source: S3Source | SQLSource, environment: Mapping[str, str], settings: Settings | None = None) -> Loaded:
    """Reads the source; DATA_FILE in the environment takes its place (training on a laptop).

    `settings` declare types of columns; without them all are inferred.
    """
    if file := environment.get(Variable.DATA_FILE):
        try:
            content = Path(file).read_bytes()
        except OSError as error:
            raise DataError(f"file {file} cannot be read ({error.strerror})") from None
        return _parse(content, "parquet" if file.endswith(".parquet") else "csv", file, settings)
    if isinstance(source, S3Source):
        where = f"s3://{source.bucket}/{source.key}"
        return _parse(_s3_object(source, where, environment), source.format, where, settings)
    return _query(source, environment)


def parse_csv(content: bytes, where: str, settings: Settings | None = None) -> columns.Typed:
    """A table from comma-separated UTF-8 text with a header; raises DataError naming the file and the place.

    Cells are text that `ml.columns` gives types. Spaces around names and before cells are no part of them.
    """
    if not content.strip():
        raise DataError(f"{where} is empty")
    if content.startswith(b"PAR1"):
        raise DataError(f"{where} is a parquet file, set source.format to parquet")
    if content.startswith(b"\x1f\x8b"):
        raise DataError(f"{where} is compressed with gzip, unpack it")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(f"{where} is not UTF-8 text (byte 0x{content[error.start]:02x} in line {line})") from None
    try:
        reader = csv.reader(io.StringIO(text), strict=True, skipinitialspace=True)
        header, first = next(reader), next(reader, None)
    except csv.Error as error:
        raise DataError(f"{where} is not comma-separated text ({error})") from None
    if len(header) == 1 and (found := next((sign for sign in OTHER_DELIMITERS if sign in header[0]), None)):
        raise DataError(
            f"{where} has one column {_shorten(header[0])!r}: its columns seem to be separated by "
            f"{OTHER_DELIMITERS[found]}, save it with commas"
        )
    header = [name.strip() for name in header]
    _check_names(header, where)
    if first is None:
        raise DataError(f"{where} has a header but no rows")
    if len(first) > len(header):  # pandas would take the surplus for row labels and shift every column
        raise DataError(f"{where} has {len(first)} cells in its first row under {len(header)} column names")
    try:
        cells = pd.read_csv(io.StringIO(text), dtype="str", na_filter=False, skipinitialspace=True)
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        reason = str(error).strip().removeprefix("Error tokenizing data. C error: ")
        raise DataError(f"{where} is not a table ({reason})") from None
    cells.columns = header
    declaration = columns.declared(settings, header) if settings else columns.Declared()
    return columns.typed(cells, declaration, where, lambda row: _line(text, row))


def _line(text: str, row: int) -> int:
    """The line of the file on which a row, counted from 0 without the header, ends: cells may have several lines."""
    reader = csv.reader(io.StringIO(text), strict=True, skipinitialspace=True)
    rows = (reader.line_num for cells in reader if cells)
    return next(itertools.islice(rows, row + 1, None))


def parse_parquet(content: bytes, where: str) -> pd.DataFrame:
    """A table from parquet bytes; raises DataError."""
    import pyarrow  # noqa: PLC0415 - see the module docstring

    if not content:
        raise DataError(f"{where} is empty")
    try:
        frame = pd.read_parquet(io.BytesIO(content))
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise DataError(f"{where} is not a readable parquet file ({_first_line(error)})") from None
    frame.columns = [str(name) for name in frame.columns]
    _check_names(list(frame.columns), where)
    if frame.empty:
        raise DataError(f"{where} has columns but no rows")
    return frame.reset_index(drop=True)


def to_parquet(frame: pd.DataFrame, where: str) -> bytes:
    """The frame as parquet; raises DataError naming a column whose cells have no common type."""
    import pyarrow  # noqa: PLC0415

    for name, column in frame.items():
        try:
            pyarrow.array(column, from_pandas=True)
        except (pyarrow.ArrowException, OverflowError) as error:
            raise DataError(
                f"column {name!r} of {where} holds values of mixed or foreign types ({_first_line(error)}), only "
                "numbers, text and true/false can be learned from"
            ) from None
    buffer = io.BytesIO()
    frame.to_parquet(buffer)
    return buffer.getvalue()


def _parse(content: bytes, file_format: str, where: str, settings: Settings | None) -> Loaded:
    sha256 = hashlib.sha256(content).hexdigest()
    if file_format == "parquet":
        return Loaded(parse_parquet(content, where), sha256, where)
    table = parse_csv(content, where, settings)
    return Loaded(table.frame, sha256, where, table.types, table.notes)


def _s3_object(source: S3Source, where: str, environment: Mapping[str, str]) -> bytes:
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
        return client.get_object(Bucket=source.bucket, Key=source.key)["Body"].read()
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


def _query(source: SQLSource, environment: Mapping[str, str]) -> Loaded:
    import sqlalchemy  # noqa: PLC0415

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
    except (sqlalchemy.exc.ArgumentError, sqlalchemy.exc.NoSuchModuleError, ModuleNotFoundError, ValueError):
        raise SettingsError(
            "DATABASE_URI is not a database address like postgresql://user:password@host/name"
        ) from None
    try:
        with engine.connect() as connection:
            result = connection.execute(sqlalchemy.text(source.query))
            if not result.returns_rows:
                raise SettingsError("source.query returns no rows, it must be a select")
            names = list(result.keys())
            _check_names(names, f"the query's result from {where}")
            frame = pd.DataFrame(result.fetchall(), columns=names)
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
    if frame.empty:
        raise DataError(f"the query's result from {where} has no rows")
    return Loaded(frame, hashlib.sha256(frame.to_csv(index=False).encode()).hexdigest(), where)


def _check_names(names: list[str], where: str) -> None:
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise DataError(f"{where} has two columns named {twice[0]!r}")
    if unnamed := [number for number, name in enumerate(names, 1) if not name.strip()]:
        raise DataError(f"{where} has no name for its column {unnamed[0]}")


def _first_line(error: object) -> str:
    """The part of a driver's message that fits one sentence."""
    lines = str(error).strip().splitlines()
    return _shorten(lines[0].strip().rstrip(".")) if lines else type(error).__name__


def _shorten(text: str, length: int = 200) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
