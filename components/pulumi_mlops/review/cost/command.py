"""The subcommand `cost`: what each preview's stack costs a month, on the terminal, as Markdown or as JSON."""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

from pulumi_mlops.review.command_line import FAILED, OK, Subparsers
from pulumi_mlops.review.cost.estimator import estimate
from pulumi_mlops.review.estimate import Estimate
from pulumi_mlops.review.files import load
from pulumi_mlops.review.preview import PreviewError
from pulumi_mlops.review.render import cost_report, estimates

FORMATS = ("text", "markdown", "json")


def add_commands(subparsers: Subparsers) -> None:
    """Adds the subcommand to a parser; `arguments.run(arguments)` then runs it and returns the exit status."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "cost", help="what each stack costs a month, before and after the change", description=__doc__
    )
    parser.add_argument(
        "files",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="output of `pulumi preview --json --show-sames`; named like the stack, such as foundation-dev.json",
    )
    parser.add_argument("--format", choices=FORMATS, default="text", help="default: text")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Prints the estimates of all files, or what is wrong with the first that cannot be read."""
    try:
        found = [estimate(load(file)) for file in arguments.files]
    except PreviewError as failure:
        print(f"cost failed: {failure}", file=sys.stderr)
        return FAILED
    print(_printed(found, arguments.format), end="")
    return OK


def _printed(found: list[Estimate], form: str) -> str:
    if form == "json":
        return json.dumps([estimates.document(one) for one in found], indent=2) + "\n"
    render: Callable[[Estimate], str] = cost_report.markdown if form == "markdown" else cost_report.text
    return "\n".join(render(one) for one in found)
