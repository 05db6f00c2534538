"""Small versions for tests: a table of flowers with missing cells and a category, trained in a blink."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ml import bundle_writer, training
from ml.settings import Settings, parse_object
from tests.ml import reading

VERSION = "20261124-120000-0123abcd"


def table(rows: int = 60, seed: int = 3) -> pd.DataFrame:
    """Columns length, width (some missing), island (category, some missing) and species (three classes, the target)."""
    generator = np.random.default_rng(seed)
    kind = np.arange(rows) % 3
    frame = pd.DataFrame(
        {
            "length": 30 + 10 * kind + generator.normal(size=rows),
            "width": 15 + generator.normal(size=rows),
            "island": np.array(["Biscoe", "Dream", "Torgersen"])[generator.integers(0, 3, rows)],
            "species": np.array(["adelie", "chinstrap", "gentoo"])[kind],
        }
    )
    frame.loc[::7, "width"] = np.nan
    frame.loc[::11, "island"] = None
    return frame


def settings(**overrides: Any) -> Settings:
    """Settings for `table`; overrides replace whole top-level fields."""
    return parse_object(
        {
            "schema_version": 1,
            "model_name": "flowers",
            "task": "classification",
            "source": {"type": "S3", "bucket": "data", "key": "flowers.csv"},
            "target": "species",
            "features": {"engineered": {"ratio": "length / width"}},
            "training": {"rounds": 10, "seed": 7, "parameters": {"max_depth": 3}},
            "evaluation": {"metric": "accuracy", "threshold": 0.8},
            "endpoint": "flowers",
        }
        | overrides
    )


def make_bundle(
    models: Path, version: str = VERSION, frame: pd.DataFrame | None = None, chosen: Settings | None = None
) -> Path:
    """Trains on `frame` and writes a version under `models`; returns its directory. Inputs: length, width, island."""
    chosen = chosen or settings()
    data = reading.prepared(table() if frame is None else frame, chosen)
    booster = training.fit(chosen, data.signature, data.train).booster
    measured = training.measure(booster, data.signature, data.test)
    files = training.serialise(
        booster, data.preprocessing, data.signature, {"metrics": measured, "test_rows": data.test.rows}
    )
    facts = {
        "created": "2026-11-24T12:00:00Z",
        "data": {"sha256": "0" * 64, "rows": 60, "source": "the test table"},
        "code_version": "test",
        "mlflow_run_id": None,
    }
    return bundle_writer.write(models, chosen.model_name, version, files, facts).path


def make_regression_bundle(models: Path, version: str = VERSION) -> Path:
    """The same table, predicting `length`. Inputs: width, island, species."""
    chosen = settings(
        model_name="lengths",
        task="regression",
        target="length",
        features={},
        evaluation={"metric": "rmse", "threshold": 5},
    )
    return make_bundle(models, version, chosen=chosen)


def make_binary_bundle(models: Path, version: str = VERSION) -> Path:
    """Two classes (adelie, chinstrap): XGBoost's binary objective. Inputs: length, width, island."""
    frame = table()
    return make_bundle(models, version, frame[frame["species"] != "gentoo"].reset_index(drop=True))
