"""Writes standard input into one comment of a change, or into one issue: what `pulumi-mlops-review post` does."""

import argparse
import re
import sys

from pulumi_mlops.review.git_host import GitHostKind
from pulumi_mlops.review.host import dialects, token
from pulumi_mlops.review.host.client import Client, StatusError
from pulumi_mlops.review.host.dialects import Comments, Issues, Place
from pulumi_mlops.review.host.errors import HostError
from pulumi_mlops.review.host.upsert import Marker, close, upsert


def post(arguments: argparse.Namespace) -> str:
    """Returns what was done, in one line; raises HostError."""
    kind: GitHostKind = arguments.host
    marker = Marker(arguments.marker)
    if arguments.close and arguments.issue is None:
        raise HostError("--close needs --issue: a comment is not closed, it is written over")
    body = "" if arguments.close else _body(kind, marker)
    client = Client(_url(kind, arguments.api_url), _token(kind, arguments))
    place, what, permission = _place(kind, client, arguments)
    try:
        author = arguments.author or dialects.writer(kind, client)
        if arguments.close:
            done = close(place, marker, author)
        else:
            done = upsert(place, marker, author, body, only_update=arguments.only_update)
    except StatusError as error:
        raise dialects.explained(error, kind, what, permission, client.token.source) from None
    return f"{what}: {done}"


def _body(kind: GitHostKind, marker: Marker) -> str:
    try:
        body = sys.stdin.buffer.read().decode()
    except UnicodeDecodeError:
        raise HostError("standard input is no text in UTF-8; nothing was written") from None
    if not body.strip():
        raise HostError("standard input is empty; nothing was written")
    longest = dialects.LONGEST_BODY[kind]
    long, unit = dialects.length(kind, marker.on(body))
    if long > longest:
        raise HostError(f"the text has {long} {unit} with its marker, and {kind} takes {longest}; nothing was written")
    return body


def _url(kind: GitHostKind, given: str | None) -> str:
    url = given or dialects.DEFAULT_URLS.get(kind)
    if url is None:
        raise HostError(
            f"--api-url is required for {kind}: the base of its API, such as https://git.example.org/api/v1"
        )
    return url


def _token(kind: GitHostKind, arguments: argparse.Namespace) -> token.Token:
    if arguments.token_file:
        return token.of_file(arguments.token_file)
    return token.of_environment(arguments.token_env or dialects.DEFAULT_TOKENS[kind])


def _place(kind: GitHostKind, client: Client, arguments: argparse.Namespace) -> tuple[Place, str, str]:
    """Where to write, its name for messages, and the permission that it takes."""
    repository: str = arguments.repository
    part = r"(?!\.\.?(?:/|$))[\w.-]+"  # no "..": it would lead to another path of the API
    pattern = rf"{part}(?:/{part})+" if kind is GitHostKind.GITLAB else rf"{part}/{part}"
    if not re.fullmatch(pattern, repository, re.ASCII):
        raise HostError(f"--repository must be owner/name, got {repository!r}")
    if arguments.issue is not None:
        if not arguments.issue.strip():
            raise HostError("--issue must be the title of the issue, and it is empty")
        what = f"issue {arguments.issue!r} of {repository}"
        return Issues(kind, client, repository, arguments.issue), what, dialects.ISSUE_PERMISSION[kind]
    what = f"comment on request {arguments.pull} of {repository}"
    return Comments(kind, client, repository, arguments.pull), what, dialects.COMMENT_PERMISSION[kind]
