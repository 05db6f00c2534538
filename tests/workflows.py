"""The workflows of .github, read, and their own commands run as a runner of GitHub Actions would run them."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from local.paths import ROOT

DIRECTORY = ROOT / ".github" / "workflows"
EXPRESSION = re.compile(r"\$\{\{\s*(.+?)\s*\}\}")

COMMAND = f"""#!{sys.executable}
import sys
sys.path[:0] = [{str(ROOT / "components")!r}]
from pulumi_mlops.review.cli import main
sys.exit(main())
"""
"""The console script, of this checkout."""
SHELLS = {"": ["bash", "-e"], "bash": ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail"]}
"""What a runner starts for `shell`; without one, a failure within a pipe is not seen."""


def load(name: str) -> dict[str, Any]:
    """A workflow; `on`, which YAML 1.1 takes for a truth value, under its name."""
    return parse((DIRECTORY / name).read_text())


def parse(text: str) -> dict[str, Any]:
    """The workflow in the text."""
    document = yaml.safe_load(text)
    return {("on" if key is True else key): value for key, value in document.items()}


def step(workflow: str, job: str, name: str) -> dict[str, Any]:
    """A step by its name."""
    document = load(workflow)
    (found,) = [one for one in document["jobs"][job]["steps"] if one.get("name") == name]
    return {**document.get("defaults", {}).get("run", {}), **found}


@dataclass
class Runner:
    """A directory in which steps run one after the other, with the files that a runner gives them."""

    directory: Path
    temporary: Path
    context: dict[str, str] = field(default_factory=dict)
    """Values of expressions, such as `inputs.stacks`."""
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        command = self.temporary / "bin" / "pulumi-mlops-review"
        command.parent.mkdir(parents=True)
        command.write_text(COMMAND)
        command.chmod(0o755)
        self.summary.touch()

    @property
    def summary(self) -> Path:
        return self.temporary / "summary.md"

    def run(self, step: Mapping[str, Any]) -> "subprocess.CompletedProcess[str]":
        """Runs the step's command; what it sets as outputs is in the context afterwards."""
        outputs = self.temporary / "outputs"
        outputs.write_text("")
        given = {key: self.value(text) for key, text in step.get("env", {}).items()}
        done = subprocess.run(
            [*SHELLS[step.get("shell", "")], "-c", step["run"]],
            cwd=self.directory,
            env={
                "PATH": f"{self.temporary / 'bin'}:{os.environ['PATH']}",
                "HOME": str(self.temporary),
                "GITHUB_OUTPUT": str(outputs),
                "GITHUB_STEP_SUMMARY": str(self.summary),
                **self.environment,
                **given,
            },
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        for line in outputs.read_text().splitlines():
            key, _, value = line.partition("=")
            self.context[f"steps.{step['id']}.outputs.{key}"] = value
        return done

    def value(self, text: str) -> str:
        """The text with its expressions replaced."""
        return EXPRESSION.sub(lambda found: self.context[found[1]], str(text))
