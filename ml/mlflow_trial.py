"""A trial of a search as MLflow shows it: a run nested in the run of its version."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ml.search import Trial

PARENT_TAG = "mlflow.parentRunId"
TRIAL_TAG = "pulumi-mlops.dev/trial"


def log(client: Any, run_id: str, trial: "Trial") -> None:
    """Logs it, or completes what an earlier, killed attempt began."""
    from mlflow.entities import Metric, Param  # noqa: PLC0415 - two seconds, see `tracking`

    experiment = client.get_run(run_id).info.experiment_id
    chosen = f"tags.`{PARENT_TAG}` = '{run_id}' and tags.`{TRIAL_TAG}` = '{trial.number}'"
    run = next(iter(client.search_runs([experiment], chosen, max_results=1)), None) or client.create_run(
        experiment, tags={PARENT_TAG: run_id, TRIAL_TAG: str(trial.number)}, run_name=f"trial {trial.number}"
    )
    start = run.info.start_time  # logged again by a retry, it is the same point and not a second one
    points = [Metric(f"validation_{trial.metric}", value, start, epoch) for epoch, value in trial.points]
    if trial.value is not None:
        points.append(Metric(f"best_validation_{trial.metric}", trial.value, start, 0))
    params = [Param(f"xgboost.{name}", str(value)) for name, value in trial.parameters.items()]
    client.log_batch(run.info.run_id, metrics=points, params=params)
    client.set_terminated(run.info.run_id, "KILLED" if trial.cut else "FINISHED")
