"""One comment of a preview of 5 000 changed resources, made by the command in a process of its own."""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.report import table
from local.paths import ROOT
from tests.review.reviews import many_text

TITLE = "Comment of a preview of 5 000 changed resources"
STEPS = 5_000
ROUNDS = 5


def measure() -> str:
    """Every step is the recorded change of a Deployment's image, each with another image."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "components")}
    seconds: list[float] = []
    begin_cpu, load = _processor(), os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "large.json"
        file.write_text(many_text(STEPS))
        megabytes = file.stat().st_size / 1e6
        command = [sys.executable, "-m", "pulumi_mlops.review.cli", "comment", "--format", "github", str(file)]
        for _ in range(ROUNDS):
            begin = time.perf_counter()
            subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
            seconds.append(time.perf_counter() - begin)
    row = [
        f"`pulumi-mlops-review comment` with rules and costs, {megabytes:.0f} MB of JSON",
        f"{statistics.median(seconds):.2f} s",
        f"{(_processor() - begin_cpu) / ROUNDS:.2f} s",
    ]
    return (
        table(["", f"median of {ROUNDS}", "processor's time, mean"], [row])
        + f"\n\nTarget at most 1 s of the processor. Load of the machine before: {load:.1f}."
    )


def _processor() -> float:
    """Seconds of the processor that the commands so far have taken: on a busy machine less than they lasted."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
