"""What the commands of the Makefile say when they fail."""

import sys
import threading
from pathlib import Path

import pytest

from local import __main__ as command
from local import exclusive, node, progress


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A program that has started no step, on a machine without a node and without a chosen cluster."""
    monkeypatch.setattr(progress, "_BEGUN", threading.Event())
    monkeypatch.setattr(node, "running", lambda: None)
    monkeypatch.setattr(exclusive, "STATE", tmp_path)
    monkeypatch.delenv("KUBE_CONTEXT", raising=False)


def test_a_delivery_without_a_platform_has_nothing_to_continue(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["local", "deliver"])

    assert command.main() == 1
    (said,) = capsys.readouterr().err.splitlines()
    assert "deliver failed: the node does not run here; `make up` starts it" in said


def test_a_command_that_fails_in_a_step_says_how_to_continue(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: object) -> int:
        with progress.step("a part"):
            raise progress.StepFailed("it does not start")

    monkeypatch.setattr(sys, "argv", ["local", "up"])
    monkeypatch.setattr(command, "_run", fail)

    assert command.main() == 1
    said = capsys.readouterr().err.splitlines()
    assert said[-1].endswith("what was done so far stays; `make up` again continues from there")
