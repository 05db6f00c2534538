"""The subcommand `rules`: which rules there are, and what previews break. Also what the comment asks for findings."""

import argparse
import sys
from collections.abc import Collection, Sequence
from pathlib import Path

from pulumi_mlops.review import baseline, rules
from pulumi_mlops.review.baseline import BaselineError
from pulumi_mlops.review.command_line import FAILED, OK, REFUSED, Subparsers
from pulumi_mlops.review.files import load
from pulumi_mlops.review.findings import Judgement, Level
from pulumi_mlops.review.preview import Preview, PreviewError, Urn
from pulumi_mlops.review.printable import visible
from pulumi_mlops.review.render.spans import plural
from pulumi_mlops.review.resources import sides

EXCEPTIONS = Path("review-exceptions.toml")
"""In the directory of the run, which is that of the project."""


def judged(previews: Sequence[Preview]) -> Judgement:
    """What the rules say today, with the exceptions of EXCEPTIONS if there is such a file.

    Raises:
        ExceptionsError: the file is wrong.
    """
    return rules.judged(previews, exceptions())


def exceptions() -> list[rules.Exemption]:
    """The exceptions of EXCEPTIONS; none if there is no such file.

    Raises:
        ExceptionsError: the file is wrong.
    """
    return rules.read(EXCEPTIONS.read_text(encoding="utf-8"), str(EXCEPTIONS)) if EXCEPTIONS.exists() else []


def add_commands(subparsers: Subparsers) -> None:
    """Adds the subcommand to a parser; `arguments.run(arguments)` then runs it and returns the exit status."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "rules",
        help="the rules, their reasons and exceptions; with files, what these break and what is not decided yet",
        description="Lists the rules, or what the previews in files break. Exit status: 0 fine, 1 a file could not be "
        "read, or its preview did not come to its end, 3 a blocking rule is broken.",
    )
    parser.add_argument(
        "files",
        nargs="*",
        type=Path,
        metavar="FILE",
        help="output of `pulumi preview --json --show-sames`; named like the stack, such as foundation-dev.json",
    )
    parser.add_argument(
        "--write-baseline",
        action="store_true",
        help=f"write what the files break into {baseline.FILE}, in place of what it has of their stacks: "
        "from then on only other findings break a review",
    )
    parser.add_argument("--format", choices=("text", "markdown"), default="text", help="of the list; default: text")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Lists the rules, or judges the files."""
    if not arguments.files and not arguments.write_baseline:
        print(table() if arguments.format == "markdown" else listing(), end="")
        return OK
    try:
        previews = [load(file) for file in arguments.files]
        found = judged(previews)
        known = baseline.load()
        if arguments.write_baseline:
            return _write(previews, found, known)
    except (OSError, UnicodeDecodeError, PreviewError, rules.ExceptionsError, BaselineError) as failure:
        print(f"rules: {failure}", file=sys.stderr)
        return FAILED
    new, old = baseline.split(found.findings, known)
    for one in new:
        print(visible(f"{one.level}: {one.stack}: {Urn.parse(one.urn).name}: {one.message} [{one.rule}]"))
        print(f"  {one.fix}")
    for one in found.undecided:
        print(visible(f"not decided before up: {one.stack}: {Urn.parse(one.urn).name}: {one.path} [{one.rule}]"))
    unseen = [_unseen(preview) for preview in previews if not preview.complete]
    for one in unseen:
        print(f"rules: {one}", file=sys.stderr)
    if old:
        print(f"in the baseline: {len(old)}")
    if any(one.level == Level.BLOCKING for one in new):
        return REFUSED
    return FAILED if unseen else OK


def _write(previews: Sequence[Preview], found: Judgement, known: Collection[baseline.Entry]) -> int:
    """Writes the baseline; a preview without what stays the same, or that failed, would leave findings out."""
    if not previews:
        print("rules: --write-baseline requires a FILE for each stack", file=sys.stderr)
        return FAILED
    for preview in previews:
        if reason := _unseen(preview) if not preview.complete else _hidden(preview):
            print(f"rules: {reason}; {baseline.FILE} is not written", file=sys.stderr)
            return FAILED
    stacks = {preview.stack for preview in previews}
    kept = [one for one in known if one[baseline.FIELDS.index("stack")] not in stacks]
    baseline.FILE.write_text(baseline.written(found.findings, kept), encoding="utf-8")
    print(f"{baseline.FILE}: {plural(len(found.findings), 'finding')} of {', '.join(sorted(stacks))}")
    return OK


def _hidden(preview: Preview) -> str:
    """Why a preview does not show all resources; empty where it does."""
    if sides(preview).hidden:
        return f"the preview of {preview.stack} was made without --show-sames, so that not all of it is judged"
    return ""


def _unseen(preview: Preview) -> str:
    why = "failed" if preview.errors else "was cut off"
    return visible(f"the preview of {preview.stack} {why}: the rules have seen no more than what it shows")


def listing() -> str:
    """The rules for a terminal."""
    return "\n".join(
        f"{rule.id} ({rule.level}): {rule.title}\n"
        f"  why: {rule.why}\n  fix: {rule.fix}\n  unknown: {rule.unknown}\n  except: {_exception(rule.id)}\n"
        for rule in rules.all_rules()
    )


def table() -> str:
    """The rules as a table in Markdown."""
    columns = ("rule", "level", "requirement", "why", "how to fix it", "what a preview does not judge")
    head = f"| {' | '.join(columns)} |\n{'|---' * len(columns)}|\n"
    return head + "".join(
        f"| `{rule.id}` | {rule.level} | {rule.title} | {rule.why} | {rule.fix} | {rule.unknown} |\n"
        for rule in rules.all_rules()
    )


def _exception(rule: str) -> str:
    return f'annotation or tag {rules.PREFIX}{rule}: "<last day> <reason>", or an entry of {EXCEPTIONS}'
