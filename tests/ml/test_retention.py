"""Old versions go, from the volume and from MLflow, and none that something still asks for."""

import os
from pathlib import Path

import pytest
from mlflow import MlflowClient

from ml import retention
from tests.ml.conftest import Store
from tests.ml.test_steps import PENGUINS, STEPS, Run

pytestmark = pytest.mark.servers

DAYS = ("2026-11-01", "2026-11-02", "2026-11-03", "2026-11-04", "2026-11-05")


@pytest.mark.parametrize(
    ("in_use", "removed"),
    [
        (set(), ["1", "2"]),
        ({"1"}, ["2"]),
        ({"4", "unknown"}, ["1", "2"]),
        ({"1", "2"}, []),
    ],
)
def test_the_newest_stay_and_what_is_in_use(in_use: set[str], removed: list[str]):
    assert retention.superfluous({"1", "2", "3", "4"}, in_use, 2) == removed


@pytest.fixture
def pipeline(tmp_path: Path, store: Store, penguins: bytes) -> Run:
    """A pipeline that keeps two versions."""
    store.put("penguins.csv", penguins)
    settings = PENGUINS | {"version_history": 2, "evaluation": {"metric": "accuracy", "threshold": 0.5}}
    return Run(tmp_path, settings, environment=dict(store.environment))


def train(pipeline: Run, day: str, *steps: str) -> str:
    """Runs steps as on that day; returns the version."""
    pipeline.run_id = f"run-of-{day}"
    pipeline.environment["RUN_CREATED"] = f"{day}T03:00:00Z"
    pipeline.steps(*(steps or STEPS))
    return pipeline.output("version")


def stored(pipeline: Run) -> list[str]:
    return sorted(entry.name for entry in (pipeline.models / pipeline.settings["model_name"]).iterdir())


def test_the_served_version_and_the_newest_stay_in_both_places(pipeline: Run, mlflow_address: str):
    name = pipeline.settings["model_name"] = "short-history"
    pipeline.environment["MLFLOW_TRACKING_URI"] = mlflow_address
    served = train(pipeline, DAYS[0])
    without_deploy = STEPS[:-1]
    aliased = train(pipeline, DAYS[1], *without_deploy)
    client = MlflowClient(mlflow_address, mlflow_address)
    by_tag = {one.tags["pulumi-mlops.dev/version"]: one for one in client.search_model_versions(f"name = '{name}'")}
    client.set_registered_model_alias(name, "audited", by_tag[aliased].version)
    gone, *newest = [train(pipeline, day, *without_deploy) for day in DAYS[2:]]

    assert stored(pipeline) == sorted([served, aliased, *newest])
    registered = client.search_model_versions(f"name = '{name}'")
    assert {one.tags["pulumi-mlops.dev/version"] for one in registered} == {served, aliased, *newest}
    assert (pipeline.directory / "endpoint").read_text() == served

    experiment = client.get_experiment_by_name(name)
    assert experiment
    runs = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
    assert runs[gone].data.metrics["accuracy"] > 0.9, "the run of a removed version stays, with its metrics"
    reports = {"data-report.html", "data-report.json", "pictures"}
    assert {one.path for one in client.list_artifacts(runs[gone].info.run_id)} == {"comparison.html", *reports}
    assert {one.path for one in client.list_artifacts(runs[served].info.run_id)} == {"model", *reports}


def test_what_was_put_on_the_volume_by_hand_stays(pipeline: Run):
    versions = [train(pipeline, DAYS[0])]
    by_hand = pipeline.models / pipeline.settings["model_name"] / "the-one-of-the-paper"
    by_hand.mkdir()
    versions += [train(pipeline, day) for day in DAYS[1:4]]

    assert stored(pipeline) == sorted([*versions[-2:], by_hand.name])


def test_a_version_half_removed_by_a_killed_pod_is_gone_after_the_next_run(pipeline: Run):
    train(pipeline, DAYS[0])
    left_over = pipeline.models / pipeline.settings["model_name"] / ".20251101-030000-00000000.removed"
    left_over.mkdir()
    (left_over / "model.ubj").write_bytes(b"1")
    version = train(pipeline, DAYS[1])

    assert not left_over.exists()
    assert version in stored(pipeline)


def test_where_it_is_not_known_what_is_in_use_nothing_is_removed_and_the_run_goes_on(pipeline: Run):
    versions = [train(pipeline, day) for day in DAYS[:2]]
    assert "KUBERNETES_SERVICE_HOST" not in os.environ
    pipeline.environment["ENDPOINT_FILE"] = ""  # as in a pod, and no Kubernetes API answers
    pipeline.run_id, pipeline.environment["RUN_CREATED"] = "third", f"{DAYS[2]}T03:00:00Z"
    pipeline.steps("load", "preprocess")
    done = pipeline.step("train")

    assert done.returncode == 0
    assert "old versions were not removed, the next run tries again: there is no service account" in done.stdout
    assert len(stored(pipeline)) == 3
    assert set(versions) < set(stored(pipeline))


@pytest.mark.parametrize(
    ("history", "sentence"),
    [
        (1, "version_history must be between 2 and 10000, got 1"),
        ("ten", "version_history: input should be a valid int"),
    ],
)
def test_a_wrong_number_is_refused_by_the_first_step(pipeline: Run, history: object, sentence: str):
    pipeline.settings["version_history"] = history
    done = pipeline.step("load")

    assert done.returncode == 65
    assert sentence in done.stderr
