"""The steps of a training pipeline: their order, what each hands on, and when one is left out."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

WRONG_DATA_EXIT_CODE = 65
"""EX_DATAERR of sysexits.h: the data or the settings are wrong and would be so again, so a retry is useless."""


class Condition(NamedTuple):
    """An output parameter of an earlier step, and the value that it must have."""

    step: str
    output: str
    value: str


class Step(NamedTuple):
    """One step: what its pod requests unless the arguments say otherwise, what it hands on, and when it runs."""

    cpu: str
    memory: str
    timeout_seconds: int
    outputs: tuple[str, ...] = ()
    """Names of its output parameters; each is a file of that name in the outputs directory."""
    only_if: Condition | None = None
    """None: always."""
    needs_endpoint: bool = False
    """Whether it is part of a workflow only if the pipeline has an endpoint."""

    def runs(self, output: Callable[[str], str]) -> bool:
        """Whether the step runs; `output` returns an output parameter of the run by its name."""
        return self.only_if is None or output(self.only_if.output) == self.only_if.value


PASSED, VERDICT, VERSION = "passed", "verdict", "version"
YES, NO = "true", "false"

STEPS: dict[str, Step] = {
    "load": Step("250m", "1Gi", 1800),
    "preprocess": Step("250m", "1Gi", 1800),
    "train": Step("500m", "2Gi", 6 * 3600, (VERSION,)),
    "evaluate": Step("250m", "1Gi", 1800, (PASSED, VERDICT)),
    "deploy": Step("100m", "512Mi", 900, only_if=Condition("evaluate", PASSED, YES), needs_endpoint=True),
}
"""By name, in the order they run. The program of a step is `module`."""


def module(step: str) -> str:
    """The module that runs a step, as `python -m` takes it."""
    return f"ml.{step}"


def run(execute: Callable[[str], None], outputs: Path) -> str | None:
    """Executes the steps one after the other, outside a cluster.

    `execute` runs one step by its name and raises if it fails. `outputs` is the directory that the steps write their
    output parameters to. A step whose condition does not hold ends the run.

    Returns the name of that step, or None if all steps ran.
    """
    for name, step in STEPS.items():
        if not step.runs(lambda output: (outputs / output).read_text(encoding="utf-8")):
            return name
        execute(name)
    return None
