"""`pulumi-mlops-review drift`: the stacks whose resources are no longer what their state says.

Reads `pulumi refresh --preview-only --json`, which has the form of a preview. Does not say what differs: the comment of
the same file does.
"""

import argparse
import sys
from pathlib import Path

from pulumi_mlops.review.command_line import FAILED, OK, Subparsers
from pulumi_mlops.review.engine_errors import SILENT, one_line
from pulumi_mlops.review.files import load
from pulumi_mlops.review.preview import Operation, Preview, PreviewError
from pulumi_mlops.review.reading import Output

LOOKED_AT = (Operation.SAME, Operation.REFRESH, Operation.READ)
"""What a refresh does with a resource that is as its state says."""

REFRESH = Output("refresh", "pulumi refresh --preview-only --json")


def drifted(refresh: Preview) -> bool:
    """Whether a resource changed or is gone, by the engine's own counts.

    Raises:
        PreviewError: the refresh did not come to its end, so that nobody knows.
    """
    if not refresh.complete:
        silent = f"it ended with an error {SILENT}" if refresh.errors else "its output is cut off"
        reason = next((said for one in refresh.errors if (said := one_line(one))), silent)
        raise PreviewError(f"the refresh of {refresh.stack} did not come to its end: {reason}")
    return any(count for operation, count in refresh.summary.items() if operation not in LOOKED_AT)


def add_command(subparsers: Subparsers) -> None:
    """Adds `drift`."""
    parser = subparsers.add_parser(
        "drift",
        help="list the stacks that drifted",
        description="Lists the names of the stacks, a line each, whose resources are no longer what their state says. "
        "The files are what `pulumi refresh --preview-only --json` writes.",
    )
    parser.add_argument("--stack", action="append", required=True, type=_stack, metavar="NAME=FILE", help="repeatable")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    failed = False
    for name, file in arguments.stack:
        try:
            if drifted(load(file, name, REFRESH)):
                print(name)
        except PreviewError as error:
            print(f"drift: {error}", file=sys.stderr)
            failed = True
    return FAILED if failed else OK


def _stack(text: str) -> tuple[str, Path]:
    name, _, file = text.partition("=")
    if not name or not file:
        raise argparse.ArgumentTypeError(f"must be NAME=FILE, got {text!r}")
    return name, Path(file)
