"""`pulumi-mlops-review post`: writes what it reads into one comment of a change, or into one issue."""

import argparse
import sys
from pathlib import Path

from pulumi_mlops.review.command_line import FAILED, OK, Subparsers
from pulumi_mlops.review.git_host import GitHostKind
from pulumi_mlops.review.host.errors import HostError

DEFAULT_MARKER = "preview"


def add_command(subparsers: Subparsers) -> None:
    """Adds `post`."""
    parser = subparsers.add_parser(
        "post",
        help="write standard input into one comment of a change, or into one issue",
        description="Writes standard input into one comment of a pull or merge request (--pull), or into one issue "
        "(--issue), which a hidden marker finds again. The token comes from an environment variable or a file.",
    )
    parser.add_argument(
        "--host", required=True, type=GitHostKind, choices=list(GitHostKind), help="which API the Git host speaks"
    )
    parser.add_argument("--repository", required=True, help="owner/name; on GitLab the whole path")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--pull", type=_number, help="number of the pull or merge request")
    where.add_argument("--issue", metavar="TITLE", help="title of the issue, if it has to be opened")
    parser.add_argument(
        "--marker", default=DEFAULT_MARKER, help=f"name of the comment or issue; default: {DEFAULT_MARKER}"
    )
    parser.add_argument("--only-update", action="store_true", help="write only where our comment or issue exists")
    parser.add_argument("--close", action="store_true", help="with --issue: close it; nothing is read")
    parser.add_argument("--author", help="the user that the token belongs to; default: the host is asked")
    parser.add_argument("--api-url", help="base of the API; default: that of github.com or gitlab.com")
    secret = parser.add_mutually_exclusive_group()
    secret.add_argument("--token-env", metavar="NAME", help="environment variable that holds the token")
    secret.add_argument("--token-file", metavar="FILE", type=Path, help="file that holds the token")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    from pulumi_mlops.review.host.post import post  # noqa: PLC0415 - the other subcommands need no HTTP

    try:
        print(post(arguments))
    except HostError as error:
        print(f"post: {error}", file=sys.stderr)
        return FAILED
    return OK


def _number(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"must be the number of a pull or merge request, got {text!r}")
    return int(text)
