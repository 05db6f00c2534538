"""The gate between training and the endpoint."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ml import evaluate, request
from ml.errors import BadInput
from ml.evaluate import Rival, verdict
from ml.model import Model
from ml.settings import Evaluation, Metric
from tests.ml import bundles, reading

ACCURACY = Evaluation(metric=Metric.ACCURACY, threshold=0.9)
LOSS = Evaluation(metric=Metric.LOG_LOSS, threshold=0.5)


@pytest.mark.parametrize(
    ("evaluation", "score", "rival", "passed", "sentence"),
    [
        (ACCURACY, 0.9, None, True, "accuracy 0.9 reaches the threshold 0.9"),
        (ACCURACY, 0.89, None, False, "accuracy 0.89 is below the threshold 0.9"),
        (LOSS, 0.5, None, True, "log_loss 0.5 reaches the threshold 0.5"),
        (LOSS, 0.51, None, False, "log_loss 0.51 is above the threshold 0.5"),
        (
            ACCURACY,
            0.95,
            Rival("v1", 0.95, recorded=False),
            True,
            "accuracy 0.95 reaches the threshold 0.9 and is not worse than 0.95 of the current version v1 on the same "
            "rows",
        ),
        (
            ACCURACY,
            0.95,
            Rival("v1", 0.96, recorded=False),
            False,
            "accuracy 0.95 reaches the threshold 0.9 but is worse than 0.96 of the current version v1 on the same rows",
        ),
        (
            LOSS,
            0.4,
            Rival("v1", 0.3, recorded=True),
            False,
            "log_loss 0.4 reaches the threshold 0.5 but is worse than 0.3 of the current version v1, as recorded with "
            "it",
        ),
        (ACCURACY, 0.8, Rival("v1", 0.1, recorded=False), False, "accuracy 0.8 is below the threshold 0.9"),
        (ACCURACY, None, None, False, "accuracy is not defined on these test rows (a class has none)"),
    ],
)
def test_the_verdict_says_why(
    evaluation: Evaluation, score: float | None, rival: Rival | None, passed: bool, sentence: str
) -> None:
    assert verdict(evaluation, score, rival) == (passed, sentence)


def loaded(path: Path) -> Model:
    model = Model(str(path))
    model.load()
    return model


def test_a_stored_version_is_measured_on_raw_rows(tmp_path: Path) -> None:
    model = loaded(bundles.make_bundle(tmp_path))
    measured = evaluate.measure_if_it_can(model, reading.table_of(bundles.table()))
    assert measured is not None
    assert measured.metrics["accuracy"] > 0.9


def test_a_regressor_is_measured_too(tmp_path: Path) -> None:
    model = loaded(bundles.make_regression_bundle(tmp_path))
    measured = evaluate.measure_if_it_can(model, reading.table_of(bundles.table()))
    assert measured is not None
    assert measured.metrics["rmse"] < 3


@pytest.mark.parametrize(
    "rows",
    [
        bundles.table().drop(columns="width"),
        bundles.table().drop(columns="species"),
        bundles.table().assign(species="macaroni"),
        bundles.table().assign(width="wide"),
    ],
)
def test_a_version_that_cannot_answer_the_rows_has_no_score(tmp_path: Path, rows: Any) -> None:
    assert evaluate.measure_if_it_can(loaded(bundles.make_bundle(tmp_path)), reading.table_of(rows)) is None


def test_rows_are_measured_as_clients_get_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some requests, JSON in between; the metrics are those that training had."""
    monkeypatch.setattr(request, "ROWS", 7)
    model = loaded(bundles.make_bundle(tmp_path))
    rows = bundles.table().astype(object)
    rows = rows.where(rows.notna(), None)
    names = ["width", "island", "length"]  # another order than the signature's
    answered = request.predict(model, names, rows[names].to_numpy().tolist())
    assert answered.predictions.tolist() == model.predict(rows[model.feature_names].to_numpy().tolist()).tolist()
    assert not answered.unknown


def test_cells_that_json_lacks_are_sent_as_a_client_would_write_them(tmp_path: Path) -> None:
    model = loaded(bundles.make_bundle(tmp_path))
    plain = request.predict(model, model.feature_names, [[30.5, 15, "Dream"]]).predictions.tolist()
    exotic = [[Decimal("30.5"), Decimal(15), "Dream"], [np.float64(30.5), np.int64(15), "Dream"]]
    assert request.predict(model, model.feature_names, exotic).predictions.tolist() == plain * 2
    with pytest.raises(BadInput, match=r"^the rows cannot be written as JSON"):
        request.predict(model, model.feature_names, [[30.5, 15, object()]])


def test_a_category_that_json_loses_fails_the_gate(tmp_path: Path) -> None:
    model = loaded(bundles.make_bundle(tmp_path))
    measured = evaluate.measure(model, reading.table_of(bundles.table().replace({"island": {"Dream": "dream"}})))
    assert measured is not None
    count = measured.unknown["island"]
    assert count > 0
    assert evaluate.lost_categories(measured, {"island": count}) is None
    assert evaluate.lost_categories(measured, {"island": count - 1}) == (
        f"column 'island' of the test rows has {count} unknown categories when they are sent as JSON and {count - 1} "
        "as training read them, so clients would get other answers than those that were measured"
    )
