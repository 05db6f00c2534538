"""From matrices to the files of a version: fit, measure, serialise. Pure functions; no I/O.

The same data, settings and seed give a byte-identical model.ubj.
"""

import pickle
import re
import warnings
from typing import Any

import numpy as np
import xgboost

from ml.bundle_writer import json_bytes
from ml.errors import SettingsError
from ml.metrics import metrics
from ml.model import probabilities, xgboost_reason
from ml.settings import Settings, Task

WRITTEN_BY = {"version": xgboost.__version__, "readers": ">=3.1"}
"""XGBoost that wrote the model, and those that read it: older ones load it without an error and lose its base score."""
_UNUSED = re.compile(r"Parameters: \{ (.*?) \} are not used")


def fit(settings: Settings, signature: dict[str, Any], train_x: np.ndarray, train_y: np.ndarray) -> xgboost.Booster:
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
    matrix = xgboost.DMatrix(train_x, label=train_y, nthread=1)
    try:
        with xgboost.config_context(verbosity=1), warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            booster = xgboost.train(parameters, matrix, num_boost_round=settings.training.rounds)
    except (xgboost.core.XGBoostError, ValueError, TypeError) as error:
        raise SettingsError(f"training.parameters are refused by XGBoost: {xgboost_reason(error)}") from None
    # XGBoost goes on with a warning when it does not know a parameter; a misspelt one would go unnoticed for ever
    unused = [found[1] for warning in caught if (found := _UNUSED.search(str(warning.message)))]
    if unused:
        raise SettingsError(f"training.parameters has {unused[0]}, which XGBoost does not use")
    return booster


def measure(booster: xgboost.Booster, signature: dict[str, Any], x: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """Metrics on rows that are encoded already."""
    return metrics(Task(signature["task"]), y, probabilities(booster, x, signature["classes"]))


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
