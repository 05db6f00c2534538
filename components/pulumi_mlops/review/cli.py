"""`pulumi-mlops-review`: reads previews, and says what a reviewer needs to know."""

import argparse
import gc
import io
import os
import shutil
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import cast

from pulumi_mlops.review import baseline, chart_findings, charts, host, policies
from pulumi_mlops.review.assembly import review
from pulumi_mlops.review.baseline import BaselineError
from pulumi_mlops.review.capacity.fit import fits
from pulumi_mlops.review.command_line import FAILED, OK, REFUSED, Subparsers
from pulumi_mlops.review.cost import command as cost
from pulumi_mlops.review.cost.budget import budgets, exceeded
from pulumi_mlops.review.cost.prices import PricesError
from pulumi_mlops.review.files import load
from pulumi_mlops.review.findings import Judgement
from pulumi_mlops.review.preview import Preview, PreviewError
from pulumi_mlops.review.render.json_document import to_json
from pulumi_mlops.review.render.markdown import Dialect, markdown
from pulumi_mlops.review.render.terminal import MIN_WIDTH, terminal
from pulumi_mlops.review.rules import ExceptionsError
from pulumi_mlops.review.rules import command as rules
from pulumi_mlops.review.view import Outcome, Review

JUDGES: tuple[Callable[[Sequence[Preview]], Judgement], ...] = (rules.judged, policies.judged)
"""What finds fault with previews: our rules, and the policy packs that the preview ran."""
COMMANDS: tuple[Callable[[Subparsers], None], ...] = (
    rules.add_commands,
    cost.add_commands,
    host.add_commands,
)
"""What adds subcommands: each sets the namespace's `run`, which takes the namespace and returns the exit status."""


class Form(StrEnum):
    """What the review is rendered as."""

    GITHUB = "github"
    GITLAB = "gitlab"
    TEXT = "text"
    JSON = "json"


class FailOn(StrEnum):
    """What makes the exit status 3."""

    BLOCKING = "blocking"
    """A finding of a blocking rule."""
    WARNING = "warning"
    """Any finding."""
    DANGER = "danger"
    """A danger."""
    ERROR = "error"
    """A stack whose preview failed or was cut off."""
    NEVER = "never"
    """Nothing."""


def main(argv: Sequence[str] | None = None, program: str = "pulumi-mlops-review") -> int:
    """Runs the command line and returns its exit status; `program` is the name by which it was called."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Where the terminal's character set lacks an arrow.
        cast("io.TextIOWrapper[io.BufferedWriter]", sys.stdout).reconfigure(errors="backslashreplace")
    arguments = _parser(program).parse_args(argv)
    run: Callable[[argparse.Namespace], int] = arguments.run
    return run(arguments)


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=program, description="Reviews of changes, made from Pulumi previews.")
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    comment = subparsers.add_parser(
        "comment",
        help="previews as one comment, as text or as JSON",
        description="Turns previews into one comment. Exit status: 0 fine, 1 the review could not be made, 3 something "
        "that --fail-on names was found.",
    )
    comment.add_argument(
        "files",
        nargs="*",
        type=Path,
        metavar="FILE",
        help="output of `pulumi preview --json --show-sames`; - is standard input",
    )
    comment.add_argument(
        "--stack",
        action="append",
        default=[],
        metavar="NAME=FILE",
        help="a file and the stack it belongs to; needed where the preview failed so early that it does not say",
    )
    comment.add_argument("--format", choices=[one.value for one in Form], default=Form.TEXT, help="default: text")
    comment.add_argument(
        "--fail-on",
        choices=[one.value for one in FailOn],
        action="append",
        help="what makes the exit status 3, several times for several; default: blocking",
    )
    comment.add_argument("--artifact", default="", metavar="NAME_OR_URL", help="where the whole review can be read")
    comment.add_argument(
        "--helm",
        default="",
        metavar="PROGRAM",
        help="a helm program: it renders the charts of releases that are a directory or an archive on this machine, "
        "and the objects that differ are shown; default: they are not",
    )
    comment.add_argument(
        "--fetch-charts",
        action="store_true",
        help="with --helm: fetches the charts that are not on this machine from the repositories that releases name",
    )
    comment.add_argument(
        "--colour",
        choices=("auto", "always", "never"),
        default="auto",
        help="of text; default: auto, which is none without a terminal, or where NO_COLOR is set",
    )
    comment.add_argument(
        "--width", type=_width, help=f"columns of text, {MIN_WIDTH} or more; default: those of the terminal"
    )
    cost.add_options(comment)
    comment.set_defaults(run=_without_collector()(_comment))
    for add_commands in COMMANDS:
        add_commands(subparsers)
    return parser


def _width(text: str) -> int:
    if not text.isdecimal() or int(text) < MIN_WIDTH:
        raise argparse.ArgumentTypeError(f"must be at least {MIN_WIDTH} columns, got {text!r}")
    return int(text)


@contextmanager
def _without_collector() -> Generator[None]:
    """What is read stays until the end: looking through millions of values for garbage would double the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _comment(arguments: argparse.Namespace) -> int:
    try:
        previews = _previews(arguments.files, arguments.stack)
    except (PreviewError, OSError, UnicodeDecodeError) as failure:
        print(f"comment: {failure}", file=sys.stderr)
        return FAILED
    named: str = arguments.helm
    helm = shutil.which(named) if named else None
    if named and not helm:
        print(f"comment: --helm: no executable named {named!r} on PATH", file=sys.stderr)
        return FAILED
    try:
        judgements = [judge(previews) for judge in JUDGES]
        exceptions = rules.exceptions()
        known = baseline.load()
        prices = cost.prices(arguments)
    except (ExceptionsError, BaselineError, PricesError, OSError, UnicodeDecodeError) as failure:
        print(f"comment: {failure}", file=sys.stderr)
        return FAILED
    objects = charts.rendered(previews, Path(helm), fetch=arguments.fetch_charts) if helm else {}
    judgements.append(Judgement(tuple(chart_findings.findings(previews, objects, exceptions))))
    estimates = [cost.estimate(preview, prices) for preview in previews]
    new, old = baseline.split([one for judgement in judgements for one in judgement.findings], known)
    made = review(
        previews,
        findings=[*new, *exceeded(estimates, budgets(arguments.budget))],
        in_baseline=old,
        undecided=[one for judgement in judgements for one in judgement.undecided],
        estimates=estimates,
        artifact=arguments.artifact,
        charts=objects,
        fits=fits(previews),
    )
    sys.stdout.write(_rendered(made, arguments))
    return REFUSED if _refused(made, arguments.fail_on or [FailOn.BLOCKING]) else OK


def _previews(files: Sequence[Path], named: Sequence[str]) -> list[Preview]:
    """The previews, those with a name of their own first.

    Raises:
        PreviewError: a file cannot be read or is no preview, two are of one stack, or there is none.
    """
    found: list[Preview] = []
    for one in named:
        name, separator, file = one.partition("=")
        if not (name and separator and file):
            raise PreviewError(f"--stack must be NAME=FILE, got {one!r}")
        found.append(load(Path(file), name))
    found += map(load, files)
    if not found:
        raise PreviewError("there is no preview to read; name a FILE, or --stack NAME=FILE")
    names = [preview.stack for preview in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise PreviewError(
            f"two files are previews of the stack {twice[0]!r}; give each its own name by --stack NAME=FILE"
        )
    return found


def _rendered(made: Review, arguments: argparse.Namespace) -> str:
    form = Form(arguments.format)
    if form == Form.JSON:
        return to_json(made)
    if form == Form.TEXT:
        colour = arguments.colour == "always" or (arguments.colour == "auto" and _takes_colours())
        return terminal(made, arguments.width or shutil.get_terminal_size((100, 24)).columns, colour=colour)
    return markdown(made, Dialect(form.value))


def _takes_colours() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _refused(made: Review, on: Sequence[FailOn]) -> bool:
    bad = {Outcome.FAILED, Outcome.CUT_OFF}
    found = {
        FailOn.BLOCKING: bool(made.blocking),
        FailOn.WARNING: bool(made.blocking or made.warnings),
        FailOn.DANGER: bool(made.dangers),
        FailOn.ERROR: any(stack.outcome in bad for stack in made.stacks),
    }
    return FailOn.NEVER not in on and any(found[one] for one in on)


if __name__ == "__main__":
    sys.exit(main())
