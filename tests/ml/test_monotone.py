"""Columns whose growth may move the answer one way only."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ml.errors import DataError
from ml.model import Model
from tests.ml import bundles, reading


def bumpy(rows: int = 600) -> pd.DataFrame:
    """A target that falls and rises with x, and depends on a category and another number."""
    generator = np.random.default_rng(4)
    x, other = generator.uniform(-3, 3, size=(2, rows))
    city = generator.choice(["a", "b"], rows)
    return pd.DataFrame({"city": city, "other": other, "x": x, "y": np.sin(2 * x) + x / 2 + (city == "a") - other})


def settings(monotone: dict[str, str], **others: Any) -> Any:
    return bundles.settings(
        features={"engineered": {"double": "x * 2"}, **others.pop("features", {})},
        task="regression", target="y", evaluation={"metric": "rmse", "threshold": 9},
        training={"rounds": 60, "monotone": monotone}, **others,
    )  # fmt: skip


def steps(path: Path, monotone: dict[str, str]) -> np.ndarray:
    """How a served model's answer changes as x grows, all else equal."""
    model = Model(str(bundles.make_bundle(path, frame=bumpy(), chosen=settings(monotone))))
    rows = [["a", 0.5, x] for x in np.linspace(-3, 3, 200).tolist()]
    return np.diff(model.predict(rows)[:, 0])


def test_the_answer_moves_one_way_only(tmp_path: Path) -> None:
    free = steps(tmp_path / "free", {})
    assert free.min() < -0.1 < 0.1 < free.max()
    assert steps(tmp_path / "up", {"x": "INCREASING", "double": "INCREASING"}).min() >= 0
    assert steps(tmp_path / "down", {"double": "DECREASING", "x": "DECREASING"}).max() <= 0
    half = steps(tmp_path / "half", {"x": "INCREASING"})
    assert half.min() < 0, "what is made of x is free"


@pytest.mark.parametrize(
    ("monotone", "sentence"),
    [
        ({"city": "INCREASING"}, "training.monotone names 'city', which is categorical in the table: only numbers"),
        (
            {"z": "INCREASING"},
            "training.monotone names 'z', the table has no such feature, it has city, other, x, doub",
        ),
    ],
)
def test_a_column_that_cannot_be_constrained_is_named(monotone: dict[str, str], sentence: str) -> None:
    with pytest.raises(DataError) as caught:
        reading.prepared(bumpy(), settings(monotone))
    assert str(caught.value).startswith(sentence)


def test_of_three_classes_none_is_the_one_that_grows() -> None:
    chosen = bundles.settings(training={"monotone": {"length": "INCREASING"}})
    with pytest.raises(DataError, match=r"^training.monotone needs a number or two classes .* has 3 classes$"):
        reading.prepared(bundles.table(), chosen)
