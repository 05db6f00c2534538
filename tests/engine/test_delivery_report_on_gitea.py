"""`delivery report` on a real Gitea: the status that a commit shows, and each refusal in one sentence."""

import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from gitea import OWNER, REPOSITORY, Gitea, gitea

from delivery.__main__ import FAILURES
from delivery.checkout import fetch
from delivery.errors import DeliveryError
from local.paths import ROOT

pytestmark = pytest.mark.engine

HERE = f"repos/{OWNER}/{REPOSITORY}"
CONTEXT = "delivery/birds"
LINK = "https://workflows.example.org/workflows/delivery/birds-1"
LOG = "exit code 1: key token=abc123\\nthe last line"
FAILED = f'[{{"templateName": "delivery"}}, {{"templateName": "staging-tests", "message": "{LOG}"}}]'
Report = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def host() -> Iterator[Gitea]:
    with gitea() as running:
        yield running


@pytest.fixture(scope="module")
def owner(host: Gitea) -> str:
    """Token of the repository's owner."""
    token = host.token(OWNER, "all")
    host.ask(token, "POST", "user/repos", {"name": REPOSITORY, "auto_init": True, "default_branch": "main"})
    return token


@pytest.fixture(scope="module")
def token(host: Gitea, owner: str) -> str:
    """The token that the guide asks for."""
    return host.token(OWNER, "write:repository")


@pytest.fixture
def commit(host: Gitea, owner: str) -> str:
    return host.ask(owner, "GET", f"{HERE}/branches/main")["commit"]["id"]


@pytest.fixture
def report(host: Gitea, tmp_path: Path) -> Report:
    """Runs the subcommand with a token, as a step of a delivery does."""

    def run(token: str, revision: str, phase: str, failures: str = "[]") -> subprocess.CompletedProcess[str]:
        file = tmp_path / "token"
        file.write_text(token)
        command = [sys.executable, "-m", "delivery", "report", "--repository", f"{host.url}/{OWNER}/{REPOSITORY}.git"]
        command += ["--host", "GITEA", "--revision", revision, "--token-file", str(file), "--context", CONTEXT]
        command += ["--phase", phase, "--target-url", LINK, "--steps", "tests", "staging-tests"]
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), FAILURES: failures}
        done = subprocess.run(
            command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
        )
        assert token not in done.stdout + done.stderr
        return done

    return run


def shown(host: Gitea, token: str, commit: str) -> list[tuple[str, str, str, str]]:
    """(context, state, description, link) of every status that Gitea shows at the commit."""
    found = host.ask(token, "GET", f"{HERE}/commits/{commit}/status")["statuses"] or []
    return [(one["context"], one["status"], one["description"], one["target_url"]) for one in found]


def test_a_commit_is_pending_while_its_delivery_runs_and_then_shows_which_step_failed(
    host: Gitea, owner: str, token: str, commit: str, report: Report
) -> None:
    assert shown(host, owner, commit) == []
    assert report(token, commit, "Running").returncode == 0
    assert shown(host, owner, commit) == [(CONTEXT, "pending", "The delivery is running.", LINK)]
    assert report(token, commit, "Failed", FAILED).returncode == 0
    assert shown(host, owner, commit) == [(CONTEXT, "failure", "Failed: staging-tests.", LINK)]
    assert report(token, commit, "Succeeded").returncode == 0
    assert shown(host, owner, commit) == [(CONTEXT, "success", "Every step that ran has succeeded.", LINK)]


def test_the_commits_page_shows_the_last_lines_of_a_step_that_failed_without_secrets(
    host: Gitea, owner: str, token: str, commit: str, report: Report
) -> None:
    assert report(token, commit, "Failed", FAILED).returncode == 0
    note = host.ask(owner, "GET", f"{HERE}/git/notes/{commit}")["message"]
    lines = "staging-tests:\nexit code 1: key token=***\nthe last line\n"
    assert note.endswith(f"{CONTEXT}: Failed: staging-tests.\n\nLog: {LINK}\n\n{lines}")
    host.ask(owner, "PATCH", HERE, {"private": False})
    with urllib.request.urlopen(f"{host.url}/{OWNER}/{REPOSITORY}/commit/{commit}", timeout=30) as page:
        assert "key token=***\nthe last line" in page.read().decode()

    before = note.count("Failed")
    assert report(token, commit, "Failed", FAILED).returncode == 0
    assert host.ask(owner, "GET", f"{HERE}/git/notes/{commit}")["message"].count("Failed") == before + 1


def test_a_checkout_with_a_token_that_is_not_accepted_says_what_to_renew(
    host: Gitea, owner: str, commit: str, tmp_path: Path
) -> None:
    host.ask(owner, "PATCH", HERE, {"private": True})
    file = tmp_path / "token"
    file.write_text("0" * 40)
    with pytest.raises(DeliveryError, match=r"^the Git host does not accept the token in .*/token: put a new") as error:
        fetch(f"{host.url}/{OWNER}/{REPOSITORY}.git", commit, tmp_path / "source", file)
    assert "0" * 40 not in str(error.value)


@pytest.mark.parametrize("case", ["wrong token", "token that only reads", "commit that is not there"])
def test_a_refusal_of_gitea_is_one_sentence(
    host: Gitea, owner: str, token: str, commit: str, report: Report, case: str
) -> None:
    given, revision, says = {
        "wrong token": ("0" * 40, commit, "does not accept the token in"),
        "token that only reads": (host.token(OWNER, "read:repository"), commit, "may not set commit statuses on"),
        "commit that is not there": (token, "0f" * 20, "has no commit 0f0f0f0f0f0f in this repository"),
    }[case]
    before = shown(host, owner, commit)
    done = report(given, revision, "Running")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("delivery: the ")
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert shown(host, owner, commit) == before
