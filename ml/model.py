"""The model class: raw rows in, class probabilities or one number a row out.

It has the duck type of seldon-core (`load`, `predict`, `class_names`, `feature_names`), so the same class runs in this
project's server and under `seldon-core-microservice`. It needs numpy and XGBoost's library, nothing else.
"""

import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ml import bundle
from ml.booster import Booster, BoosterError
from ml.errors import BundleError
from ml.preprocessing import Encoded, Preprocessing

Rows = Sequence[Sequence[Any]] | np.ndarray


class Model:
    """One version directory as a predictor. `predict` may be called from several threads."""

    class_names: list[str] | None = None
    """Labels of the probability columns of a classifier; None for a regressor."""

    def __init__(self, model_path: str) -> None:
        self.model_path = Path(model_path)
        self.feature_names: list[str] = []
        self.name = ""
        self.version = ""
        self.target = ""
        self.unknown_categories: Counter[str] = Counter()
        """Cells per column, since `load`, whose category training had not seen."""
        self._lock = threading.Lock()
        self._booster: Booster | None = None

    def load(self) -> None:
        """Verifies the version and loads it; raises BundleError in one sentence."""
        version = bundle.read(self.model_path)
        try:
            booster = Booster((self.model_path / "model.ubj").read_bytes())
            preprocessing = Preprocessing(version.preprocessing)
        except (BoosterError, KeyError, TypeError, ValueError) as error:
            label = f"model version {version.name}/{version.version}"
            raise BundleError(f"{label} cannot be loaded: {xgboost_reason(error)}") from None
        self._bundle = version
        self._preprocessing = preprocessing
        self.feature_names = preprocessing.inputs
        self.class_names = version.signature["classes"]
        self.name, self.version, self.target = version.name, version.version, version.signature["target"]
        self._booster = booster

    def predict(self, X: Rows, names: Iterable[str] | None = None, meta: Any = None) -> np.ndarray:
        """Float32 matrix with a row an input row: a probability a class, or one column for a regressor.

        `names` gives the columns in the order of the cells, when it is not the signature's. `meta` is ignored.
        """
        if self._booster is None:
            self.load()
        encoded = self.encode(X, names)
        if encoded.unknown:
            with self._lock:
                self.unknown_categories.update(encoded.unknown)
        return self.predict_encoded(encoded.matrix)

    def encode(self, rows: Rows, names: Iterable[str] | None = None) -> Encoded:
        """The matrix that the booster sees, and how many categories were unknown; raises BadInput."""
        return self._preprocessing.encode(rows, names)

    def predict_encoded(self, matrix: np.ndarray) -> np.ndarray:
        """Predicts rows that `encode` has made."""
        return probabilities(self._booster, matrix, self.class_names)

    def tags(self) -> dict[str, str]:
        """What seldon-core puts into the answer's `meta.tags`."""
        return {"model": self.name, "version": self.version}

    def metadata(self) -> dict[str, Any]:
        """Name, version, signature and metrics, as plain JSON."""
        return {
            "name": self.name,
            "version": self.version,
            "task": self._bundle.signature["task"],
            "inputs": self._bundle.signature["inputs"],
            "classes": self.class_names,
            "metrics": self._bundle.metrics["metrics"],
            "created": self._bundle.manifest["created"],
            "mlflow_run_id": self._bundle.manifest["mlflow_run_id"],
        }


def probabilities(booster: Any, matrix: np.ndarray, classes: list[str] | None) -> np.ndarray:
    """Predictions as a matrix: one column a class for a classifier, one column for a regressor.

    `booster` is the one of this project or of XGBoost's package.
    """
    raw = booster.inplace_predict(matrix, missing=np.nan)
    if raw.ndim == 2:
        return raw
    if classes is None:
        return raw.reshape(-1, 1)
    both = np.empty((len(raw), 2), dtype=np.float32)
    np.subtract(1.0, raw, out=both[:, 0])
    both[:, 1] = raw
    return both


def xgboost_reason(error: Exception) -> str:
    """XGBoost's own sentence without its stack and source positions."""
    lines = [line.strip() for line in str(error).splitlines()]
    kept = [line for line in lines if line and not line.startswith(("Stack trace", "[bt]", "(0)"))]
    first = kept[0].split("] ", 1)[-1] if kept else "no reason given"
    return first.split(": ", 1)[-1] if ".cc:" in first else first
