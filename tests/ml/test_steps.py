"""The five steps as the workflow runs them: processes with environment variables, real stores around them."""

import contextlib
import html
import importlib
import io
import json
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pytest
import xgboost

from ml import bundle, endpoint, step
from ml.column_store import Table, Writer
from ml.model import Model
from tests.ml import bundles
from tests.ml.conftest import ROOT, Store
from tests.ml.test_settings import FULL

pytestmark = pytest.mark.servers

PENGUINS = FULL | {
    "source": {"type": "S3", "bucket": "data", "key": "penguins.csv", "format": "csv", "missing": ["NA"]},
    "features": {"drop": ["year"], "engineered": FULL["features"]["engineered"]},
}
STEPS = ("load", "preprocess", "train", "evaluate", "deploy")


class Done(NamedTuple):
    """How a step ended."""

    returncode: int | str | None
    stdout: str
    stderr: str


@dataclass
class Run:
    """One run of a pipeline on a volume."""

    directory: Path
    settings: dict[str, Any]
    run_id: str = "run-1"
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def models(self) -> Path:
        return self.directory / "models"

    @property
    def version(self) -> Path:
        [found] = (self.models / self.settings["model_name"]).glob("[!.]*")
        return found

    def surroundings(self) -> dict[str, str]:
        """What the workflow sets for every step."""
        self.models.mkdir(exist_ok=True, parents=True)
        file = self.directory / "settings.json"
        file.write_text(json.dumps(self.settings))
        return {
            "SETTINGS_PATH": str(file),
            "MODELS_DIR": str(self.models),
            "RUN_ID": self.run_id,
            "RUN_NAME": f"penguins-{self.run_id}",
            "RUN_CREATED": "2026-11-24T12:00:00Z",
            "DATA_KEY": "",
            "NAMESPACE": "team",
            "CODE_VERSION": "registry/ml-pipeline:1",
            "ENDPOINT_FILE": str(self.directory / "endpoint"),
            "OUTPUTS_DIR": str(self.directory / "outputs"),
            **self.environment,
        }

    def step(self, name: str) -> Done:
        """Runs the step in this process: a process each would cost most of the time of these tests."""
        out, err, code = io.StringIO(), io.StringIO(), 0
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                step.main(importlib.import_module(f"ml.{name}").run, self.surroundings())
            except SystemExit as exit:
                code = exit.code
        return Done(code, out.getvalue(), err.getvalue())

    def process(self, *arguments: str) -> Done:
        """Runs Python with these arguments and a step's environment, as a pod does."""
        environment = {"PATH": os.environ["PATH"], **self.surroundings()}
        done = subprocess.run(
            [sys.executable, *arguments], capture_output=True, text=True, cwd=ROOT, check=False, env=environment
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def steps(self, *names: str) -> None:
        """Runs steps that must succeed and print no complaint."""
        for name in names:
            done = self.step(name)
            assert (done.returncode, done.stderr) == (0, ""), f"{name}: {done.stdout}{done.stderr}"

    def output(self, name: str) -> str:
        return (self.directory / "outputs" / name).read_text()


OUT_OF_REACH = {"metric": "log_loss", "threshold": 0}
"""No model with probabilities below 1 gets there."""


@pytest.fixture
def run(tmp_path: Path, store: Store, penguins: bytes) -> Run:
    """A run on the example data, without MLflow."""
    store.put("penguins.csv", penguins)
    return Run(tmp_path, PENGUINS, environment=dict(store.environment))


def test_the_five_steps_make_a_registered_version_that_the_endpoint_has(run: Run, mlflow_address: str) -> None:
    run.settings = run.settings | {"model_name": "whole-loop"}
    run.settings["training"] = run.settings["training"] | {"early_stopping_rounds": 5}
    run.environment |= {"MLFLOW_TRACKING_URI": mlflow_address, "THREADS": "2"}
    run.steps(*STEPS)

    assert run.version.name == "20261124-120000-4e65d3fb" == run.output("version")
    assert run.output("passed") == "true"
    assert run.output("verdict").startswith("accuracy 0.9")
    assert (run.directory / "endpoint").read_text() == run.version.name
    assert not (run.models / ".runs" / run.run_id).exists()

    found = bundle.read(run.version)
    assert found.manifest["code_version"] == "registry/ml-pipeline:1"
    assert found.manifest["data"]["rows"] == 344
    assert found.manifest["xgboost"] == {"version": xgboost.__version__, "readers": ">=3.1", "threads": 2}
    assert found.manifest["data"]["source"] == "s3://data/penguins.csv"

    from mlflow import MlflowClient

    client = MlflowClient(mlflow_address, mlflow_address)
    registered = client.get_model_version_by_alias("whole-loop", "champion")
    assert registered.run_id == found.manifest["mlflow_run_id"]
    logged = client.get_run(registered.run_id)
    assert logged.info.status == "FINISHED"
    curve = found.metrics["learning_curve"]["mlogloss"]
    assert found.metrics["rounds"] == 1 + curve.index(min(curve))
    assert logged.data.metrics == pytest.approx(found.metrics["metrics"] | {"validation_mlogloss": curve[-1]})
    points = client.get_metric_history(registered.run_id, "validation_mlogloss")
    assert [(point.step, point.value) for point in points] == list(enumerate(curve))
    assert logged.data.params["xgboost.max_depth"] == "4"
    artifacts = {one.path for one in client.list_artifacts(registered.run_id)}
    assert {"model", "data-report.html", "data-report.json"} <= artifacts
    pictures = {Path(one.path).stem for one in client.list_artifacts(registered.run_id, "pictures")}
    of_columns = {"feature-importance", "shap-summary", "learning-curve"}
    assert pictures == {"confusion-matrix", "roc-curve", "precision-recall-curve", "calibration"} | of_columns
    [data] = logged.inputs.dataset_inputs
    assert found.manifest["data"]["sha256"].startswith(data.dataset.digest)
    assert json.loads(data.dataset.profile) == {"num_rows": 344}
    assert json.loads(data.dataset.source)["tags"]["source"] == "s3://data/penguins.csv"
    assert logged.data.tags["data_sha256"] == found.manifest["data"]["sha256"]
    assert logged.data.tags["pulumi-mlops.dev/passed"] == "yes"
    assert logged.data.tags["pulumi-mlops.dev/verdict"] == run.output("verdict")
    assert "comparison.html" not in artifacts, "there was nothing to compare with"

    # What MLflow has is the same model, with its code: it loads where this project is not installed.
    model = Model(str(run.version))
    model.load()
    rows = [["Biscoe", 39.1, None, 181.0, 3750.0, "male"], ["Dream", 49.1, 19.5, 200.0, None, None]]
    code = (
        "import json, sys, mlflow.pyfunc, pandas as pd\n"
        "columns, rows = json.load(sys.stdin)\n"
        "model = mlflow.pyfunc.load_model('models:/whole-loop@champion')\n"
        "answer = model.predict(pd.DataFrame(rows, columns=columns))\n"
        "kinds = model.metadata.metadata['columns']\n"
        "assert list(kinds) and model.metadata.metadata['xgboost']['readers'] == '>=3.1'\n"
        "print(json.dumps([kinds, list(answer.columns), answer.to_numpy().tolist()]))"
    )
    elsewhere = subprocess.run(
        [sys.executable, "-P", "-c", code],
        input=json.dumps([model.feature_names, rows]), capture_output=True, text=True, check=False, cwd=run.directory,
        env={"PATH": os.environ["PATH"], "MLFLOW_TRACKING_URI": mlflow_address},
    )  # fmt: skip
    assert elsewhere.returncode == 0, elsewhere.stderr
    kinds, columns, answer = json.loads(elsewhere.stdout.splitlines()[-1])
    assert kinds == {
        "island": "categorical",
        "bill_length_mm": "numeric",
        "bill_depth_mm": "numeric",
        "flipper_length_mm": "numeric",
        "body_mass_g": "numeric",
        "sex": "categorical",
    }
    assert columns == ["Adelie", "Chinstrap", "Gentoo"]
    assert np.array(answer) == pytest.approx(model.predict(rows))

    # The next version is shown beside this one, whatever its evaluation says.
    weaker = run.settings | {"training": FULL["training"] | {"rounds": 1, "parameters": {"max_depth": 1}}}
    second = Run(run.directory, weaker, run_id="run-2", environment=run.environment)
    first = run.version.name
    second.steps(*STEPS[:4])
    stored = run.models / "whole-loop" / second.output("version")
    second_run = bundle.read(stored).manifest["mlflow_run_id"]
    page = Path(client.download_artifacts(second_run, "comparison.html", str(run.directory))).read_text()
    assert f"current: {first}" in page
    assert html.escape(second.output("verdict")) in page
    passed = {"true": "yes", "false": "no"}[second.output("passed")]
    assert client.get_run(second_run).data.tags["pulumi-mlops.dev/passed"] == passed


@pytest.mark.parametrize("moment", ["_log", "_register", "begin", "complete"])
def test_a_retry_after_a_kill_in_train_gives_the_same_version_not_two(
    run: Run, mlflow_address: str, moment: str
) -> None:
    from mlflow import MlflowClient

    name = f"killed-in-{moment.strip('_')}"
    run.settings = run.settings | {"model_name": name}
    run.environment["MLFLOW_TRACKING_URI"] = mlflow_address
    run.steps("load", "preprocess")
    killed = run.process(
        "-c",
        "import os, signal\n"
        "from ml import step, tracking, train\n"
        f"real = tracking.MLflowTracker.{moment}\n"
        "def last(*arguments):\n"
        "    real(*arguments)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        f"tracking.MLflowTracker.{moment} = last\n"
        "step.main(train.run)\n",
    )
    assert killed.returncode == -9, killed.stderr
    run.steps("train", "train")
    assert run.version.name == run.output("version")
    client = MlflowClient(mlflow_address, mlflow_address)
    [registered] = client.search_model_versions(f"name = '{name}'")
    [logged] = client.search_runs([client.get_experiment_by_name(name).experiment_id])
    assert registered.run_id == logged.info.run_id == bundle.read(run.version).manifest["mlflow_run_id"]
    assert logged.info.status == "FINISHED"
    assert len(client.get_metric_history(logged.info.run_id, "accuracy")) == 1
    assert len(logged.inputs.dataset_inputs) == 1
    assert client.list_artifacts(logged.info.run_id, "pictures")


def test_a_search_that_is_killed_goes_on_and_its_trials_are_runs_inside_the_versions_run(
    run: Run, mlflow_address: str
) -> None:
    from mlflow import MlflowClient

    run.settings = run.settings | {
        "model_name": "searched",
        "training": {"rounds": 10, "early_stopping_rounds": 3, "search": {"trials": 4}},
    }
    run.environment["MLFLOW_TRACKING_URI"] = mlflow_address
    run.steps("load", "preprocess")
    killed = run.process(
        "-c",
        "import os, signal\n"
        "from ml import step, tracking, train\n"
        "real = tracking.MLflowTracker.trial\n"
        "def last(self, run_id, trial):\n"
        "    real(self, run_id, trial)\n"
        "    if trial.number == 1: os.kill(os.getpid(), signal.SIGKILL)\n"
        "tracking.MLflowTracker.trial = last\n"
        "step.main(train.run)\n",
    )
    assert killed.returncode == -9, killed.stderr
    again = run.step("train")
    assert again.returncode == 0, again.stderr
    fitted = re.findall(r"^[\d:]+ (trial \d):", again.stdout, re.MULTILINE)
    assert fitted == ["trial 1", "trial 2", "trial 3"], "the first one was kept"

    found = bundle.read(run.version)
    assert found.metrics["search"]["trials"] == 4
    client = MlflowClient(mlflow_address, mlflow_address)
    experiment = client.get_experiment_by_name("searched").experiment_id
    parent = found.manifest["mlflow_run_id"]
    trials = client.search_runs([experiment], f"tags.`mlflow.parentRunId` = '{parent}'")
    assert sorted(trial.info.run_name for trial in trials) == ["trial 0", "trial 1", "trial 2", "trial 3"]
    best = found.metrics["search"]["best"]
    [of_best] = [trial for trial in trials if trial.info.run_name == f"trial {best['trial']}"]
    assert of_best.info.status == "FINISHED"
    assert of_best.data.metrics["best_validation_mlogloss"] == pytest.approx(best["mlogloss"])
    assert of_best.data.params["xgboost.max_depth"] == str(best["parameters"]["max_depth"])
    logged = client.get_run(parent).data.params
    assert logged["xgboost.max_depth"] == of_best.data.params["xgboost.max_depth"]


def test_a_kill_while_the_version_is_written_leaves_no_half_of_it(run: Run) -> None:
    run.steps("load", "preprocess")
    killed = run.process(
        "-c",
        "import os, pathlib, signal\n"
        "from ml import step, train\n"
        "pathlib.Path.rename = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "step.main(train.run)\n",
    )
    assert killed.returncode == -9, killed.stderr
    assert list((run.models / "penguins").glob("[!.]*")) == []
    run.steps("train")
    assert [file.name for file in (run.models / "penguins").iterdir()] == [run.output("version")]


def test_another_run_on_the_same_data_gives_the_same_bytes_under_another_version(run: Run) -> None:
    run.steps("load", "preprocess", "train")
    first = run.version
    again = Run(run.directory, run.settings, run_id="run-2", environment=run.environment)
    again.steps("load", "preprocess", "train")
    second = again.models / "penguins" / again.output("version")
    assert second != first
    assert (second / "model.ubj").read_bytes() == (first / "model.ubj").read_bytes()


def test_an_evaluation_that_misses_the_threshold_says_so_and_is_no_error(run: Run) -> None:
    run.settings = run.settings | {"evaluation": OUT_OF_REACH}
    run.steps(*STEPS[:4])
    assert run.output("passed") == "false"
    assert run.output("verdict").endswith("is above the threshold 0")


@pytest.mark.parametrize(
    ("cell", "sentence"),
    [
        ("biscoe", "unknown categories when they are sent as JSON and 0 as training read them"),
        (
            ["Biscoe"],
            "a client that sends the test rows as JSON is refused: column 'island' must hold text, numbers or",
        ),
    ],
)
def test_test_rows_that_json_changes_do_not_pass(run: Run, cell: Any, sentence: str) -> None:
    run.steps("load", "preprocess", "train")
    directory = run.models / ".runs" / run.run_id / "test-rows"
    rows = Table(directory)
    cells = {name: rows.column(name) for name in rows.names} | {"island": pa.array([cell] * rows.rows)}
    with Writer(directory) as written:
        for name, column in cells.items():
            written.append(name, column)
        written.close(cells)
    run.steps("evaluate")
    assert run.output("passed") == "false"
    assert sentence in run.output("verdict")


def test_settings_that_change_while_a_run_is_under_way_reach_the_next_run(run: Run) -> None:
    run.steps("load", "preprocess", "train")
    run.settings = run.settings | {"evaluation": OUT_OF_REACH}

    run.steps("evaluate")
    assert run.output("passed") == "true"

    run.run_id = "run-2"
    run.steps(*STEPS[:4])
    assert run.output("passed") == "false"


def test_a_version_must_not_be_worse_than_the_endpoints_on_the_same_rows(run: Run) -> None:
    run.steps(*STEPS)
    current = run.output("version")
    worse = PENGUINS | {"training": FULL["training"] | {"rounds": 1, "parameters": {"max_depth": 1}}}
    worse["evaluation"] = {"metric": "log_loss", "threshold": 5, "must_beat_current": True}
    second = Run(run.directory, worse, run_id="run-2", environment=run.environment)
    second.steps(*STEPS[:4])
    assert second.output("passed") == "false"
    assert second.output("verdict").endswith(f"of the current version {current} on the same rows")
    # …and with other columns, than what is on record
    other = worse | {"features": {"drop": ["year", "island"]}, "target": "species"}
    third = Run(run.directory, other, run_id="run-3", environment=run.environment)
    third.steps(*STEPS[:4])
    assert third.output("passed") == "false"
    assert third.output("verdict").endswith(f"of the current version {current}, as recorded with it")


def test_a_retry_of_a_killed_deploy_still_knows_the_version_to_go_back_to(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.steps(*STEPS)
    before = run.output("version")
    second = Run(run.directory, run.settings, run_id="run-2", environment=run.environment)
    second.steps(*STEPS[:4])
    killed = second.process(
        "-c",
        "import os, signal\n"
        "from ml import deploy, endpoint, step\n"
        "endpoint.FileEndpoint.wait = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "step.main(deploy.run)\n",
    )
    assert killed.returncode == -9, killed.stderr
    assert (run.directory / "endpoint").read_text() == second.output("version")
    monkeypatch.setattr(endpoint.FileEndpoint, "wait", lambda _, version: "it crashes" if version != before else None)
    done = second.step("deploy")
    assert done.returncode == 65  # to try again would only disturb the endpoint again
    assert done.stderr == (
        f"endpoint 'endpoint' did not take version {second.output('version')} (it crashes), it has {before} again\n"
    )
    assert (run.directory / "endpoint").read_text() == before


def test_a_version_for_an_endpoint_that_is_held_is_registered_and_not_deployed(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.steps(*STEPS)
    before = run.output("version")
    monkeypatch.setattr(endpoint.FileEndpoint, "held", lambda _: "at the version before by ada")
    second = Run(run.directory, run.settings, run_id="run-2", environment=run.environment)
    second.steps(*STEPS[:4])

    done = second.step("deploy")

    version = second.output("version")
    assert done.returncode == 0, done.stderr
    assert f"is held at the version before by ada: version {version} is registered and not deployed" in done.stdout
    assert (run.directory / "endpoint").read_text() == before
    assert (run.models / run.settings["model_name"] / version).is_dir()


def test_a_pipeline_without_an_endpoint_keeps_its_version_on_the_volume(run: Run) -> None:
    run.settings = run.settings | {"endpoint": None}
    run.environment["ENDPOINT_FILE"] = ""
    run.steps(*STEPS)
    assert run.version.name == run.output("version")
    assert not (run.directory / "endpoint").exists()


@pytest.mark.parametrize(
    ("content", "change", "name", "sentence"),
    [
        (b"", {}, "load", "s3://data/bad.csv is empty"),
        (b"a;b\n1;2\n", {}, "load", "s3://data/bad.csv has one column 'a;b': its columns seem to be separated by "
            "semicolons, set source.delimiter to ';'"),
        (None, {}, "load", "s3://data/none.csv cannot be read: the key does not exist (NoSuchKey)"),
        (b"a,b\n" + b"1,2\n" * 20, {}, "preprocess", "s3://data/bad.csv has no target column 'species', it has a, b"),
        (b"a,species\n" + b"1,x\n" * 20, {}, "preprocess",
            "target 'species' of s3://data/bad.csv has a single class ('x'), there is nothing to tell apart"),
        (b"a,species\n" + b",x\n,y\n" * 20, {}, "preprocess",
            "column 'a' of s3://data/bad.csv has no value in any row, add it to features.drop"),
        (b"a,species\n1,x\n2,y\n", {}, "preprocess",
            "s3://data/bad.csv has 2 rows with a 'species', at least 10 are needed"),
        (b"a,species\n" + b"x,x\n2,y\n" * 20, {"features": {"numeric": ["a"]}}, "load",
            "column 'a' of s3://data/bad.csv has 'x' in line 2, which is not a number without separators"),
        (b"a,species\n" + b"1,x\n2,y\n" * 20, {"features": {"engineered": {"r": "a / b"}}}, "preprocess",
            "features.engineered.r reads the unknown column 'b', there are a"),
        (b"a,species\n" + b"1,x\n2,y\n" * 20, {"training": {"parameters": {"max_dept": 2}}}, "train",
            'training.parameters has "max_dept", which XGBoost does not use'),
        (b"", {"target": ""}, "load", "settings.json: target must not be empty, got ''"),
    ],
)  # fmt: skip
def test_bad_data_ends_the_step_with_one_sentence_and_65(
    run: Run, store: Store, content: bytes | None, change: dict[str, Any], name: str, sentence: str
) -> None:
    if content is not None:
        store.put("bad.csv", content)
    run.settings = run.settings | {"features": {}} | change
    run.environment["DATA_KEY"] = "none.csv" if content is None else "bad.csv"
    (run.directory / "endpoint").write_text("the version before")
    run.steps(*STEPS[: STEPS.index(name)])
    done = run.step(name)
    assert (done.stderr, done.returncode) == (sentence + "\n", 65)
    assert (run.directory / "endpoint").read_text() == "the version before"


def test_a_wrong_sql_password_ends_load_with_one_sentence_and_65(run: Run, postgres: str) -> None:
    run.settings = run.settings | {"source": {"type": "SQL", "query": "select 1"}}
    run.environment["DATABASE_URI"] = postgres.replace("right-password", "wrong-password")
    done = run.step("load")
    assert done.returncode == 65
    assert done.stderr.count("\n") == 1
    assert 'password authentication failed for user "pipeline"' in done.stderr
    assert "wrong-password" not in done.stderr + done.stdout


def test_the_steps_run_on_a_query_too(run: Run, postgres: str) -> None:
    import sqlalchemy

    engine = sqlalchemy.create_engine(postgres.replace("postgresql:", "postgresql+psycopg:"))
    bundles.table().to_sql("flowers", engine, index=False)
    engine.dispose()
    run.settings = {
        "model_name": "flowers",
        "task": "regression",
        "source": {"type": "SQL", "query": "select length, width, island, species from flowers"},
        "target": "length",
        "evaluation": {"metric": "rmse", "threshold": 5},
        "endpoint": "flowers",
    }
    run.environment["DATABASE_URI"] = postgres
    run.steps(*STEPS)
    model = Model(str(run.version))
    assert model.predict([[15.0, "Dream", "gentoo"]])[0, 0] == pytest.approx(50, abs=3)


@pytest.mark.parametrize(("name", "file"), [("load", "objects/0"), ("preprocess", ".prepared.json.tmp")])
def test_a_full_volume_ends_the_step_with_one_sentence(run: Run, name: str, file: str) -> None:
    """/dev/full refuses every byte as a full volume does."""
    run.steps(*STEPS[: STEPS.index(name)])
    hand_offs = run.models / ".runs" / run.run_id
    (hand_offs / file).parent.mkdir(parents=True, exist_ok=True)
    (hand_offs / file).symlink_to("/dev/full")
    done = run.step(name)
    assert done.returncode == 1
    assert done.stderr == "the volume is full: free space on it or enlarge its claim, then retry the run\n"


def test_a_step_without_its_predecessor_says_so(run: Run) -> None:
    done = run.step("preprocess")
    assert done.returncode == 65
    assert done.stderr == "run run-1 has no typed from an earlier step, run the pipeline from its start\n"


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("MODELS_DIR", "", "environment variable MODELS_DIR is missing, the workflow template must set it"),
        ("RUN_ID", "../x", "RUN_ID must be usable as a file name, got '../x'"),
    ],
)
def test_a_wrong_environment_is_one_sentence(run: Run, name: str, value: str, sentence: str) -> None:
    run.environment[name] = value
    done = run.step("load")
    assert (done.stderr, done.returncode) == (sentence + "\n", 65)


def test_mlflow_that_does_not_answer_is_worth_a_retry(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run.steps("load", "preprocess")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    run.environment["MLFLOW_TRACKING_URI"] = "http://127.0.0.1:9"
    done = run.step("train")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("MLflow at http://127.0.0.1:9 could not start the run of version 2026")


def test_a_defect_is_told_apart_from_bad_data(run: Run) -> None:
    done = run.process("-c", "from ml import load, step\nload.sources = None\nstep.main(load.run)")
    assert done.returncode == 70
    assert done.stderr.startswith("ml.load has a defect (AttributeError: ")
    assert done.stderr.count("\n") == 1
    assert "Traceback" in done.stdout


def test_the_sentence_is_left_for_kubernetes_too(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "termination-log"
    log.touch()
    monkeypatch.setattr(step, "TERMINATION_LOG", log)
    done = run.step("preprocess")
    assert done.stderr == log.read_text() + "\n" != "\n"


def test_argo_fills_in_nothing_that_a_sentence_quotes() -> None:
    assert step.termination_message("got '{{=1+1}}', {{{x}} and {y}") == "got '{ {=1+1}}', { { {x}} and {y}"


def test_hand_offs_of_abandoned_runs_go_after_a_week(run: Run) -> None:
    week = 7 * 24 * 3600
    ages: dict[str, int] = {"old": week + 60, "recent": week - 60}
    for name, age in ages.items():
        directory = run.models / ".runs" / name
        directory.mkdir(parents=True)
        os.utime(directory, (time.time() - age,) * 2)
    run.steps("load")
    assert {path.name for path in (run.models / ".runs").iterdir()} == {"recent", run.run_id}


def test_a_laptop_needs_only_the_settings_and_a_file(tmp_path: Path, penguins: bytes) -> None:
    (tmp_path / "settings.json").write_text(json.dumps(PENGUINS))
    (tmp_path / "penguins.csv").write_bytes(penguins)
    done = subprocess.run(
        [
            sys.executable, "-m", "ml.run", "settings.json", "penguins.csv",
            "--predict", '[["Biscoe", 39.1, null, 181, 3750, "male"]]',
        ],
        capture_output=True, text=True, check=False, cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout.splitlines()[-1])["names"] == ["Adelie", "Chinstrap", "Gentoo"]
    assert len(list((tmp_path / "models" / "penguins").iterdir())) == 1


@pytest.mark.parametrize(
    ("name", "spared"),
    [
        ("load", {"xgboost", "mlflow", "kubernetes", "boto3", "sqlalchemy"}),
        ("preprocess", {"xgboost", "mlflow", "kubernetes", "boto3", "sqlalchemy"}),
        ("train", {"pandas", "mlflow", "kubernetes", "boto3", "sqlalchemy"}),
        ("evaluate", {"xgboost", "mlflow", "kubernetes", "boto3", "sqlalchemy"}),
        ("deploy", {"pandas", "numpy", "xgboost", "mlflow", "kubernetes", "boto3", "sqlalchemy"}),
    ],
)
def test_a_step_starts_without_what_it_may_not_need(name: str, spared: set[str]) -> None:
    # pandas and scikit-learn are what XGBoost imports where it finds them: here it must not find them
    absent = "sys.modules.update(dict.fromkeys(['pandas', 'sklearn']))\n" if name == "train" else ""
    code = f"import sys\n{absent}import ml.{name}\nprint(*(m for m in sys.modules if sys.modules[m]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert spared & set(done.stdout.split()) == set()
