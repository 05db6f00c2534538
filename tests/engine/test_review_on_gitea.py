"""`pulumi-mlops-review post` on a real Gitea: what the stand-in for Git hosts only claims, tried on one."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from gitea import OWNER, REPOSITORY, Gitea, gitea

pytestmark = pytest.mark.engine

LINE = "<!-- pulumi-mlops-review: preview -->"
HERE = f"repos/{OWNER}/{REPOSITORY}"
Post = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def host() -> Iterator[Gitea]:
    with gitea() as running:
        running.user("review-bot")
        running.user("ada")
        yield running


@pytest.fixture(scope="module")
def owner(host: Gitea) -> str:
    """Token of the repository's owner; the repository is there, the bot may write in it, Ada may read it."""
    token = host.token(OWNER, "all")
    host.ask(token, "POST", "user/repos", {"name": REPOSITORY, "auto_init": True, "default_branch": "main"})
    host.ask(token, "PUT", f"{HERE}/collaborators/review-bot", {"permission": "write"})
    return token


@pytest.fixture(scope="module")
def bot(host: Gitea, owner: str) -> str:
    """The token that the documentation asks for, which may also ask whom it belongs to."""
    return host.token("review-bot", "write:issue", "read:user")


@pytest.fixture
def pull(host: Gitea, owner: str, request: pytest.FixtureRequest) -> int:
    """Number of a new pull request."""
    branch = re.sub(r"\W", "-", request.node.name, flags=re.ASCII)
    change = {"content": "YQ==", "message": "a change", "new_branch": branch, "branch": "main"}
    host.ask(owner, "POST", f"{HERE}/contents/{branch}.txt", change)
    made = host.ask(owner, "POST", f"{HERE}/pulls", {"head": branch, "base": "main", "title": branch})
    return made["number"]


@pytest.fixture
def post(host: Gitea, tmp_path: Path) -> Post:
    """Runs the command with a token, as a CI job does."""

    def run(token: str, text: str, *options: str) -> subprocess.CompletedProcess[str]:
        with start(host, tmp_path, token, *options) as process:
            out, err = process.communicate(text, timeout=60)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    return run


def start(host: Gitea, directory: Path, token: str, *options: str) -> "subprocess.Popen[str]":
    file = directory / "token"
    file.write_text(token)
    command = [sys.executable, "-m", "pulumi_mlops.review.cli", "post", "--host", "gitea", "--api-url", host.api]
    command += ["--repository", f"{OWNER}/{REPOSITORY}", "--token-file", str(file), *options]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, cwd=directory)


def comments(host: Gitea, token: str, pull: int) -> list[tuple[str, str]]:
    """(author, text) of all comments of a pull request."""
    found = host.ask(token, "GET", f"{HERE}/issues/{pull}/comments")
    return [(one["user"]["login"], one["body"]) for one in found]


def test_a_comment_is_created_and_then_written_over_in_place(
    host: Gitea, owner: str, bot: str, pull: int, post: Post
) -> None:
    for text in ("one change", "two changes"):
        assert (run := post(bot, text, "--pull", str(pull))).returncode == 0, run.stderr
    assert comments(host, owner, pull) == [("review-bot", f"{LINE}\ntwo changes")]


def test_our_comment_is_found_by_author_and_marker_among_more_than_a_page(
    host: Gitea, owner: str, bot: str, pull: int, post: Post
) -> None:
    ada = host.token("ada", "write:issue")
    host.ask(ada, "POST", f"{HERE}/issues/{pull}/comments", {"body": f"{LINE}\nnot the review"})
    for number in range(51):
        host.ask(ada, "POST", f"{HERE}/issues/{pull}/comments", {"body": f"comment {number}"})
    for text in ("one change", "two changes"):
        assert (run := post(bot, text, "--pull", str(pull))).returncode == 0, run.stderr

    found = comments(host, owner, pull)
    assert len(found) == 53
    assert found[0] == ("ada", f"{LINE}\nnot the review")
    assert found[-1] == ("review-bot", f"{LINE}\ntwo changes")


def test_two_runs_at_once_leave_one_comment(host: Gitea, owner: str, bot: str, pull: int, tmp_path: Path) -> None:
    runs = [start(host, tmp_path, bot, "--pull", str(pull)) for _ in range(2)]
    errors = [run.communicate("one change", timeout=60)[1] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], errors
    assert comments(host, owner, pull) == [("review-bot", f"{LINE}\none change")]


def test_a_token_that_may_not_ask_its_user_needs_the_author(host: Gitea, owner: str, pull: int, post: Post) -> None:
    token = host.token("review-bot", "write:issue")
    run = post(token, "one change", "--pull", str(pull))
    assert run.returncode != 0
    assert "say it by --author" in run.stderr
    run = post(token, "one change", "--pull", str(pull), "--author", "review-bot")
    assert run.returncode == 0, run.stderr


def test_a_token_without_the_scope_is_told_which_one_it_needs(host: Gitea, pull: int, post: Post) -> None:
    token = host.token("review-bot", "read:issue", "read:user")
    run = post(token, "one change", "--pull", str(pull))
    assert run.returncode != 0
    assert "give it the scope `write:issue`" in run.stderr
    assert token not in run.stderr


def test_a_revoked_token_is_named_and_writes_nothing(host: Gitea, owner: str, pull: int, post: Post) -> None:
    token = host.token("review-bot", "write:issue", "read:user")
    assert post(token, "one change", "--pull", str(pull)).returncode == 0
    tokens = host.ask_with_password("review-bot", "GET", "users/review-bot/tokens?limit=50")
    (ours,) = [one["id"] for one in tokens if token.endswith(one["token_last_eight"])]
    host.ask_with_password("review-bot", "DELETE", f"users/review-bot/tokens/{ours}")

    run = post(token, "two changes", "--pull", str(pull))
    assert run.returncode != 0
    assert "is not accepted; it may have ended" in run.stderr
    assert token not in run.stderr
    assert comments(host, owner, pull) == [("review-bot", f"{LINE}\none change")]


def test_a_locked_conversation_is_open_to_who_may_write_in_the_repository(
    host: Gitea, owner: str, bot: str, pull: int, post: Post
) -> None:
    host.ask(owner, "PUT", f"{HERE}/issues/{pull}/lock", {"lock_reason": "resolved"})
    reader = host.token("ada", "write:issue", "read:user")
    run = post(reader, "one change", "--pull", str(pull))
    assert run.returncode != 0
    assert "and its user the right to write in the repository" in run.stderr
    assert comments(host, owner, pull) == []

    assert (run := post(bot, "one change", "--pull", str(pull))).returncode == 0, run.stderr
    assert comments(host, owner, pull) == [("review-bot", f"{LINE}\none change")]


def test_a_pull_request_that_is_not_there_is_an_error(bot: str, post: Post) -> None:
    run = post(bot, "one change", "--pull", "99999")
    assert run.returncode != 0
    assert "there is no" in run.stderr


def test_one_issue_of_a_drift_is_opened_closed_and_opened_again(host: Gitea, owner: str, bot: str, post: Post) -> None:
    options = ("--issue", "Drift of prod", "--marker", "drift-prod")
    assert (run := post(bot, "one resource", *options)).returncode == 0, run.stderr
    assert [one["state"] for one in _issues(host, owner)] == ["open"]

    assert (run := post(bot, "", *options, "--close")).returncode == 0, run.stderr
    for number in range(51):  # more than Gitea gives on one page; newest first
        host.ask(owner, "POST", f"{HERE}/issues", {"title": f"issue {number}"})
    assert [one["state"] for one in _issues(host, owner)] == ["closed"]

    assert (run := post(bot, "two resources", *options)).returncode == 0, run.stderr
    (issue,) = _issues(host, owner)
    assert (issue["state"], issue["title"]) == ("open", "Drift of prod")
    assert issue["body"].endswith("two resources")


@pytest.mark.parametrize("letter", ["x", "é"])
def test_the_longest_text_that_we_send_is_one_that_gitea_keeps(
    host: Gitea, owner: str, bot: str, pull: int, post: Post, letter: str
) -> None:
    text = letter * ((65_535 - len(LINE) - 1) // len(letter.encode()))
    assert (run := post(bot, text, "--pull", str(pull))).returncode == 0, run.stderr
    assert comments(host, owner, pull) == [("review-bot", f"{LINE}\n{text}")]


def _issues(host: Gitea, token: str) -> list[dict[str, Any]]:
    """The review bot's issues."""
    return host.ask(token, "GET", f"{HERE}/issues?state=all&type=issues&created_by=review-bot")
