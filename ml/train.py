"""Step 3: fits the model, stores it as an immutable version, logs and registers it in MLflow.

Then it removes versions that are too old to keep.

Any retry ends with the same one version: its id follows from the run, a stored version is reused, and MLflow's run and
registered version are found again by the version's tag.
"""

from typing import TYPE_CHECKING, Any

from pulumi_mlops.contract.containers import Variable
from pulumi_mlops.contract.steps import VERSION

from ml import bundle, bundle_writer, report_page, retention, step, tracking, training
from ml.bundle_writer import json_bytes
from ml.errors import BundleError, SettingsError, StorageError

if TYPE_CHECKING:
    from ml import search

SEARCH = "search.json"
"""The trials of a search so far, for a retry."""


def run(context: step.Context) -> None:
    """Tables train and test, prepared.json → version directory; output parameter `version`."""
    settings = context.settings
    tracker = tracking.tracker(context.environment)
    run_id = tracker.begin(settings.model_name, context.version)
    path = bundle.version_path(context.models, settings.model_name, context.version)
    if path.exists():
        try:
            version = bundle.read(path)
        except BundleError as error:
            raise StorageError(f"{error}; remove the directory and retry the run") from None
        step.say(f"version {version.version} is stored already, it is reused")
    else:
        version = _make(context, run_id, tracker)
        step.say(f"stored version {version.version} of {version.name}: {_listed(version.metrics['metrics'])}")
    tracker.complete(version, settings, _documents(context, version) if run_id else {})
    context.output(VERSION, version.version)
    retention.prune(context, tracker)


def _make(context: step.Context, run_id: str | None, tracker: tracking.Tracker) -> bundle.Bundle:
    settings, facts = context.settings, context.handed_json("load.json")
    prepared = context.handed_json("prepared.json")
    signature, preprocessing = prepared["signature"], prepared["preprocessing"]
    train, test = context.handed_table("train"), context.handed_table("test")
    validation = context.handed_table("validation") if settings.training.early_stopping_rounds else None
    threads = _threads(context)
    trainer = training.Trainer(settings, signature, train, validation, threads)
    found = _search(context, trainer, run_id, tracker) if settings.training.search else None
    booster, learning_curve = trainer.fit(found.parameters) if found else trainer.fit()
    measured: dict[str, Any] = {
        "metrics": training.measure(booster, signature, test, settings.training.quantile),
        "train_rows": train.rows,
        "test_rows": test.rows,
    }
    if validation:
        measured |= {"rounds": booster.num_boosted_rounds(), "learning_curve": learning_curve}
        step.say(f"stopped after {measured['rounds']} rounds, the best of {settings.training.rounds} at most")
    if found:
        measured["search"] = found.facts
    return bundle_writer.write(
        context.models,
        settings.model_name,
        context.version,
        training.serialise(booster, preprocessing, signature, measured),
        {
            "created": context.required(Variable.RUN_CREATED),
            "run": context.environment.get(Variable.RUN_NAME, ""),
            "data": facts,
            "code_version": context.environment.get(Variable.CODE_VERSION, ""),
            "mlflow_run_id": run_id,
            "xgboost": {**training.WRITTEN_BY, "threads": settings.training.parameters.get("nthread", threads)},
        },
    )


def _search(
    context: step.Context, trainer: training.Trainer, run_id: str | None, tracker: tracking.Tracker
) -> "search.Found":
    from ml import search  # noqa: PLC0415 - most trainings do without Optuna

    kept = context.handed_json(SEARCH) if (context.hand_offs / SEARCH).is_file() else {}
    return search.run(
        trainer,
        context.settings.training,
        kept,
        keep=lambda state: context.hand_over_json(SEARCH, state),
        finished=lambda trial: tracker.trial(run_id, trial) if run_id else None,
    )


def _threads(context: step.Context) -> int:
    text = context.environment.get(Variable.THREADS, "1")
    if not text.isdecimal() or not int(text):
        raise SettingsError(f"THREADS must be a number of threads, got {text!r}")
    return int(text)


def _documents(context: step.Context, version: bundle.Bundle) -> dict[str, str]:
    """The pictures, and the report on the data if there is one: older images of the steps made none."""
    from ml import run_pictures  # noqa: PLC0415 - matplotlib takes a second, and is for runs that are tracked

    path = bundle.version_path(context.models, version.name, version.version)
    drawn = run_pictures.documents(path, version, context.handed_table("test"), _threads(context))
    if not (context.hand_offs / report_page.JSON_FILE).is_file():
        return drawn
    report = context.handed_json(report_page.JSON_FILE)
    title = f"Data of {version.name} {version.version}: {version.manifest['data']['source']}"
    return drawn | {
        report_page.JSON_FILE: json_bytes(report).decode(),
        report_page.HTML_FILE: report_page.page(report, title),
    }


def _listed(metrics: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in sorted(metrics.items()))


if __name__ == "__main__":
    step.main(run)
