"""The example's repository on the Git host: put there once, then changed by a line and pushed."""

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.delivery.git_host import OWNER, GitHost
from local.progress import StepFailed

SOURCE = Path(__file__).resolve().parent / "example"
BASE = "python:3.12-slim"
"""Base image that the example's Dockerfile names; the machine's own takes its place."""
GREETING = re.compile(r'^GREETING = "(.*)"$', re.MULTILINE)
ASKPASS = '#!/bin/sh\ncase "$1" in Username*) echo "$GIT_USER" ;; *) echo "$GIT_TOKEN" ;; esac\n'


@dataclass(frozen=True)
class Checkout:
    """A clone of the example's repository."""

    directory: Path
    environment: dict[str, str]

    def git(self, *arguments: str) -> str:
        """What git prints; raises StepFailed with its own words."""
        done = subprocess.run(
            ["git", *arguments], cwd=self.directory, env=self.environment, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise StepFailed(f"`git {arguments[0]}` failed: {done.stderr.strip()}")
        return done.stdout.strip()

    def push(self, message: str, branch: str = "main") -> str:
        """Commits all changes, pushes them and returns the commit."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        self.git("push", "--quiet", "origin", f"HEAD:refs/heads/{branch}")
        return self.git("rev-parse", "HEAD")

    def greet(self, text: str) -> None:
        """Changes the line that says what the application answers."""
        file = self.directory / "app.py"
        file.write_text(GREETING.sub(f"GREETING = {json.dumps(text)}", file.read_text()))


@contextmanager
def checkout(host: GitHost) -> Iterator[Checkout]:
    """The repository as it is now, in a directory that is removed afterwards."""
    with tempfile.TemporaryDirectory() as directory:
        made = Checkout(Path(directory) / "repository", _environment(host, Path(directory)))
        made.directory.mkdir()
        made.git("init", "--quiet", "--initial-branch=main")
        made.git("remote", "add", "origin", host.repository)
        if made.git("ls-remote", "--heads", "origin", "main"):
            made.git("fetch", "--quiet", "origin", "main")
            made.git("checkout", "--quiet", "-B", "main", "origin/main")
        yield made


def publish(host: GitHost, base_image: str) -> bool:
    """Puts the example into its repository, unless something is there; returns whether it did."""
    with checkout(host) as made:
        if (made.directory / "Dockerfile").exists():
            return False
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(SOURCE, made.directory, dirs_exist_ok=True, ignore=ignored)
        dockerfile = made.directory / "Dockerfile"
        dockerfile.write_text(dockerfile.read_text().replace(BASE, base_image))
        made.push("The example")
        return True


def _environment(host: GitHost, directory: Path) -> dict[str, str]:
    """Of git, without the user's own settings; the token is in no argument and no file."""
    askpass = directory / "askpass"
    askpass.write_text(ASKPASS)
    askpass.chmod(0o700)
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    who = {f"GIT_{role}_{what}": value for role in ("AUTHOR", "COMMITTER")
           for what, value in (("NAME", OWNER), ("EMAIL", f"{OWNER}@localhost.localdomain"))}  # fmt: skip
    none = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "GIT_TERMINAL_PROMPT": "0"}
    return {**kept, **who, **none, "GIT_ASKPASS": str(askpass), "GIT_USER": OWNER, "GIT_TOKEN": host.token}
