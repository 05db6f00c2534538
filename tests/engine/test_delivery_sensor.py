"""The sensor of a `DeliveryPipeline`, by the code of Argo Events: which push starts a run, and of what."""

import json
import re
import subprocess
from typing import Any

import pytest
from pulumi_mlops import DeliveryPipeline

from local import tools
from local.tools.catalogue import MODULES
from maintenance import upstream
from tests.components import custom_resources as resources
from tests.conftest import Build

pytestmark = pytest.mark.engine

COMMIT = "0123456789ab" + "cd" * 14


def push(*files: str, **body: Any) -> dict[str, Any]:
    """What the event source makes of a push, one commit a file."""
    commits = [{"id": COMMIT, "added": None, "removed": [], "modified": [file]} for file in files]
    known = {"ref": "refs/heads/main", "after": COMMIT, "repository": {"full_name": "birds/web"}, "commits": commits}
    return {"headers": {}, "body": {"X-GitHub-Event": "push", **known, **body}}


def runs(build: Build, *events: dict[str, Any], size: int = 0) -> list[dict[str, Any] | None]:
    """What the sensor creates for each event; None: nothing."""
    (sensor,) = [one for one in resources.made(build, DeliveryPipeline, size) if one["kind"] == "Sensor"]
    given = json.dumps({"sensor": sensor, "events": events})
    program = tools.ensure("sensor-filter")["sensor-filter"]
    done = subprocess.run([program], input=given, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_push_starts_a_run_that_is_named_by_its_commit(build: Build) -> None:
    run, again = runs(build, push("web.py"), push("web.py"))
    assert run
    assert run == again
    assert run["metadata"]["name"] == f"one-{COMMIT[:12]}"
    assert run["metadata"]["namespace"] == "delivery"
    assert run["spec"]["arguments"]["parameters"] == [{"name": "revision", "value": COMMIT}]


def test_a_commit_of_digits_alone_stays_a_text(build: Build) -> None:
    (run,) = runs(build, push("web.py", after="12345678" * 5))
    assert run
    assert run["metadata"]["name"] == "one-123456781234"
    assert run["spec"]["arguments"]["parameters"][0]["value"] == "12345678" * 5


STAGING = "deploy/overlays/staging/kustomization.yaml"
STOPPED = {
    "another branch": push("web.py", ref="refs/heads/main-old"),
    "a tag": push("web.py", ref="refs/tags/main"),
    "a fork": push("web.py", repository={"full_name": "mallory/web"}),
    "a repository whose name ends the same": push("web.py", repository={"full_name": "x-birds/web"}),
    "another event": push("web.py", **{"X-GitHub-Event": "create"}),
    "the deletion of the branch": push(after="0" * 40),
    "no commit": push("web.py", after="main; id"),
    "a promotion": push(STAGING),
    "a hold and its end": push("deploy/overlays/production/HOLD"),
    "the merge of a promotion": push(STAGING, "deploy/overlays/production/kustomization.yaml"),
    "no body": {"headers": {}},
}


def test_what_is_no_change_of_the_program_on_its_branch_starts_nothing(build: Build) -> None:
    made = runs(build, *STOPPED.values())
    assert {name: run for name, run in zip(STOPPED, made, strict=True) if run} == {}


STARTED = {
    "a change beside a promotion": push(STAGING, "web.py"),
    "a directory that is named like an overlay": push("deploy/overlays/staging-old/kustomization.yaml"),
    "the base": push("deploy/base/web.yaml"),
    "a merge without files": push(),
    "a push whose commits the host does not list": push(commits=None),
    "sha-256": push("web.py", after="ab" * 32),
}


def test_what_may_change_the_program_starts_a_run(build: Build) -> None:
    made = runs(build, *STARTED.values())
    assert [name for name, run in zip(STARTED, made, strict=True) if run is None] == []


def test_in_a_repository_of_many_programs_only_the_own_directory_counts(build: Build) -> None:
    known = {"ref": "refs/heads/release/1.x"}
    own, other, near = runs(
        build,
        *(push(file, **known) for file in ("services/web/a.py", "services/api/a.py", "services/web2/a.py")),
        size=1,
    )
    assert own
    assert [other, near] == [None, None]


def test_the_code_is_of_the_version_that_the_platform_installs() -> None:
    go_mod = (MODULES / "sensor-filter" / "go.mod").read_text()
    found = re.search(r"argoproj/argo-events v(\S+)", go_mod)
    assert found
    assert found[1] == upstream.one(upstream.DEFINITIONS, "argo-events").read()["version"]
