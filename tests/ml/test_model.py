"""The model class: what it answers, for the three kinds of model."""

import threading
from pathlib import Path

import numpy as np
import pytest

from ml.errors import BadInput
from ml.model import Model
from tests.ml import bundles

ROWS = [[40.0, 15.2, "Dream"], [None, None, None], [30, 14, "Biscoe"]]


def loaded(path: Path) -> Model:
    model = Model(str(path))
    model.load()
    return model


def test_a_classifier_answers_a_probability_a_class(tmp_path: Path) -> None:
    model = loaded(bundles.make_bundle(tmp_path))
    answer = model.predict(ROWS)
    assert model.class_names == ["adelie", "chinstrap", "gentoo"]
    assert model.feature_names == ["length", "width", "island"]
    assert answer.shape == (3, 3)
    assert answer.sum(axis=1) == pytest.approx([1, 1, 1])
    assert answer.argmax(axis=1)[0] == 1


def test_a_classifier_of_two_classes_answers_two_columns_too(tmp_path: Path) -> None:
    model = loaded(bundles.make_binary_bundle(tmp_path))
    answer = model.predict(ROWS)
    assert model.class_names == ["adelie", "chinstrap"]
    assert answer.shape == (3, 2)
    assert answer.sum(axis=1) == pytest.approx([1, 1, 1])
    assert answer.argmax(axis=1).tolist()[0::2] == [1, 0]


def test_a_regressor_answers_one_column(tmp_path: Path) -> None:
    model = loaded(bundles.make_regression_bundle(tmp_path))
    answer = model.predict([[15.0, "Dream", "adelie"], [None, None, "gentoo"]])
    assert model.class_names is None
    assert answer.shape == (2, 1)
    assert answer[0, 0] == pytest.approx(30, abs=3)
    assert answer[1, 0] == pytest.approx(50, abs=3)


def test_the_duck_type_of_seldon_core_is_met(tmp_path: Path) -> None:
    """It calls predict(X, names, meta=…) without having called load, names as [] when the client sent none."""
    model = Model(model_path=str(bundles.make_bundle(tmp_path)))
    answer = model.predict(np.array([[40.0, 15.2, "Dream"]]), [], meta={"puid": "1"})
    assert answer.shape == (1, 3)


def test_metadata_names_the_model_and_its_columns(tmp_path: Path) -> None:
    metadata = loaded(bundles.make_bundle(tmp_path)).metadata()
    assert (metadata["name"], metadata["version"], metadata["task"]) == ("flowers", bundles.VERSION, "classification")
    assert [column["name"] for column in metadata["inputs"]] == ["length", "width", "island"]


def test_unknown_categories_are_counted_across_threads(tmp_path: Path) -> None:
    model = loaded(bundles.make_bundle(tmp_path))
    threads = [
        threading.Thread(target=lambda: [model.predict([[40, 15, "Mars"]] * 3) for _ in range(20)]) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert model.unknown_categories == {"island": 240}


def test_threads_get_the_answers_to_their_own_rows(tmp_path: Path) -> None:
    model = loaded(bundles.make_bundle(tmp_path))
    rows = [[length, 15.0, "Dream"] for length in (30, 40, 50)]
    expected = [model.predict([row]).tobytes() for row in rows]
    wrong: list[int] = []

    def ask(number: int) -> None:
        answers = [model.predict([rows[number]]).tobytes() for _ in range(200)]
        wrong.extend(number for answer in answers if answer != expected[number])

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_bad_rows_leave_the_model_usable(tmp_path: Path) -> None:
    model = loaded(bundles.make_bundle(tmp_path))
    with pytest.raises(BadInput):
        model.predict([[1]])
    assert model.predict(ROWS).shape == (3, 3)
