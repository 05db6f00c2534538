"""The commands of docs/operations.md exist; what they do is proved beside them."""

import ast
import re
import subprocess
import sys

import pytest

from local.paths import ROOT
from tests.contract.test_documentation import text

PAGE = "docs/operations.md"


def commands() -> list[str]:
    return [" ".join(code.split()) for code in re.findall(r"`([^`]+)`", text(PAGE))]


def test_its_make_commands_exist() -> None:
    known = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {word for code in commands() for word in re.findall(r"\bmake ([a-z]+)", code)}

    assert {"status", "plan", "up", "rollback", "release"} <= named
    assert named <= known


@pytest.mark.parametrize("command", sorted(code for code in commands() if code.startswith("pulumi-mlops ")))
def test_its_subcommands_exist(command: str) -> None:
    words = [word for word in command.split()[1:] if word.islower()]
    done = subprocess.run(
        [sys.executable, "-m", "pulumi_mlops.cli", *words, "--help"],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT / "components")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for word in words:
        assert word in done.stdout


def test_what_status_says_is_quoted_as_it_is() -> None:
    source = ast.parse((ROOT / "local" / "cluster_status.py").read_text())
    printed = [one.value for one in ast.walk(source) if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    assert "`NO controller runs`" in text(PAGE)
    assert [one for one in printed if "NO controller runs" in one]
