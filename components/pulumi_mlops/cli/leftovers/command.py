"""`pulumi-mlops leftovers STACK`: what prevents a stack from being destroyed."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from pulumi_mlops.cli.errors import DONE, FINDINGS
from pulumi_mlops.cli.leftovers import obstacles
from pulumi_mlops.cli.project import Project, stack_name
from pulumi_mlops.cli.pulumi import Pulumi


def run(arguments: Sequence[str]) -> int:
    """Prints the obstacles; the exit status says whether there are any."""
    parser = argparse.ArgumentParser(
        prog="pulumi-mlops leftovers",
        description="Shows what prevents a stack of the project in the current directory from being destroyed: "
        "protected resources, stacks that read its outputs, and objects in the cluster that could not be deleted "
        "afterwards. Changes nothing. Exit status: 0 nothing prevents it, 1 it could not be checked, 3 something does.",
    )
    parser.add_argument("stack", type=stack_name, help="the stack's name")
    parser.add_argument("--keep-data", action="store_true", help="what prevents a destroy with `--keep-data`")
    given = parser.parse_args(arguments)
    stack: str = given.stack
    keep_data: bool = given.keep_data
    pulumi = Pulumi(Project.find(Path.cwd()).directory)
    found = list(obstacles(stack, pulumi.resources(stack), pulumi, keep_data=keep_data))
    for one in found:
        print(f"{one.reason}\n{one.advice}")
    if not found:
        print(f"nothing prevents stack {stack} from being destroyed")
    return FINDINGS if found else DONE
