"""The Pulumi CLI on the project of the current directory, with the caller's own backend and login."""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pulumi_mlops.cli.errors import CommandError
from pulumi_mlops.cli.state import StateResource
from pulumi_mlops.cli.urns import is_stack
from pulumi_mlops.cli.values import items, mapping

ADVICE = (
    (
        "PULUMI_ACCESS_TOKEN",
        "log in to where the states of the stacks are first, by `pulumi login`, or set PULUMI_BACKEND_URL to its URL, "
        "such as s3://bucket",
    ),
    ("no stack named", "`pulumi stack ls` lists the stacks of this project, `pulumi stack init` makes one"),
    (
        "passphrase must be set",
        "set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE to that of the stack's secrets",
    ),
    ("incorrect passphrase", "PULUMI_CONFIG_PASSPHRASE must be the passphrase of the stack's secrets"),
    ("unable to open state directory", "make that directory, or correct PULUMI_BACKEND_URL"),
    ("currently locked", "wait for the run that holds the stack, or, if there is none, free it by `pulumi cancel`"),
    ("no language plugin", "put all programs of the Pulumi CLI's download on PATH, pulumi-language-python among them"),
    ("no resource plugin", "`pulumi install` downloads the plugins that this project needs"),
)
"""Part of a message of the CLI, and what to do about it: it asks for a token of a service that need not be used."""


@dataclass(frozen=True)
class Pulumi:
    """The CLI in one directory."""

    directory: Path

    def resources(self, stack: str, *, secrets: bool = False) -> list[StateResource]:
        """The resources in the state of a stack, without the stack itself unless secrets are shown.

        Args:
            stack: its name.
            secrets: whether the values of secrets are shown; then the stack with its outputs is among the resources.
        """
        resources = items(mapping(self.export(stack, secrets=secrets).get("deployment")).get("resources"))
        return [one for one in resources if secrets or not is_stack(one["urn"])]

    def export(self, stack: str, *, secrets: bool = False) -> dict[str, Any]:
        """The state of a stack, with the values of its secrets if they are asked for."""
        shown = ["--show-secrets"] if secrets else []
        return json.loads(self.run("stack", "export", "--stack", stack, *shown))

    def restore(self, stack: str, state: Mapping[str, object]) -> None:
        """Writes a state that was exported without the values of its secrets; drops operations that were begun."""
        with tempfile.TemporaryDirectory() as directory:
            file = Path(directory) / "state.json"
            file.write_text(json.dumps(state))
            self.run("stack", "import", "--stack", stack, "--file", str(file))

    def refresh(self, stack: str, urns: Sequence[str]) -> None:
        """Reads some of a stack's resources anew.

        Raises:
            CommandError: a run of the stack is under way, or the CLI failed otherwise.
        """
        targets = [word for urn in urns for word in ("--target", urn)]
        self.run("refresh", "--yes", "--skip-preview", "--stack", stack, *targets)

    def preview(self, stack: str) -> "subprocess.CompletedProcess[str]":
        """A preview in JSON with all resources, whether it came to its end or not.

        Raises:
            CommandError: there is none to read: no CLI, no login, no such stack.
        """
        command = ("preview", "--json", "--show-sames", "--stack", stack)
        done = self.ran(*command)
        # A CLI that could not begin prints an empty document, or none.
        if '"steps"' not in done.stdout and '"diagnostics"' not in done.stdout:
            raise failure(command, done.stderr or done.stdout)
        return done

    def stacks(self) -> list[str]:
        """Names of the project's stacks in the backend."""
        return [one["name"] for one in json.loads(self.run("stack", "ls", "--json"))]

    def run(self, *arguments: str) -> str:
        """Runs the CLI; returns what it printed.

        Raises:
            CommandError: it failed, or there is no CLI.
        """
        done = self.ran(*arguments)
        if done.returncode:
            raise failure(arguments, errors_in(done.stdout) or done.stderr or done.stdout or "")
        return done.stdout

    def ran(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """A run whose output is kept, whether it ends well or not."""
        return subprocess.run(
            [executable(), *arguments, "--non-interactive"],
            cwd=self.directory, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    def show(self, *arguments: str) -> None:
        """Runs the CLI on the terminal, where it may ask; raises as `run` does."""
        asks = sys.stdin.isatty()
        done = subprocess.run(
            [executable(), *arguments, *([] if asks else ["--non-interactive"])],
            cwd=self.directory, stdin=None if asks else subprocess.DEVNULL, check=False,
        )  # fmt: skip
        if done.returncode:
            raise CommandError(f"`{_command(arguments)}` failed: the lines above say why")


def executable() -> str:
    """The CLI.

    Raises:
        CommandError: there is none on PATH.
    """
    if found := shutil.which("pulumi"):
        return found
    raise CommandError(
        "no executable named `pulumi` on PATH: install the Pulumi CLI, https://www.pulumi.com/docs/install/"
    )


def failure(arguments: Sequence[str], said: str) -> CommandError:
    """A failed run as one sentence: what the CLI said, and what to do."""
    _, _, after = said.partition("error:")  # warnings may come first
    reason = " ".join((after or said).split())
    what_to_do = f"; {found}" if (found := advice(reason)) else ""
    return CommandError(f"`{_command(arguments)}` failed: {reason or 'it does not say why'}{what_to_do}")


def errors_in(document: str) -> str:
    """The messages of a preview in JSON that failed, without marks of colours; empty where it is no such document."""
    try:
        content = mapping(json.loads(document))
    except ValueError:
        return ""
    messages = [
        str(one.get("message") or "") for one in map(mapping, items(content.get("diagnostics")))
        if one.get("severity") == "error"
    ]  # fmt: skip
    return re.sub(r"<\{%[\w ]*%\}>", "", " ".join(messages))


def advice(said: str) -> str:
    """What to do about a message of the CLI; empty where that is not known."""
    return next((what_to_do for part, what_to_do in ADVICE if part in said), "")


def _command(arguments: Sequence[str]) -> str:
    return " ".join(["pulumi", *arguments])
