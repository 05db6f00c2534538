"""A pull request's way through the workflow of a team's repository: the workflow's own commands, Git, and a Git host.

The Git host is the stand-in, `comment` is a stand-in as well; `stacks`, `drift` and `post` are ours. Not run here: what
the runner itself does (checkout, sign-in, artifacts), and the preview, which the engine tests run.
"""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.git_host import TOKEN, GitHost, git_host
from tests.workflows import Runner, step

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
    """What the workflow does for one push; returns the status of its last step."""
    found = runner.run(step("review-preview.yml", "stacks", "Find the stacks"))
    assert found.returncode == 0, found.stderr
    for part in ("matrix", "names"):
        runner.context[f"needs.stacks.outputs.{part}"] = runner.context[f"steps.stacks.outputs.{part}"]
    (runner.directory / "review").mkdir(exist_ok=True)
    for name, text in previews.items():
        (runner.directory / "review" / f"{name}.json").write_text(text)
    for name in ("Write the comment", "Post the comment"):
        done = runner.run(step("review-preview.yml", "comment", name))
        assert done.returncode == 0, done.stderr
    return runner.run(step("review-preview.yml", "comment", "Pass or fail")).returncode


def test_a_push_writes_the_comment_and_the_next_one_writes_it_over(runner: Runner, host: GitHost) -> None:
    (runner.directory / "Pulumi.prod.yaml").write_text("config: {a: b}\n")
    commit(runner.directory)
    assert review(runner, {"prod": "one change"}) == 0

    assert json.loads(runner.context["needs.stacks.outputs.matrix"]) == [
        {"name": "prod", "stack": "prod", "directory": "."}
    ]
    (body,) = host.bodies()
    assert "github prod one change" in body
    assert "Commit abc123" in body
    assert "https://git.example.org/team/birds/actions/runs/99" in body
    assert body.removeprefix("<!-- pulumi-mlops-review: preview -->\n") in runner.summary.read_text() + "\n"

    runner.environment["COMMENT_STATUS"] = "3"
    (runner.directory / "sizes.py").write_text("CPU = 1\n")
    commit(runner.directory)
    assert review(runner, {"dev": "two changes", "prod": "three changes"}) == 3
    (body,) = host.bodies()
    assert "github dev two changes\ngithub prod three changes" in body
    written = runner.directory / "review" / "review.json"
    assert "json dev two changes" in written.read_text()


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
    review(runner, {"prod": "one change"})
    settings.write_text(FILES["Pulumi.prod.yaml"])
    commit(runner.directory)
    assert review(runner, {}) == 0

    (body,) = host.bodies()
    assert "This change touches no stack." in body


def test_a_preview_that_did_not_start_is_in_the_comment(runner: Runner, host: GitHost) -> None:
    (runner.directory / "__main__.py").write_text("import sizes, os\n")
    commit(runner.directory)
    review(runner, {"dev": "one change", "prod": ""})

    (body,) = host.bodies()
    assert "github dev one change" in body
    assert "The preview did not start; its job says why." in body


def test_a_review_that_could_not_be_produced_fails_and_does_not_leave_the_old_comment(
    runner: Runner, host: GitHost
) -> None:
    runner.environment["COMMENT_STATUS"] = "1"
    (runner.directory / "__main__.py").write_text("import sizes, os\n")
    commit(runner.directory)

    assert review(runner, {"dev": "one change", "prod": "one change"}) == 1
    (body,) = host.bodies()
    assert "The review could not be produced" in body


def test_the_pattern_leaves_stacks_out(runner: Runner, host: GitHost) -> None:
    runner.context["inputs.stacks"] = "prod*"
    (runner.directory / "__main__.py").write_text("import sizes, os\n")
    commit(runner.directory)
    review(runner, {"prod": "one change"})

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


def look(runner: Runner, summary: dict[str, int] | None) -> "subprocess.CompletedProcess[str]":
    """What the drift workflow does after its look at the stack Prod."""
    runner.context["matrix.name"] = "Prod"
    document = {"changeSummary": summary} if summary is not None else {"diagnostics": [{"severity": "error"}]}
    (runner.temporary / "drift.json").write_text(json.dumps(document))
    return runner.run(step("review-drift.yml", "drift", "Open or close the issue"))


def test_drift_is_one_issue_that_is_closed_once_it_is_clean(runner: Runner, host: GitHost) -> None:
    assert look(runner, {"same": 4}).returncode == 0
    assert host.issues == []

    runner.environment["COMMENT_STATUS"] = "3"  # a rule is broken as well: no failure of the look
    for count in (1, 2):
        done = look(runner, {"same": 4, "update": count})
        assert done.returncode == 0, done.stderr
    (issue,) = host.issues
    assert issue["title"] == "Drift of Prod"
    assert issue["state"] == "open"
    assert '"update": 2' in issue["body"]

    assert look(runner, None).returncode == 1  # nobody knows: nothing is closed
    assert issue["state"] == "open"
    assert look(runner, {"same": 4}).returncode == 0
    assert issue["state"] == "closed"
    assert look(runner, {"delete": 1}).returncode == 0
    assert issue["state"] == "open"
    assert len(host.issues) == 1


def test_the_drift_workflow_looks_at_every_stack(runner: Runner) -> None:
    found = runner.run(step("review-drift.yml", "stacks", "Find the stacks"))

    assert found.returncode == 0, found.stderr
    assert [one["name"] for one in json.loads(runner.context["steps.stacks.outputs.matrix"])] == ["dev", "prod"]
