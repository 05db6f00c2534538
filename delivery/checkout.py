"""A working copy of one branch, and changes that are pushed even when somebody else pushes at the same time."""

import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from delivery.errors import DeliveryError

TRIES = 5
"""How often a change is made anew on a branch that has moved."""
TIMEOUT_SECONDS = 120
QUOTED_LINES = 8
REFUSED = ("Authentication failed", "could not read Username", "could not read Password", "returned error: 401")
"""How git says that the host wants another login."""
NOTES = "refs/notes/commits"
"""Where Git keeps notes; Gitea shows them on the commit's page."""
COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
ASKPASS = '#!/bin/sh\ncase "$1" in Username*) echo oauth2 ;; *) cat "$DELIVERY_TOKEN_FILE" ;; esac\n'
AUTHOR = {"NAME": "delivery", "EMAIL": "delivery@localhost"}


@dataclass(frozen=True)
class Checkout:
    """A clone of one branch. History is complete, file contents of older commits are fetched when they are read."""

    directory: Path
    branch: str
    environment: Mapping[str, str]

    def git(self, *arguments: str) -> str:
        """What git prints; raises DeliveryError with git's last lines."""
        return _git(arguments, self.directory, self.environment)

    def is_ancestor(self, older: str, newer: str) -> bool:
        """Whether `newer` contains `older` and is another commit; False where this clone lacks one of them."""
        if older == newer:
            return False
        command = ["git", "merge-base", "--is-ancestor", older, newer]
        run = subprocess.run(command, cwd=self.directory, env=self.environment, capture_output=True, check=False)
        return run.returncode == 0

    def update(self) -> None:
        """Fetches what the branch has by now, and leaves the files as they are."""
        self.git("fetch", "--quiet", "origin", self.branch)

    def push(self, change: Callable[[], str | None]) -> str | None:
        """Makes a change on the newest state of the branch, and pushes it; returns the new commit.

        `change` edits files and returns the commit's message, or None where there is nothing to do. It is called again
        when the branch has moved in the meantime.
        """
        for _ in range(TRIES):
            message = change()
            if message is None:
                return None
            self.git("add", "--all")
            self.git("commit", "--quiet", "--message", message)
            base = self.git("rev-parse", f"origin/{self.branch}")
            try:
                self.git("push", "--quiet", "origin", f"HEAD:refs/heads/{self.branch}")
            except DeliveryError:
                self.update()
                moved = self.git("rev-parse", f"origin/{self.branch}") != base
                self.git("reset", "--quiet", "--hard", f"origin/{self.branch}")
                if not moved:  # the host refuses for a reason that another try does not change
                    raise
            else:
                return self.git("rev-parse", "HEAD")
        raise DeliveryError(f"branch {self.branch} moved {TRIES} times during the push; run the step again")


def clone(url: str, branch: str, directory: Path, token_file: Path | None = None) -> Checkout:
    """Clones the branch into `directory/repository`. The token is read by git alone, from its file."""
    environment = _environment(directory, token_file)
    options = ["--quiet", "--filter=blob:none", "--single-branch", "--no-tags", f"--branch={branch}"]
    _git(["clone", *options, "--", url, "repository"], directory, environment)
    return Checkout(directory / "repository", branch, environment)


def fetch(url: str, revision: str, directory: Path, token_file: Path | None = None) -> None:
    """Puts the files of one commit into `directory`, without its history."""
    check_commit(revision)
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        environment = _environment(Path(home), token_file)
        # A volume belongs to root, and git refuses to work in a directory of somebody else.
        (Path(home) / ".gitconfig").write_text(f'[safe]\n\tdirectory = "{directory.resolve()}"\n')
        for command in (
            ["init", "--quiet"],
            ["fetch", "--quiet", "--depth=1", "--no-tags", "--", url, revision],
            ["-c", "advice.detachedHead=false", "checkout", "--quiet", revision],
        ):
            _git(command, directory, environment)


def annotate(url: str, revision: str, text: str, directory: Path, token_file: Path | None = None) -> None:
    """Appends a text to the commit's Git note, again where another note is pushed at the same time."""
    check_commit(revision)
    environment = _environment(directory, token_file)
    repository = directory / "notes"
    repository.mkdir()
    _git(["init", "--quiet"], repository, environment)
    _git(
        ["fetch", "--quiet", "--depth=1", "--no-tags", "--filter=blob:none", "--", url, revision],
        repository,
        environment,
    )
    for attempt in range(1, TRIES + 1):
        if _git(["ls-remote", "--", url, NOTES], repository, environment):
            _git(["fetch", "--quiet", "--no-tags", "--", url, f"+{NOTES}:{NOTES}"], repository, environment)
        _git(["notes", "append", "--message", text, revision], repository, environment)
        try:
            _git(["push", "--quiet", "--", url, f"{NOTES}:{NOTES}"], repository, environment)
        except DeliveryError:
            if attempt == TRIES:
                raise
        else:
            return


def check_commit(revision: str) -> None:
    """Raises DeliveryError for anything but the whole name of a commit."""
    if not COMMIT.fullmatch(revision):
        raise DeliveryError(f"a commit is named by all of its 40 or 64 hexadecimal digits, got {revision!r}")


def _environment(home: Path, token_file: Path | None) -> dict[str, str]:
    """Variables of git; what it needs to answer the host's question for a password is in `home`."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        **{f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in AUTHOR.items()},
    }
    if token_file is not None:
        askpass = home / "askpass"
        askpass.write_text(ASKPASS)
        askpass.chmod(0o700)
        environment |= {"GIT_ASKPASS": str(askpass), "DELIVERY_TOKEN_FILE": str(token_file)}
    return environment


def _git(arguments: tuple[str, ...] | list[str], directory: Path, environment: Mapping[str, str]) -> str:
    try:
        return run(["git", *arguments], directory, environment).strip()
    except DeliveryError as error:
        if not any(words in str(error) for words in REFUSED):
            raise
        token = environment.get("DELIVERY_TOKEN_FILE", "no file")
        raise DeliveryError(
            f"the Git host does not accept the token in {token}: put a new one into the Secret. {error}"
        ) from None


def run(command: list[str], directory: Path, environment: Mapping[str, str]) -> str:
    """Standard output of a program; raises DeliveryError with its last lines."""
    try:
        done = subprocess.run(
            command, cwd=directory, env=environment, capture_output=True, text=True, errors="replace",
            timeout=TIMEOUT_SECONDS, check=False,
        )  # fmt: skip
    except FileNotFoundError:
        raise DeliveryError(f"{command[0]} is not on PATH; the image of the step must have it") from None
    except subprocess.TimeoutExpired:
        raise DeliveryError(f"`{command[0]} {command[1]}` took more than {TIMEOUT_SECONDS} s") from None
    if done.returncode != 0:
        tail = "\n".join((done.stderr or done.stdout).strip().splitlines()[-QUOTED_LINES:])
        raise DeliveryError(f"`{command[0]} {command[1]}` failed with status {done.returncode}:\n{tail}")
    return done.stdout
