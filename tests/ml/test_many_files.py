"""A source of several files: their order, their columns and those of their paths, and what is refused."""

import gzip
import io
import json
import re
import resource
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest

from ml import load, objects, settings, step
from ml.errors import DataError, SettingsError
from ml.settings import S3Source, Settings
from tests.ml import bundles, reading
from tests.ml.conftest import Store


def parquet(**cells: Any) -> bytes:
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(pa.table(cells), buffer)
    return buffer.getvalue()


def folder(root: Path, files: dict[str, bytes]) -> str:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return str(root)


def read(path: str, chosen: Settings | None = None) -> reading.Read:
    return reading.load(S3Source(type="S3", bucket="none", key="none"), {"DATA_FILE": path}, chosen)


def test_files_below_a_prefix_are_one_table_in_the_order_of_their_keys(store: Store) -> None:
    for key, content in {
        "many/b.csv.gz": gzip.compress(b"y,x\nb,3\n"),
        "many/a.csv": b"x,y\n1,a\n2,b\n",
        "many/c/d.csv": b"x,y\n4,a\n",
        "many/_SUCCESS": b"",
        "many/c/.d.csv.crc": b"crc",
        "manyfold.csv": b"z\n1\n",
    }.items():
        store.put(key, content)
    source = S3Source(type="S3", bucket="data", key="many/")
    loaded = reading.load(source, store.environment)
    assert loaded.frame.to_dict("list") == {"x": [1, 2, 3, 4], "y": ["a", "b", "b", "a"]}
    assert loaded.where == "s3://data/many/"
    again = reading.load(source, store.environment)
    assert again.sha256 == loaded.sha256
    store.put("many/c/d.csv", b"x,y\n5,a\n")
    assert reading.load(source, store.environment).sha256 != loaded.sha256
    few = reading.load(S3Source(type="S3", bucket="data", key="many/*.csv"), store.environment)
    assert few.frame["x"].tolist() == [1, 2]


def test_no_key_is_lost_where_a_listing_has_several_pages(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"pages/{day:02}/part-{part}.csv" for day in range(3) for part in range(3)]
    for name in names:
        store.put(name, b"x,y\n1,a\n")
    bucket = objects.Bucket("data", store.environment)
    paginate = bucket._client.get_paginator("list_objects_v2").paginate
    pages = list(paginate(Bucket="data", Prefix="pages/", PaginationConfig={"PageSize": 2}))
    assert [one["Key"] for page in pages for one in page["Contents"]] == names
    assert len(pages) > 3
    assert [one.key for one in bucket.objects("pages/")] == names


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_what_paths_say_are_columns(tmp_path: Path, kind: str) -> None:
    def content(x: int) -> bytes:
        return parquet(x=[x]) if kind == "parquet" else f"x\tz\n{x}\t1\n".replace("\tz", "").replace("\t1", "").encode()

    path = folder(
        tmp_path,
        {
            f"year=2025/month=01/region=North%20Sea/a.{kind}": content(1),
            f"year=2026/month=02/region=__HIVE_DEFAULT_PARTITION__/a.{kind}": content(2),
        },
    )
    found = read(path)
    assert found.frame["year"].tolist() == [2025, 2026]
    assert found.frame["month"].tolist() == ["01", "02"]  # numbers with leading zeros are text
    assert found.frame["region"].fillna("missing").tolist() == ["North Sea", "missing"]
    assert found.frame["x"].tolist() == [1, 2]
    declared = bundles.settings(
        source={"type": "S3", "bucket": "b", "key": "k", "columns": {"month": "integer"}}, target="x", features={}
    )
    assert read(path, declared).frame["month"].tolist() == [1, 2]


def test_types_of_text_are_inferred_over_all_files_and_errors_name_the_line_of_the_file(tmp_path: Path) -> None:
    path = folder(tmp_path, {"a.csv": b"x,y\n1,a\n2,b\n", "b.csv": b"y,x\na,2.5\nb,NA\n"})
    found = read(path)
    assert found.types["x"] == "number"
    assert found.frame["x"].isna().tolist() == [False, False, False, True]
    (tmp_path / "c.csv").write_bytes(b"x,y\n" + b"3,a\n" * 40 + b'"1,5",b\n')
    with pytest.raises(DataError) as refused:
        read(path, bundles.settings(target="y", features={"numeric": ["x"]}))
    assert f"has '1,5' in line 42 of {tmp_path}/c.csv, which is not a number" in str(refused.value)
    with pytest.raises(DataError, match=r"b\.csv has a header but no rows"):
        read(folder(tmp_path, {"b.csv": b"x,y\n"}))


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        (
            {"a.csv": b"x,y\n1,a\n", "b.csv": b"x,z\n1,a\n"},
            "/b.csv and {root}/a.csv do not have the same columns: y, z in only one of them",
        ),
        (
            {"year=1/a.csv": b"x\n1\n", "b.csv": b"x\n1\n"},
            "/year=1/a.csv and {root}/b.csv do not have the same columns in its path: year in only one of them",
        ),
        ({"x=1/a.csv": b"x,y\n1,2\n"}, "/x=1/a.csv has a column 'x', and so has its path"),
        (
            {"a.parquet": parquet(x=[1]), "b.parquet": parquet(x=["1"])},
            "column 'x' is int64 in {root}/a.parquet and large_string in {root}/b.parquet: declare its type in",
        ),
        (
            {"a.parquet": parquet(x=[1]), "b.parquet": parquet(x=[[1]])},
            "column 'x' of {root}/b.parquet holds lists",
        ),
        (
            {"_delta_log/0.json": b"{}", "a.parquet": parquet(x=[1])},
            "{root} is in a Delta Lake table, some of whose files hold rows that were deleted: export it as parquet",
        ),
        ({"=1/a.csv": b"x\n1\n"}, "each part of a path with = must name a column of its own, got '=1/a.csv'"),
        ({"a=1/a=2/b.csv": b"x\n1\n"}, "each part of a path with = must name a column of its own, got 'a=1/a=2/b.csv'"),
        ({"_SUCCESS": b""}, "{root} names no object: 1 keys begin with '{root}/' and none matches"),
    ],
)
def test_files_that_do_not_fit_together_are_refused(tmp_path: Path, files: dict[str, bytes], sentence: str) -> None:
    path = folder(tmp_path, files)
    with pytest.raises(DataError) as refused:
        read(path)
    assert sentence.format(root=path) in str(refused.value)


@pytest.mark.parametrize("key", ["lake/sales/part-*.csv", "lake/sales/2026/", "lake/*/part-*.csv", "lake/"])
def test_a_part_of_a_delta_lake_table_is_refused_too(store: Store, tmp_path: Path, key: str) -> None:
    names = ["lake/sales/_delta_log/0.json", "lake/sales/part-0.csv", "lake/sales/2026/part-1.csv"]
    for name in names:
        store.put(name, b"x\n1\n")
    folder(tmp_path, dict.fromkeys(names, b"x\n1\n"))
    with pytest.raises(DataError, match=rf"^s3://data/{re.escape(key)} is in a Delta Lake table"):
        reading.load(S3Source(type="S3", bucket="data", key=key), store.environment)
    with pytest.raises(DataError, match="is in a Delta Lake table"):
        read(f"{tmp_path}/{key}")
    store.client().delete_object(Bucket="data", Key="lake/sales/_delta_log/0.json")
    assert reading.load(S3Source(type="S3", bucket="data", key=key), store.environment).frame["x"].tolist()[0] == 1


@pytest.mark.parametrize("path", [".", "./", "./*.csv", "*.csv", "sub/..", "./sub/../", "a?.csv", "./a?.csv"])
def test_a_path_on_a_laptop_may_be_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    folder(tmp_path, {"a?.csv": b"x\n1\n", "sub/_none": b""})
    monkeypatch.chdir(tmp_path)
    assert read(path).frame["x"].tolist() == [1]


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(tmp_path: Path) -> None:
    folder(tmp_path, {"a?.csv": b"x\n1\n", "ab.csv": b"x\n2\n"})
    assert read(f"{tmp_path}/a?.csv").frame["x"].tolist() == [1]


def test_a_path_on_a_laptop_has_the_date_of_the_run(tmp_path: Path) -> None:
    folder(tmp_path, {"2026-11-22.csv": b"x\n1\n", "2026-11-23.csv": b"x\n2\n", "{date}.txt": b"x\n3\n"})
    day = {"DATA_DATE": "2026-11-23"}
    assert objects.on_disk(f"{tmp_path}/{{date}}.csv", day).where == f"{tmp_path}/2026-11-23.csv"
    assert objects.on_disk(f"{tmp_path}/{{date-1}}*.csv", day).copies[0].where == f"{tmp_path}/2026-11-22.csv"
    assert objects.on_disk(f"{tmp_path}/{{date}}.txt", day).where == f"{tmp_path}/{{date}}.txt"
    with pytest.raises(DataError, match=r"2026-11-24\.csv cannot be read .*; the path of the data is .* 2026-11-24$"):
        objects.on_disk(f"{tmp_path}/{{date}}.csv", {"DATA_DATE": "2026-11-24"})
    with pytest.raises(SettingsError, match=r"^the path of the data must write a date as \{date\}, .*, got .*date\+1"):
        objects.on_disk(f"{tmp_path}/{{date+1}}.csv", day)


def test_brackets_in_a_pattern_are_no_wildcards(tmp_path: Path) -> None:
    folder(tmp_path, {"a.csv": b"x\n1\n"})
    with pytest.raises(DataError, match=r"none matches; brackets are no wildcards, only \*, \? and \*\* are$"):
        objects.on_disk(f"{tmp_path}/[ab]*.csv", {})


def test_more_parquet_files_are_read_than_a_process_may_have_open(tmp_path: Path) -> None:
    path = folder(tmp_path, {f"{number:02}.parquet": parquet(x=[number]) for number in range(40)})
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    few = len(list(Path("/proc/self/fd").iterdir())) + 20
    resource.setrlimit(resource.RLIMIT_NOFILE, (few, before[1]))
    try:
        found = read(path)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert found.frame["x"].tolist() == list(range(40))


def test_a_column_without_values_in_one_file_has_the_type_of_the_others(tmp_path: Path) -> None:
    path = folder(tmp_path, {"a.parquet": parquet(x=pa.nulls(1)), "b.parquet": parquet(x=pa.array([2**53 + 1]))})
    assert read(path).frame["x"].tolist() == [pd.NA, 2**53 + 1]


def test_a_declared_type_joins_files_unless_a_number_would_change(tmp_path: Path) -> None:
    number = bundles.settings(
        source={"type": "S3", "bucket": "b", "key": "k", "columns": {"x": "number"}}, target="x", features={}
    )
    path = folder(tmp_path, {"a.parquet": parquet(x=[1]), "b.parquet": parquet(x=[0.5])})
    assert read(path, number).frame["x"].tolist() == [1.0, 0.5]
    folder(tmp_path, {"a.parquet": parquet(x=[2**53 + 1])})
    with pytest.raises(DataError, match=r"column 'x' has different types in .*a\.parquet"):
        read(path, number)


def test_categories_of_pandas_differ_from_file_to_file(tmp_path: Path) -> None:
    for name, words in {"a": ["p", "q"], "b": ["q", "r"]}.items():
        pd.DataFrame({"c": pd.Categorical(words)}).to_parquet(tmp_path / f"{name}.parquet")
    found = read(str(tmp_path))
    assert found.frame["c"].astype(object).tolist() == ["p", "q", "q", "r"]


@pytest.mark.parametrize(
    ("environment", "day"),
    [
        ({"DATA_DATE": "2026-11-30"}, "2026-11-30"),
        ({"DATA_DATE": "2026-11-29T23:30:00Z", "TIMEZONE": "Europe/Berlin"}, "2026-11-30"),
        ({"DATA_DATE": "2026-11-30T00:30:00+01:00", "TIMEZONE": "Europe/Berlin"}, "2026-11-30"),
        ({"DATA_DATE": "2026-11-30T00:30:00+01:00"}, "2026-11-29"),
        ({"DATA_DATE": "", "RUN_CREATED": "2026-11-28T12:00:00Z"}, "2026-11-28"),
    ],
)
def test_the_date_of_a_run_is_that_of_its_schedule(environment: dict[str, str], day: str) -> None:
    assert str(objects.run_date(environment)) == day


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({}, "the name of the data has a {date}, but the run has none: set DATA_DATE"),
        ({"DATA_DATE": "yesterday"}, "or a time with a zone, in 1900 or later, got 'yesterday'"),
        ({"DATA_DATE": "0001-01-01"}, "DATA_DATE must be a date such as 2026-11-30, or a time with a zone, in 1900 or"),
        ({"DATA_DATE": "0001-01-01T00:00:00+05:00"}, "or a time with a zone, in 1900 or later, got '0001-01-01T00"),
        ({"DATA_DATE": "2026-11-30", "TIMEZONE": "../zone"}, "TIMEZONE is '../zone', which this image does not"),
        ({"DATA_DATE": "2026-11-30", "TIMEZONE": "Mars/Base"}, "TIMEZONE is 'Mars/Base', which this image does not"),
    ],
)
def test_a_date_that_is_none_is_told(environment: dict[str, str], sentence: str) -> None:
    with pytest.raises(SettingsError) as refused:
        objects.run_date(environment)
    assert sentence in str(refused.value)


def test_a_run_reads_the_object_of_its_day_and_says_so_where_there_is_none(store: Store, tmp_path: Path) -> None:
    store.put("daily/2026-11-29.csv", b"x,y\n1,a\n")
    document = bundles.settings(
        source={"type": "S3", "bucket": "data", "key": "daily/{date-1}.csv"}, target="y", features={}
    ).model_dump(mode="json", exclude_none=True)
    (tmp_path / "settings.json").write_text(json.dumps(document))
    environment = {
        **store.environment,
        "SETTINGS_PATH": str(tmp_path / "settings.json"),
        "MODELS_DIR": str(tmp_path / "models"),
        "RUN_ID": "one",
        "DATA_DATE": "2026-11-30T03:00:00Z",
    }
    step.attempt(load.run, environment)
    facts = json.loads((tmp_path / "models/.runs/one/load.json").read_text())
    assert (facts["source"], facts["rows"]) == ("s3://data/daily/2026-11-29.csv", 1)
    with pytest.raises(DataError) as refused:
        step.attempt(load.run, {**environment, "RUN_ID": "two", "DATA_DATE": "2026-12-02"})
    assert str(refused.value) == (
        "s3://data/daily/2026-12-01.csv cannot be read: the key does not exist (NoSuchKey); source.key is "
        "'daily/{date-1}.csv' and the date of this run is 2026-12-02"
    )
    assert refused.value.exit_code == 65
    nothing = {**environment, "RUN_ID": "three", "DATA_KEY": "none/*.csv"}
    with pytest.raises(DataError, match=r"^s3://data/none/\*\.csv names no object: 0 keys begin with 'none/' and none"):
        step.attempt(load.run, nothing)
    assert settings.read(nothing).source.type == "S3"
    with pytest.raises(
        SettingsError, match=r"^the data key must write a date as \{date\}, .* got 'daily/\{Date\}.csv'"
    ):
        step.attempt(load.run, {**environment, "RUN_ID": "four", "DATA_KEY": "daily/{Date}.csv"})
