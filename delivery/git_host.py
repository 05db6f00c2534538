"""Commit statuses and comments by the API of GitHub or Gitea, which differ in where the API is."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from delivery.api import Purpose, request
from delivery.checkout import check_commit
from delivery.errors import DeliveryError

GITHUB = "github.com"
GITHUB_DATA_RESIDENCY = ".ghe.com"
REPOSITORY = re.compile(r"https?://[^\s/@?#]+(/[\w.-]+){2,}/?")


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
    check_commit(revision)
    body = {
        "context": status.context,
        "state": status.state,
        "description": status.description,
        **({} if status.target_url is None else {"target_url": status.target_url}),
    }
    permission = "`statuses: write` on GitHub, `write:repository` on Gitea"
    purpose = _of_commit(f"a status of commit {revision[:12]}", "set commit statuses", permission, revision)
    request("POST", f"{api_url(repository, kind)}/statuses/{revision}", purpose, token_file, body, sleep=sleep)


def comment(
    repository: str, revision: str, text: str, token_file: Path, *, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Comments a commit on GitHub, in Markdown; as `set_status` in all else. Gitea has no such comments."""
    check_commit(revision)
    permission = "`contents: write` on GitHub"
    purpose = _of_commit(f"a comment of commit {revision[:12]}", "comment commits", permission, revision)
    url = f"{api_url(repository, Kind.GITHUB)}/commits/{revision}/comments"
    request("POST", url, purpose, token_file, {"body": text}, sleep=sleep)


def _of_commit(what: str, right: str, permission: str, revision: str) -> Purpose:
    return Purpose(what, right, permission, f"commit {revision[:12]} in this repository")
