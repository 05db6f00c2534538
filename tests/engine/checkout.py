"""A copy of this repository for a test to be a user of: stack files that may change, a backend, an AWS API."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from aws import Aws

from local import tools
from local.paths import ROOT
from standins import plugins


@dataclass(frozen=True)
class Checkout:
    """The copy. A failed command is an AssertionError with all that it said."""

    directory: Path
    environment: dict[str, str]

    def configure(self, stack: str, without: tuple[str, ...] = (), **settings: Any) -> None:
        """Changes the stack's tracked settings, as an editor would."""
        file = self.directory / "stacks" / f"Pulumi.{stack}.yaml"
        content = yaml.safe_load(file.read_text())
        content["config"] |= {f"pulumi-mlops:{key}": value for key, value in settings.items()}
        for key in without:
            content["config"].pop(f"pulumi-mlops:{key}", None)
        file.write_text(yaml.safe_dump(content))

    def pulumi(self, *words: str) -> str:
        """Runs the CLI."""
        command = [str(tools.ensure("pulumi")["pulumi"]), *words, "--non-interactive", "--color", "never"]
        return self._run(command)

    def pretend(self, stack: str, resources: Sequence[Mapping[str, Any]]) -> None:
        """Gives a stack a state with these resources; secrets may be in plain text."""
        salt = yaml.safe_load((self.directory / "stacks" / f"Pulumi.{stack}.yaml").read_text())["encryptionsalt"]
        provider = {"type": "passphrase", "state": {"salt": salt}}
        deployment = {"manifest": {}, "secrets_providers": provider, "resources": resources}
        file = self.directory / f"{stack}.state.json"
        file.write_text(json.dumps({"version": 3, "deployment": deployment}))
        self.pulumi("stack", "import", "--stack", stack, "--file", str(file))

    def up(self, stack: str) -> None:
        """`pulumi up`."""
        self.pulumi("up", "--stack", stack, "--yes", "--skip-preview")

    def planned(self, stack: str) -> dict[str, set[str]]:
        """Operation → `type::name` of resources of a preview."""
        found: dict[str, set[str]] = {}
        for step in json.loads(self.pulumi("preview", "--stack", stack, "--json"))["steps"]:
            parts = step["urn"].split("::")
            found.setdefault(step["op"], set()).add(f"{parts[2].rpartition('$')[2]}::{parts[3]}")
        return found

    def local(self, *words: str, fails: bool = False) -> str:
        """Runs `python -m local`, as the Makefile does."""
        return self._run([sys.executable, "-m", "local", *words], fails=fails)

    def _run(self, command: list[str], *, fails: bool = False) -> str:
        done = subprocess.run(
            command, cwd=self.directory, env=self.environment, capture_output=True, text=True, check=False
        )
        said = done.stdout + done.stderr
        assert bool(done.returncode) is fails, said
        return said if "--json" not in command else done.stdout


def checkout(directory: Path, pulumi_home: Path, aws: Aws, stack: str) -> Checkout:
    """Makes the copy and its stack."""
    directory.mkdir()
    ignored = shutil.ignore_patterns("__pycache__")
    for name in ("stacks", "local", "standins"):
        shutil.copytree(ROOT / name, directory / name, ignore=ignored)
    for name in ("components", "ml", ".venv"):
        (directory / name).symlink_to(ROOT / name)
    shutil.copy(ROOT / "Pulumi.yaml", directory)
    backend = directory / "backend"
    backend.mkdir()
    made = Checkout(
        directory,
        {
            **os.environ, **plugins.environment(), **aws.environment, "PULUMI_HOME": str(pulumi_home),
            "PULUMI_BACKEND_URL": f"file://{backend}", "PULUMI_CONFIG_PASSPHRASE": "a passphrase for tests",
        },
    )  # fmt: skip
    made.pulumi("stack", "init", stack)
    return made
