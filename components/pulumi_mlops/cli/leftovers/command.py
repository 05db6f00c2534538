"""`pulumi-mlops leftovers STACK`: what stands in the way of destroying a stack."""

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
        description="Shows what stands in the way of destroying a stack of the project in the current directory: what "
        "is protected, stacks that read its outputs, and objects in the cluster that nobody could delete afterwards. "
        "Changes nothing. Exit status: 0 nothing stands in the way, 1 it could not be found out, 3 something does.",
    )
    parser.add_argument("stack", type=stack_name, help="the stack's name")
    parser.add_argument(
        "--keep-data", action="store_true", help="what stands in the way of a destroy with `--keep-data`"
    )
    given = parser.parse_args(arguments)
    stack: str = given.stack
    keep_data: bool = given.keep_data
    pulumi = Pulumi(Project.find(Path.cwd()).directory)
    found = list(obstacles(stack, pulumi.resources(stack), pulumi, keep_data=keep_data))
    for one in found:
        print(f"{one.reason}\n{one.advice}")
    if not found:
        print(f"nothing stands in the way of destroying stack {stack}")
    return FINDINGS if found else DONE
