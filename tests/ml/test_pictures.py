"""The pictures of a version: what they are drawn from, and that any table's names can stand in them."""

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xgboost
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.metrics import confusion_matrix, precision_recall_curve, roc_curve

from ml import bundle, bundle_writer, curves, explanations, pictures, run_pictures, training
from ml.dataset import Dataset, encoded_batches
from tests.ml import bundles, reading

OF_CLASSES = {"confusion-matrix", "roc-curve", "precision-recall-curve", "calibration"}
OF_COLUMNS = {"feature-importance", "shap-summary"}


@given(st.integers(0, 10**6), st.integers(2, 60))
@hypothesis_settings(max_examples=25, deadline=None)
def test_curves_are_those_of_scikit_learn(seed: int, rows: int) -> None:
    generator = np.random.default_rng(seed)
    positive = np.arange(rows) % 3 == 0
    score = generator.integers(0, 12, rows) / 11  # with ties

    false, true, _ = roc_curve(positive, score, drop_intermediate=False)
    found = curves.roc(positive, score)
    assert found.x == pytest.approx(false)
    assert found.y == pytest.approx(true)

    precision, recall, _ = precision_recall_curve(positive, score)
    found = curves.precision_recall(positive, score)
    assert found.x == pytest.approx(recall[-2::-1])  # scikit-learn adds the point (0, 1), and goes the other way
    assert found.y == pytest.approx(precision[-2::-1])

    chosen, others = generator.integers(0, 4, rows), generator.integers(0, 4, rows)
    assert (curves.confusion(chosen, others, 4) == confusion_matrix(chosen, others, labels=range(4))).all()


def test_calibration_is_that_of_scikit_learn() -> None:
    generator = np.random.default_rng(1)
    score = np.append(generator.random(500), [0.0, 1.0])
    positive = generator.random(502) < score
    share, mean = calibration_curve(positive, score, n_bins=10)
    assert curves.calibration(positive, score) == (pytest.approx(mean), pytest.approx(share))


def test_a_curve_of_many_rows_keeps_its_ends_and_few_points() -> None:
    score = np.random.default_rng(2).random(50_000)
    x, y = curves.roc(score > 0.3, score)
    assert len(x) == len(y) == curves.MOST_POINTS
    assert (x[0], y[0], x[-1], y[-1]) == (0, 0, 1, 1)


def odd(rows: int = 300) -> pd.DataFrame:
    """Names and labels that are special to matplotlib, to XML, or to no font."""
    generator = np.random.default_rng(0)
    price, weight = generator.normal(size=(2, rows))
    city = generator.choice(["a", "b", "c"], rows)
    sold = price + (city == "a") > 0.3
    return pd.DataFrame(
        {"$x^$": price, "b & <c>": weight, "\N{CJK UNIFIED IDEOGRAPH-57CE}": city, "sold": sold}
    ).assign(sold=np.where(sold, "yes\x01", "$no"))


def stored(path: Path, frame: pd.DataFrame, **overrides: Any) -> tuple[bundle_writer.bundle.Bundle, Dataset]:
    chosen = bundles.settings(features={}, **overrides)
    data = reading.prepared(frame, chosen)
    fitted = training.fit(chosen, data.signature, data.train, data.validation)
    measured = {"metrics": training.measure(fitted.booster, data.signature, data.test)}
    measured |= {"learning_curve": fitted.learning_curve} if fitted.learning_curve else {}
    files = training.serialise(fitted.booster, data.preprocessing, data.signature, measured)
    facts: dict[str, Any] = {"created": "2026-11-24T12:00:00Z", "data": {}, "code_version": "", "mlflow_run_id": None}
    return bundle_writer.write(path, chosen.model_name, bundles.VERSION, files, facts), data


def drawn(version: bundle.Bundle, data: Dataset) -> dict[str, str]:
    return {
        Path(name).stem: text
        for name, text in run_pictures.documents(version.path, version, data.test, threads=1).items()
    }


def texts(svg: str) -> str:
    return "\n".join(ET.fromstring(svg).itertext())


def test_a_binary_classifier_has_all_pictures_and_any_name_may_stand_in_them(tmp_path: Path) -> None:
    version, data = stored(tmp_path, odd(), target="sold", training={"rounds": 20, "early_stopping_rounds": 3})
    found = drawn(version, data)

    assert set(found) == OF_CLASSES | OF_COLUMNS | {"learning-curve"}
    for name in ("$x^$", "b & <c>", "\N{CJK UNIFIED IDEOGRAPH-57CE}"):
        assert name in texts(found["shap-summary"])
        assert name in texts(found["feature-importance"])
    assert "$no" in texts(found["confusion-matrix"])
    assert "yes\N{REPLACEMENT CHARACTER}" in texts(found["roc-curve"])
    assert "logloss" in texts(found["learning-curve"])
    assert found == drawn(version, data), "a retry logs the same files"


def test_a_classifier_of_three_classes_has_a_line_each(tmp_path: Path) -> None:
    version, data = stored(tmp_path, bundles.table(90))
    found = drawn(version, data)
    assert set(found) == OF_CLASSES | OF_COLUMNS
    for name in ("roc-curve", "precision-recall-curve", "calibration", "shap-summary", "confusion-matrix"):
        assert {"adelie", "chinstrap", "gentoo"} <= set(texts(found[name]).split("\n")), name


def test_a_regression_has_its_residuals(tmp_path: Path) -> None:
    version, data = stored(
        tmp_path, bundles.table(90), task="regression", target="length", evaluation={"metric": "rmse", "threshold": 5}
    )
    assert set(drawn(version, data)) == OF_COLUMNS | {"residuals"}


def test_contributions_of_columns_and_the_mean_add_up_to_the_raw_answer() -> None:
    chosen = bundles.settings(features={"engineered": {"ratio": "length / width"}})
    data = reading.prepared(bundles.table(), chosen)
    booster = training.fit(chosen, data.signature, data.train).booster
    matrix = next(encoded_batches(data.test)).matrix
    found = explanations.contributions(booster, data.preprocessing, matrix)

    assert found.names == ["length", "width", "ratio", "island"]
    raw = booster.predict(xgboost.DMatrix(matrix), output_margin=True)
    mean = raw - found.values.sum(axis=2)
    assert mean == pytest.approx(np.broadcast_to(mean[0], raw.shape), abs=1e-4)
    assert np.ptp(raw, axis=0).min() > 0.1, "else the line above says nothing"
    assert (found.numbers[:, :3] == matrix[:, :3]).all()
    assert np.isnan(found.numbers[:, 3]).all()


def test_gains_of_a_categorys_labels_are_added_up_under_its_name() -> None:
    frame = pd.DataFrame({"city": ["a", "b", "c", "d"] * 30, "noise": 0.0, "y": [1.0, 2.0, 3.0, 4.0] * 30})
    chosen = bundles.settings(features={}, task="regression", target="y", evaluation={"metric": "rmse", "threshold": 5})
    data = reading.prepared(frame, chosen)
    booster = training.fit(chosen, data.signature, data.train).booster
    assert explanations.gains(booster, data.preprocessing) == {"city": pytest.approx(1), "noise": 0}


def test_rare_classes_share_a_row_of_the_confusion_matrix() -> None:
    classes = [f"class {number}" for number in range(60)]
    truth = np.concatenate([np.arange(60), np.repeat(np.arange(10), 5)])
    found = pictures.of_answers({"": curves.Answers(truth, np.eye(60)[truth])}, classes)
    words = texts(found["confusion-matrix"]).split("\n")
    assert f"({60 - pictures.MOST_CLASSES + 1} others)" in words
    assert "class 0" in words
    assert "class 59" not in words


def test_what_xgboost_cannot_explain_is_left_out_and_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    version, data = stored(
        tmp_path, bundles.table(90), training={"rounds": 5, "parameters": {"multi_strategy": "multi_output_tree"}}
    )
    found = drawn(version, data)
    assert set(found) >= OF_CLASSES
    assert "shap-summary" not in found
    assert "no picture of contributions: XGBoost cannot explain this model" in capsys.readouterr().out


def test_a_large_model_gets_fewer_rows_explained() -> None:
    assert explanations.rows(1000, available=5000) == explanations.MOST_ROWS
    assert explanations.rows(1000, available=20) == 20
    assert explanations.rows(10_000_000, available=5000) == 200
    assert explanations.rows(10**9, available=5000) == 50
