"""`pulumi-mlops plan STACK`: a preview by the user's own Pulumi CLI, read by the review."""

import argparse
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from pulumi_mlops.cli.errors import FAILED
from pulumi_mlops.cli.output import say
from pulumi_mlops.cli.project import Project, stack_name
from pulumi_mlops.cli.pulumi import Pulumi, advice, executable
from pulumi_mlops.review import cli as review

FAIL_ON = ("blocking", "warning", "danger", "never")

HELM = "helm"
"""The program that renders the charts of releases, where there is one."""


def run(arguments: Sequence[str]) -> int:
    """Runs the command; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="pulumi-mlops plan",
        description="Previews a stack of the project in the current directory, and says what the change means: "
        "dangers, broken rules, costs, and what changes by component. Changes nothing. Exit status: 0 fine, 1 the "
        "preview failed, 3 something that --fail-on names was found.",
    )
    parser.add_argument("stack", type=stack_name, help="the stack's name")
    parser.add_argument("--fail-on", choices=FAIL_ON, default=FAIL_ON[0], help="what makes the exit status 3")
    given = parser.parse_args(arguments)
    return plan(given.stack, Project.find(Path.cwd()), given.fail_on)


def plan(stack: str, project: Project, fail_on: str) -> int:
    """Previews the stack and prints the review; returns the exit status.

    Raises:
        CommandError: there is no preview to read: no CLI, no login, no such stack.
    """
    executable()
    say(f"previewing stack {stack} …")
    done = Pulumi(project.directory).preview(stack)
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "preview.json"
        file.write_text(done.stdout)
        charts = ["--helm", HELM, "--fetch-charts"] if shutil.which(HELM) else []
        words = ["comment", "--stack", f"{stack}={file}", "--fail-on", fail_on, *charts]
        status = review.main(words, "pulumi-mlops plan")
    if not charts:
        say("plan: no helm on PATH, so that charts are not rendered: values that a chart refuses fail in `up`")
    if not done.returncode:
        return status
    if what_to_do := advice(done.stdout):
        say(f"plan: {what_to_do}")
    return FAILED
