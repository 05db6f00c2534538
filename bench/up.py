"""`make up` from a stopped platform, with tools, images and environment cached."""

import os
import statistics
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from bench.report import table
from local.paths import ROOT

TITLE = "`make up` with everything cached → served prediction"
ROUNDS = 3


def measure() -> str:
    """Takes the platform of this machine down and up again a few times, and leaves it up."""
    seconds = []
    for _ in range(ROUNDS):
        make(ROOT, "down")
        seconds.append(timed_up(ROOT))
    rows = [[f"{statistics.median(seconds):.0f} s", f"{min(seconds):.0f} s", f"{max(seconds):.0f} s"]]
    return table([f"median of {ROUNDS}", "least", "most"], rows) + "\n\nTarget: at most 90 s."


def timed_up(directory: Path, environment: Mapping[str, str] | None = None) -> float:
    """Seconds that `make up` takes."""
    begin = time.monotonic()
    make(directory, "up", environment)
    return time.monotonic() - begin


def make(directory: Path, word: str, environment: Mapping[str, str] | None = None) -> None:
    """Runs a word of the Makefile's, which must succeed."""
    subprocess.run(["make", word], cwd=directory, env={**os.environ, **(environment or {})}, check=True)
