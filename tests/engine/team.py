"""A team's own project, whose program is the README's, beside a platform that is up."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from local.paths import ROOT

STACK = "churn"


def program() -> str:
    """The program that the README shows."""
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    return code


@dataclass(frozen=True)
class Team:
    """The project and its stack, in the backend of the platform."""

    executable: Path
    directory: Path
    environment: Mapping[str, str]

    def run(self, *arguments: str) -> str:
        """What the CLI prints; it must end well."""
        done = subprocess.run(
            [str(self.executable), *arguments, "--non-interactive", "--color", "never"],
            cwd=self.directory,
            env=dict(self.environment),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def resources(self) -> dict[str, dict[str, Any]]:
        """The resources of the state by name."""
        state = json.loads(self.run("stack", "export"))["deployment"]["resources"]
        return {one["urn"].rpartition("::")[2]: one for one in state}


@contextmanager
def brought_up(executable: Path, directory: Path, environment: Mapping[str, str], **config: str) -> Iterator[Team]:
    """The README's program, brought up with these settings of its stack, and destroyed at the end."""
    directory.mkdir()
    runtime = {"name": "python", "options": {"toolchain": "pip", "virtualenv": sys.prefix}}
    (directory / "Pulumi.yaml").write_text(yaml.safe_dump({"name": STACK, "runtime": runtime}))
    (directory / "__main__.py").write_text(program())
    team = Team(executable, directory, environment)
    team.run("stack", "init", STACK)
    for key, value in config.items():
        team.run("config", "set", key, value)
    team.run("up", "--yes", "--skip-preview")
    yield team
    team.run("state", "unprotect", "--all", "--yes")
    team.run("destroy", "--yes", "--skip-preview")
