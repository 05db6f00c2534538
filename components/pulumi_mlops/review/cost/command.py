"""The subcommand `cost`: what each preview's stack costs a month, on the terminal, as Markdown or as JSON."""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

from pulumi_mlops.review.command_line import FAILED, OK, REFUSED, Subparsers
from pulumi_mlops.review.cost import budget
from pulumi_mlops.review.cost.estimator import estimate
from pulumi_mlops.review.cost.prices import PriceList, PricesError, load_with
from pulumi_mlops.review.cost.prices import load as load_prices
from pulumi_mlops.review.estimate import Estimate
from pulumi_mlops.review.files import load
from pulumi_mlops.review.findings import Level
from pulumi_mlops.review.preview import PreviewError
from pulumi_mlops.review.printable import visible
from pulumi_mlops.review.render import cost_report, estimates

FORMATS = ("text", "markdown", "json")


def add_commands(subparsers: Subparsers) -> None:
    """Adds the subcommand to a parser; `arguments.run(arguments)` then runs it and returns the exit status."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "cost",
        help="what each stack costs a month, before and after the change",
        description="Shows what the stack of each preview costs a month, before and after the change. Exit status: 0 "
        "fine, 1 a file could not be read, 3 a change goes beyond a budget.",
    )
    parser.add_argument(
        "files",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="output of `pulumi preview --json --show-sames`; named like the stack, such as foundation-dev.json",
    )
    parser.add_argument("--format", choices=FORMATS, default="text", help="default: text")
    add_options(parser)
    parser.set_defaults(run=run)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds `--prices` and `--budget`, which the comment has as well."""
    parser.add_argument(
        "--prices",
        type=Path,
        metavar="FILE",
        help="TOML with prices that count before those of the package, such as those of another region: docs/cost.md",
    )
    parser.add_argument("--budget", action="append", default=[], type=budget.budget, metavar="USD", help=budget.HELP)


def prices(arguments: argparse.Namespace) -> PriceList:
    """The prices that the options name.

    Raises:
        PricesError: they name a file that cannot be used.
    """
    return load_with(arguments.prices) if arguments.prices else load_prices()


def run(arguments: argparse.Namespace) -> int:
    """Prints the estimates of all files, or what is wrong with the first that cannot be read."""
    try:
        table = prices(arguments)
        found = [estimate(load(file), table) for file in arguments.files]
    except (PreviewError, PricesError) as failure:
        print(f"cost: {failure}", file=sys.stderr)
        return FAILED
    print(_printed(found, arguments.format), end="")
    beyond = list(budget.exceeded(found, budget.budgets(arguments.budget)))
    for one in beyond:
        print(visible(f"cost: {one.stack} {one.message}"), file=sys.stderr)
    return REFUSED if any(one.level == Level.BLOCKING for one in beyond) else OK


def _printed(found: list[Estimate], form: str) -> str:
    if form == "json":
        return json.dumps([estimates.document(one) for one in found], indent=2) + "\n"
    render: Callable[[Estimate], str] = cost_report.markdown if form == "markdown" else cost_report.text
    return "\n".join(render(one) for one in found)
