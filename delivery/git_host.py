"""Commit statuses and comments by the API of GitHub or Gitea, which differ in where the API is."""

import http.client
import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from delivery.checkout import check_commit
from delivery.errors import DeliveryError

TRIES = 3
PAUSE_SECONDS = 5
REQUEST_SECONDS = 30
QUOTED_CHARACTERS = 200
TOO_MANY_REQUESTS = 429
NO_COMMIT = ("object does not exist", "No commit found")
"""How Gitea (with 500) and GitHub (with 422) say that there is no such commit."""
GITHUB = "github.com"
GITHUB_DATA_RESIDENCY = ".ghe.com"
REPOSITORY = re.compile(r"https?://[^\s/@?#]+(/[\w.-]+){2,}/?")
TOKEN = re.compile(r"[!-~]+")


class Kind(StrEnum):
    """Kind of the Git host."""

    GITHUB = "GITHUB"
    GITEA = "GITEA"


@dataclass(frozen=True)
class Status:
    """What a commit shows under one context; a later status of the same context replaces it."""

    context: str
    state: str
    """pending, success or failure."""
    description: str
    target_url: str | None = None


def api_url(repository: str, kind: Kind) -> str:
    """Address of the repository in the host's API, from the address that it is cloned from."""
    if not REPOSITORY.fullmatch(repository):
        raise DeliveryError(f"--repository must be an http(s) address that ends in <owner>/<name>, got {repository!r}")
    parts = urlsplit(repository)
    *prefix, owner, name = parts.path.strip("/").removesuffix(".git").split("/")
    host = parts.netloc.lower().removeprefix("www.")
    if kind == Kind.GITEA:
        api = "/".join([f"{parts.scheme}://{parts.netloc}", *prefix, "api/v1"])
    elif host == GITHUB or host.endswith(GITHUB_DATA_RESIDENCY):
        api = f"https://api.{host}"
    else:  # GitHub Enterprise Server
        api = f"{parts.scheme}://{parts.netloc}/api/v3"
    return f"{api}/repos/{owner}/{name}"


def set_status(
    repository: str,
    kind: Kind,
    revision: str,
    status: Status,
    token_file: Path,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Sets a status of the commit; tries again where the host does not answer, and raises DeliveryError in the end."""
    body = {
        "context": status.context,
        "state": status.state,
        "description": status.description,
        **({} if status.target_url is None else {"target_url": status.target_url}),
    }
    _post(f"{api_url(repository, kind)}/statuses/{revision}", body, _STATUS, revision, token_file, sleep=sleep)


def comment(
    repository: str, revision: str, text: str, token_file: Path, *, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Comments a commit on GitHub, in Markdown; as `set_status` in all else. Gitea has no such comments."""
    url = f"{api_url(repository, Kind.GITHUB)}/commits/{revision}/comments"
    _post(url, {"body": text}, _COMMENT, revision, token_file, sleep=sleep)


@dataclass(frozen=True)
class _What:
    """What is posted, for the sentence of a refusal."""

    one: str
    many: str
    permission: str


_STATUS = _What("a status", "set commit statuses", "`statuses: write` on GitHub, `write:repository` on Gitea")
_COMMENT = _What("a comment", "comment commits", "`contents: write` on GitHub")


def _post(url: str, body: Any, what: _What, revision: str, token_file: Path, *, sleep: Callable[[float], None]) -> None:
    check_commit(revision)
    token = _token(token_file)
    request = urllib.request.Request(  # noqa: S310 - the address has been checked to be of http or https
        url,
        data=json.dumps(body).encode(),
        method="POST",
        headers={
            "Authorization": f"Bearer {token}",
            "Accept": "application/json",
            "Content-Type": "application/json",
            "User-Agent": "delivery",  # GitHub refuses requests without one
        },
    )
    reason = ""
    for attempt in range(TRIES):
        if attempt:
            sleep(PAUSE_SECONDS)
        try:
            _send(request, what, revision, token_file, token)
        except _NoAnswerError as error:
            reason = str(error)
        else:
            return
    raise DeliveryError(f"the Git host {request.host} {reason}")


class _NoAnswerError(Exception):
    """The host may well answer a second try."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would take the token to another address."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Leaves the answer as it is, an error."""


def _token(file: Path) -> str:
    try:
        token = file.read_text().strip()
    except (OSError, UnicodeDecodeError):
        token = ""
    if not TOKEN.fullmatch(token):  # the error of a header that cannot be sent would quote it
        raise DeliveryError(f"{file} must hold the token for the Git host on one line, without spaces")
    return token


def _send(request: urllib.request.Request, what: _What, revision: str, token_file: Path, token: str) -> None:
    opener = urllib.request.build_opener(_NoRedirect)
    try:
        with opener.open(request, timeout=REQUEST_SECONDS) as answer:
            code = answer.status
            text = ""
    except urllib.error.HTTPError as error:
        with error:
            code = error.code
            text = _message(error, token)
    except (OSError, http.client.HTTPException) as error:
        reason = str(getattr(error, "reason", error)) or type(error).__name__
        raise _NoAnswerError(f"does not answer: {reason}") from None
    if code == http.client.CREATED:
        return
    missing = code == http.client.NOT_FOUND or any(words in text for words in NO_COMMIT)
    if not missing and (code >= http.client.INTERNAL_SERVER_ERROR or code == TOO_MANY_REQUESTS):
        raise _NoAnswerError(f"answers {code} {TRIES} times{_quoted(text)}")
    if missing:
        raise DeliveryError(
            f"the Git host {request.host} has no commit {revision[:12]} in this repository, or the token in "
            f"{token_file} may not see it{_quoted(text)}"
        )
    raise DeliveryError(_refusal(code, request.host, what, token_file, revision) + _quoted(text))


def _refusal(code: int, host: str, what: _What, token_file: Path, revision: str) -> str:
    """One sentence on an answer that another try does not change, and what to do."""
    if code == http.client.UNAUTHORIZED:
        return f"the Git host {host} does not accept the token in {token_file}: put a new one into the Secret"
    if code == http.client.FORBIDDEN:
        return f"the token in {token_file} may not {what.many} on {host}: it needs the permission {what.permission}"
    return f"the Git host {host} answers {code} to {what.one} of commit {revision[:12]}"


def _quoted(text: str) -> str:
    return f" ({text})" if text else ""


def _message(error: urllib.error.HTTPError, token: str) -> str:
    """The host's own words, on one line and without the token; empty where it has none."""
    try:
        said = json.loads(error.read(65_536))["message"]
    except (OSError, http.client.HTTPException, ValueError, TypeError, KeyError):
        return ""
    return " ".join(str(said).replace(token, "***").split())[:QUOTED_CHARACTERS]
