"""`pulumi-mlops-review stacks`: the stacks of a repository, or those that a change touches, as Git tells it."""

import argparse
import json
import subprocess
import sys
from pathlib import Path

from pulumi_mlops.review import changed
from pulumi_mlops.review.changed import StacksError
from pulumi_mlops.review.command_line import FAILED, OK, Subparsers

DEFAULT_BASE = "origin/main"
ADVICE = (
    ("Not a valid object name", "; name the branch by --base, or get it by `git fetch origin`"),
    ("not a git repository", "; run this in a clone"),
)
"""Part of a message of git, and what to do about it."""


def add_command(subparsers: Subparsers) -> None:
    """Adds `stacks`."""
    parser = subparsers.add_parser(
        "stacks",
        help="list the stacks, or those that a change touches",
        description="Lists the stacks of the repository around the current directory, or those that the change from "
        "--base to the working tree touches by their settings, their dependencies and what their programs import.",
    )
    parser.add_argument("--changed", action="store_true", help="only those that the change touches")
    parser.add_argument(
        "--base", default=DEFAULT_BASE, help=f"what the change is to be merged into; default: {DEFAULT_BASE}"
    )
    parser.add_argument("--match", default="*", metavar="PATTERN", help="only those whose names fit, such as 'prod-*'")
    parser.add_argument(
        "--format",
        choices=("lines", "json"),
        default="lines",
        help="a name a line; or JSON for the `include` of a matrix: name (unique), stack, directory",
    )
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    try:
        print(_listed(arguments), end="")
    except StacksError as error:
        print(f"stacks: {error}", file=sys.stderr)
        return FAILED
    return OK


def _listed(arguments: argparse.Namespace) -> str:
    root = Path(_git(Path.cwd(), "rev-parse", "--show-toplevel").strip())
    files = _files(root)
    chosen = changed.touched(files, _paths(root, arguments.base)) if arguments.changed else changed.stacks(files)
    named = changed.named(changed.matching(chosen, arguments.match))
    if arguments.format == "lines":
        return "".join(f"{name}\n" for name in named)
    entries = [{"name": name, "stack": one.name, "directory": one.directory or "."} for name, one in named.items()]
    return f"{json.dumps(entries)}\n"


def _files(root: Path) -> dict[str, str]:
    """Texts of the files that decide, those that Git does not know yet included."""
    listed = _git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    return {
        path: (root / path).read_text(encoding="utf-8", errors="replace")
        for path in listed
        if path and changed.is_read(path) and (root / path).is_file()
    }


def _paths(root: Path, base: str) -> list[str]:
    """Paths that differ between the working tree and where it left the base; both ends of a renamed one."""
    fork = _git(root, "merge-base", "--end-of-options", base, "HEAD").strip()
    differ = _git(root, "diff", "--name-only", "--no-renames", "-z", fork)
    new = _git(root, "ls-files", "-z", "--others", "--exclude-standard")
    return [path for path in (differ + new).split("\0") if path]


def _git(directory: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], cwd=directory, capture_output=True, check=False)
    except FileNotFoundError:
        raise StacksError("git is not on PATH; the stacks of a change are read from the repository's history") from None
    if done.returncode == 0:
        return done.stdout.decode(errors="surrogateescape")
    said = done.stderr.decode(errors="replace").strip().splitlines()
    reason = said[0] if said else f"exit status {done.returncode}"
    hint = next((advice for part, advice in ADVICE if part in reason), "")
    if not hint and arguments[0] == "merge-base":
        hint = "; a shallow clone lacks the history: `git fetch --unshallow` gets it"
    raise StacksError(f"`git {arguments[0]}` failed: {reason}{hint}")
