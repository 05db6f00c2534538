"""The transform of raw rows: one code path for training and serving."""

import json
import math
from collections import Counter
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.categories import OneHot, category
from ml.errors import BadInput
from ml.features import cells_of
from ml.preprocessing import Preprocessing
from tests.ml import bundles, reading

NUMERIC_CELLS = st.none() | st.floats(-1e9, 1e9, allow_nan=False) | st.integers(-(10**9), 10**9) | st.just("")
CATEGORY_CELLS = st.none() | st.sampled_from(["Biscoe", "Dream", "Torgersen", "", "Mars"])
ROWS = st.lists(st.tuples(NUMERIC_CELLS, NUMERIC_CELLS, CATEGORY_CELLS).map(list), min_size=1, max_size=8)


def fitted(**features: Any) -> Preprocessing:
    """The transform of the test table: inputs length, width, island."""
    chosen = bundles.settings(features={"engineered": {"ratio": "length / width"}} | features)
    data = reading.prepared(bundles.table(), chosen, "the table")
    return Preprocessing(json.loads(json.dumps(data.preprocessing)))


TRANSFORM = fitted()


@given(ROWS)
def test_one_row_gives_the_same_numbers_as_the_row_in_a_batch(rows: list[list[Any]]) -> None:
    together = TRANSFORM.encode(rows).matrix
    alone = np.vstack([TRANSFORM.encode([row]).matrix for row in rows])
    assert together.tobytes() == alone.tobytes()


@given(ROWS)
def test_lists_arrays_and_columns_give_the_same_numbers(rows: list[list[Any]]) -> None:
    expected = TRANSFORM.encode(rows).matrix.tobytes()
    assert TRANSFORM.encode(np.array(rows, dtype=object)).matrix.tobytes() == expected
    columns = {name: [row[i] for row in rows] for i, name in enumerate(TRANSFORM.inputs)}
    assert TRANSFORM.encode_columns(columns).matrix.tobytes() == expected


@given(ROWS, st.permutations([0, 1, 2]))
def test_names_bring_cells_of_any_order_to_the_same_numbers(rows: list[list[Any]], order: list[int]) -> None:
    shuffled = [[row[i] for i in order] for row in rows]
    names = [TRANSFORM.inputs[i] for i in order]
    assert TRANSFORM.encode(shuffled, names).matrix.tobytes() == TRANSFORM.encode(rows).matrix.tobytes()


@given(ROWS)
def test_the_matrix_is_finite_float32_with_one_category_a_row(rows: list[list[Any]]) -> None:
    matrix = TRANSFORM.encode(rows).matrix
    assert matrix.dtype == np.float32
    assert np.isfinite(matrix).all()
    assert (matrix[:, 3:].sum(axis=1) == 1).all()


def test_training_rows_and_the_same_rows_as_a_request_give_the_same_numbers() -> None:
    data = reading.prepared(bundles.table(), bundles.settings(), "the table")
    transform = Preprocessing(data.preprocessing)
    cells = reading.frame_of(data.test_rows)[transform.inputs].astype(object)
    encoded = reading.matrix_of(data.test)
    rows = cells.where(cells.notna(), None).to_numpy().tolist()
    assert transform.encode(rows).matrix.tobytes() == encoded.tobytes()
    columns = {
        column["name"]: cells_of(data.test_rows.column(column["name"]), column["name"], column["kind"], "the table")
        for column in data.signature["inputs"]
    }
    assert transform.encode_columns(columns).matrix.tobytes() == encoded.tobytes()


def test_missing_numbers_become_the_training_median() -> None:
    data = reading.prepared(bundles.table(), bundles.settings(features={"scaling": "NONE"}), "the table")
    [width] = [column for column in data.preprocessing["numeric"] if column["name"] == "width"]
    for missing in (None, math.nan, ""):
        assert Preprocessing(data.preprocessing).encode([[40, missing, "Dream"]]).matrix[0, 1] == np.float32(
            width["fill"]
        )


def test_missing_categories_become_the_commonest_one() -> None:
    for missing in (None, math.nan, ""):
        row = TRANSFORM.encode([[40, 15, missing]]).matrix
        [commonest] = [column["fill"] for column in TRANSFORM.spec["categorical"]]
        assert row.tobytes() == TRANSFORM.encode([[40, 15, commonest]]).matrix.tobytes()


def test_missing_can_be_a_category_of_its_own() -> None:
    transform = fitted(categorical_imputation="MISSING")
    assert transform.outputs[-1] == "island=(missing)"
    assert transform.encode([[40, 15, None]]).matrix[0, -1] == 1


def test_a_division_by_zero_is_imputed_like_a_missing_value() -> None:
    zero, missing = TRANSFORM.encode([[40, 0, "Dream"]]), TRANSFORM.encode([[40, None, "Dream"]])
    assert zero.matrix[0, 2] == missing.matrix[0, 2]


def test_an_unknown_category_counts_as_missing_and_is_counted() -> None:
    encoded = TRANSFORM.encode([[40, 15, "Mars"], [40, 15, "Venus"], [40, 15, None]])
    assert encoded.unknown == {"island": 2}
    assert encoded.matrix[0].tobytes() == encoded.matrix[2].tobytes()


def test_an_unknown_category_can_be_refused() -> None:
    with pytest.raises(
        BadInput, match=r"^column 'island' has the category 'Mars', which training has not seen \(it saw"
    ):
        fitted(unknown_category="ERROR").encode([[40, 15, "Mars"]])


def test_true_and_false_are_numbers_in_a_numeric_column() -> None:
    assert (
        TRANSFORM.encode([[True, 15, "Dream"]]).matrix.tobytes()
        == TRANSFORM.encode([[1, 15, "Dream"]]).matrix.tobytes()
    )


def test_decimals_of_a_database_are_numbers() -> None:
    expected = TRANSFORM.encode([[40.5, 15, "Dream"]]).matrix.tobytes()
    assert TRANSFORM.encode([[Decimal("40.5"), np.int64(15), "Dream"]]).matrix.tobytes() == expected


def test_an_array_of_text_as_numpy_makes_it_of_mixed_rows_is_understood() -> None:
    mixed = np.array([[40.5, 15, "Dream"]])
    assert mixed.dtype.kind == "U"
    assert TRANSFORM.encode(mixed).matrix.tobytes() == TRANSFORM.encode([[40.5, 15, "Dream"]]).matrix.tobytes()


@pytest.mark.parametrize(
    ("cell", "label"),
    [("a", "a"), (2007, "2007"), (2007.0, "2007"), (2.5, "2.5"), (True, "true"), (np.int64(3), "3"), (None, ""),
     (math.nan, ""), (Decimal("7"), "7"), (np.str_("b"), "b")],
)  # fmt: skip
def test_categories_have_one_label_however_they_are_written(cell: Any, label: str) -> None:
    assert category(cell, "c") == label


@pytest.mark.parametrize(
    ("rows", "names", "sentence"),
    [
        ([[1, 2]], None, "each row must have 3 columns (length, width, island), got 2"),
        ([[1, 2, "a", 4]], None, "each row must have 3 columns (length, width, island), got 4"),
        ([[1, 2, "a"], [1]], None, "row 1 has 1 cells, the rows before it have 3"),
        ([], None, "there are no rows, send at least one"),
        (np.zeros((0, 3)), None, "there are no rows, send at least one"),
        ([[]], None, "each row must have 3 columns (length, width, island), got 0"),
        (5, None, "rows must be a list of rows, each a list of cells"),
        ([1, 2, 3], None, "row 0 must be a list of cells, got 1"),
        (["abc"], None, "row 0 must be a list of cells, got 'abc'"),
        (np.zeros(3), None, "rows must be two-dimensional (a list of rows), got 1 dimension(s)"),
        ([["4O", 15, "Dream"]], None, "column 'length' must hold finite numbers, got '4O'"),
        ([["40", 15, "Dream"]], None, "column 'length' must hold finite numbers, got '40'"),
        ([[40, [15], "Dream"]], None, "column 'width' must hold finite numbers, got [15]"),
        ([[40, 15, {"a": 1}]], None, "column 'island' must hold text, numbers or true/false, got {'a': 1}"),
        ([[40, math.inf, "Dream"]], None, "column 'width' must hold finite numbers, got an infinite one"),
        ([[10**400, 1, "Dream"]], None, "a number is beyond the range of a 64-bit float"),
        ([["x" * 900, 1, "Dream"]], None, f"column 'length' must hold finite numbers, got '{'x' * 38}…"),
        (np.array([[1.5, "x", "a"]]), None, "column 'width' must hold finite numbers, got 'x'"),
        ([[1, 2, "a"]], ["length", "width"], "there are 2 names for rows of 3 cells, send one name a cell"),
        ([[1, 2, "a"]], ["length", "length", "island"], "name 'length' is given twice"),
        ([[1, 2, "a"]], "length", "names must be a list of column names"),
        ([[1, 2, "a"]], [1, 2, 3], "names must be a list of column names"),
        (
            [[1, 2, "a"]],
            ["length", "width", "planet"],
            "name 'planet' is not a column of this model, which has 3 columns (length, width, island)",
        ),
        (
            [[1, 2]],
            ["length", "width"],
            "column 'island' is missing from the names, this model has 3 columns (length, width, island)",
        ),
    ],
)
def test_bad_rows_are_refused_in_one_sentence(rows: Any, names: Any, sentence: str) -> None:
    with pytest.raises(BadInput) as caught:
        TRANSFORM.encode(rows, names)
    assert str(caught.value) == sentence


def test_a_specification_of_another_schema_is_refused() -> None:
    with pytest.raises(ValueError, match="schema_version 2, not 1"):
        Preprocessing(TRANSFORM.spec | {"schema_version": 2})


def test_a_spelling_that_fits_two_categories_is_an_unknown_one() -> None:
    """7.0 means 7 alone in the first column, and either of two categories in the second one."""
    places = []
    for labels in (["7", "8"], ["7.00", "7.000"]):
        matrix, unknown = np.zeros((1, 2), dtype=np.float32), Counter[str]()
        OneHot({"name": "size", "categories": labels, "fill": ""}, 0, 0, refuse_unknown=False).write(
            ["7.0"], matrix, unknown
        )
        places.append((matrix.tolist(), dict(unknown)))

    assert places == [([[1.0, 0.0]], {}), ([[0.0, 0.0]], {"size": 1})]
