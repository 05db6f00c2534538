"""The gate between training and the endpoint."""

from pathlib import Path
from typing import Any

import pytest

from ml import evaluate
from ml.evaluate import Rival, verdict
from ml.model import Model
from ml.settings import Evaluation, Metric
from tests.ml import bundles

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
    scores = evaluate.score_of(model, bundles.table())
    assert scores is not None
    assert scores["accuracy"] > 0.9


def test_a_regressor_is_measured_too(tmp_path: Path) -> None:
    scores = evaluate.score_of(loaded(bundles.make_regression_bundle(tmp_path)), bundles.table())
    assert scores is not None
    assert scores["rmse"] < 3


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
    assert evaluate.score_of(loaded(bundles.make_bundle(tmp_path)), rows) is None
