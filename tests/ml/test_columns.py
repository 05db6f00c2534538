"""Cells of text become columns with types: exactly, or not at all."""

import re
from typing import Any

import pandas as pd
import pytest

from ml.errors import DataError
from ml.model import Model
from ml.preprocessing import Preprocessing
from ml.settings import Settings
from tests.ml import bundles, reading

WHERE = "s3://data/table.csv"


def chosen(target: str = "y", task: str = "classification", **features: Any) -> Settings:
    metric = {"metric": "accuracy", "threshold": 0} if task == "classification" else {"metric": "r2", "threshold": 0}
    return bundles.settings(target=target, task=task, features=features, evaluation=metric)


def read(column: list[str], settings: Settings | None = None, name: str = "x") -> Any:
    """A file with this column and a target that alternates."""
    rows = "".join(f"{cell},{'ab'[row % 2]}\n" for row, cell in enumerate(column))
    return reading.csv(f"{name},y\n{rows}".encode(), WHERE, settings or chosen())


def cells(column: list[str], settings: Settings | None = None) -> list[Any]:
    """The cells as Python has them, None where missing."""
    series = read(column, settings).frame["x"]
    return [None if pd.isna(cell) else cell for cell in series.tolist()]


@pytest.mark.parametrize(
    ("column", "type_", "values"),
    [
        (["02116", "10001"], "text", ["02116", "10001"]),
        (["9007199254740993", ""], "integer", [9007199254740993, None]),
        (["+5", "-7", "0"], "integer", [5, -7, 0]),
        (["123456789012345678901", "1"], "text", ["123456789012345678901", "1"]),
        (["2008", "2008.0", " 2008.5 "], "number", [2008.0, 2008.0, 2008.5]),
        ([".5", "5.", "1e-3", "0.1"], "number", [0.5, 5.0, 0.001, 0.1]),
        (["1", "", " ", "?", "NA"], "integer", [1, None, None, None, None]),
        (["True", "FALSE"], "boolean", [True, False]),
        (["true", "", "NA"], "boolean", [True, None, None]),
        (["t", "f"], "text", ["t", "f"]),
        (["NA", "DE", ""], "text", ["NA", "DE", None]),
        (["None", "null", "some"], "text", ["None", "null", "some"]),
        (["x", " y", '" z"'], "text", ["x", "y", " z"]),
        (["", ""], "text", [None, None]),
    ],
)
def test_a_column_has_the_type_that_all_of_its_cells_allow(column: list[str], type_: str, values: list[Any]) -> None:
    assert read(column).types["x"] == type_
    found = cells(column)
    assert found == values
    assert [type(cell) for cell in found] == [type(cell) for cell in values]


@pytest.mark.parametrize("column", [["1", "2"], ["True", "False"], ["2008.0", "NA"], ["1,5", "2"], ["2024-01-01", "x"]])
def test_a_declared_category_is_never_guessed(column: list[str]) -> None:
    quoted = [f'"{cell}"' for cell in column]
    assert cells(quoted, chosen(categorical=["x"])) == column


def test_declarations_name_columns_as_they_are_after_renames() -> None:
    settings = chosen(renames={"x": "zip"}, categorical=["zip"])
    assert read(["1", "2"], settings).types["x"] == "text"


def test_a_declared_number_may_have_leading_zeros() -> None:
    assert cells(["007", "010"], chosen(numeric=["x"])) == [7, 10]


def test_a_missing_mark_of_a_number_column_holds_for_the_file_and_is_told() -> None:
    content = b"x,country,y\n1,NA,a\nNA,DE,b\n3,None,a\n"
    table = reading.csv(content, WHERE, chosen())
    assert table.frame["country"].isna().tolist() == [True, False, False]
    assert table.notes == [
        "column 'x': 1 cells 'NA' are missing",
        "column 'country': 1 cells 'NA' are missing, as in column 'x'",
        "column 'country': 1 cells 'None' are text, not missing",
    ]


@pytest.mark.parametrize(
    ("missing", "countries", "numbers", "type_"),
    [
        (["-999"], ["NA", "DE", None], [1, None, None], "integer"),
        (["NA", "-999"], [None, "DE", None], [1, None, None], "integer"),
        ([], ["NA", "DE", None], [1, -999, None], "integer"),
    ],
)
def test_words_that_the_settings_name_are_missing_in_every_column_and_no_others(
    missing: list[str], countries: list[Any], numbers: list[Any], type_: str
) -> None:
    source = {"type": "S3", "bucket": "data", "key": "table.csv", "missing": missing}
    settings = bundles.settings(**(chosen().model_dump(mode="json") | {"source": source}))
    table = reading.csv(b"x,country,y\n1,NA,a\n-999,DE,b\n,,a\n", WHERE, settings)
    assert [None if pd.isna(cell) else cell for cell in table.frame["country"]] == countries
    assert [None if pd.isna(cell) else cell for cell in table.frame["x"]] == numbers
    assert table.types == {"x": type_, "country": "text", "y": "text"}
    assert table.notes == []


def test_a_word_that_the_settings_do_not_name_makes_a_column_text() -> None:
    source = {"type": "S3", "bucket": "data", "key": "table.csv", "missing": ["-999"]}
    settings = bundles.settings(**(chosen().model_dump(mode="json") | {"source": source}))
    assert read(["1", "NA"], settings).types["x"] == "text"
    assert read(["1", "-999"], settings).types["x"] == "integer"


def test_leading_zeros_are_told() -> None:
    assert read(["02116", "10001"]).notes == [
        "column 'x' has numbers with leading zeros and is text; features.numeric makes it numbers"
    ]


def source(**fields: Any) -> dict[str, Any]:
    return {"source": {"type": "S3", "bucket": "data", "key": "table.csv", **fields}}


def described(task: str = "classification", features: Any = None, **fields: Any) -> Settings:
    """Settings with these fields of the source."""
    return bundles.settings(**(chosen(task=task, **(features or {})).model_dump(mode="json") | source(**fields)))


@pytest.mark.parametrize(
    ("declared", "column", "values"),
    [
        ("text", ["2007", "010"], ["2007", "010"]),
        ("text", ["True", ""], ["True", None]),
        ("integer", ["007", "+8", "", "NA"], [7, 8, None, None]),
        ("integer", ["9223372036854775807", "-9223372036854775808"], [2**63 - 1, -(2**63)]),
        ("number", ["1", "2"], [1.0, 2.0]),
        ("number", ["007", "?", ""], [7.0, None, None]),
        ("number", ["", ""], [None, None]),
        ("boolean", ["t", "F", "true", "False", "1", "0"], [True, False, True, False, True, False]),
        ("boolean", ["1", "", "NA"], [True, None, None]),
    ],
)
def test_a_declared_type_is_that_of_the_column(declared: str, column: list[str], values: list[Any]) -> None:
    settings = described(columns={"x": declared})
    assert read(column, settings).types["x"] == declared
    found = cells(column, settings)
    assert found == values
    assert [type(cell) for cell in found] == [type(cell) for cell in values]


@pytest.mark.parametrize(
    ("declared", "column", "sentence"),
    [
        ("integer", ["1", "2.0"], "has '2.0' in line 3, which is not an integer of at most 64 bits"),
        ("integer", ["1", "9223372036854775808"], "has '9223372036854775808' in line 3, which is not an integer of at"),
        ("integer", ["-9223372036854775808", "-9223372036854775809"], "has '-9223372036854775809' in line 3, which"),
        ("integer", ["", "x" * 300], f"has '{'x' * 199}…' in line 3, which is not an integer"),
        ("number", ["1", "NA", "1,5"], "has '1,5' in line 4, which is not a number (source.columns)"),
        ("number", ["1", "inf"], "has 'inf' in line 3, which is not a number"),
        ("number", ["0x10", "1"], "has '0x10' in line 2, which is not a number"),
        ("boolean", ["true", "yes"], "has 'yes' in line 3, which is neither true nor false (source.columns)"),
    ],
)
def test_a_cell_of_another_type_than_the_declared_one_is_refused(
    declared: str, column: list[str], sentence: str
) -> None:
    quoted = [f'"{cell}"' for cell in column]
    with pytest.raises(DataError) as caught:
        read(quoted, described(columns={"x": declared}))
    assert str(caught.value).startswith(f"column 'x' of {WHERE} {sentence}")
    assert read(quoted, described(columns={"x": declared}, features={"drop": ["x"]})).types["x"] == "text"


def test_a_declaration_of_an_absent_column_is_refused() -> None:
    with pytest.raises(DataError) as caught:
        read(["1"], described(columns={"z": "integer"}))
    assert str(caught.value) == f"{WHERE} has no column 'z' (source.columns), it has x, y"


def test_declarations_name_columns_as_they_are_in_the_source() -> None:
    settings = described(columns={"x": "text"}, features={"renames": {"x": "zip"}})
    assert read(["1", "2"], settings).types["x"] == "text"


def test_a_declared_integer_may_be_a_category() -> None:
    assert cells(["007", "8"], described(columns={"x": "integer"}, features={"categorical": ["x"]})) == [7, 8]


@pytest.mark.parametrize(
    ("signs", "column", "type_", "values"),
    [
        ({"decimal": ","}, ["1,5", "-,25", "3"], "number", [1.5, -0.25, 3.0]),
        ({"decimal": ",", "thousands": "."}, ["1.234,5", "1234,5", "-1.234.567"], "number", [1234.5, 1234.5, -1234567]),
        ({"thousands": ","}, ["1,234", "5"], "integer", [1234, 5]),
        ({"thousands": "'"}, ["1'234.5", "1234"], "number", [1234.5, 1234.0]),
        ({"thousands": ","}, ["9,007,199,254,740,993", ""], "integer", [9007199254740993, None]),
        ({"thousands": ","}, ["19,007,199,254,740,993,000", "1"], "text", ["19,007,199,254,740,993,000", "1"]),
        ({"decimal": ","}, ["1.5", "2.5"], "text", ["1.5", "2.5"]),
        ({"thousands": ","}, ["1", "2"], "integer", [1, 2]),
    ],
)
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_numbers_are_read_in_the_signs_of_the_file(
    delimiter: str, signs: dict[str, str], column: list[str], type_: str, values: list[Any]
) -> None:
    settings = described(delimiter=delimiter, **signs)
    quote = '"' if delimiter == "," else ""
    rows = "".join(f"{quote}{cell}{quote}{delimiter}{'ab'[row % 2]}\n" for row, cell in enumerate(column))
    table = reading.csv(f"x{delimiter}y\n{rows}".encode(), WHERE, settings)
    assert table.types["x"] == type_
    assert [None if pd.isna(cell) else cell for cell in table.frame["x"].tolist()] == values


def test_a_number_in_other_signs_is_refused() -> None:
    settings = described(delimiter=";", decimal=",", columns={"x": "number"})
    with pytest.raises(DataError, match=r"has '1\.5' in line 3, which is not a number"):
        reading.csv(b"x;y\n1,5;a\n1.5;b\n", WHERE, settings)
    with pytest.raises(DataError, match=r"has '1,23' in line 2, where a comma may separate thousands or decimals"):
        reading.csv(b"x;y\n1,23;a\n1,234;b\n", WHERE, described(delimiter=";", thousands=","))


@pytest.mark.parametrize("cell", ["1.262,60", "1.262", "-12.345.678"])
def test_points_beside_a_decimal_comma_are_refused_instead_of_read_as_text(cell: str) -> None:
    sentence = "where a point may separate thousands or decimals: set source.decimal or source.thousands, correct it"
    with pytest.raises(DataError, match=rf"has '{re.escape(cell)}' in line 3, {sentence}"):
        reading.csv(f"x;y\n1,5;a\n{cell};b\n".encode(), WHERE, described(delimiter=";", decimal=","))


@pytest.mark.parametrize("cell", ["10.0.0.1", "1.2.3", "1.25"])
def test_points_that_no_number_has_are_text(cell: str) -> None:
    table = reading.csv(f"x;y\n{cell};a\n{cell}0;b\n".encode(), WHERE, described(delimiter=";", decimal=","))
    assert table.types["x"] == "text"


def test_utf_16_without_a_byte_order_mark_is_little_endian() -> None:
    content = "größe,y\n1,ä\n".encode("utf-16-le")
    assert reading.csv(content, WHERE, described(encoding="utf-16")).frame.to_dict("list") == {"größe": [1], "y": ["ä"]}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "windows-1252", "utf-8"])
def test_text_is_read_in_its_encoding(encoding: str) -> None:
    table = reading.csv("größe,y\n1,ä\n".encode(encoding), WHERE, described(encoding=encoding))
    assert table.frame.to_dict("list") == {"größe": [1], "y": ["ä"]}


@pytest.mark.parametrize(
    ("encoding", "content", "sentence"),
    [
        ("utf-16", b"a,b", "is not utf-16 text (byte 0x62 in line 1)"),
        ("ascii", b"a,b\n1,\xfc", "is not ascii text (byte 0xfc in line 2)"),
        ("unicode_escape", b"a,b\n1,\\ud800", "is not unicode_escape text ('utf-8' codec can't encode character"),
    ],
)
def test_text_of_another_encoding_is_refused(encoding: str, content: bytes, sentence: str) -> None:
    with pytest.raises(DataError) as caught:
        reading.csv(content, WHERE, described(encoding=encoding))
    assert str(caught.value).startswith(f"{WHERE} {sentence}")


@pytest.mark.parametrize(
    "table",
    [
        "a,b,y\n1, 2.5,x\n-3,.5, z\n\n,NA,\n",
        "\n\na,b,y\r\n1,,x\r\n 007,1e3,z\r\n",
        "a,b,y\n1,2\n3,4,x\n",
        "a,b,y\n  \n1,2,x\n",
    ],
)
def test_a_file_reads_the_same_with_quotes_and_without(table: str) -> None:
    """There is a fast reader for files without quotes."""
    quoted = table.replace("a,b,y", '"a",b,y', 1)
    fast, slow = (reading.csv(text.encode(), WHERE, chosen()) for text in (table, quoted))
    pd.testing.assert_frame_equal(fast.frame, slow.frame)
    assert (fast.types, fast.notes) == (slow.types, slow.notes)


@pytest.mark.parametrize("sentence", ["has 'x' in line 5, which is not a number without separators"])
def test_both_readers_name_the_same_line(sentence: str) -> None:
    for name in ("x", '"x"'):
        with pytest.raises(DataError, match=sentence):
            reading.csv(f"\n{name},y\n1,a\n\nx,b\n".encode(), WHERE, chosen(numeric=["x"]))


WAY_OUT = "correct it, or list the column in features.categorical or features.drop"


@pytest.mark.parametrize(
    ("column", "settings", "sentence"),
    [
        (
            ["7", '"1,234"'],
            chosen(),
            f"has '1,234' in line 3, where a comma may separate thousands or decimals: set source.decimal or "
            f"source.thousands, {WAY_OUT}",
        ),
        (
            [*map(str, range(19)), "twelve"],
            chosen(),
            f"has 'twelve' in line 21, where almost all other cells are numbers: {WAY_OUT}",
        ),
        (
            ["", "2024-01-01", "2024-01-02 10:00"],
            chosen(),
            "has '2024-01-01' in line 3, a date, which is no feature: replace it with numbers, name it as "
            "training.time_column if rows are in time, or list the column in features.categorical or features.drop",
        ),
        (["1", "x"], chosen(numeric=["x"]), "has 'x' in line 3, which is not a number without separators"),
    ],
)
def test_an_ambiguous_column_is_refused_by_line_and_cell(column: list[str], settings: Settings, sentence: str) -> None:
    with pytest.raises(DataError) as caught:
        read(column, settings)
    assert str(caught.value) == f"column 'x' of {WHERE} {sentence}"
    ways_out: list[dict[str, Any]] = [{"drop": ["x"]}, {"categorical": ["x"]}, {"numeric": ["z"], "categorical": []}]
    for way_out in ways_out:
        read(column, chosen(**way_out))


def test_the_line_is_that_of_the_file() -> None:
    content = b'name,x,y\n"two\nlines",1,a\n\nb,twelve,a\n'
    with pytest.raises(DataError, match="has 'twelve' in line 5,"):
        reading.csv(content, WHERE, chosen(numeric=["x"]))


def test_a_label_that_is_almost_a_number_is_a_label() -> None:
    content = "x,y\n" + "1,5\n" * 19 + "1,5+\n"
    assert reading.csv(content.encode(), WHERE, chosen()).types["y"] == "text"
    with pytest.raises(DataError, match=r"^column 'y' of .* has '5\+' in line 21, which is not a number"):
        reading.csv(content.encode(), WHERE, chosen(task="regression"))


def test_spaces_around_names_and_before_cells_are_no_part_of_them() -> None:
    table = reading.csv(b'age, work , "y"\n20, Private, "a, b"\n21, State-gov, c\n', WHERE, chosen())
    assert list(table.frame.columns) == ["age", "work", "y"]
    assert table.frame["work"].tolist() == ["Private", "State-gov"]
    assert table.frame["y"].tolist() == ["a, b", "c"]


def test_none_is_a_class_and_rows_are_kept() -> None:
    rows = "".join(f"{row},{('None', 'Insomnia', 'Sleep Apnea')[row % 3]}\n" for row in range(30))
    table = reading.csv(f"x,y\n{rows}".encode(), WHERE, chosen())
    data = reading.prepared(table.frame, chosen(), WHERE)
    assert data.without_target == 0
    assert data.signature["classes"] == ["Insomnia", "None", "Sleep Apnea"]
    assert data.train.rows + data.test.rows == 30


def test_rows_without_a_target_are_counted() -> None:
    rows = "".join(f"{row},{('', 'a', 'b')[row % 3]}\n" for row in range(30))
    table = reading.csv(f"x,y\n{rows}".encode(), WHERE, chosen())
    assert reading.prepared(table.frame, chosen(), WHERE).without_target == 10


def served(column: list[str], settings: Settings, tmp_path: Any) -> Model:
    """A model for which the column alone decides the target."""
    kinds = sorted(set(column))
    rows = "".join(f"{cell},{'ab'[kinds.index(cell) % 2]}\n" for cell in column * 20)
    table = reading.csv(f"x,y\n{rows}".encode(), WHERE, settings)
    model = Model(str(bundles.make_bundle(tmp_path, frame=table.frame, chosen=settings)))
    model.load()
    return model


@pytest.mark.parametrize(
    ("column", "features", "groups"),
    [
        (["True", "False"], {}, [[True, "True", "true", 1, "1", "t"], [False, "False", "FALSE", 0]]),
        (["True", "False"], {"categorical": ["x"]}, [[True, "True", "true", 1], [False, "False", "false", 0.0]]),
        (["t", "f"], {}, [["t", True, "true", "T", 1], ["f", False, "False", 0]]),
        (["0", "1"], {"categorical": ["x"]}, [["0", 0, 0.0, False], ["1", 1, True, "true"]]),
        (["2007", "2008"], {"categorical": ["x"]}, [["2007", 2007, 2007.0, "2007.0", " 2007"], ["2008", 2008]]),
        (["2007.0", "2008.0"], {"categorical": ["x"]}, [["2007.0", 2007, "2007"], ["2008.0", 2008.0]]),
        (["02116", "10001"], {}, [["02116"], ["10001", 10001]]),
        (["NA", "DE"], {}, [["NA"], ["DE", " DE"]]),
        (["9007199254740993", "9007199254740992"], {"categorical": ["x"]}, [[9007199254740993], [9007199254740992]]),
    ],
)
def test_a_cell_has_one_label_however_json_writes_it(
    tmp_path: Any, column: list[str], features: dict[str, Any], groups: list[list[Any]]
) -> None:
    model = served(column, chosen(**features), tmp_path)
    encoded = [model.encode([[cell] for cell in group]) for group in groups]
    assert all(not one.unknown for one in encoded)
    matrices = [{tuple(row) for row in one.matrix.tolist()} for one in encoded]
    assert [len(rows) for rows in matrices] == [1, 1]
    assert matrices[0] != matrices[1]


@pytest.mark.parametrize(
    ("column", "unknown"),
    [
        (["02116", "10001"], ["2116", 2116]),
        (["red", "blue"], ["Red", True, 1]),
        (["t", "f", "u"], [True, "T"]),
        (["1", "1.0"], ["1.00"]),
        (["1E3", "A"], [1000, "1e3"]),
    ],
)
def test_another_text_is_an_unknown_category(column: list[str], unknown: list[Any]) -> None:
    spec = {
        "schema_version": 1,
        "unknown_category": "MISSING",
        "inputs": [{"name": "x", "kind": "categorical"}],
        "engineered": [],
        "numeric": [],
        "categorical": [{"name": "x", "categories": column, "fill": ""}],
    }
    assert Preprocessing(spec).encode([[cell] for cell in unknown]).unknown == {"x": len(unknown)}
