"""What people are told at the end of a run, and how it is sent."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from ml import notify, step
from ml.errors import PipelineError, SettingsError
from tests.ml.conftest import ROOT, free_ports

SENTENCE = "s3://data/x.csv cannot be read: the key does not exist (NoSuchKey)"
FAILURES = json.dumps(
    [
        {
            "templateName": "pipeline",
            "displayName": "p-1",
            "message": "child failed",
            "finishedAt": "2026-11-30T03:00:09Z",
        },
        {
            "templateName": "load",
            "podName": "a",
            "message": "OOMKilled (exit code 137)",
            "finishedAt": "2026-11-30T03:00:01Z",
        },
        {
            "templateName": "load",
            "podName": "b",
            "message": f"Error (exit code 65): {SENTENCE}",
            "finishedAt": "2026-11-30T03:00:05Z",
        },
    ]
)


class Hook:
    """A web hook, and what it got."""

    def __init__(self) -> None:
        self.status, self.location = 200, ""
        self.bodies: list[Any] = []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                hook.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(hook.status)
                if hook.location:
                    self.send_header("Location", hook.location)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/services/hush"


@pytest.fixture
def hook() -> Iterator[Hook]:
    hook = Hook()
    thread = threading.Thread(target=hook.server.serve_forever)
    thread.start()
    yield hook
    hook.server.shutdown()
    thread.join()
    hook.server.server_close()


def environment(tmp_path: Path, url: str, **changes: str) -> dict[str, str]:
    return {
        "MODELS_DIR": str(tmp_path),
        "RUN_ID": "one",
        "RUN_NAME": "sales-1764500400",
        "NAMESPACE": "birds",
        "RUN_STATUS": "Failed",
        "RUN_FAILURES": FAILURES,
        "RUN_URL": "https://workflows.example.org/workflows/birds/sales-1764500400",
        "NOTIFICATION_URL": url,
        "NOTIFICATION_FORM": "JSON",
        **changes,
    }


def module(name: str, given: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """A step as its pod runs it."""
    surroundings = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **given}
    command = [sys.executable, "-m", f"ml.{name}"]
    return subprocess.run(command, env=surroundings, capture_output=True, text=True, check=False, timeout=120)


def test_a_step_that_fails_leaves_its_log_for_the_message(tmp_path: Path, hook: Hook) -> None:
    table = tmp_path / "table.csv"
    table.write_text("x,y\n" + "1,a\n" * 20)
    document = {
        "model_name": "sales",
        "task": "classification",
        "source": {"type": "FILE", "path": str(table)},
        "target": "y",
        "evaluation": {"metric": "accuracy", "threshold": 0.5},
    }
    (tmp_path / "settings.json").write_text(json.dumps(document))
    given = environment(tmp_path, hook.url, SETTINGS_PATH=str(tmp_path / "settings.json"))
    assert module("load", given).returncode == 0
    failed = module("preprocess", given)
    assert failed.returncode == 65
    pod = {"templateName": "preprocess", "podName": "p", "finishedAt": "z"}
    pod["message"] = f"Error (exit code 65): {failed.stderr}"
    told = module("notify", {**given, "RUN_FAILURES": json.dumps([pod])})
    assert (told.returncode, told.stderr) == (0, "")
    (body,) = hook.bodies
    assert body["log"].pop().endswith(f"read 20 rows of 2 columns from {table}")
    assert body == {
        "namespace": "birds",
        "run": "sales-1764500400",
        "status": "failed",
        "step": "preprocess",
        "sentence": f"target 'y' of {table} has a single class ('a'), there is nothing to tell apart",
        "link": "https://workflows.example.org/workflows/birds/sales-1764500400",
        "log": [],
    }
    assert "hush" not in told.stdout


def test_slack_gets_one_text_in_its_markup(tmp_path: Path, hook: Hook) -> None:
    (tmp_path / ".runs" / "one").mkdir(parents=True)
    lines = [f"line {number}" for number in range(30)] + ["<b> & ``` \x1b[31m"]
    (tmp_path / ".runs" / "one" / "log").write_text("\n".join(lines))
    notify.run(step.Context(environment(tmp_path, hook.url, NOTIFICATION_FORM="SLACK")))
    ((_, text),) = hook.bodies[0].items()
    head, link, fence, *log, end = text.split("\n")
    assert head == f"*sales-1764500400* in birds has failed in load: {SENTENCE}"
    assert link == "<https://workflows.example.org/workflows/birds/sales-1764500400|The run>"
    assert (fence, end) == ("```", "```")
    assert (log[0], log[-1], len(log)) == ("line 11", "&lt;b&gt; &amp; ''' �[31m", 20)


@pytest.mark.parametrize(("passed", "told"), [(True, False), (False, True), (None, False)])
def test_a_run_that_went_well_is_told_only_if_its_version_did_not_pass(
    tmp_path: Path, hook: Hook, passed: bool | None, told: bool
) -> None:
    (tmp_path / ".runs" / "one").mkdir(parents=True)
    if passed is not None:
        verdict = {"passed": passed, "sentence": "accuracy 0.4 does not reach the threshold 0.9"}
        (tmp_path / ".runs" / "one" / "verdict.json").write_text(json.dumps(verdict))
    notify.run(step.Context(environment(tmp_path, hook.url, RUN_STATUS="Succeeded", RUN_FAILURES="")))
    shown = [(body["status"], body["step"], body["sentence"]) for body in hook.bodies]
    assert shown == [("not passed", "evaluate", "accuracy 0.4 does not reach the threshold 0.9")] * told


@pytest.mark.parametrize(
    ("failures", "expected"),
    [
        ("", ("", "none of its steps failed: it was stopped, or took too long")),
        (
            r'"[{\"templateName\":\"load\",\"podName\":\"p\",\"finishedAt\":\"1\",\"message\":\"a \\u003cb\"}]"',
            ("load", "a <b"),
        ),
        ("{{workflow.failures}}", ("", "none of its steps failed: it was stopped, or took too long")),
        (
            json.dumps([{"templateName": "train", "podName": "p", "finishedAt": "1", "message": None}]),
            ("train", "it ended without a message, its log has the details"),
        ),
        (
            json.dumps(
                [{"templateName": "train", "podName": "p", "finishedAt": "1", "message": "OOMKilled (exit code 137)"}]
            ),
            ("train", "OOMKilled (exit code 137)"),
        ),
    ],
)
def test_the_step_that_failed_last_has_the_sentence(failures: str, expected: tuple[str, str]) -> None:
    assert notify.failure(failures) == expected


@pytest.mark.parametrize(
    ("status", "kind"), [(404, SettingsError), (410, SettingsError), (429, PipelineError), (503, PipelineError)]
)
def test_an_address_that_refuses_is_told_without_being_printed(hook: Hook, status: int, kind: type[Exception]) -> None:
    hook.status = status
    with pytest.raises(PipelineError) as refused:
        notify.send(hook.url, {})
    assert type(refused.value) is kind
    assert str(refused.value) == f"the message was not sent: the address of the notification answered {status}"


def test_a_redirect_is_not_followed(hook: Hook) -> None:
    hook.status, hook.location = 302, "/elsewhere"
    with pytest.raises(SettingsError, match="answered 302"):
        notify.send(hook.url, {})


@pytest.mark.parametrize("url", ["hush", "file:///etc/passwd", "http://", "http://[hush", "http://a b/hush\n"])
def test_an_address_that_is_no_url_is_told_without_being_printed(url: str) -> None:
    with pytest.raises(SettingsError) as refused:
        notify.send(url, {})
    assert str(refused.value) == ("the message was not sent: the key url of the notification's Secret is not a URL")


def test_an_address_that_does_not_answer_is_worth_a_retry() -> None:
    with pytest.raises(PipelineError) as refused:
        notify.send(f"http://127.0.0.1:{free_ports(1)[0]}/hush", {})
    assert type(refused.value) is PipelineError
    assert "hush" not in str(refused.value)
