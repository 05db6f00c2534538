"""A pull request's way through the workflow of a team's repository: the workflow's own commands, Git, and a Git host.

The Git host is the stand-in, the command is ours, the previews are recordings of the real engine. Not run here: what
the runner itself does (checkout, sign-in, artifacts), and the preview, which the engine tests run.
"""

import json
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.paths import ROOT
from tests.git_host import TOKEN, Fault, GitHost, git_host
from tests.review import recorded
from tests.workflows import Runner, load, step

pytestmark = pytest.mark.servers

VERSION: str = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
FILES = {
    "Pulumi.yaml": "name: churn\nruntime: python\n",
    "Pulumi.dev.yaml": "config: {}\n",
    "Pulumi.prod.yaml": "config: {}\n",
    "__main__.py": "import sizes\n",
    "sizes.py": "",
    "README.md": "",
}


@pytest.fixture
def host() -> Iterator[GitHost]:
    """GitHub, as the bot of its workflows sees it."""
    with git_host("github", user="github-actions[bot]") as running:
        yield running


@pytest.fixture
def runner(tmp_path: Path, host: GitHost) -> Runner:
    """A runner with a team's checkout of a branch off main."""
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    for path, text in FILES.items():
        (checkout / path).write_text(text)
    git(checkout, "init", "--quiet", "--initial-branch", "main")
    commit(checkout)
    (checkout / ".git" / "info" / "exclude").write_text("review/\n")  # another job's directory
    git(checkout, "update-ref", "refs/remotes/origin/main", "main")
    git(checkout, "switch", "--quiet", "--create", "change")
    return Runner(
        checkout,
        tmp_path / "runner",
        context={
            "github.base_ref": "main",
            "github.event.pull_request.head.sha": "abc123",
            "github.event.pull_request.number": "12",
            "github.repository": "team/birds",
            "github.run_id": "99",
            "github.server_url": "https://git.example.org",
            "github.token": TOKEN,
            "inputs.name": "preview",
            "inputs.stacks": "*",
            "runner.temp": str(tmp_path / "runner"),
        },
        environment={"GITHUB_API_URL": host.url, "GITHUB_REPOSITORY": "team/birds"},
    )


def git(directory: Path, *arguments: str) -> None:
    who = ("-c", "user.name=test", "-c", "user.email=test@example.org")
    subprocess.run(["git", *who, *arguments], cwd=directory, check=True, capture_output=True)


def commit(directory: Path) -> None:
    git(directory, "add", "--all")
    git(directory, "commit", "--quiet", "--allow-empty", "--message", "a change")


def review(runner: Runner, previews: dict[str, str]) -> int:
    """What the workflow does for one push; returns the status of its last step.

    The previews are names of recordings, or empty where a preview did not start.
    """
    found = runner.run(step("review-preview.yml", "stacks", "Find the stacks"))
    assert found.returncode == 0, found.stderr
    for part in ("matrix", "names"):
        runner.context[f"needs.stacks.outputs.{part}"] = runner.context[f"steps.stacks.outputs.{part}"]
    (runner.directory / "review").mkdir(exist_ok=True)
    for name, text in previews.items():
        (runner.directory / "review" / f"{name}.json").write_text(recorded.text(text) if text else "")
    for name in ("Write the comment", "Post the comment"):
        done = runner.run(step("review-preview.yml", "comment", name))
        assert done.returncode == 0, done.stderr
    return runner.run(step("review-preview.yml", "comment", "Pass or fail")).returncode


def test_a_push_writes_the_comment_and_the_next_one_writes_it_over(runner: Runner, host: GitHost) -> None:
    (runner.directory / "Pulumi.prod.yaml").write_text("config: {a: b}\n")
    commit(runner.directory)
    assert review(runner, {"prod": "image-bump"}) == 0

    assert json.loads(runner.context["needs.stacks.outputs.matrix"]) == [
        {"name": "prod", "stack": "prod", "directory": "."}
    ]
    (body,) = host.bodies()
    assert "## Preview: 1 stack with changes" in body
    assert "`prod`: 2 to update" in body
    assert "Commit abc123" in body
    assert "https://git.example.org/team/birds/actions/runs/99" in body
    assert body.removeprefix("<!-- pulumi-mlops-review: preview -->\n") in runner.summary.read_text() + "\n"

    (runner.directory / "sizes.py").write_text("CPU = 1\n")
    commit(runner.directory)
    assert review(runner, {"dev": "node-group", "prod": "image-bump"}) == 3
    (body,) = host.bodies()
    assert "**1 blocking finding**" in body
    assert "iam-trust" in body
    assert "All of it as JSON: `review=preview`." in body
    written = json.loads((runner.directory / "review" / "review.json").read_text())
    assert [one["stack"] for one in written["stacks"]] == ["dev", "prod"]

    assert review(runner, {"dev": "image-bump", "prod": "image-bump"}) == 0
    (body,) = host.bodies()
    assert "blocking" not in body


def test_calls_of_other_names_have_comments_and_artifacts_of_their_own(runner: Runner, host: GitHost) -> None:
    (runner.directory / "sizes.py").write_text("CPU = 1\n")
    commit(runner.directory)
    for name in ("dev", "prod", "dev"):
        runner.context |= {"inputs.name": name, "inputs.stacks": name}
        assert review(runner, {name: "image-bump"}) == 0

    assert [body.partition("\n")[0] for body in host.bodies()] == [
        "<!-- pulumi-mlops-review: dev -->",
        "<!-- pulumi-mlops-review: prod -->",
    ]
    steps = [step for job in load("review-preview.yml")["jobs"].values() for step in job.get("steps", [])]
    kept = [one["with"] for one in steps if "artifact@" in one.get("uses", "")]
    assert len(kept) == 3
    for one in kept:
        assert "=${{ inputs.name }}" in one.get("pattern", one.get("name"))


def test_stacks_that_cannot_be_found_fail_the_run(runner: Runner, host: GitHost) -> None:
    (runner.directory / "Pulumi.yaml").write_text("name: [")
    for workflow in ("review-preview.yml", "review-drift.yml"):
        done = runner.run(step(workflow, "stacks", "Find the stacks"))
        assert done.returncode, workflow
        assert "Pulumi.yaml" in done.stderr


def test_a_host_with_many_comments_and_a_bad_day_gets_one_comment(runner: Runner, host: GitHost) -> None:
    host.page_size = 2
    for number in range(5):
        host.comment(f"comment {number}", "ada")
    (runner.directory / "Pulumi.prod.yaml").write_text("config: {a: b}\n")
    commit(runner.directory)
    host.faults = [Fault(502, method="GET"), Fault(429, {"Retry-After": "1"}, method="POST")]
    assert review(runner, {"prod": "image-bump"}) == 0
    first = host.comments[-1]["id"]
    host.faults = [Fault(503, method="PATCH")]
    assert review(runner, {"prod": "node-group"}) == 3

    assert len(host.comments) == 6
    assert host.comments[-1]["id"] == first
    assert "blocking" in host.comments[-1]["body"]
    assert host.faults == []


def test_a_token_without_the_right_fails_the_run_and_says_which_right(runner: Runner, host: GitHost) -> None:
    (runner.directory / "review").mkdir()
    (runner.directory / "review" / "comment.md").write_text("one change")
    runner.context["needs.stacks.outputs.names"] = "prod"
    host.faults = [Fault(403, method="POST")]
    done = runner.run(step("review-preview.yml", "comment", "Post the comment"))

    assert done.returncode == 1
    assert "give it the permission `pull-requests: write`" in done.stderr


def test_a_change_that_touches_no_stack_is_silent(runner: Runner, host: GitHost) -> None:
    (runner.directory / "README.md").write_text("more\n")
    commit(runner.directory)

    assert review(runner, {}) == 0
    assert runner.context["needs.stacks.outputs.matrix"] == "[]"
    assert host.comments == []


def test_a_change_that_touches_no_stack_any_more_says_so(runner: Runner, host: GitHost) -> None:
    settings = runner.directory / "Pulumi.prod.yaml"
    settings.write_text("config: {a: b}\n")
    commit(runner.directory)
    review(runner, {"prod": "image-bump"})
    settings.write_text(FILES["Pulumi.prod.yaml"])
    commit(runner.directory)
    assert review(runner, {}) == 0

    (body,) = host.bodies()
    assert "This change touches no stack." in body


def test_a_preview_that_did_not_start_is_in_the_comment(runner: Runner, host: GitHost) -> None:
    (runner.directory / "__main__.py").write_text("import sizes, os\n")
    commit(runner.directory)
    assert review(runner, {"dev": "image-bump", "prod": ""}) == 3

    (body,) = host.bodies()
    assert "`dev`: 2 to update" in body
    assert "The preview did not start; its job says why." in body


def test_a_review_that_could_not_be_produced_fails_and_does_not_leave_the_old_comment(
    runner: Runner, host: GitHost
) -> None:
    (runner.directory / "__main__.py").write_text("import sizes, os\n")
    commit(runner.directory)
    assert review(runner, {"dev": "image-bump", "prod": "image-bump"}) == 0
    (runner.directory / "review-exceptions.toml").write_text("[[exception]]\nrule = 'iam-trust'\n")

    assert review(runner, {"dev": "image-bump", "prod": "image-bump"}) == 1
    (body,) = host.bodies()
    assert "The review could not be produced" in body


HELM = """#!/bin/sh
echo 'kind: ConfigMap'
echo 'apiVersion: v1'
echo 'metadata: {name: settings}'
echo 'data: {a: b}'
"""


@pytest.mark.parametrize("there", [True, False], ids=["with helm", "without helm"])
def test_objects_of_a_chart_in_the_checkout_are_shown_where_the_runner_has_helm(
    runner: Runner, host: GitHost, there: bool
) -> None:
    document = json.loads(recorded.text("helm-release"))
    for one in document["steps"]:
        for side in ("oldState", "newState"):
            if "chart" in one.get(side, {}).get("inputs", {}):
                one[side]["inputs"]["chart"] = "./chart"
    (runner.directory / "chart").mkdir()
    (runner.directory / "chart" / "Chart.yaml").write_text("name: chart\nversion: 1.0.0\n")
    (runner.directory / "review").mkdir()
    (runner.directory / "review" / "prod.json").write_text(json.dumps(document))
    runner.environment["PATH"] = f"{runner.temporary / 'bin'}:/usr/bin:/bin"  # without the machine's own helm
    if there:
        helm = runner.temporary / "bin" / "helm"
        helm.write_text(HELM)
        helm.chmod(0o755)
    runner.context["needs.stacks.outputs.names"] = "prod"
    done = runner.run(step("review-preview.yml", "comment", "Write the comment"))

    assert done.returncode == 0, done.stderr
    comment = (runner.directory / "review" / "comment.md").read_text()
    said = "its chart, as it is here, renders the same objects as before, secrets aside"
    assert (said in comment) is there
    assert ("the objects of its chart are not shown" in comment) is not there


def test_the_pattern_leaves_stacks_out(runner: Runner, host: GitHost) -> None:
    runner.context["inputs.stacks"] = "prod*"
    (runner.directory / "__main__.py").write_text("import sizes, os\n")
    commit(runner.directory)
    assert review(runner, {"prod": "image-bump"}) == 0

    assert runner.context["needs.stacks.outputs.names"].split() == ["prod"]


def test_the_token_is_in_nothing_that_the_commands_print(runner: Runner, host: GitHost) -> None:
    (runner.directory / "review").mkdir()
    (runner.directory / "review" / "comment.md").write_text("one change")
    runner.context["needs.stacks.outputs.names"] = "prod"
    done = runner.run(step("review-preview.yml", "comment", "Post the comment"))
    host.url = runner.environment["GITHUB_API_URL"] = f"{host.url}/no/such/api"
    failed = runner.run(step("review-preview.yml", "comment", "Post the comment"))

    assert done.returncode == 0
    assert failed.returncode == 1
    assert TOKEN not in done.stdout + done.stderr + failed.stdout + failed.stderr


def test_a_fork_gets_a_message_that_says_how_a_maintainer_runs_it(runner: Runner, host: GitHost) -> None:
    done = runner.run(step("review-preview.yml", "fork", "Say how a maintainer can run it"))

    assert done.returncode == 0
    assert "::notice title=No preview for a fork::" in done.stdout
    assert "git fetch origin pull/12/head:review-of-12" in runner.summary.read_text()
    assert host.requests == []


def look(runner: Runner, found: str) -> "subprocess.CompletedProcess[str]":
    """What the drift workflow does after its look at the stack Prod, which is a preview's document or a recording."""
    runner.context["matrix.name"] = "Prod"
    (runner.temporary / "drift.json").write_text(found if found.startswith("{") else recorded.text(found))
    return runner.run(step("review-drift.yml", "drift", "Open or close the issue"))


CLEAN = '{"changeSummary": {"same": 4}}'


def test_drift_is_one_issue_that_is_closed_once_it_is_clean(runner: Runner, host: GitHost) -> None:
    assert look(runner, CLEAN).returncode == 0
    assert host.issues == []

    for recording in ("drift-digest", "node-group"):  # of which the second breaks a rule: no failure of the look
        done = look(runner, recording)
        assert done.returncode == 0, done.stderr
    (issue,) = host.issues
    assert issue["title"] == "Drift of Prod"
    assert issue["state"] == "open"
    assert "iam-trust" in issue["body"]

    assert look(runner, "failed").returncode == 1  # nobody knows: nothing is closed
    assert issue["state"] == "open"
    assert look(runner, CLEAN).returncode == 0
    assert issue["state"] == "closed"
    assert look(runner, "drift-digest").returncode == 0
    assert issue["state"] == "open"
    assert len(host.issues) == 1


def test_the_issue_says_what_happened_and_not_what_would(runner: Runner, host: GitHost) -> None:
    assert look(runner, "drift-digest").returncode == 0

    (issue,) = host.issues
    told = issue["body"].splitlines()
    assert told[1].startswith("What is there is no longer what the state of `Prod` says.")
    assert "## Drift: 1 danger, 1 stack with changes, 1 warning" in told
    assert "Preview" not in issue["body"]
    assert "`s3 Bucket exports` is a bucket and is deleted" in issue["body"]
    assert "<code>allocatedStorage</code>: <code>20</code> → <code>40</code>" in issue["body"]


def test_an_issue_that_cannot_be_made_fails_the_run_and_is_not_written(runner: Runner, host: GitHost) -> None:
    (runner.directory / "review-exceptions.toml").write_text("[[exception]]\n")

    assert look(runner, "drift-digest").returncode == 1
    assert host.issues == []


def test_the_drift_workflow_looks_at_every_stack(runner: Runner) -> None:
    found = runner.run(step("review-drift.yml", "stacks", "Find the stacks"))

    assert found.returncode == 0, found.stderr
    assert [one["name"] for one in json.loads(runner.context["steps.stacks.outputs.matrix"])] == ["dev", "prod"]


@pytest.mark.parametrize(("tag", "status"), [(f"v{VERSION}", 0), ("v9.9.9", 1), (VERSION, 1)])
def test_only_a_tag_that_is_the_version_is_released(tmp_path: Path, tag: str, status: int) -> None:
    (tmp_path / ".venv").symlink_to(sys.prefix)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    runner = Runner(tmp_path, tmp_path / "runner", environment={"GITHUB_REF_NAME": tag})

    done = runner.run(step("release.yml", "build", "The tag is the version"))
    assert done.returncode == status, done.stderr
    assert ("::error::" in done.stdout) == bool(status)
