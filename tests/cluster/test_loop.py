"""The whole loop on real parts: what `make up` leaves behind works, keeps working, and fails the way it should."""

import base64
import contextlib
import json
import os
import random
import re
import signal
import subprocess
import time
import urllib.error
from pathlib import Path

import httpx
import pytest
from kubernetes import client
from loop import Loop, eventually, make, message
from pulumi_mlops import conventions

from local import training
from local.engine import PENGUINS, STACKS
from local.paths import ROOT

pytestmark = pytest.mark.cluster

PENGUINS_CSV = (ROOT / "stacks" / "data" / "penguins.csv").read_text()
ONE_CLASS = "\n".join(line for line in PENGUINS_CSV.splitlines() if "species" in line or "Gentoo" in line)


def test_up_ends_with_a_prediction_through_the_gateway(brought_up):
    assert re.search(r"POST http://\S+/seldon/penguins/penguins/api/v1\.0/predictions", brought_up)
    assert re.search(r"-> Adelie \([01]\.\d\d\)", brought_up), brought_up


def test_up_prints_what_the_readme_shows(brought_up):
    """Times, versions and probabilities apart; a machine that can have the published plugins announces no stand-ins."""
    (block,) = re.findall(r"<!-- up -->\n```text\n\$ make up\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    shown = [_shape(line) for line in block.splitlines() if "stand-in: " not in line]
    printed = iter([_shape(line) for line in brought_up.splitlines()])

    assert len(shown) > 10
    for line in shown:
        assert any(candidate.startswith(line) for candidate in printed), f"`make up` does not print, in order: {line}"


def test_the_old_body_is_answered_with_class_labels_and_probabilities(loop: Loop):
    answer = loop.predict()

    assert answer["data"]["names"] == ["Adelie", "Chinstrap", "Gentoo"]
    assert [round(sum(row), 3) for row in answer["data"]["ndarray"]] == [1.0, 1.0]
    assert answer["meta"]["tags"]["model"] == loop.outputs["model_name"]


def test_the_url_inside_the_cluster_answers_the_same(loop: Loop):
    code = f"""
import json, urllib.request
request = urllib.request.Request({loop.outputs["internal_url"]!r}, {json.dumps(_body()).encode()!r},
                                 {{"Content-Type": "application/json"}})
print(urllib.request.urlopen(request, timeout=10).read().decode())
"""
    assert '"Adelie"' in loop.in_server_pod(code)
    assert loop.outputs["internal_url"] == ("http://penguins.penguins.svc.cluster.local:8000/api/v1.0/predictions")


@pytest.mark.parametrize("stack", STACKS)
def test_a_second_up_changes_nothing_although_the_pipeline_has_moved_the_endpoint(loop: Loop, stack: str):
    assert loop.served_version()

    loop.engine.preview(stack, "--expect-no-changes")


def test_a_refresh_sees_no_drift_in_what_the_pipeline_owns(loop: Loop):
    version = loop.served_version()

    loop.engine.up(PENGUINS, "--refresh")
    loop.engine.preview(PENGUINS, "--expect-no-changes")

    assert loop.served_version() == version


def test_a_second_run_moves_the_endpoint_without_a_failed_request(loop: Loop):
    before = loop.served_version()

    with loop.asking() as answers:
        workflow = loop.train()
        eventually(lambda: answers.versions[-1] != before, 30, "an answer by the new version")
        time.sleep(3)  # the old pods drain meanwhile

    assert workflow["status"]["phase"] == "Succeeded"
    assert answers.failures == []
    assert set(answers.versions) == {before, training.outputs(workflow)["version"]}


def test_a_run_that_fails_its_gate_leaves_the_endpoint_alone(loop: Loop):
    before = loop.served_version()
    key = loop.put("tests/shuffled.csv", _shuffled_labels().encode())

    workflow = loop.train(key)

    assert workflow["status"]["phase"] == "Succeeded"
    assert training.outputs(workflow)["passed"] == "false"
    assert "accuracy" in training.outputs(workflow)["verdict"]
    assert loop.served_version() == before


@pytest.mark.parametrize(
    ("key", "content", "sentence"),
    [
        ("tests/empty.csv", "", "empty"),
        ("tests/no-target.csv", PENGUINS_CSV.replace("species", "kind", 1), "species"),
        ("tests/semicolons.csv", PENGUINS_CSV.replace(",", ";"), "separated by semicolons"),
        ("tests/one-class.csv", ONE_CLASS, "Gentoo"),
        ("tests/not-there.csv", None, "tests/not-there.csv"),
    ],
)
def test_wrong_data_fails_the_run_with_one_sentence_and_keeps_the_version(
    loop: Loop, key: str, content: str | None, sentence: str
):
    before = loop.served_version()
    if content is not None:
        loop.put(key, content.encode())

    workflow = loop.train(key)

    said = " ".join(message(workflow, step) for step in ("load", "preprocess", "train"))
    assert workflow["status"]["phase"] == "Failed"
    assert sentence in said, said
    assert "Traceback" not in said
    assert loop.served_version() == before


def test_mlflow_shows_a_team_its_own_and_nobody_else_a_thing(loop: Loop):
    assert loop.registered_versions() != []
    assert loop.registered_versions("default", conventions.MLFLOW_NAMESPACE) != []

    with pytest.raises(urllib.error.HTTPError, match="403"):
        loop.registered_versions("default", conventions.ARGO_NAMESPACE)
    with pytest.raises(urllib.error.HTTPError, match="401"):
        loop.ask_mlflow("/")


def test_a_killed_training_step_is_tried_again_and_makes_the_same_version(loop: Loop):
    known = {version["version"] for version in loop.registered_versions()}
    namespace = loop.outputs["namespace"]
    name = training.submit(loop.api, namespace, loop.outputs["workflow_template"])
    eventually(lambda: processes_of("ml.train") != [], 120, "the train step runs")
    for pid in processes_of("ml.train"):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    workflow = training.follow(loop.api, namespace, name)

    tries = [n for n in workflow["status"]["nodes"].values() if n["displayName"].startswith("train(")]
    assert len(tries) == 2
    version = training.outputs(workflow)["version"]
    assert loop.served_version() == version
    assert len({v["version"] for v in loop.registered_versions()} - known) == 1


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        ({"data": {"ndarray": [[1, 2]]}}, "application/json", 400),
        ({"data": {"ndarray": [["Torgersen", 1, 2, 3, 4, "male"], [1]]}}, "application/json", 400),
        ({"data": {"ndarray": [["Torgersen", "long", 2, 3, 4, "male"]]}}, "application/json", 400),
        ({}, "application/json", 400),
        ("{not json", "application/json", 400),
        ({"data": {"ndarray": [["Torgersen", 1, 2, 3, 4, "male"]]}}, "text/csv", 415),
        ({"data": {"ndarray": [["Torgersen", 1, 2, 3, 4, "male"]] * 100_000}}, "application/json", 413),
        ("x" * 10_000_000, "application/json", 413),
    ],
)
def test_wrong_requests_get_a_4xx_with_the_reason_and_the_server_keeps_serving(
    loop: Loop, body: object, content_type: str, status: int
):
    text = body if isinstance(body, str) else json.dumps(body)
    answer = httpx.post(loop.url, content=text, headers={"Content-Type": content_type})

    assert answer.status_code == status
    said = answer.json()["status"]
    assert said["status"] == "FAILURE"
    assert said["info"]
    assert "Traceback" not in answer.text
    assert ".py" not in answer.text
    assert loop.served_version()


def test_secrets_stand_nowhere_in_plain(loop: Loop):
    core = client.CoreV1Api(loop.api)
    secret = core.read_namespaced_secret("object-store-credentials", "object-store")
    key = base64.b64decode(secret.data["AWS_SECRET_ACCESS_KEY"]).decode()
    state = subprocess.run(
        ["grep", "--recursive", "--files-with-matches", "--fixed-strings", key, str(loop.engine.directory)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert state.stdout == ""
    arguments = subprocess.run(["ps", "-e", "-o", "args"], capture_output=True, text=True, check=True)
    assert key not in arguments.stdout


def test_predict_and_train_and_plan_and_status_do_what_they_say(loop: Loop):
    before = loop.served_version()

    for word in ("predict", "plan", "status"):
        done = make(word)
        assert done.returncode == 0, done.stdout
    assert "unchanged" in make("plan").stdout
    done = make("train")

    assert done.returncode == 0, done.stdout
    assert loop.served_version() != before


def test_training_on_data_that_is_not_there_says_so_on_the_terminal(loop: Loop):
    done = make("train", KEY="tests/nowhere.csv")

    assert done.returncode != 0
    assert "tests/nowhere.csv" in done.stdout


def _shape(line: str) -> str:
    line = re.sub(r"^ *[0-9.]+s +", "", line.strip())
    line = re.sub(r"\d{8}-\d{6}-[0-9a-f]{8}", "VERSION", line)
    return re.sub(r"\b\d+\.\d+s\b|\(\d\.\d\d\)|\b\d+ of \d+ parts", "NUMBER", line)


def processes_of(module: str) -> list[int]:
    """The processes of this machine, containers' included, that run a Python module or start it."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if module.encode() in (entry / "cmdline").read_bytes().split(b"\0"):
                found.append(int(entry.name))
    return found


def _body() -> dict[str, object]:
    return {"data": {"ndarray": [["Torgersen", 39.1, 18.7, 181, 3750, "male"]]}}


def _shuffled_labels() -> str:
    header, *lines = PENGUINS_CSV.splitlines()
    rows = [line.split(",") for line in lines]
    position = header.split(",").index("species")
    labels = [row[position] for row in rows]
    random.Random(0).shuffle(labels)
    for row, label in zip(rows, labels, strict=True):
        row[position] = label
    return "\n".join([header, *(",".join(row) for row in rows)])
