"""How the program of the stacks ends under a language host that handles a RunError alone, as the published one does."""

import os
import signal
import subprocess
import sys

from local.paths import ROOT

PUBLISHED = f"""
import runpy, sys, time
import pulumi
sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / "components")!r}]
from stacks import configuration
def layer():
    {{}}
configuration.layer = layer
try:
    runpy.run_path({str(ROOT / "stacks" / "__main__.py")!r}, run_name="__main__")
except pulumi.RunError as error:
    pulumi.log.error(str(error))
    sys.exit(1)
"""


def started(layer: str) -> "subprocess.Popen[str]":
    """The program, whose first step is the statement."""
    code = PUBLISHED.replace("{}", layer)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=os.environ, text=True, **pipes)


def test_a_wrong_setting_is_one_line_to_which_the_host_adds_none() -> None:
    with started("raise configuration.SettingsError('size must be at least 1, got 0')") as program:
        _, said = program.communicate()

    assert said == "error: size must be at least 1, got 0\n"
    assert program.returncode == 32


def test_a_program_that_is_interrupted_says_nothing() -> None:
    with started("print('here', flush=True); time.sleep(600)") as program:
        assert program.stdout
        assert program.stdout.readline() == "here\n"
        program.send_signal(signal.SIGINT)
        _, said = program.communicate()

    assert said == ""
    assert program.returncode == 32
