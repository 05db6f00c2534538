"""How GitHub, GitLab and Gitea call the same things: the comments of a change, the issues of a repository.

Does not decide which entry is ours, nor what is written (`upsert`).
"""

import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from pulumi_mlops.review.git_host import GitHostKind
from pulumi_mlops.review.host.client import Client, StatusError
from pulumi_mlops.review.host.errors import HostError
from pulumi_mlops.review.json_data import Json, JsonObject, mapping

PAGE = {GitHostKind.GITHUB: "per_page=100", GitHostKind.GITLAB: "per_page=100", GitHostKind.GITEA: "limit=50"}
"""The longest page that each host gives, Gitea in its default settings; its comments come all at once."""

DEFAULT_URLS = {GitHostKind.GITHUB: "https://api.github.com", GitHostKind.GITLAB: "https://gitlab.com/api/v4"}
DEFAULT_TOKENS = {
    GitHostKind.GITHUB: "GITHUB_TOKEN",
    GitHostKind.GITLAB: "GITLAB_TOKEN",
    GitHostKind.GITEA: "GITEA_TOKEN",
}
LONGEST_BODY = {GitHostKind.GITHUB: 65_536, GitHostKind.GITLAB: 1_000_000, GitHostKind.GITEA: 65_535}
"""Length of a comment. GitHub's and GitLab's are documented, in characters; Gitea's is that of the smallest column that
it uses, a TEXT of MySQL, in bytes."""

COMMENT_PERMISSION = {
    GitHostKind.GITHUB: "the permission `pull-requests: write`",
    GitHostKind.GITLAB: "the scope `api` and at least the role Reporter",
    GitHostKind.GITEA: "the scope `write:issue`, and its user the right to write in the repository",
}
ISSUE_PERMISSION = {**COMMENT_PERMISSION, GitHostKind.GITHUB: "the permission `issues: write`"}


@dataclass(frozen=True)
class Entry:
    """A comment or an issue."""

    id: int
    """In the order in which they were made."""
    author: str
    body: str
    open: bool = True
    """Whether it is an open issue; a comment always is."""


class Place(Protocol):
    """Where entries are listed and written."""

    def entries(self) -> Iterator[Entry]:
        """All of them."""
        ...

    def create(self, body: str) -> Entry:
        """Writes a new one."""
        ...

    def update(self, entry: Entry, body: str) -> None:
        """Writes another text into an existing one; an issue that was closed is open again."""
        ...

    def discard(self, entry: Entry) -> None:
        """Takes it out of sight: deletes a comment, closes an issue. It may be gone already."""
        ...


@dataclass(frozen=True)
class Comments:
    """The comments of one pull or merge request."""

    kind: GitHostKind
    client: Client
    repository: str
    """`owner/name`; on GitLab the whole path."""
    number: int

    def entries(self) -> Iterator[Entry]:
        """All comments, over all pages."""
        if self.kind is GitHostKind.GITEA:  # it answers 500 to a look at the comments of what is not there
            self.client.send("GET", f"{_repository(self.kind, self.repository)}/issues/{self.number}")
        return (_entry(self.kind, one, "id", "body") for one in self.client.pages(f"{self._list}?{PAGE[self.kind]}"))

    def create(self, body: str) -> Entry:
        """Writes a new comment."""
        return _entry(self.kind, self.client.send("POST", self._list, {"body": body}), "id", "body")

    def update(self, entry: Entry, body: str) -> None:
        """Writes another text into the comment."""
        method = "PUT" if self.kind is GitHostKind.GITLAB else "PATCH"
        self.client.send(method, self._one(entry), {"body": body})

    def discard(self, entry: Entry) -> None:
        """Deletes the comment."""
        try:
            self.client.send("DELETE", self._one(entry))
        except StatusError as error:
            if error.status not in (404, 410):  # another run was faster
                raise

    @property
    def _list(self) -> str:
        if self.kind is GitHostKind.GITLAB:
            return f"{_repository(self.kind, self.repository)}/merge_requests/{self.number}/notes"
        return f"{_repository(self.kind, self.repository)}/issues/{self.number}/comments"

    def _one(self, entry: Entry) -> str:
        if self.kind is GitHostKind.GITLAB:
            return f"{self._list}/{entry.id}"
        return f"{_repository(self.kind, self.repository)}/issues/comments/{entry.id}"


@dataclass(frozen=True)
class Issues:
    """The issues of one repository, all under one title."""

    kind: GitHostKind
    client: Client
    repository: str
    title: str

    def entries(self) -> Iterator[Entry]:
        """All issues, open or closed, over all pages; not the pull requests, which GitHub lists among them."""
        for one in self.client.pages(f"{self._list}?state=all&{PAGE[self.kind]}"):
            if not one.get("pull_request"):
                yield self._read(one)

    def create(self, body: str) -> Entry:
        """Opens a new issue."""
        return self._read(self.client.send("POST", self._list, {"title": self.title, self._text: body}))

    def update(self, entry: Entry, body: str) -> None:
        """Writes another text into the issue, and opens it if it was closed."""
        state: JsonObject = {} if entry.open else self._state("reopen", "open")
        self._change(entry, {self._text: body, **state})

    def discard(self, entry: Entry) -> None:
        """Closes the issue."""
        if entry.open:
            self._change(entry, self._state("close", "closed"))

    @property
    def _list(self) -> str:
        return f"{_repository(self.kind, self.repository)}/issues"

    @property
    def _text(self) -> str:
        return "description" if self.kind is GitHostKind.GITLAB else "body"

    def _state(self, event: str, state: str) -> JsonObject:
        return {"state_event": event} if self.kind is GitHostKind.GITLAB else {"state": state}

    def _change(self, entry: Entry, change: JsonObject) -> None:
        self.client.send("PUT" if self.kind is GitHostKind.GITLAB else "PATCH", f"{self._list}/{entry.id}", change)

    def _read(self, one: Json) -> Entry:
        return _entry(self.kind, one, "iid" if self.kind is GitHostKind.GITLAB else "number", self._text)


def length(kind: GitHostKind, body: str) -> tuple[int, str]:
    """Length of a comment as the host counts, and what it counts."""
    return (len(body.encode()), "bytes") if kind is GitHostKind.GITEA else (len(body), "characters")


def writer(kind: GitHostKind, client: Client) -> str:
    """Name of the user that the token belongs to; raises HostError where the token may not ask for it."""
    try:
        user = client.send("GET", "user")
    except StatusError as error:
        if error.status == 403:  # so do the tokens of GitHub's apps, that of GitHub Actions among them
            raise HostError(
                f"the token of {client.token.source} may not ask who it belongs to; say it by --author, "
                "such as --author 'github-actions[bot]'"
            ) from None
        raise
    return str(mapping(user)[_NAMES[kind]])


def explained(error: StatusError, kind: GitHostKind, what: str, permission: str, source: str) -> HostError:
    """The refusal with what to do about it; `what` names the thing that was written."""
    if error.status == 401:
        remedy = f"the token of {source} is not accepted; it may have ended, or belong to another host"
    elif error.status == 403:
        remedy = f"the token of {source} may not write {what}; give it {permission}"
    elif error.status == 404:
        remedy = f"there is no {what}, or the token of {source} may not see it; it needs {permission}"
    elif 300 <= error.status < 400:
        remedy = "the repository or the API has moved; give its present --repository and --api-url"
    else:
        remedy = f"{kind} did not accept {what}"
    return HostError(f"{remedy} ({error})")


_NAMES = {GitHostKind.GITHUB: "login", GitHostKind.GITLAB: "username", GitHostKind.GITEA: "login"}


def _entry(kind: GitHostKind, answer: Json, number: str, text: str) -> Entry:
    one = mapping(answer)
    identity = one.get(number)
    if not isinstance(identity, int):
        raise HostError(f"{kind} answered without {number!r}; --host must be what --api-url is")
    # Of a user that was deleted there is no author.
    author = mapping(one.get("author" if kind is GitHostKind.GITLAB else "user"))
    is_open = one.get("state") in (None, "open", "opened")
    return Entry(identity, str(author.get(_NAMES[kind]) or ""), str(one.get(text) or ""), is_open)


def _repository(kind: GitHostKind, repository: str) -> str:
    if kind is GitHostKind.GITLAB:
        return f"projects/{urllib.parse.quote(repository, safe='')}"
    return f"repos/{repository}"
