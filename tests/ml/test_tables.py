"""Columns that have types already keep them, or get the declared ones: exactly, or not at all."""

import datetime
import io
from decimal import Decimal
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest

from ml import features, tables
from ml.errors import DataError
from ml.settings import Settings
from tests.ml import reading
from tests.ml.test_columns import described

WHERE = "s3://data/table.parquet"
LARGE = 2**63 - 1


def settings(columns: dict[str, str] | None = None, task: str = "classification", **features: Any) -> Settings:
    return described(task=task, features=features, columns=columns, format="parquet")


def parquet(**cells: Any) -> bytes:
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(pa.table(cells), buffer)
    return buffer.getvalue()


def read(x: Any, chosen: Settings | None = None) -> pd.DataFrame:
    return reading.parquet(parquet(x=x, y=["a", "b"]), WHERE, chosen or settings()).frame


def handed_on(frame: pd.DataFrame) -> list[Any]:
    """The cells of x as the next step finds them, None where missing."""
    return [None if pd.isna(cell) else cell for cell in frame["x"].tolist()]


@pytest.mark.parametrize(
    ("x", "kind"),
    [
        ([9007199254740993, None], "numeric"),
        ([LARGE, -LARGE], "numeric"),
        ([1.5, None], "numeric"),
        ([Decimal("1.50"), None], "numeric"),
        (pa.array([2**64 - 1, None], pa.uint64()), "numeric"),
        ([True, None], "categorical"),
        (["02116", None], "categorical"),
        ([" NA", "?"], "categorical"),
        (pa.array(["10001", "2116"]).dictionary_encode(), "categorical"),
    ],
)
def test_a_column_keeps_its_type_and_its_cells(x: Any, kind: str) -> None:
    expected = x.to_pylist() if isinstance(x, pa.Array) else x
    frame = read(x)
    assert handed_on(frame) == expected
    assert features.choose(reading.table_of(frame), settings().features, "y", WHERE).inputs == [
        {"name": "x", "kind": kind}
    ]


@pytest.mark.parametrize(
    ("x", "declared", "expected"),
    [
        (["1", None], "integer", [1, None]),
        (["007", "8"], "integer", [7, 8]),
        (["1.50", "NA"], "number", [1.5, None]),
        (["t", "F"], "boolean", [True, False]),
        (["1", "02"], "text", ["1", "02"]),
        ([2116, LARGE], "text", ["2116", str(LARGE)]),
        ([True, None], "text", ["true", None]),
        ([1.0, None], "integer", [1, None]),
        ([Decimal("2.00"), None], "integer", [2, None]),
        ([1, 2], "number", [1.0, 2.0]),
        ([1, 0], "boolean", [True, False]),
        (pa.array(["1", "2"]).dictionary_encode(), "integer", [1, 2]),
        (pa.array([7, 8]).dictionary_encode(), "text", ["7", "8"]),
        ([datetime.date(2024, 1, 2), None], "text", ["2024-01-02", None]),
    ],
)
def test_a_declared_type_is_that_of_the_column(x: Any, declared: str, expected: list[Any]) -> None:
    frame = read(x, settings({"x": declared}))
    found = handed_on(frame)
    assert found == expected
    assert [type(cell) for cell in found] == [type(cell) for cell in expected]


@pytest.mark.parametrize(
    ("x", "declared", "sentence"),
    [
        (["1", "x"], "integer", "has 'x' in row 2, which is not an integer of at most 64 bits"),
        ([1.0, 2.5], "integer", "has 2.5 in row 2, which is not an integer of at most 64 bits"),
        ([1e300, 2.0], "integer", "has 1e+300 in row 1, which is not an integer of at most 64 bits"),
        ([9007199254740993, 1], "number", "has 9007199254740993 in row 1, which is not exactly a 64-bit"),
        ([1, 2], "boolean", "has 2 in row 2, which is neither true nor false"),
        ([datetime.date(2024, 1, 2), None], "number", "has datetime.date(2024, 1, 2) in row 1, which is not exactly"),
    ],
)
def test_a_cell_of_another_type_than_the_declared_one_is_refused(x: Any, declared: str, sentence: str) -> None:
    with pytest.raises(DataError) as caught:
        read(x, settings({"x": declared}))
    assert str(caught.value).startswith(f"column 'x' of {WHERE} {sentence}")
    assert str(caught.value).endswith("(source.columns)")
    assert handed_on(read(x, settings({"x": declared}, drop=["x"]))) == [None, None]


def test_a_declaration_of_an_absent_column_is_refused() -> None:
    with pytest.raises(DataError) as caught:
        read([1, 2], settings({"z": "integer"}))
    assert str(caught.value) == f"{WHERE} has no column 'z' (source.columns), it has x, y"


@pytest.mark.parametrize("x", [["46.0", "225"], ["1", None], ["10001", "90210"]])
def test_text_of_numbers_alone_is_refused_until_its_type_is_declared(x: list[Any]) -> None:
    with pytest.raises(DataError) as caught:
        read(x)
    assert str(caught.value) == (
        f"column 'x' of {WHERE} is text but all of its cells are numbers: say in source.columns whether it is text, "
        "integer or number"
    )
    known = [cell for cell in x if cell]
    assert handed_on(read(x, settings(categorical=["x"])))[: len(known)] == known
    assert handed_on(read(x, settings(numeric=["x"])))[: len(known)] == [float(cell) for cell in known]
    read(x, settings(drop=["x"]))
    labels = reading.parquet(parquet(x=["p", "q"], y=["1", "2"]), WHERE, settings())
    assert labels.frame["y"].tolist() == ["1", "2"]
    target = reading.parquet(parquet(x=["p", "q"], y=["1.5", "2"]), WHERE, settings(task="regression"))
    assert target.frame["y"].tolist() == [1.5, 2.0]


@pytest.mark.parametrize(
    ("x", "held"),
    [
        ([[1.0], None], "lists"),
        ([{"a": 1}, None], "structs"),
        (pa.array([[("k", 1)], []], pa.map_(pa.string(), pa.int64())), "maps"),
        ([b"\xff", None], "bytes"),
        (pa.array([[1, 2], [3, 4]], pa.list_(pa.int64(), 2)), "lists"),
        (pa.array([b"1" * 16, None], pa.uuid()), "values of an extension type"),
    ],
)
def test_columns_of_which_nothing_can_be_learned_are_refused_unless_they_are_dropped(x: Any, held: str) -> None:
    with pytest.raises(DataError) as caught:
        read(x)
    assert str(caught.value) == (
        f"column 'x' of {WHERE} holds {held}, only numbers, text and true/false can be learned from: add it to "
        "features.drop"
    )
    assert handed_on(read(x, settings(drop=["x"]))) == [None, None]


@pytest.mark.parametrize("categories", [[7, 8], ["7", "8"], [1.5, 2.5]])
def test_categories_of_pandas_stay_categories(categories: list[Any]) -> None:
    frame = pd.DataFrame({"x": pd.Categorical(categories), "y": ["a", "b"]})
    buffer = io.BytesIO()
    frame.to_parquet(buffer)
    read = reading.parquet(buffer.getvalue(), WHERE, settings()).frame
    assert handed_on(read) == categories
    assert features.choose(reading.table_of(read), settings().features, "y", WHERE).inputs == [
        {"name": "x", "kind": "categorical"}
    ]


@pytest.mark.parametrize("target", [False, True])
def test_an_index_with_a_name_is_a_column(target: bool) -> None:
    frame = pd.DataFrame({"age": range(40, 80), "y": ["a", "b"] * 20}).set_index("y" if target else "age")
    buffer = io.BytesIO()
    frame.to_parquet(buffer)
    table = reading.parquet(buffer.getvalue(), WHERE, settings())
    assert {*table.frame.columns} == {"age", "y"}
    assert table.frame["age"].tolist() == list(range(40, 80))
    data = reading.prepared(table.frame, settings(), WHERE)
    assert [column["name"] for column in data.signature["inputs"]] == ["age"]


def test_an_index_without_a_name_is_left_out_and_told() -> None:
    frame = pd.DataFrame({"x": [1, 2], "y": ["a", "b"]}, index=["p", "q"])
    buffer = io.BytesIO()
    frame.to_parquet(buffer)
    table = reading.parquet(buffer.getvalue(), WHERE, settings())
    assert list(table.frame.columns) == ["x", "y"]
    assert table.notes == ["the index of the table has no name and is left out"]


def test_rows_of_a_query_come_in_chunks_that_agree_on_a_type() -> None:
    chunks = [[(1, None, "a")], [(None, Decimal("1.5"), None)], [(2, Decimal("10.25"), "b")]]
    names = ["id", "price", "y"]
    table = tables.spool(chunks, names, (), WHERE, reading.directory())
    assert {name: table.column(name).to_pylist() for name in names} == {
        "id": [1, None, 2],
        "price": [None, Decimal("1.50"), Decimal("10.25")],
        "y": ["a", None, "b"],
    }
    with pytest.raises(DataError, match=r"^column 'id' of .* holds values of mixed or foreign types"):
        tables.spool([*chunks, [("x", None, "a")]], names, (), WHERE, reading.directory())
    assert tables.spool([*chunks, [("x", None, "a")]], names, ["id"], WHERE, reading.directory()).rows == 4
