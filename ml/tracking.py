"""What MLflow records about a version: a run with parameters and metrics, the model with its signature, a registration.

Every call finds again what an earlier, killed attempt left, by the version's tag: a retry adds nothing twice.
MLflow is imported on first use: most steps never need it, and it costs two seconds.
"""

import os
import tempfile
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from pulumi_mlops.contract.containers import Variable

from ml import bundle, mlflow_dataset, mlflow_model, mlflow_trial
from ml.bundle_writer import json_bytes
from ml.errors import PipelineError
from ml.settings import Settings

if TYPE_CHECKING:
    from ml.search import Trial

VERSION_TAG = "pulumi-mlops.dev/version"
PASSED_TAG, VERDICT_TAG = "pulumi-mlops.dev/passed", "pulumi-mlops.dev/verdict"
MOST_CHARACTERS = 5000
"""Of a tag's value."""
CHAMPION = "champion"  # alias of the registered version that the endpoint serves
ARTIFACT_PATH = "model"
MOST_METRICS = 1000
"""Points of a batch, MLflow's own limit."""

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


class Registered(NamedTuple):
    """A registered version of a model."""

    model_name: str
    number: str
    """MLflow's own."""
    version: str
    """Ours; empty if somebody else registered it."""
    run_id: str
    aliases: tuple[str, ...]


class Tracker(Protocol):
    """Where versions are recorded."""

    def begin(self, model_name: str, version: str) -> str | None:
        """Makes or finds the run of a version; its id, or None where nothing is tracked."""
        ...

    def trial(self, run_id: str, trial: "Trial") -> None:
        """Logs a trial of a search for parameters, as a run inside the version's run."""
        ...

    def complete(self, version: bundle.Bundle, settings: Settings, documents: Mapping[str, str]) -> None:
        """Logs and registers a stored version; `documents` are texts by the names of their files."""
        ...

    def judge(self, run_id: str, passed: bool, verdict: str, documents: Mapping[str, str]) -> None:
        """Notes at a run whether its version passed, and why; `documents` are texts by the names of their files."""
        ...

    def promote(self, version: bundle.Bundle) -> None:
        """Names the registered version the champion."""
        ...

    def registered(self, model_name: str) -> list[Registered]:
        """The registered versions of a model."""
        ...

    def remove(self, registered: Registered) -> None:
        """Removes a version from the registry, and its model from the run that made it; the run stays."""
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

    def trial(self, run_id: str, trial: "Trial") -> None:
        """There is no run."""

    def complete(self, version: bundle.Bundle, settings: Settings, documents: Mapping[str, str]) -> None:
        """There is nothing to log to."""

    def judge(self, run_id: str, passed: bool, verdict: str, documents: Mapping[str, str]) -> None:
        """There is no run."""

    def promote(self, version: bundle.Bundle) -> None:
        """There is no registry."""

    def registered(self, model_name: str) -> list[Registered]:
        """There is no registry."""
        return []

    def remove(self, registered: Registered) -> None:
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

    def trial(self, run_id: str, trial: "Trial") -> None:
        """See Tracker."""
        with self._sentence(f"log trial {trial.number}"):
            mlflow_trial.log(self._client, run_id, trial)

    def complete(self, version: bundle.Bundle, settings: Settings, documents: Mapping[str, str]) -> None:
        """See Tracker. The artifacts go through the server, so no storage keys are needed here."""
        run_id = version.manifest["mlflow_run_id"]
        if not run_id:
            raise TrackingError(
                f"version {version.version} was stored without MLflow, so it has no run to complete: start a new run "
                "of the pipeline"
            )
        with self._sentence(f"log and register version {version.version}"):
            if self._registered(version) is None:
                self._log(run_id, version, settings, documents)
                self._register(run_id, version)
            self._client.set_terminated(run_id, "FINISHED")

    def judge(self, run_id: str, passed: bool, verdict: str, documents: Mapping[str, str]) -> None:
        """See Tracker."""
        with self._sentence("note the verdict"):
            self._client.set_tag(run_id, PASSED_TAG, "yes" if passed else "no")
            self._client.set_tag(run_id, VERDICT_TAG, verdict[:MOST_CHARACTERS])
            for name, text in documents.items():
                self._client.log_text(run_id, text, name)

    def promote(self, version: bundle.Bundle) -> None:
        """See Tracker."""
        with self._sentence(f"name version {version.version} the {CHAMPION} of {version.name}"):
            registered = self._registered(version)
            if registered is None:
                raise TrackingError(f"MLflow has no registered version of {version.name} for {version.version}")
            self._client.set_registered_model_alias(version.name, CHAMPION, registered.version)

    def registered(self, model_name: str) -> list[Registered]:
        """See Tracker."""
        with self._sentence(f"list the versions of {model_name}"):
            found = self._versions(model_name)
            if not found:
                return []
            aliases: dict[str, list[str]] = {}
            for alias, number in self._client.get_registered_model(model_name).aliases.items():
                aliases.setdefault(str(number), []).append(alias)
            return [
                Registered(
                    model_name,
                    str(one.version),
                    one.tags.get(VERSION_TAG, ""),
                    one.run_id or "",
                    tuple(aliases.get(str(one.version), ())),
                )
                for one in found
            ]

    def remove(self, registered: Registered) -> None:
        """See Tracker."""
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository  # noqa: PLC0415

        with self._sentence(f"remove version {registered.version} of {registered.model_name}"):
            if registered.run_id:
                artifacts = self._client.get_run(registered.run_id).info.artifact_uri
                get_artifact_repository(artifacts, self._address).delete_artifacts(ARTIFACT_PATH)
            self._client.delete_model_version(registered.model_name, registered.number)

    def _versions(self, model_name: str, run_id: str = "") -> list[Any]:
        """What the registry has of a model: every version, or those of one run."""
        chosen = f"name = '{model_name}'" + (f" and run_id = '{run_id}'" if run_id else "")
        found, page = [], None
        while True:
            part = self._client.search_model_versions(chosen, page_token=page)
            found += part
            page = part.token
            if not page:
                return found

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

    def _log(self, run_id: str, version: bundle.Bundle, settings: Settings, documents: Mapping[str, str]) -> None:
        from mlflow.entities import Metric, Param, RunTag  # noqa: PLC0415

        run = self._client.get_run(run_id)
        tags = {
            "code_version": version.manifest["code_version"],
            "data_source": version.manifest["data"]["source"],
            "data_sha256": version.manifest["data"]["sha256"],
        }
        start = run.info.start_time  # logged again by a retry, it is the same point and not a second one
        self._client.log_batch(
            run_id,
            metrics=[Metric(k, v, start, 0) for k, v in sorted(version.metrics["metrics"].items())],
            params=[Param(k, str(v)) for k, v in _parameters(settings, version).items()],
            tags=[RunTag(k, str(v)) for k, v in tags.items()],
        )
        for name, values in version.metrics.get("learning_curve", {}).items():
            points = [Metric(f"validation_{name}", value, start, round_) for round_, value in enumerate(values)]
            for first in range(0, len(points), MOST_METRICS):
                self._client.log_batch(run_id, metrics=points[first : first + MOST_METRICS])
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / ARTIFACT_PATH
            mlflow_model.save(path, version)
            self._client.log_artifacts(run_id, str(path), ARTIFACT_PATH)
        self._client.log_inputs(run_id, datasets=[mlflow_dataset.of(version)])
        for name, text in documents.items():
            self._client.log_text(run_id, text, name)

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
        return next(iter(self._versions(version.name, run_id)), None) if run_id else None

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


def _parameters(settings: Settings, version: bundle.Bundle) -> dict[str, Any]:
    found = version.metrics.get("search", {"best": {"parameters": {}}})["best"]["parameters"]
    features = settings.features.model_dump(mode="json")
    return {
        "task": settings.task,
        "target": settings.target,
        **settings.training.model_dump(mode="json", exclude={"parameters"}, exclude_none=True),
        **{f"xgboost.{name}": value for name, value in sorted((settings.training.parameters | found).items())},
        **{
            f"features.{name}": value if isinstance(value, str) else json_bytes(value).decode().replace("\n", "")
            for name, value in features.items()
            if value
        },
    }
