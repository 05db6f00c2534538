"""How `mlflow.pyfunc` loads a version: raw rows as a frame in, probabilities or numbers as a frame out."""

from typing import Any

import pandas as pd

from ml.errors import BadInput
from ml.model import Model


class _Predictor:
    def __init__(self, model: Model, target: str) -> None:
        self._model = model
        self._columns = model.class_names or [target]

    def predict(self, frame: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        names = self._model.feature_names
        if missing := [name for name in names if name not in frame.columns]:
            raise BadInput(f"column {missing[0]!r} is missing, this model has the columns {', '.join(names)}")
        cells = frame[names].astype(object)
        rows = cells.where(cells.notna(), None).to_numpy().tolist()
        return pd.DataFrame(self._model.predict(rows).astype("float64"), columns=self._columns)


def _load_pyfunc(path: str) -> _Predictor:
    model = Model(path)
    model.load()
    return _Predictor(model, model.target)
