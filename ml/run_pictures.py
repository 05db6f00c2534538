"""The pictures that a run logs about its version: made from the stored files, so that a retry has the same ones."""

import traceback
from collections.abc import Callable
from pathlib import Path

import numpy as np
import xgboost

from ml import bundle, explanations, pictures, step
from ml.column_store import Table
from ml.curves import Answers
from ml.dataset import encoded_batches
from ml.model import probabilities


def documents(path: Path, version: bundle.Bundle, test: Table, threads: int) -> dict[str, str]:
    """SVG texts by the names of their files; `test` are the encoded test rows.

    What cannot be drawn is left out with a line in the log: no picture is worth a trained model.
    """
    model = (path / "model.ubj").read_bytes()
    booster = xgboost.Booster({"nthread": threads})
    booster.load_model(bytearray(model))
    classes = version.signature["classes"]
    answers, chosen = _answers(booster, classes, test, explanations.rows(len(model), test.rows))

    def importance() -> dict[str, str]:
        return {"feature-importance": pictures.of_gains(explanations.gains(booster, version.preprocessing))}

    def contributions() -> dict[str, str]:
        found = explanations.contributions(booster, version.preprocessing, chosen)
        return {"shap-summary": pictures.of_contributions(found, classes)}

    def learning() -> dict[str, str]:
        curve = version.metrics.get("learning_curve")
        return {"learning-curve": pictures.of_learning(curve)} if curve else {}

    def of_answers() -> dict[str, str]:
        return pictures.of_answers({"": answers}, classes)

    drawn: dict[str, str] = {}
    for draw in (of_answers, importance, contributions, learning):
        drawn |= _attempt(draw)
    return {f"{pictures.DIRECTORY}/{name}.svg": text for name, text in drawn.items()}


def _attempt(draw: Callable[[], dict[str, str]]) -> dict[str, str]:
    try:
        return draw()
    except xgboost.core.XGBoostError as error:
        step.say(f"no picture of {draw.__name__}: XGBoost cannot explain this model ({str(error).splitlines()[0]})")
    except Exception as error:  # see `documents`
        traceback.print_exc()
        step.say(f"no picture of {draw.__name__}: {error}")
    return {}


def _answers(booster: xgboost.Booster, classes: list[str] | None, test: Table, some: int) -> tuple[Answers, np.ndarray]:
    """The model's answers to all rows, and the matrix of some of them, evenly chosen."""
    wanted = np.linspace(0, test.rows - 1, some).round().astype(np.int64)
    truths: list[np.ndarray] = []
    predicted: list[np.ndarray] = []
    kept: list[np.ndarray] = []
    start = 0
    for batch in encoded_batches(test):
        stop = start + len(batch.truth)
        truths.append(batch.truth)
        predicted.append(probabilities(booster, batch.matrix, classes))
        kept.append(batch.matrix[wanted[(wanted >= start) & (wanted < stop)] - start])
        start = stop
    return Answers(np.concatenate(truths), np.concatenate(predicted)), np.concatenate(kept)
