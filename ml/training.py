"""From encoded rows to the files of a version: fit, measure, serialise.

Rows are read some at a time and put into XGBoost's own compact form: a byte a cell is all that is in memory of them.

The same data, settings and seed give a byte-identical model.ubj.
"""

import pickle
import re
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import xgboost

from ml.bundle_writer import json_bytes
from ml.column_store import Table
from ml.dataset import encoded_batches
from ml.errors import SettingsError
from ml.metrics import metrics
from ml.model import probabilities, xgboost_reason
from ml.settings import Settings, Task

WRITTEN_BY = {"version": xgboost.__version__, "readers": ">=3.1"}
"""XGBoost that wrote the model, and those that read it: older ones load it without an error and lose its base score."""
_UNUSED = re.compile(r"Parameters: \{ (.*?) \} are not used")


class _Batches(xgboost.DataIter):
    """Encoded rows for XGBoost, which goes through them several times."""

    def __init__(self, rows: Table) -> None:
        super().__init__()
        self._rows = rows
        self._batches = encoded_batches(rows)

    def next(self, input_data: Callable[..., Any]) -> bool:
        batch = next(self._batches, None)
        if batch is None:
            return False
        matrix, truth = batch
        input_data(data=matrix, label=truth)
        return True

    def reset(self) -> None:
        self._batches = encoded_batches(self._rows)


def fit(settings: Settings, signature: dict[str, Any], train: Table) -> xgboost.Booster:
    """The fitted booster; raises SettingsError if XGBoost refuses the parameters."""
    classes = signature["classes"]
    parameters: dict[str, Any] = {
        # One thread: sums of floats depend on how many threads share them, and a retry may run on another machine.
        "nthread": 1,
        "validate_parameters": True,
        **settings.training.parameters,
        "seed": settings.training.seed,
    }
    if classes is None:
        parameters["objective"] = "reg:squarederror"
    elif len(classes) == 2:
        parameters["objective"] = "binary:logistic"
    else:
        parameters |= {"objective": "multi:softprob", "num_class": len(classes)}
    try:
        with xgboost.config_context(verbosity=1), warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            matrix = _matrix(train, parameters)
            booster = xgboost.train(parameters, matrix, num_boost_round=settings.training.rounds)
    except (xgboost.core.XGBoostError, ValueError, TypeError) as error:
        raise SettingsError(f"training.parameters are refused by XGBoost: {xgboost_reason(error)}") from None
    # XGBoost goes on with a warning when it does not know a parameter; a misspelt one would go unnoticed for ever
    unused = [found[1] for warning in caught if (found := _UNUSED.search(str(warning.message)))]
    if unused:
        raise SettingsError(f"training.parameters has {unused[0]}, which XGBoost does not use")
    return booster


def measure(booster: xgboost.Booster, signature: dict[str, Any], test: Table) -> dict[str, float]:
    """Metrics on rows that are encoded already."""
    truth: list[np.ndarray] = []
    predicted: list[np.ndarray] = []
    for matrix, values in encoded_batches(test):
        truth.append(values)
        predicted.append(probabilities(booster, matrix, signature["classes"]))
    return metrics(Task(signature["task"]), np.concatenate(truth), np.concatenate(predicted))


def _matrix(train: Table, parameters: dict[str, Any]) -> xgboost.DMatrix:
    if parameters.get("tree_method", "hist") in ("hist", "auto"):
        return xgboost.QuantileDMatrix(_Batches(train), max_bin=parameters.get("max_bin", 256), nthread=1)
    # the other ways to grow trees need the numbers themselves, all at once
    matrices, truth = zip(*encoded_batches(train), strict=True)
    return xgboost.DMatrix(np.concatenate(matrices), label=np.concatenate(truth), nthread=1)


def serialise(
    booster: xgboost.Booster, preprocessing: dict[str, Any], signature: dict[str, Any], measured: dict[str, Any]
) -> dict[str, bytes]:
    """The files of a version, manifest apart."""
    # The pickle needs xgboost and nothing of this project: a dict with the booster and how to feed it.
    legacy = {"booster": booster, "preprocessing": preprocessing, "signature": signature}
    return {
        "model.ubj": bytes(booster.save_raw("ubj")),
        "model.pkl": pickle.dumps(legacy, protocol=5),
        "preprocessing.json": json_bytes(preprocessing),
        "signature.json": json_bytes(signature),
        "metrics.json": json_bytes(measured),
    }
