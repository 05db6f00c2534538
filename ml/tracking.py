"""What MLflow is told about a version: a run with parameters and metrics, the model with its signature, a registration.

Every call finds again what an earlier, killed attempt left, by the version's tag: a retry adds nothing twice.
MLflow is imported on first use: most steps never need it, and it costs two seconds.
"""

import os
import shutil
import tempfile
import warnings
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from pulumi_mlops import contract
from pulumi_mlops.contract.containers import Variable

from ml import bundle
from ml.bundle_writer import json_bytes
from ml.errors import PipelineError
from ml.settings import Settings

VERSION_TAG = "pulumi-mlops.dev/version"
CHAMPION = "champion"  # alias of the registered version that the endpoint serves
ARTIFACT_PATH = "model"
CONTRACT = "components/pulumi_mlops/contract"  # where ml/__init__.py looks for it
REQUIREMENTS = ("numpy", "xgboost-cpu==3.2.0", "pandas")  # inference would list xgboost beside xgboost-cpu

# Steps fail within a minute when MLflow is away (the defaults wait for seven), and tell nobody else that they ran.
_CLIENT_DEFAULTS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


class TrackingError(PipelineError):
    """MLflow did not answer or refused; a retry may help."""


class Tracker(Protocol):
    """Where versions are recorded."""

    def begin(self, model_name: str, version: str) -> str | None:
        """Makes or finds the run of a version; its id, or None where nothing is tracked."""
        ...

    def complete(self, version: bundle.Bundle, settings: Settings) -> None:
        """Logs and registers a stored version."""
        ...

    def promote(self, version: bundle.Bundle) -> None:
        """Names the registered version the champion."""
        ...


def tracker(environment: Mapping[str, str]) -> Tracker:
    """MLflow at MLFLOW_TRACKING_URI; without that address (a laptop) nothing is tracked.

    MLFLOW_TRACKING_TOKEN_FILE is where Kubernetes keeps the token by which MLflow knows this pod; without it, the
    client's own variables say who it is.
    """
    address = environment.get(Variable.MLFLOW_TRACKING_URI, "")
    token = environment.get(Variable.MLFLOW_TRACKING_TOKEN_FILE, "")
    return MLflowTracker(address, Path(token) if token else None) if address else NoTracker()


class NoTracker:
    """Records nothing."""

    def begin(self, model_name: str, version: str) -> None:
        """There is no run."""

    def complete(self, version: bundle.Bundle, settings: Settings) -> None:
        """There is nothing to log to."""

    def promote(self, version: bundle.Bundle) -> None:
        """There is no registry."""


class MLflowTracker:
    """Records in an MLflow server: one experiment and one registered model a model name."""

    def __init__(self, address: str, token: Path | None = None) -> None:
        self._address, self._token = address, token

    @cached_property
    def _client(self) -> Any:
        for name, value in _CLIENT_DEFAULTS.items():
            os.environ.setdefault(name, value)
        from mlflow import MlflowClient  # noqa: PLC0415 - see the module docstring

        return MlflowClient(tracking_uri=self._address, registry_uri=self._address)

    def begin(self, model_name: str, version: str) -> str:
        """See Tracker."""
        with self._sentence(f"start the run of version {version}"):
            experiment = self._experiment(model_name)
            found = self._client.search_runs([experiment], f"tags.`{VERSION_TAG}` = '{version}'", max_results=1)
            if found:
                return found[0].info.run_id
            run = self._client.create_run(experiment, tags={VERSION_TAG: version}, run_name=version)
            return run.info.run_id

    def complete(self, version: bundle.Bundle, settings: Settings) -> None:
        """See Tracker. The artifacts go through the server, so no storage keys are needed here."""
        run_id = version.manifest["mlflow_run_id"]
        if not run_id:
            raise TrackingError(
                f"version {version.version} was stored without MLflow, so it has no run to complete: start a new run "
                "of the pipeline"
            )
        with self._sentence(f"log and register version {version.version}"):
            if self._registered(version) is None:
                self._log(run_id, version, settings)
                self._register(run_id, version)
            self._client.set_terminated(run_id, "FINISHED")

    def promote(self, version: bundle.Bundle) -> None:
        """See Tracker."""
        with self._sentence(f"name version {version.version} the {CHAMPION} of {version.name}"):
            registered = self._registered(version)
            if registered is None:
                raise TrackingError(f"MLflow has no registered version of {version.name} for {version.version}")
            self._client.set_registered_model_alias(version.name, CHAMPION, registered.version)

    def _experiment(self, name: str) -> str:
        from mlflow.exceptions import MlflowException  # noqa: PLC0415

        if found := self._client.get_experiment_by_name(name):
            if found.lifecycle_stage == "deleted":
                raise TrackingError(f"MLflow's experiment {name!r} is deleted, restore it or purge it there")
            return found.experiment_id
        try:
            return self._client.create_experiment(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            return self._client.get_experiment_by_name(name).experiment_id

    def _log(self, run_id: str, version: bundle.Bundle, settings: Settings) -> None:
        from mlflow.entities import Metric, Param, RunTag  # noqa: PLC0415

        run = self._client.get_run(run_id)
        tags = {
            "code_version": version.manifest["code_version"],
            "data_source": version.manifest["data"]["source"],
            "data_sha256": version.manifest["data"]["sha256"],
        }
        self._client.log_batch(
            run_id,
            # the run's own start as time: logged again by a retry, it is the same point and not a second one
            metrics=[Metric(k, v, run.info.start_time, 0) for k, v in sorted(version.metrics["metrics"].items())],
            params=[Param(k, str(v)) for k, v in _parameters(settings).items()],
            tags=[RunTag(k, str(v)) for k, v in tags.items()],
        )
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / ARTIFACT_PATH
            save_mlflow_model(path, version)
            self._client.log_artifacts(run_id, str(path), ARTIFACT_PATH)

    def _register(self, run_id: str, version: bundle.Bundle) -> None:
        from mlflow.exceptions import MlflowException  # noqa: PLC0415

        try:
            self._client.create_registered_model(version.name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        artifacts = self._client.get_run(run_id).info.artifact_uri
        self._client.create_model_version(
            version.name,
            f"{artifacts}/{ARTIFACT_PATH}",
            run_id,
            tags={VERSION_TAG: version.version},
            await_creation_for=0,
        )

    def _registered(self, version: bundle.Bundle) -> Any | None:
        run_id = version.manifest["mlflow_run_id"]
        found = self._client.search_model_versions(f"name = '{version.name}' and run_id = '{run_id}'")
        return found[0] if found else None

    def _sentence(self, action: str) -> "_Sentence":
        if self._token is not None:
            try:  # anew each time: a training may outlive a token
                os.environ["MLFLOW_TRACKING_TOKEN"] = self._token.read_text().strip()
            except OSError as error:
                raise TrackingError(f"the token for MLflow could not be read: {error}") from None
        return _Sentence(self._address, action)


class _Sentence:
    """Turns MLflow's exceptions into one sentence."""

    def __init__(self, address: str, action: str) -> None:
        self._address, self._action = address, action

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if error is None or isinstance(error, PipelineError):
            return
        import requests  # noqa: PLC0415
        from mlflow.exceptions import MlflowException  # noqa: PLC0415

        if isinstance(error, MlflowException | requests.RequestException):
            reason = " ".join(str(error).split())[:500]
            if isinstance(error, MlflowException) and error.error_code == "PERMISSION_DENIED":
                reason = (
                    f"another namespace has an experiment or a model of this name, choose another model_name ({reason})"
                )
            raise TrackingError(f"MLflow at {self._address} could not {self._action}: {reason}") from error


def save_mlflow_model(path: Path, version: bundle.Bundle) -> None:
    """Writes the version as an MLflow model that `mlflow.pyfunc.load_model` loads anywhere, with this code inside."""
    with warnings.catch_warnings(action="ignore"):  # MLflow complains of its own type hints when it is imported
        from mlflow.pyfunc import save_model  # noqa: PLC0415
    from mlflow.models import ModelSignature  # noqa: PLC0415
    from mlflow.types.schema import ColSpec, Schema  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as directory:
        code = Path(directory)
        for package, place in ((Path(__file__).parent, "ml"), (Path(contract.__file__).parent, CONTRACT)):
            (code / place).mkdir(parents=True)
            for module in package.glob("*.py"):
                shutil.copy(module, code / place)
        inputs = [
            ColSpec("double" if column["kind"] == "numeric" else "string", column["name"], required=False)
            for column in version.signature["inputs"]
        ]
        outputs = [ColSpec("double", name) for name in version.signature["classes"] or [version.signature["target"]]]
        with warnings.catch_warnings():
            warnings.filterwarnings(
                "ignore", "(?s).*input example", UserWarning
            )  # the signature is not inferred from one
            save_model(
                path,
                loader_module="ml.mlflow_flavor",
                data_path=str(version.path),
                code_paths=[str(path) for path in code.iterdir()],
                signature=ModelSignature(Schema(inputs), Schema(outputs)),
                pip_requirements=list(REQUIREMENTS),
                metadata={"model_name": version.name, "version": version.version},
            )


def _parameters(settings: Settings) -> dict[str, Any]:
    features = settings.features.model_dump(mode="json")
    return {
        "task": settings.task,
        "target": settings.target,
        **settings.training.model_dump(mode="json", exclude={"parameters"}),
        **{f"xgboost.{name}": value for name, value in sorted(settings.training.parameters.items())},
        **{
            f"features.{name}": value if isinstance(value, str) else json_bytes(value).decode().replace("\n", "")
            for name, value in features.items()
            if value
        },
    }
