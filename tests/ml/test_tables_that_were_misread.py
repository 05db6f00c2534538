"""Tables as people have them, from the file to the model's answer. A reader that guesses gets each of them wrong."""

from typing import Any

import pytest

from ml import training
from ml.errors import DataError
from ml.model import probabilities
from ml.preprocessing import Preprocessing
from ml.settings import Settings
from tests.ml import bundles, reading

ROWS = 120


def settings(target: str, task: str = "classification", **features: Any) -> Settings:
    metric = {"metric": "rmse", "threshold": 100.0} if task == "regression" else {"metric": "accuracy", "threshold": 0}
    return bundles.settings(
        task=task,
        target=target,
        features=features,
        training={"rounds": 20, "seed": 7, "parameters": {"max_depth": 3}},
        evaluation=metric,
        endpoint=None,
    )


def text(header: str, row: str, cells: list[dict[str, Any]]) -> bytes:
    """A CSV file: the header, and a row for each of the cells in turn."""
    lines = [row.format(**cells[i % len(cells)], i=i) for i in range(ROWS)]
    return "\n".join([header, *lines, ""]).encode()


def answers(content: bytes, chosen: Settings, rows: list[list[Any]]) -> list[Any]:
    """What the model that learned from the file says to rows: numbers, or labels."""
    frame = reading.csv(content, "table.csv", chosen).frame
    data = reading.prepared(frame, chosen)
    classes = data.signature["classes"]
    booster = training.fit(chosen, data.signature, data.train).booster
    encoded = Preprocessing(data.preprocessing).encode(rows)
    assert not encoded.unknown
    predicted = probabilities(booster, encoded.matrix, classes)
    return [classes[row.argmax()] if classes else float(row[0]) for row in predicted]


def test_none_is_a_class_like_the_others() -> None:
    cells = [{"h": 4, "d": "None"}, {"h": 6, "d": "Insomnia"}, {"h": 8, "d": "Sleep Apnea"}]
    content = text("hours,other,disorder", "{h},x,{d}", cells)
    said = answers(content, settings("disorder"), [[4.0, "x"], [6.0, "x"], [8.0, "x"]])
    assert said == ["None", "Insomnia", "Sleep Apnea"]


def test_na_is_a_country_among_countries() -> None:
    cells = [{"c": "NA", "y": "a"}, {"c": "DE", "y": "b"}, {"c": "FR", "y": "c"}]
    content = text("country,other,y", "{c},{i},{y}", cells)
    chosen = settings("y", unknown_category="ERROR")
    assert answers(content, chosen, [["NA", 5], ["DE", 5], ["FR", 5]]) == ["a", "b", "c"]


@pytest.mark.parametrize("mark", ["?", " ", "n/a"])
def test_a_mark_among_numbers_leaves_the_column_numbers(mark: str) -> None:
    cells = [{"h": h, "mpg": 45 - h / 10} for h in range(40, 240, 10)] + [{"h": mark, "mpg": 30}]
    content = text("horsepower,weight,mpg", "{h},{i},{mpg}", cells)
    chosen = settings("mpg", "regression")
    assert answers(content, chosen, [[46.0, 50], [225.0, 50]]) == pytest.approx([41, 23], abs=2)


def test_money_with_a_blank_cell_is_a_number() -> None:
    cells = [{"t": 100.5 + 97 * i, "y": "yes" if 100.5 + 97 * i < 2500 else "no"} for i in range(50)]
    content = text("charges,tenure,churn", "{t},{i},{y}", [*cells, {"t": " ", "y": "no"}])
    assert answers(content, settings("churn"), [[500, 50], [7000, 50]]) == ["yes", "no"]


@pytest.mark.parametrize("words", [("True", "False"), ("t", "f"), ("TRUE", "FALSE")])
def test_a_boolean_is_one_however_the_file_and_the_request_write_it(words: tuple[str, str]) -> None:
    content = text("member,age,left", "{m},33,{y}", [{"m": words[0], "y": "yes"}, {"m": words[1], "y": "no"}])
    said = answers(content, settings("left"), [[cell, 33] for cell in (True, "True", "true", "t", False, "f")])
    assert said == ["yes", "yes", "yes", "yes", "no", "no"]


def test_a_code_keeps_its_zeros() -> None:
    cells = [{"z": "02116", "p": 510}, {"z": "07030", "p": 310}, {"z": "10001", "p": 410}]
    for quote in ("", '"'):
        content = text("zip,rooms,price", f"{quote}{{z}}{quote},3,{{p}}", cells)
        chosen = settings("price", "regression", categorical=["zip"], unknown_category="ERROR")
        assert answers(content, chosen, [["02116", 3], ["07030", 3]]) == pytest.approx([510, 310], abs=5)


def test_spaces_after_the_commas_are_no_part_of_names_and_cells() -> None:
    cells = [{"w": "Private", "y": "<=50K"}, {"w": "State-gov", "y": ">50K"}]
    content = text("age, workclass, income", "40, {w}, {y}", cells)
    assert answers(content, settings("income"), [[40, "Private"], [40, "State-gov"]]) == ["<=50K", ">50K"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"# exported 2026\nx,z,y\n" + b"1,2,no\n2,3,yes\n" * 20, "3 cells in its first row under 1 column names"),
        (b",x,y\n" + b"0,1,no\n1,2,yes\n" * 20, "has no name for its column 1"),
        (b"x,y\n" + b"1,a\n2,b\n" * 20 + b"3,c\n", "class 'c' of the target 'y' has one row only"),
        (
            "\n".join(["email,x,y", *(f"u{i}@example.org,{i},{'ab'[i % 2]}" for i in range(1500))]).encode(),
            "column 'email' has 1200 different values in the training rows, a categorical column may have 500: add it "
            "to features.drop",
        ),
        (
            text("day,x,y", "2026-01-{d:02},{i},{y}", [{"d": d, "y": "ab"[d % 2]} for d in range(1, 29)]),
            "column 'day' of table.csv has '2026-01-01' in line 2, a date, which is no feature",
        ),
    ],
)
def test_what_cannot_be_read_rightly_is_refused_in_one_sentence(content: bytes, sentence: str) -> None:
    with pytest.raises(DataError) as refused:
        answers(content, settings("y"), [[1, 1]])
    assert sentence in str(refused.value)


def test_cells_that_are_absent_at_the_end_of_rows_are_missing() -> None:
    rows = "".join(f"{i},{i % 2},{'' if i % 10 == 9 else 'ab'[i % 2]}\n" for i in range(100)) + "7,1\n8,0\n"
    frame = reading.csv(("a,b,y\n" + rows).encode(), "table.csv", settings("y")).frame
    data = reading.prepared(frame, settings("y"))
    assert (len(frame), data.without_target) == (102, 12)
