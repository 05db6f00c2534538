"""Running a program for a step: its output goes to a log, and its failure is one sentence with the log's end."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from local.paths import CACHE
from local.progress import StepFailed

LOGS = CACHE / "images" / "logs"
LINES_OF_OUTPUT = 12
"""How much of a log an error quotes."""


def run(
    step: str,
    command: Sequence[str],
    *,
    stdin: IO[bytes] | None = None,
    environment: Mapping[str, str] | None = None,
    log: Path | None = None,
) -> None:
    """Runs a command of the named step to its end.

    Raises:
        StepFailed: the program is missing or failed; the message has the end of its output and where all of it is.
    """
    log = log or LOGS / f"{step.lower().replace(' ', '-')}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a") as output:
        print("$", *command, file=output, flush=True)
        try:
            done = subprocess.run(
                command, stdin=stdin or subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, check=False,
                env={**os.environ, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive", **(environment or {})},
            )  # fmt: skip
        except FileNotFoundError:
            raise StepFailed(f"{step}: {command[0]} is not installed; install it, then run `make up` again.") from None
    if done.returncode != 0:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-LINES_OF_OUTPUT:])
        raise StepFailed(
            f"{step}: `{command[0]}` ended with status {done.returncode} (whole output: {log}); once the cause is "
            f"gone, run `make up` again, or only this step by `python -m local.images`.\n{tail}"
        )
