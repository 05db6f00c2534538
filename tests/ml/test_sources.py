"""Reading data: every way that it can be wrong is one sentence that names the file or the column."""

import gzip
import hashlib
import io
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from ml import sources
from ml.errors import DataError, PipelineError, SettingsError, SourceError
from ml.settings import DataFormat, FileSource, S3Source, SQLSource
from tests.ml import bundles, reading
from tests.ml.conftest import Store, free_ports

SOURCE = S3Source(type="S3", bucket="data", key="flowers.csv")
WHERE = "s3://data/flowers.csv"


def parquet(frame: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.to_parquet(buffer)
    return buffer.getvalue()


def test_an_object_is_read_with_its_hash(store: Store, penguins: bytes) -> None:
    store.put("penguins.csv", penguins)
    loaded = reading.load(S3Source(type="S3", bucket="data", key="penguins.csv"), store.environment)
    assert loaded.frame.shape == (344, 8)
    assert int(loaded.frame.isna().sum().sum()) == 19
    assert loaded.sha256 == "f204db2c753b0937caac3cb35258562c14f073e4bbc76be24b4c51ce22767a93"
    assert loaded.where == "s3://data/penguins.csv"


def test_parquet_is_read_as_well(store: Store) -> None:
    store.put("flowers.parquet", parquet(bundles.table()))
    source = S3Source(type="S3", bucket="data", key="flowers.parquet", format="parquet")
    pd.testing.assert_frame_equal(reading.load(source, store.environment).frame, bundles.table())


@pytest.mark.parametrize(
    ("change", "source", "sentence"),
    [
        ({}, {"key": "none.csv"}, "s3://data/none.csv cannot be read: the key does not exist (NoSuchKey)"),
        (
            {},
            {"bucket": "none"},
            "s3://none/flowers.csv cannot be read: the bucket does not exist (NoSuchBucket)",
        ),
        (
            {"AWS_SECRET_ACCESS_KEY": "wrong"},
            {},
            f"{WHERE} cannot be read: the secret key is wrong (SignatureDoesNotMatch)",
        ),
        (
            {"AWS_ACCESS_KEY_ID": "wrong"},
            {},
            f"{WHERE} cannot be read: the access key is unknown to the store (InvalidAccessKeyId)",
        ),
    ],
)
def test_a_store_that_refuses_is_an_error_not_worth_a_retry(
    store: Store, change: dict[str, str], source: dict[str, str], sentence: str
) -> None:
    with pytest.raises(DataError) as caught:
        reading.load(SOURCE.model_copy(update=source), store.environment | change)
    assert str(caught.value) == sentence


def test_credentials_that_are_missing_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/none")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/none")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(
        SettingsError, match="there are no credentials, the pipeline's Secret must hold AWS_ACCESS_KEY_ID"
    ):
        reading.load(SOURCE, {"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1"})


def test_a_store_that_does_not_answer_is_worth_a_retry(store: Store) -> None:
    away = {"AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{free_ports(1)[0]}"}
    with pytest.raises(SourceError, match=f"^{WHERE} cannot be read: Could not connect to the endpoint URL"):
        reading.load(SOURCE, store.environment | away)


def test_an_endpoint_that_is_no_url_is_a_settings_error(store: Store) -> None:
    with pytest.raises(SettingsError, match=r"Invalid endpoint: nonsense \(AWS_ENDPOINT_URL_S3\)"):
        reading.load(SOURCE, store.environment | {"AWS_ENDPOINT_URL_S3": "nonsense"})


HEADER = b"length,width,island,species\n"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", f"{WHERE} is empty"),
        (b" \n\n", f"{WHERE} is empty"),
        (HEADER, f"{WHERE} has a header but no rows"),
        (
            b"length;width;species\n1;2;a\n",
            f"{WHERE} has one column 'length;width;species': its columns seem to be separated by semicolons, set "
            "source.delimiter to ';'",
        ),
        (
            b"length\twidth\n1\t2\n",
            f"{WHERE} has one column 'length\\twidth': its columns seem to be separated by tabs, set source.delimiter "
            "to '\\t'",
        ),
        (
            HEADER + b"1,2,B\xfcro,a\n",
            f"{WHERE} is not UTF-8 text (byte 0xfc in line 2): set source.encoding to that of the file, such as "
            "windows-1252",
        ),
        (b"a,b,a\n1,2,3\n", f"{WHERE} has two columns named 'a'"),
        (b"a,,c\n1,2,3\n", f"{WHERE} has no name for its column 2"),
        (b"a,b\n1,2,3\n", f"{WHERE} has 3 cells in its first row under 2 column names"),
        (b"a,b\n1,2\n1,2,3\n", f"{WHERE} is not a table (Expected 2 fields in line 3, saw 3)"),
        (b'a,b\n1,"2\n', f"{WHERE} is not comma-separated text (unexpected end of data)"),
        (parquet(bundles.table()), f"{WHERE} is a parquet file, set source.format to parquet"),
        (
            b"\x1f\x8b\x08\x00compressed",
            f"{WHERE} is compressed with gzip but damaged (Truncated compressed stream)",
        ),
        (b"PK\x03\x04...", f"{WHERE} is a zip archive or an Excel workbook, store the CSV file itself"),
        (b"\xff\xfea\x00", f"{WHERE} is UTF-16 text, set source.encoding to utf-16"),
        (
            b"\n<!DOCTYPE html><html>",
            f"{WHERE} is an HTML page, which servers send instead of a file when they refuse a download",
        ),
        (b"# exported\na,b\n1,2\n", f"{WHERE} has 2 cells in its first row under 1 column names"),
    ],
)
def test_a_bad_csv_is_named_in_one_sentence(content: bytes, sentence: str) -> None:
    with pytest.raises(DataError) as caught:
        reading.csv(content, WHERE)
    assert str(caught.value) == sentence


def test_a_byte_order_mark_is_not_part_of_the_first_name() -> None:
    assert list(reading.csv(b"\xef\xbb\xbfa,b\n1,2\n", WHERE).frame.columns) == ["a", "b"]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "is empty"),
        (b"a,b\n1,2\n", "is not a readable parquet file"),
        (parquet(bundles.table())[:-40], "is not a readable parquet file"),
        (parquet(bundles.table().head(0)), "has columns but no rows"),
    ],
)
def test_a_bad_parquet_is_named_in_one_sentence(content: bytes, complaint: str) -> None:
    with pytest.raises(DataError, match=rf"^{WHERE} {complaint}[^\n]*$"):
        reading.parquet(content, WHERE)


def sql(query: str, address: str) -> reading.Read:
    return reading.load(SQLSource(type="SQL", query=query), {"DATABASE_URI": address})


VALUES = "select * from (values (1.5, 'a', true), (null, 'b', false)) as t (length, species, tagged)"


def test_a_query_is_read_from_postgres(postgres: str) -> None:
    loaded = sql(VALUES, postgres)
    assert list(loaded.frame.columns) == ["length", "species", "tagged"]
    assert loaded.frame["length"].isna().tolist() == [False, True]
    assert loaded.where == "database postgres at 127.0.0.1"
    assert loaded.sha256 == sql(VALUES, postgres).sha256
    assert loaded.sha256 != sql(VALUES.replace("1.5", "1.6"), postgres).sha256


@pytest.mark.parametrize(
    ("old", "new", "query", "error", "complaint"),
    [
        ("right-password", "wrong", VALUES, DataError, 'password authentication failed for user "pipeline"'),
        ("pipeline:", "nobody:", VALUES, DataError, 'password authentication failed for user "nobody"'),
        ("/postgres", "/none", VALUES, DataError, 'database "none" does not exist'),
        ("", "", "select * from nothing", DataError, 'relation "nothing" does not exist'),
        ("", "", "selec 1", DataError, 'syntax error at or near "selec"'),
        ("", "", "create temporary table t (a int)", DataError, 'syntax error at or near "create"'),
        ("", "", "select 1 as a where false", DataError, "has no rows"),
        ("", "", "select 1 as a, 2 as a", DataError, "has two columns named 'a'"),
        ("", "", "select :name", DataError, 'syntax error at or near ":"'),
    ],
)
def test_a_database_that_refuses_is_one_sentence_without_the_password(
    postgres: str, old: str, new: str, query: str, error: type[PipelineError], complaint: str
) -> None:
    with pytest.raises(error) as caught:
        sql(query, postgres.replace(old, new))
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "right-password" not in str(caught.value)


def test_a_database_that_does_not_answer_is_worth_a_retry() -> None:
    with pytest.raises(
        SourceError, match=r"^database x at 127\.0\.0\.1 did not answer the query: [^\n]*refused[^\n]*$"
    ):
        sql(VALUES, f"postgresql://user:secret@127.0.0.1:{free_ports(1)[0]}/x")


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("", "the database's address is missing: DATABASE_URI must come from the source's Secret (key uri)"),
        ("secret nonsense", "DATABASE_URI is not a database address like postgresql://user:password@host/name"),
        (
            "oracle://a:secret@b/c",
            "DATABASE_URI is the address of a database of the kind oracle, for which this image has no driver: it has "
            "those of postgresql and sqlite, another one must be added to the image of the steps",
        ),
        (
            "mysql://a:secret@b/c",
            "DATABASE_URI is the address of a database of the kind mysql, for which this image has no driver: it has "
            "those of postgresql and sqlite, another one must be added to the image of the steps",
        ),
        (
            "informix://a:secret@b/c",
            "DATABASE_URI is the address of a database of the kind informix, for which this image has no driver: it "
            "has those of postgresql and sqlite, another one must be added to the image of the steps",
        ),
        (
            "postgresql://a:secret@b:port/c",
            "DATABASE_URI is not a database address like postgresql://user:password@host/name",
        ),
    ],
)
def test_a_bad_address_is_told_without_being_printed(address: str, sentence: str) -> None:
    with pytest.raises(SettingsError) as caught:
        sql(VALUES, address)
    assert str(caught.value) == sentence


def test_a_file_takes_the_place_of_the_source(tmp_path: Path) -> None:
    file = tmp_path / "flowers.csv"
    bundles.table().to_csv(file, index=False)
    loaded = reading.load(SOURCE, {"DATA_FILE": str(file)})
    assert (len(loaded.frame), loaded.where) == (60, str(file))
    with pytest.raises(DataError, match=r"^file /none.csv cannot be read \(No such file or directory\)$"):
        reading.load(SOURCE, {"DATA_FILE": "/none.csv"})


def test_cells_survive_the_way_through_the_hand_off() -> None:
    rows: dict[str, Any] = {"a": [1.5, None], "b": ["x", None], "c": [True, None], "d": [1, 2]}
    frame = reading.frame_of(reading.table_of(pd.DataFrame(rows)))
    assert frame["a"].isna().tolist() == frame["b"].isna().tolist() == frame["c"].isna().tolist() == [False, True]
    assert frame["d"].tolist() == [1, 2]


def test_compressed_text_is_read(store: Store, tmp_path: Path) -> None:
    plain = bundles.table().to_csv(index=False).encode()
    member = gzip.compress(plain[:100]) + gzip.compress(plain[100:])
    zstd = pa.compress(plain, codec="zstd", asbytes=True)
    expected = reading.csv(plain, WHERE).frame
    for content in (member, zstd):
        store.put("flowers.csv.gz", content)
        loaded = reading.load(SOURCE.model_copy(update={"key": "flowers.csv.gz"}), store.environment)
        pd.testing.assert_frame_equal(loaded.frame, expected)
        assert loaded.sha256 == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("name", ["flowers.parquet", "flowers.pq", "flowers"])
def test_a_file_of_parquet_is_known_by_its_content(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_bytes(parquet(bundles.table()))
    pd.testing.assert_frame_equal(reading.load(SOURCE, {"DATA_FILE": str(file)}).frame, bundles.table())


def test_a_source_may_be_a_file(tmp_path: Path) -> None:
    file = tmp_path / "flowers.csv"
    bundles.table().to_csv(file, index=False)
    assert len(reading.load(FileSource(type="FILE", path=str(file)), {}).frame) == 60
    with pytest.raises(DataError, match="is not a readable parquet file"):
        reading.load(FileSource(type="FILE", path=str(file), format=DataFormat.PARQUET), {})


def test_a_statement_without_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"^source\.query returns no rows, it must be a select$"):
        sql("create table t (a int)", f"sqlite:///{tmp_path}/data.db")


def test_rows_of_a_query_are_fetched_in_chunks(postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    query = "select i as x, i::text || 'x' as label from generate_series(1, 25) i order by i"
    whole = sql(query, postgres)
    monkeypatch.setattr(sources, "ROWS_AT_ONCE", 10)
    pd.testing.assert_frame_equal(sql(query, postgres).frame, whole.frame)
    assert whole.frame["x"].tolist() == list(range(1, 26))
    assert sql(query, postgres).sha256 == whole.sha256


@pytest.mark.parametrize(
    "condition",
    ["""'{"k": 1}'::jsonb ? 'k'""", "'a :b' <> 'c'", "'50%' like '%0\\%'", "'%s %(a)s' is not null", "1 % 2 = 1"],
)
def test_a_query_runs_as_it_is_written(postgres: str, condition: str) -> None:
    assert sql(f"select 1 as x where {condition}", postgres).frame["x"].tolist() == [1]


FOREIGN = {
    "array['p', 'q']": "holds lists",
    "'10.0.0.1'::inet": "holds values of mixed or foreign types (Could not convert IPv4",
    "int4range(1, 5)": "holds values of mixed or foreign types",
    """case when i % 2 = 0 then '{"a": 1}'::jsonb else '[1]'::jsonb end""": "holds values of mixed or foreign types",
    """'{"a": 1}'::jsonb""": "holds structs",
}


@pytest.mark.parametrize("expression", FOREIGN)
def test_columns_are_dropped_before_they_are_judged(postgres: str, expression: str) -> None:
    query = f"select i as x, 'a' as y, {expression} as c from generate_series(1, 4) i"
    source, environment = SQLSource(type="SQL", query=query), {"DATABASE_URI": postgres}
    with pytest.raises(DataError, match=f"^column 'c' of the query's result from .* {re.escape(FOREIGN[expression])}"):
        reading.load(source, environment, bundles.settings(source=source.model_dump(), target="y"))
    dropped = bundles.settings(source=source.model_dump(), target="y", features={"drop": ["c"]})
    frame = reading.load(source, environment, dropped).frame
    assert frame["x"].tolist() == [1, 2, 3, 4]


def test_columns_of_a_query_get_their_declared_types(postgres: str) -> None:
    query = "select '02116' as zip, i::text as id, i::numeric(30) as n, 'a' as y from generate_series(1, 4) i"
    source = SQLSource(type="SQL", query=query, columns={"id": "integer", "n": "integer"})
    settings = bundles.settings(source=source.model_dump(), target="y")
    frame = reading.load(source, {"DATABASE_URI": postgres}, settings).frame
    assert frame["zip"].tolist() == ["02116"] * 4
    assert frame["id"].tolist() == frame["n"].tolist() == [1, 2, 3, 4]
