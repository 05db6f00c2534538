"""`make plan` of each stack on AWS: the whole plan, without account, login or cluster."""

import os
import statistics
import subprocess
import time

from bench.report import table
from local import planning, stack_files
from local.paths import ROOT

TITLE = "Plan of a stack on AWS without an account"
ROUNDS = 3
TARGET_SECONDS = 30


def measure() -> str:
    """Runs the command as a person would, one stack after the other."""
    load = os.getloadavg()[0]
    stacks = [stack for stack in stack_files.names() if planning.on_aws(stack)]
    seconds = {stack: [_plan(stack) for _ in range(ROUNDS)] for stack in stacks}
    rows = [
        [f"`make plan STACK={stack}`", f"{statistics.median(found):.1f} s", f"{max(found):.1f} s"]
        for stack, found in seconds.items()
    ]
    reached = max(statistics.median(found) for found in seconds.values()) <= TARGET_SECONDS
    return (
        table(["", f"median of {ROUNDS}", "most"], rows)
        + f"\n\nTarget: at most {TARGET_SECONDS} s each: {'' if reached else 'not '}reached. "
        + f"The machine's load before the run was {load:.1f}."
    )


def _plan(stack: str) -> float:
    begin = time.perf_counter()
    subprocess.run(["make", "plan", f"STACK={stack}"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begin
