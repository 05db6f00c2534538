"""`make up` where containers cannot run: without any capability it still ends with a prediction at the same path."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from local.paths import ROOT

pytestmark = pytest.mark.engine

DROPPED = ("setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs")
"""Runs a program as the same user with no capability at all, and no way to get one."""


@pytest.fixture
def bare(tmp_path: Path):
    """Runs a word of the Makefile's without capabilities and with a state of its own; takes it down at the end."""
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv (util-linux) is needed to drop capabilities")

    def make(word: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*DROPPED, "make", "--no-print-directory", word],
            cwd=ROOT,
            env={**os.environ, "XDG_STATE_HOME": str(tmp_path)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    yield make
    make("down")


def test_the_loop_runs_as_processes_to_a_prediction_at_the_same_path(bare):
    up = bare("up")

    assert up.returncode == 0, up.stdout
    assert "containers cannot run here" in up.stdout
    assert "Resources:" in up.stdout  # the plan
    assert re.search(r"POST http://127\.0\.0\.1:\d+/seldon/penguins/penguins/api/v1\.0/predictions", up.stdout)
    assert re.search(r"-> Adelie \([01]\.\d\d\)", up.stdout)

    train, predict, again = bare("train"), bare("predict"), bare("up")
    assert [done.returncode for done in (train, predict, again)] == [0, 0, 0], train.stdout + again.stdout
    first, second = (re.search(r"version (\S+)", done.stdout).group(1) for done in (up, predict))
    assert first != second

    down = bare("down")
    assert down.returncode == 0
    assert "process mlflow" in down.stdout
    assert "nothing runs" in bare("status").stdout
