"""The report says what was made of each column, and what is odd about it."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from ml import data_report, report_page
from ml.settings import Settings
from tests.ml import reading
from tests.ml.test_columns import chosen, described

ROWS = 200


def table(**columns: Any) -> pd.DataFrame:
    generator = np.random.default_rng(1)
    return pd.DataFrame(
        {"noise": generator.normal(size=ROWS), "y": np.where(generator.random(ROWS) < 0.25, "a", "b"), **columns}
    )


def report(frame: pd.DataFrame, settings: Settings | None = None, types: Any = None) -> dict[str, Any]:
    settings = settings or chosen()
    signature = reading.prepared(frame, settings).signature
    return data_report.make(
        reading.table_of(frame).renamed(settings.features.renames), signature, settings, types or {}
    )


def column(found: dict[str, Any], name: str = "x") -> dict[str, Any]:
    return next(one for one in found["columns"] if one["column"] == name)


@pytest.mark.parametrize(
    ("x", "remarks"),
    [
        (np.arange(ROWS) + 100_000, ["an identifier? almost every row has a value of its own"]),
        ([f"u{row}@example.org" for row in range(ROWS)], ["an identifier? almost every row has a value of its own"]),
        (np.linspace(0, 1, ROWS), []),
        (np.arange(ROWS) % 7, []),
        (["p"] * ROWS, ["constant"]),
        (table()["y"].map({"a": "left", "b": "stays"}), ["a leak? it decides the target alone"]),
        (table()["y"].map({"a": 0.0, "b": 1.0}) + np.linspace(0, 0.5, ROWS), ["a leak? it decides the target alone"]),
        (table()["y"].map({"a": 1, "b": 0}), ["a leak? it decides the target alone"]),
    ],
)
def test_what_is_odd_about_a_column_is_said(x: Any, remarks: list[str]) -> None:
    found = report(table(x=x))
    assert column(found)["remarks"] == remarks
    assert column(found, "noise")["remarks"] == []
    said = [line for line in report_page.lines(found) if line.startswith("column")]
    assert said == [f"column 'x' ({column(found)['use']}): {remark}" for remark in remarks]


def test_missing_cells_and_classes_are_counted_in_rows_with_a_target() -> None:
    frame = table(x=[None, 1.0, 2.0, 2.0] * (ROWS // 4))
    frame.loc[:19, "y"] = None
    frame.loc[20:, "y"] = ["a", "b", "b"] * 60
    found = report(frame)
    assert (found["rows"], found["rows_without_target"], found["rows_compared"]) == (200, 20, 180)
    assert found["target"] == {"name": "y", "classes": {"b": 120, "a": 60}}
    assert (column(found)["missing"], column(found)["different"]) == (45, 2)
    assert list(report_page.lines(found)) == ["classes: 'b' 66.7%, 'a' 33.3%", "column 'x' (numeric): 25.0% missing"]


def test_each_column_has_a_use_and_a_reason() -> None:
    frame = table(zip=["02116", "10001"] * 100, old=[1, 2] * 100, id=range(ROWS), kind=[7, 8, 9, 9] * 50)
    settings = described(
        columns={"kind": "integer"}, features={"drop": ["id"], "renames": {"old": "new"}, "categorical": ["new"]}
    )
    found = report(frame, settings, {"zip": "text", "old": "integer"})
    assert [(one["column"], one["use"], one["why"], one["type"]) for one in found["columns"]] == [
        ("noise", "numeric", "its type", "number"),
        ("zip", "categorical", "its type", "text"),
        ("new", "categorical", "features.categorical", "integer"),
        ("id", "unused", "features.drop", "integer"),
        ("kind", "numeric", "source.columns", "integer"),
    ]
    few = report(table(x=[1.0, 2.0] * 100), chosen(numeric=["noise"], categorical=[]))
    assert column(few)["why"] == "in neither features.numeric nor features.categorical"


def test_a_regression_has_the_range_of_its_target() -> None:
    frame = pd.DataFrame({"x": range(40), "y": [1.0, 2.0, 3.0, 6.0] * 10})
    assert report(frame, chosen(task="regression"))["target"] == {"name": "y", "min": 1.0, "mean": 3.0, "max": 6.0}


def test_a_sample_is_compared_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_report, "SAMPLE", 50)
    found = report(table(x=np.arange(ROWS)))
    assert (found["rows_compared"], column(found)["different"]) == (50, 50)
    assert "as 50 rows have them" in report_page.page(found, "t")


def test_names_and_labels_cannot_break_the_page() -> None:
    hostile = "<script>alert(1)</script>"
    frame = table().rename(columns={"noise": hostile}).assign(y=np.array([hostile, "b"] * 100))
    page = report_page.page(report(frame), hostile)
    assert "<script>" not in page
    assert page.count("&lt;script&gt;") == 4
