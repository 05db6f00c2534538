"""`mlflow.pyfunc` takes the rows that a data scientist has at hand, as the model itself does."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from ml import bundle, mlflow_model
from ml.errors import BadInput
from tests.ml import bundles

ROWS = 120


def table() -> pd.DataFrame:
    """Every type of column that training takes."""
    generator = np.random.default_rng(5)
    frame = pd.DataFrame(
        {
            "whole": generator.integers(0, 9, ROWS),
            "blank": pd.array([None, *range(ROWS - 1)], dtype="Int64"),
            "number": generator.normal(size=ROWS),
            "switch": generator.random(ROWS) < 0.5,
            "text": generator.choice(["p", "q"], ROWS),
            "grade": pd.Categorical(generator.choice(["u", "v"], ROWS)),
            "year": generator.choice([2007, 2008], ROWS),
        }
    )
    return frame.assign(species=np.where(frame["number"] + frame["switch"] > 0.5, "A", "B"))


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Any:
    directory = tmp_path_factory.mktemp("mlflow-model")
    settings = bundles.settings(features={"categorical": ["switch", "text", "grade", "year"]})
    version = bundle.read(bundles.make_bundle(directory, frame=table(), chosen=settings))
    mlflow_model.save(directory / "model", version)
    import mlflow.pyfunc

    return mlflow.pyfunc.load_model(str(directory / "model"))


def answers(model: Any, rows: Any) -> Any:
    return model.predict(rows).to_numpy()


def test_the_frame_of_the_training_is_taken_as_it_is(saved: Any) -> None:
    found = saved.predict(table())
    assert list(found.columns) == ["A", "B"]
    truth = table()["species"].to_numpy()
    assert (np.where(found["A"] > 0.5, "A", "B") == truth).mean() > 0.9


def test_the_types_of_a_frame_do_not_change_its_answers(saved: Any) -> None:
    frame = table().drop(columns="species")
    expected = answers(saved, frame)
    for other in (frame.astype(object), frame.convert_dtypes(), frame.astype({"grade": "str", "whole": "float64"})):
        assert np.array_equal(answers(saved, other), expected)


def test_rows_may_be_dicts(saved: Any) -> None:
    frame = table().drop(columns="species")
    rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
    assert np.array_equal(answers(saved, rows), answers(saved, frame))
    assert np.array_equal(answers(saved, rows[1]), answers(saved, frame.iloc[[1]]))


def test_what_the_model_does_not_take_is_a_sentence(saved: Any) -> None:
    with pytest.raises(BadInput, match=r"^column 'number' is missing, this model has the columns whole, blank, number"):
        saved.predict(table().drop(columns="number"))
    with pytest.raises(BadInput, match=r"^column 'number' must hold finite numbers, got 'high'$"):
        saved.predict(table().assign(number="high"))


def test_the_kinds_of_the_columns_are_told(saved: Any) -> None:
    assert saved.metadata.metadata["columns"]["year"] == "categorical"
    assert saved.metadata.metadata["columns"]["whole"] == "numeric"
