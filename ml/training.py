"""From encoded rows to the files of a version: fit, measure, serialise.

Rows are read some at a time and put into XGBoost's own compact form: a byte a cell is all that is in memory of them.

The same data, settings and seed give a byte-identical model.ubj.
"""

import pickle
import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import xgboost

from ml import monotone
from ml.bundle_writer import json_bytes
from ml.column_store import Table
from ml.dataset import encoded_batches
from ml.errors import SettingsError
from ml.metrics import metrics
from ml.model import probabilities, xgboost_reason
from ml.settings import Objective, Settings, Task

WRITTEN_BY = {"version": xgboost.__version__, "readers": ">=3.1"}
"""XGBoost that wrote the model, and those that read it: older ones load it without an error and lose its base score."""
_OBJECTIVES = {
    Objective.SQUARED_ERROR: "reg:squarederror",
    Objective.ABSOLUTE_ERROR: "reg:absoluteerror",
    Objective.POISSON: "count:poisson",
    Objective.QUANTILE: "reg:quantileerror",
}
VALIDATION = "validation"
"""What XGBoost calls the validation rows."""
_NONE: Mapping[str, Any] = MappingProxyType({})
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
        input_data(data=batch.matrix, label=batch.truth, weight=batch.weight)
        return True

    def reset(self) -> None:
        self._batches = encoded_batches(self._rows)


class Fitted(NamedTuple):
    """A trained model."""

    booster: xgboost.Booster
    """Of the rounds up to the best one, with early stopping."""
    learning_curve: dict[str, list[float]]
    """XGBoost's measures on the validation rows, by their names, a value a round; empty without early stopping."""


class Trainer:
    """Rows in XGBoost's form, on which any number of models can be fitted.

    The bytes of a model are the same for one number of threads; `training.parameters.nthread` comes before `threads`.
    Everything raises SettingsError if XGBoost refuses the parameters.
    """

    def __init__(
        self, settings: Settings, signature: dict[str, Any], train: Table, validation: Table | None, threads: int
    ) -> None:
        self._settings = settings
        self._parameters: dict[str, Any] = {
            "nthread": threads,  # never all of the machine's: sums of floats may depend on how many threads share them
            "validate_parameters": True,
            **settings.training.parameters,
            "seed": settings.training.seed,
            **_objective(settings, signature["classes"]),
            **monotone.parameters(settings, signature["inputs"]),
        }
        with _refusals():
            self._train = _matrix(train, self._parameters)
            self._watched = (
                [(_matrix(validation, self._parameters, self._train), VALIDATION)] if validation is not None else []
            )

    def fit(
        self, parameters: Mapping[str, Any] = _NONE, callbacks: Sequence[xgboost.callback.TrainingCallback] = ()
    ) -> Fitted:
        """A model with `parameters` besides those of the settings."""
        measured: dict[str, dict[str, list[float]]] = {}
        with _refusals():
            booster = xgboost.train(
                self._parameters | dict(parameters),
                self._train,
                num_boost_round=self._settings.training.rounds,
                evals=self._watched,
                early_stopping_rounds=self._settings.training.early_stopping_rounds,
                evals_result=measured,
                verbose_eval=False,
                callbacks=list(callbacks),
            )
        # whoever predicts with this booster uses all of its trees; a callback may have ended it before there was a best
        if self._watched and booster.attr("best_iteration") is not None:
            booster = booster[: booster.best_iteration + 1]
        return Fitted(booster, measured.get(VALIDATION, {}))


def fit(
    settings: Settings, signature: dict[str, Any], train: Table, validation: Table | None = None, threads: int = 1
) -> Fitted:
    """The fitted model; see Trainer."""
    return Trainer(settings, signature, train, validation, threads).fit()


def _objective(settings: Settings, classes: list[str] | None) -> dict[str, Any]:
    if classes is None:
        training = settings.training
        quantile = {} if training.quantile is None else {"quantile_alpha": training.quantile}
        return {"objective": _OBJECTIVES[training.objective or Objective.SQUARED_ERROR], **quantile}
    if len(classes) == 2:
        return {"objective": "binary:logistic"}
    return {"objective": "multi:softprob", "num_class": len(classes)}


@contextmanager
def _refusals() -> Iterator[None]:
    """XGBoost's refusals as SettingsError."""
    try:
        with xgboost.config_context(verbosity=1), warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield
    except (xgboost.core.XGBoostError, ValueError, TypeError) as error:
        raise SettingsError(f"training.parameters are refused by XGBoost: {xgboost_reason(error)}") from None
    # XGBoost goes on with a warning when it does not know a parameter; a misspelt one would go unnoticed for ever
    unused = [found[1] for warning in caught if (found := _UNUSED.search(str(warning.message)))]
    if unused:
        raise SettingsError(f"training.parameters has {unused[0]}, which XGBoost does not use")


def measure(
    booster: xgboost.Booster, signature: dict[str, Any], test: Table, quantile: float | None = None
) -> dict[str, float]:
    """Metrics on rows that are encoded already."""
    truth: list[np.ndarray] = []
    predicted: list[np.ndarray] = []
    for batch in encoded_batches(test):
        truth.append(batch.truth)
        predicted.append(probabilities(booster, batch.matrix, signature["classes"]))
    return metrics(Task(signature["task"]), np.concatenate(truth), np.concatenate(predicted), quantile)


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


def _matrix(rows: Table, parameters: dict[str, Any], like: xgboost.DMatrix | None = None) -> xgboost.DMatrix:
    """The rows for XGBoost, cut into the bins of another matrix if there is one."""
    if parameters.get("tree_method", "hist") in ("hist", "auto"):
        bins = {} if like is not None else {"max_bin": parameters.get("max_bin", 256)}
        return xgboost.QuantileDMatrix(_Batches(rows), ref=like, nthread=parameters["nthread"], **bins)
    # the other ways to grow trees need the numbers themselves, all at once
    matrices, truths, weights = zip(*encoded_batches(rows), strict=True)
    weight = None if weights[0] is None else np.concatenate(weights)
    truth = np.concatenate(truths)
    return xgboost.DMatrix(np.concatenate(matrices), label=truth, weight=weight, nthread=parameters["nthread"])
