"""The objects or files that a source names: one, or several in a defined order."""

import hashlib
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, tzinfo
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pulumi_mlops.contract import keys
from pulumi_mlops.contract.containers import Variable

from ml.csv_text import Copy
from ml.errors import DataError, SettingsError
from ml.files import partitions
from ml.object_store import Bucket
from ml.settings import S3Source

_DELTA_LAKE = "_delta_log/"
_FIRST_YEAR = 1900


class Found(NamedTuple):
    """What a source names."""

    copies: Sequence[Copy]
    sha256: str
    """Hash of the content of one object; of the keys and ETags of several."""
    where: str
    """All of it in words of the user."""


def in_bucket(source: S3Source, environment: Mapping[str, str], directory: Path) -> Found:
    """Copies the objects of a bucket into `directory`; raises PipelineError."""
    key, about_the_date = _dated(source.key, environment, "source.key")
    bucket = Bucket(source.bucket, environment)
    where = bucket.where(key)
    try:
        pattern = keys.pattern(key)
        if pattern is None:
            sha256 = bucket.fetch(key, directory / "0")
            return Found([Copy(directory / "0", where, {})], sha256, where)
        listed = {one.key: one.etag for one in bucket.objects(pattern.prefix)}
        _refuse_delta_lake([*listed, *_logs(bucket, pattern.directory)], where)
        chosen = _chosen(pattern, listed, where)
    except DataError as error:
        raise DataError(f"{error}{about_the_date}") from None
    copies: list[Copy] = []
    for number, name in enumerate(chosen):
        bucket.fetch(name, directory / str(number), listed[name])
        path = name.removeprefix(pattern.directory)
        copies.append(Copy(directory / str(number), bucket.where(name), partitions(path)))
    return Found(copies, _sha256({name: listed[name] for name in chosen}), where)


def on_disk(path: str, environment: Mapping[str, str]) -> Found:
    """A file of this machine, all files of a directory, or those that a pattern matches; raises PipelineError."""
    if Path(path).exists():
        return _files(path)
    if problem := keys.problem(path):
        raise SettingsError(f"the path of the data {problem}, got {path!r}")
    path, about_the_date = _dated(path, environment, "the path of the data")
    try:
        return _files(path)
    except DataError as error:
        raise DataError(f"{error}{about_the_date}") from None


def _dated(name: str, environment: Mapping[str, str], setting: str) -> tuple[str, str]:
    """The key or path on the date of the run, and what a message about it says besides."""
    if not keys.has_date(name):
        return name, ""
    day = run_date(environment)
    return keys.filled(name, day), f"; {setting} is {name!r} and the date of this run is {day}"


def _files(path: str) -> Found:
    pattern = keys.pattern(f"{path.rstrip('/')}/" if Path(path).is_dir() else path)
    if pattern is None or Path(path).is_file():
        return Found([Copy(Path(path), path, {})], _file_sha256(path), path)
    root = Path(pattern.directory or ".")
    files = {f"{pattern.directory}{one.relative_to(root)}": one for one in root.rglob("*") if one.is_file()}
    above = [_DELTA_LAKE for one in (root, *root.absolute().parents) if (one / _DELTA_LAKE).is_dir()]
    _refuse_delta_lake([*files, *above], path)
    chosen = _chosen(pattern, files, path)
    copies = [Copy(files[name], name, partitions(name.removeprefix(pattern.directory))) for name in chosen]
    return Found(copies, _sha256({name: _file_sha256(name) for name in chosen}), path)


def run_date(environment: Mapping[str, str]) -> date:
    """The date of a run: DATA_DATE, a date or the time of the schedule, or else the day on which it was created."""
    for name in (Variable.DATA_DATE, Variable.RUN_CREATED):
        if not (text := environment.get(name, "")):
            continue
        zone = _zone(environment.get(Variable.TIMEZONE) or "Etc/UTC")
        try:
            moment = datetime.fromisoformat(text)
            day = moment.date() if moment.tzinfo is None else moment.astimezone(zone).date()
        except (ValueError, OverflowError):
            day = date.min
        if day.year < _FIRST_YEAR:
            raise SettingsError(
                f"{name} must be a date such as 2026-11-30, or a time with a zone, in {_FIRST_YEAR} or later, "
                f"got {text!r}"
            )
        return day
    raise SettingsError(
        "the name of the data has a {date}, but the run has none: set DATA_DATE to a date such as 2026-11-30"
    )


def _zone(name: str) -> tzinfo:
    if name == "Etc/UTC":  # known to an image without the database of zones too
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise SettingsError(f"TIMEZONE is {name!r}, which this image does not know") from None


def _logs(bucket: Bucket, directory: str) -> Iterator[str]:
    """Keys in logs of Delta Lake in a directory and those above it, as far as the store lets them be listed."""
    parts = directory.split("/")[:-1]
    for depth in range(len(parts) + 1):
        with suppress(DataError):
            above = "".join(f"{part}/" for part in parts[:depth])
            yield from (one.key for one in itertools.islice(bucket.objects(f"{above}{_DELTA_LAKE}"), 1))


def _refuse_delta_lake(names: Sequence[str], where: str) -> None:
    if any(f"/{_DELTA_LAKE}" in f"/{name}" for name in names):
        raise DataError(
            f"{where} is in a Delta Lake table, some of whose files hold rows that were deleted: export it as parquet"
        )


def _chosen(pattern: keys.Pattern, names: Mapping[str, object], where: str) -> list[str]:
    """What a pattern names, in the order of their names' bytes; raises DataError if that is nothing."""
    chosen = sorted(filter(pattern.matches, names), key=str.encode)
    if not chosen:
        literal = "; brackets are no wildcards, only *, ? and ** are" if "[" in where else ""
        raise DataError(
            f"{where} names no object: {len(names)} keys begin with {pattern.prefix!r} and none matches{literal}"
        )
    return chosen


def _sha256(etags: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(etags, ensure_ascii=False).encode()).hexdigest()


def _file_sha256(path: str) -> str:
    try:
        with Path(path).open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise DataError(f"file {path} cannot be read ({error.strerror})") from None
