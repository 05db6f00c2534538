"""Trains on this machine with the code that runs in the cluster: `python -m ml.run settings.json data.csv`.

The steps run one after the other in this process. Nothing is needed but the files: no cluster, no store, no
MLflow (with MLFLOW_TRACKING_URI set, it is used). The endpoint is a file, `<models>/<model name>.current`.
"""

import argparse
import json
import os
import sys
import tempfile
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

from pulumi_mlops.contract import steps
from pulumi_mlops.contract.containers import Variable

from ml import settings, step
from ml.errors import PipelineError


def run(settings_path: Path, data: Path | None, models: Path, environment: Mapping[str, str] = os.environ) -> bool:
    """Runs all steps; True if the version passed its evaluation and is now the current one. Raises PipelineError."""
    moment = datetime.now(UTC)
    with tempfile.TemporaryDirectory() as outputs:
        surroundings: dict[str, str] = {
            Variable.SETTINGS_PATH: str(settings_path),
            Variable.MODELS_DIR: str(models),
            Variable.RUN_ID: str(uuid.uuid4()),
            Variable.RUN_CREATED: f"{moment:%Y-%m-%dT%H:%M:%SZ}",
            Variable.RUN_NAME: "local",
            Variable.CODE_VERSION: "working tree",
            Variable.OUTPUTS_DIR: outputs,
            **environment,
            **({Variable.DATA_FILE: str(data)} if data else {}),
        }
        chosen = settings.read(surroundings)
        surroundings.setdefault(Variable.ENDPOINT_FILE, str(models / f"{chosen.model_name}.current"))

        def execute(name: str) -> None:
            step.attempt(import_module(steps.module(name)).run, surroundings)

        return steps.run(execute, Path(surroundings[Variable.OUTPUTS_DIR])) is None


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m ml.run", description=__doc__.split("\n\n")[0])
    parser.add_argument("settings", type=Path, help="settings.json, as the pipeline has it")
    parser.add_argument(
        "data",
        type=Path,
        nargs="?",
        help="file, directory or pattern of files, CSV or parquet, in the place of the settings' source",
    )
    parser.add_argument("--models", type=Path, default=Path("models"), help="where versions go (default: ./models)")
    parser.add_argument("--predict", metavar="ROWS", help='then answer these rows, as JSON: [["Biscoe", 39.1, null]]')
    arguments = parser.parse_args()
    try:
        passed = run(arguments.settings, arguments.data, arguments.models)
        if passed and arguments.predict:
            print(json.dumps(predict(arguments.models, arguments.settings, json.loads(arguments.predict))))
    except (PipelineError, ValueError) as error:
        print(error, file=sys.stderr)
        raise SystemExit(getattr(error, "exit_code", os.EX_DATAERR)) from None
    raise SystemExit(0 if passed else 1)


def predict(models: Path, settings_path: Path, rows: list[list[object]]) -> dict[str, object]:
    """Answers rows with the current version, as the server does; raises BadInput."""
    from ml.model import Model  # noqa: PLC0415 - under its own name it would read like the module

    name = settings.parse(settings_path.read_bytes()).model_name
    version = (models / f"{name}.current").read_text().strip()
    model = Model(str(models / name / version))
    model.load()
    return {"names": model.class_names or [model.target], "ndarray": model.predict(rows).tolist()}


if __name__ == "__main__":
    main()
