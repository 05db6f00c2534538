"""`pulumi-mlops repair STACK`: what lets `pulumi up` continue after a run that was killed during a Helm operation."""

import argparse
import shutil
from collections.abc import Sequence
from pathlib import Path

from pulumi_mlops.cli import helm_releases
from pulumi_mlops.cli.errors import DONE, FINDINGS, CommandError
from pulumi_mlops.cli.output import say
from pulumi_mlops.cli.project import Project, stack_name
from pulumi_mlops.cli.pulumi import Pulumi


def run(arguments: Sequence[str]) -> int:
    """Runs the command; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="pulumi-mlops repair",
        description="Finds Helm releases of a stack that a killed `pulumi up` left half installed, half upgraded or "
        "unrecorded, which the next one would refuse (`cannot re-use a name that is still in use`, `another operation "
        "is in progress`). With --yes, rolls them back, uninstalls them or adds them to the state. Requires `helm`. "
        "Exit status: 0 nothing left to repair, 1 failed, 3 something to repair was found and --yes is missing.",
    )
    parser.add_argument("stack", type=stack_name, help="the stack's name")
    parser.add_argument("--yes", action="store_true", help="repair what was found; no other run may be under way")
    given = parser.parse_args(arguments)
    stack: str = given.stack
    pulumi = Pulumi(Project.find(Path.cwd()).directory)
    if given.yes:
        helm_releases.continue_interrupted(stack, pulumi, _helm, None, print)
        say(f"nothing is left to repair: `pulumi up --stack {stack}` can continue")
        return DONE
    found = helm_releases.find(stack, pulumi, _helm, None)
    for one in found:
        print(one.line(done=False))
    if found:
        say(f"if no run of the stack is under way, `pulumi-mlops repair {stack} --yes` does this")
    else:
        say(f"no Helm release of stack {stack} has to be repaired")
    return FINDINGS if found else DONE


def _helm() -> str:
    if found := shutil.which("helm"):
        return found
    raise CommandError("no executable named `helm` on PATH: install Helm 3")
