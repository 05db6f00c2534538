"""The workflows of .github: sound by two linters, pinned, with the least rights, and nothing for a fork."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from local import tools
from local.paths import ROOT
from local.tools.catalogue import BINARIES
from tests import workflows

FILES = sorted(path.name for path in workflows.DIRECTORY.glob("*.yml"))
ZIZMOR = Path(sys.executable).parent / "zizmor"
PIN = re.compile(r"uses: ([\w./-]+)@(\S+)(?: # (v\d+\.\d+\.\d+))?$", re.MULTILINE)
SAME_REPOSITORY = "github.event.pull_request.head.repo.full_name == github.repository"


def actionlint(*files: Path) -> list[str]:
    # shellcheck is no part of this environment: a machine that has it must not find more than another.
    command = [tools.ensure("actionlint")["actionlint"], "-shellcheck=", "-pyflakes=", "-oneline", *files]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False).stdout.splitlines()


def zizmor(*files: Path) -> tuple[int, str]:
    command = [
        ZIZMOR,
        "--offline",
        "--no-config",
        "--no-progress",
        "--persona",
        "pedantic",
        "--format",
        "plain",
        *files,
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    return done.returncode, done.stdout + done.stderr


def test_these_are_the_workflows() -> None:
    ours = [
        "check.yml",
        "drift.yml",
        "nightly.yml",
        "preview.yml",
        "release.yml",
        "review-drift.yml",
        "review-preview.yml",
    ]
    assert ours == FILES


def test_actionlint_finds_nothing() -> None:
    assert actionlint(*(workflows.DIRECTORY / name for name in FILES)) == []


def test_zizmor_finds_nothing() -> None:
    status, said = zizmor(*(workflows.DIRECTORY / name for name in FILES))
    assert status == 0, said


def test_what_is_wrong_would_be_found(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yml"
    bad.write_text(
        "on: pull_request\njobs:\n  a:\n    needs: nobody\n    runs-on: ubuntu-24.04\n    steps:\n"
        "      - run: echo ${{ github.event.pull_request.title }}\n"
    )
    assert any("nobody" in line for line in actionlint(bad))
    status, said = zizmor(bad)
    assert status != 0
    assert "template-injection" in said


@pytest.mark.parametrize("name", FILES)
def test_every_action_is_pinned_by_its_commit(name: str) -> None:
    text = (workflows.DIRECTORY / name).read_text()
    uses = [line for line in text.splitlines() if re.match(r"\s*(- )?uses: (?!\./)", line)]
    pins = PIN.findall(text)

    assert len(pins) == len(uses)
    assert all(re.fullmatch("[0-9a-f]{40}", commit) and version for _, commit, version in pins)


def test_an_action_is_pinned_to_one_commit_everywhere() -> None:
    pins = {pin for name in FILES for pin in PIN.findall((workflows.DIRECTORY / name).read_text())}

    assert len(pins) == len({action for action, _, _ in pins})


@pytest.mark.parametrize("name", FILES)
def test_rights_are_given_to_jobs_only(name: str) -> None:
    workflow = workflows.load(name)

    assert workflow["permissions"] == {}
    assert all("permissions" in job for job in workflow["jobs"].values())


def test_who_has_the_role_cannot_write_on_the_git_host_and_the_other_way_round() -> None:
    for job in workflows.load("review-preview.yml")["jobs"].values():
        rights = {name for name, level in job["permissions"].items() if level == "write"}
        assert rights in (set(), {"id-token"}, {"pull-requests"})


def test_nothing_but_a_message_runs_for_a_fork() -> None:
    workflow = workflows.load("review-preview.yml")
    (fork,) = [job for job in workflow["jobs"].values() if job.get("if") == SAME_REPOSITORY.replace("==", "!=")]

    assert fork["permissions"] == {}
    assert "secrets" not in str(fork)
    assert not any("uses" in step for step in fork["steps"])
    for name, job in workflow["jobs"].items():
        if job is not fork:
            assert job.get("if") == SAME_REPOSITORY if name == "stacks" else "stacks" in job["needs"]
            assert name == "stacks" or "needs.stacks." in job["if"]  # skipped with it


@pytest.mark.parametrize(("name", "asks"), [("review-preview.yml", "preview"), ("review-drift.yml", "drift")])
def test_only_what_asks_pulumi_runs_on_a_runner_of_the_caller(name: str, asks: str) -> None:
    runners = {job: one["runs-on"] for job, one in workflows.load(name)["jobs"].items()}

    assert [job for job, runner in runners.items() if runner == "${{ inputs.runner }}"] == [asks]
    assert set(runners.values()) == {"${{ inputs.runner }}", "ubuntu-24.04"}


def test_the_newest_commit_of_a_request_is_reviewed_alone() -> None:
    concurrency = workflows.load("review-preview.yml")["concurrency"]

    assert "github.event.pull_request.number" in concurrency["group"]
    assert "inputs.name" in concurrency["group"]  # two calls of one repository do not stop each other
    assert concurrency["cancel-in-progress"] is True


def test_the_whole_of_it_is_kept_as_artifacts() -> None:
    kept = {
        name: [step["with"]["path"] for step in job["steps"] if "upload-artifact" in step.get("uses", "")]
        for name, job in workflows.load("review-preview.yml")["jobs"].items()
    }
    (upload,) = [one for one in workflows.load("review-preview.yml")["jobs"]["preview"]["steps"] if "if-no" in str(one)]

    assert kept["preview"] == ["${{ runner.temp }}/${{ matrix.name }}.json"]
    assert upload["if"] == "always()"  # also what a preview that failed has said
    assert kept["comment"] == ["review"]  # where the comment and the JSON of the review are written
    assert "> review/review.json" in workflows.step("review-preview.yml", "comment", "Write the comment")["run"]


def test_a_change_is_checked_by_words_of_the_makefile() -> None:
    steps = [step.get("run", "") for job in workflows.load("check.yml")["jobs"].values() for step in job["steps"]]
    words = [word for run in steps for word in re.findall(r"\bmake (\w+)", run)]

    assert words == ["check", "test"]
    assert set(words) <= set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_a_release_builds_with_what_is_locked() -> None:
    (run,) = [
        step["run"] for step in workflows.load("release.yml")["jobs"]["build"]["steps"] if "-m build" in str(step)
    ]

    assert "--no-isolation" in run
    assert importlib.util.find_spec("build")
    assert workflows.load("release.yml")["jobs"]["publish"]["permissions"]["id-token"] == "write"


def test_drift_is_looked_for_every_day() -> None:
    (when,) = workflows.load("drift.yml")["on"]["schedule"]

    assert when["cron"].split()[2:] == ["*", "*", "*"]


@pytest.mark.parametrize("name", FILES)
def test_no_workflow_runs_with_rights_on_what_a_fork_sent(name: str) -> None:
    assert not {"pull_request_target", "workflow_run", "issue_comment"} & set(_triggers(workflows.load(name)))


def test_the_token_is_in_no_command() -> None:
    for name in FILES:
        for job in workflows.load(name)["jobs"].values():
            for step in job.get("steps", []):
                assert "${{" not in step.get("run", "")
                if "post" in step.get("run", ""):
                    assert step["env"]["GITHUB_TOKEN"] == "${{ github.token }}"


@pytest.mark.parametrize(
    ("caller", "called"), [("preview.yml", "review-preview.yml"), ("drift.yml", "review-drift.yml")]
)
def test_a_caller_gives_what_the_called_workflow_needs(caller: str, called: str) -> None:
    _fits(workflows.load(caller), workflows.load(called))


def test_the_pulumi_cli_is_that_of_the_tests() -> None:
    for name in ("review-preview.yml", "review-drift.yml"):
        inputs = workflows.load(name)["on"]["workflow_call"]["inputs"]
        assert inputs["pulumi-version"]["default"] == BINARIES["pulumi"].version


def test_both_called_workflows_have_the_same_inputs() -> None:
    preview, drift = (workflows.load(f"review-{name}.yml")["on"]["workflow_call"] for name in ("preview", "drift"))

    del preview["inputs"]["name"]  # an issue has that of its stack
    assert preview == drift


@pytest.mark.parametrize("file", ["README.md", "docs/review.md"])
def test_the_workflow_for_a_team_is_short_and_fits(file: str, tmp_path: Path) -> None:
    text = shown(file)[0]
    workflow = workflows.parse(text)
    here = workflows.load("preview.yml")

    assert len(text.splitlines()) <= 20
    assert workflow["jobs"]["review"]["uses"].split("/", 2)[2] == ".github/workflows/review-preview.yml@COMMIT"
    assert workflow["jobs"]["review"]["permissions"] == here["jobs"]["review"]["permissions"]
    assert workflow["on"] == here["on"]
    _fits(workflow, workflows.load("review-preview.yml"))
    copy = tmp_path / "preview.yml"
    copy.write_text(text.replace("@COMMIT", "@" + "0" * 40))
    assert actionlint(copy) == []
    assert zizmor(copy)[0] == 0


def test_the_workflow_for_a_teams_drift_fits(tmp_path: Path) -> None:
    text = shown("docs/review.md")[1]
    _fits(workflows.parse(text), workflows.load("review-drift.yml"))
    copy = tmp_path / "drift.yml"
    copy.write_text(text.replace("@COMMIT", "@" + "0" * 40))
    assert actionlint(copy) == []
    assert zizmor(copy)[0] == 0


def test_the_readme_shows_the_workflow_of_the_documentation() -> None:
    assert shown("README.md")[0] == shown("docs/review.md")[0]


def shown(file: str) -> list[str]:
    """The workflows that a document shows."""
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / file).read_text(), re.DOTALL)
    return [block for block in blocks if "\njobs:" in block]


def _fits(caller: dict[str, Any], called: dict[str, Any]) -> None:
    (job,) = caller["jobs"].values()
    takes = called["on"]["workflow_call"]
    assert set(job["with"]) <= set(takes["inputs"])
    assert {name for name, one in takes["inputs"].items() if one.get("required")} <= set(job["with"])
    assert set(job["secrets"]) <= set(takes["secrets"])
    for one in called["jobs"].values():
        for right, level in one["permissions"].items():
            assert job["permissions"].get(right) in (level, "write")


def _triggers(workflow: dict[str, Any]) -> list[str]:
    triggers = workflow["on"]
    return [triggers] if isinstance(triggers, str) else list(triggers)
