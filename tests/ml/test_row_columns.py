"""Rows are held out by time or by group, and weighted, as their columns say; what such a column cannot say is named."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from ml import training
from ml.dataset import Dataset, encoded_batches
from ml.errors import DataError
from tests.ml import bundles, reading

ROWS = 100
WHERE = "s3://data/table.csv"


def table(**columns: Any) -> pd.DataFrame:
    generator = np.random.default_rng(5)
    x = generator.normal(size=ROWS)
    return pd.DataFrame({"number": np.arange(ROWS), "x": x, "y": np.where(x > 0, "a", "b"), **columns})


def prepared(frame: pd.DataFrame, **training: Any) -> Dataset:
    chosen = bundles.settings(target="y", features={}, training={"rounds": 5, **training})
    return reading.prepared(frame, chosen, WHERE)


def held_out(data: Dataset) -> set[int]:
    return set(data.test_rows.column("number").to_pylist())


DAYS = pd.date_range("2026-01-01", periods=ROWS)


@pytest.mark.parametrize(
    "times",
    [
        np.arange(ROWS) / 2,
        DAYS,
        DAYS.tz_localize("Europe/Berlin"),
        DAYS.strftime("%Y-%m-%d"),
        DAYS.strftime("%Y-%m-%dT%H:%M:%SZ"),
        [str(number) for number in range(ROWS)],
    ],
)
@pytest.mark.filterwarnings("ignore:Series.values:pandas.errors.Pandas4Warning")  # pyarrow 25 reads zoned times so
def test_the_latest_rows_are_held_out(times: Any) -> None:
    order = np.random.default_rng(1).permutation(ROWS)
    frame = table(day=times).iloc[order].reset_index(drop=True)
    data = prepared(frame, time_column="day", early_stopping_rounds=3, validation_fraction=0.25)
    assert held_out(data) == set(range(80, 100))
    assert data.validation is not None
    assert (data.train.rows, data.validation.rows) == (60, 20)
    assert [column["name"] for column in data.signature["inputs"]] == ["number", "x"]


def test_rows_of_one_time_are_held_out_together() -> None:
    assert held_out(prepared(table(day=np.arange(ROWS) // 30), time_column="day")) == set(range(60, 100))


def test_groups_are_held_out_as_a_whole() -> None:
    customer = np.array([f"c{row % 17}" for row in range(ROWS)])
    data = prepared(table(customer=customer), group_column="customer")
    out = sorted(held_out(data))
    assert not set(customer[out]) & set(np.delete(customer, out))
    assert 20 <= len(out) <= 26
    again = prepared(table(customer=customer), group_column="customer", seed=9)
    assert set(customer[sorted(held_out(again))]) != set(customer[out])


@pytest.mark.parametrize(
    ("columns", "chosen", "sentence"),
    [
        ({}, {"time_column": "day"}, f"{WHERE} has no column 'day' (training.time_column), it has number, x, y"),
        (
            {"day": [None, *range(1, ROWS)]},
            {"time_column": "day"},
            f"column 'day' of {WHERE} (training.time_column) has no value in 1 rows",
        ),
        (
            {"day": ["Monday"] * ROWS},
            {"time_column": "day"},
            f"column 'day' of {WHERE} (training.time_column) must hold numbers, dates or ISO 8601 text, all of one "
            "form; its first cell is 'Monday'",
        ),
        (
            {"day": [1] * ROWS},
            {"time_column": "day"},
            f"column 'day' of {WHERE} (training.time_column) has one time in so many of the earliest rows that none "
            "would be left to train on",
        ),
        (
            {"customer": ["c"] * ROWS},
            {"group_column": "customer"},
            f"column 'customer' of {WHERE} (training.group_column) has one group only among the rows that must be "
            "split into two parts",
        ),
        (
            {"customer": [None, *["c", "d", "e"] * 33]},
            {"group_column": "customer"},
            f"column 'customer' of {WHERE} (training.group_column) has no value in 1 rows",
        ),
        (
            {"w": [-1.0, None, *[1.0] * (ROWS - 2)]},
            {"weight_column": "w"},
            f"column 'w' of {WHERE} (training.weight_column) is missing or negative in 2 rows, a weight must be a "
            "number of at least 0",
        ),
        (
            {"w": [0] * ROWS},
            {"weight_column": "w"},
            f"column 'w' of {WHERE} (training.weight_column) is 0 in all training rows",
        ),
        (
            {"w": ["heavy"] * ROWS},
            {"weight_column": "w"},
            f"column 'w' must hold finite numbers, got 'heavy' in {WHERE}",
        ),
        (
            {"y": ["a", "b"] * 45 + ["c"] * 10},
            {"time_column": "number"},
            "class 'c' of the target has no training row: all of its rows are held out",
        ),
    ],
)
def test_a_column_that_cannot_say_it_is_named(columns: Any, chosen: Any, sentence: str) -> None:
    with pytest.raises(DataError) as caught:
        prepared(table(**columns), **chosen)
    assert str(caught.value) == sentence


def test_a_weight_counts_like_as_many_rows() -> None:
    """XGBoost with two copies of a row, and with one of weight 2."""
    frame = table(w=np.where(np.arange(ROWS) < 50, 2, 1))
    data = prepared(frame, weight_column="w")
    [batch] = encoded_batches(data.train)
    assert batch.weight is not None
    assert set(batch.weight) == {1.0, 2.0}
    heavy = training.fit(bundles.settings(target="y"), data.signature, data.train).booster
    plain = training.fit(bundles.settings(target="y"), data.signature, prepared(frame.drop(columns="w")).train).booster
    assert heavy.save_raw("json") != plain.save_raw("json")


def test_balanced_classes_weigh_the_same() -> None:
    data = prepared(table(y=["a"] * 20 + ["b"] * 80, w=[2.0] * ROWS), class_weight="BALANCED", weight_column="w")
    [batch] = encoded_batches(data.train)
    assert batch.weight is not None
    rare, frequent = (batch.weight[batch.truth == number].sum() for number in (0, 1))
    assert rare == pytest.approx(frequent)
    assert rare + frequent == pytest.approx(2 * data.train.rows)
