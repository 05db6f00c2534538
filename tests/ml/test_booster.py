"""The C interface gives what XGBoost's Python package gives, to the bit."""

import gc
import subprocess
import sys

import numpy as np
import pytest
import xgboost

from local.paths import ROOT
from ml.booster import Booster, BoosterError

GENERATOR = np.random.default_rng(5)
X = GENERATOR.normal(size=(300, 7)).astype(np.float32)
X[GENERATOR.random(X.shape) < 0.1] = np.nan


def train(parameters: dict, labels: np.ndarray) -> xgboost.Booster:
    return xgboost.train({"nthread": 1, **parameters}, xgboost.DMatrix(X, labels), 12)


@pytest.mark.parametrize(
    ("parameters", "labels"),
    [
        ({"objective": "multi:softprob", "num_class": 3}, np.arange(300) % 3),
        ({"objective": "binary:logistic"}, np.arange(300) % 2),
        ({"objective": "reg:squarederror"}, np.nansum(X, axis=1)),
        ({"objective": "reg:squarederror", "booster": "dart", "rate_drop": 0.3}, np.nansum(X, axis=1)),
    ],
)
@pytest.mark.parametrize("kind", ["ubj", "json"])
def test_predictions_are_those_of_the_python_package(parameters: dict, labels: np.ndarray, kind: str) -> None:
    trained = train(parameters, labels)
    booster = Booster(bytes(trained.save_raw(kind)))
    for rows in (X, X[:1], X[10:12], np.asfortranarray(X), X[::3]):
        expected = trained.inplace_predict(rows)
        ours = booster.inplace_predict(rows)
        assert ours.shape == expected.shape
        assert ours.dtype == expected.dtype
        np.testing.assert_array_equal(ours, expected)


def test_predictions_stay_when_the_next_are_made_and_the_booster_goes() -> None:
    trained = train({"objective": "reg:squarederror"}, np.nansum(X, axis=1))
    booster = Booster(bytes(trained.save_raw("ubj")))
    first = booster.inplace_predict(X[:5])
    kept = first.copy()
    booster.inplace_predict(X[5:10])
    del booster
    gc.collect()
    np.testing.assert_array_equal(first, kept)


def test_what_is_no_model_is_refused_in_one_line() -> None:
    for content in (b"", b"{}", b"nonsense", b"\x00" * 100):
        with pytest.raises(BoosterError) as refused:
            Booster(content)
        assert "\n" not in str(refused.value)
        assert ".cc" not in str(refused.value)


def test_a_matrix_of_another_width_is_refused() -> None:
    booster = Booster(bytes(train({"objective": "reg:squarederror"}, np.nansum(X, axis=1)).save_raw("ubj")))
    with pytest.raises(ValueError, match="must have 7 columns"):
        booster.inplace_predict(X[:, :6])
    with pytest.raises(ValueError, match="must have 7 columns"):
        booster.inplace_predict(X[0])
    with pytest.raises(ValueError, match="missing must be NaN"):
        booster.inplace_predict(X, missing=0.0)


def test_neither_the_model_nor_the_server_imports_the_training_libraries() -> None:
    program = (
        "import sys, ml.model, ml.serve, ml.server.http, ml.server.app\n"
        "print(*{'xgboost', 'scipy', 'pandas', 'sklearn', 'mlflow', 'pydantic'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
