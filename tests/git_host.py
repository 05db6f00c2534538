"""A stand-in for a Git host's HTTP API, on this machine: comments and issues of GitHub, GitLab or Gitea.

It keeps what is written, in pages, and answers with the errors that a test asks for. It is no Git host: it knows the
few calls that the review makes, as the hosts document them.
"""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "glpat-or-ghs-or-something-else"
USER = "review-bot"


@dataclass
class Fault:
    """An answer in the place of the real one."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b'{"message": "of the stand-in"}'
    method: str = ""
    """Only for requests of this method."""
    after: bool = False
    """Whether the request was carried out before it failed."""


@dataclass
class GitHost:
    """What is stored, what was asked, and what goes wrong next."""

    kind: str
    user: str = USER
    """Whom the token belongs to."""
    page_size: int = 100
    """Of all lists but Gitea's comments of a thread, which come all at once."""
    comments: list[dict[str, Any]] = field(default_factory=list)
    issues: list[dict[str, Any]] = field(default_factory=list)
    requests: list[tuple[str, str]] = field(default_factory=list)
    """(method, path with query) of all requests, in order."""
    authorizations: set[str | None] = field(default_factory=set)
    faults: list[Fault] = field(default_factory=list)
    next_link: str | None = None
    """Address that is given as the next page in the place of the real one."""
    after_look: Callable[[], None] = lambda: None
    """Called when a list was read and is not sent yet."""
    url: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)
    count: int = 0

    @property
    def prefix(self) -> str:
        return {"github": "", "gitlab": "/api/v4", "gitea": "/api/v1"}[self.kind]

    def comment(self, body: str, author: str = "") -> dict[str, Any]:
        """A comment that is there."""
        return self._add(self.comments, {"id": self._number(), "body": body}, author)

    def issue(self, title: str, text: str, author: str = "", state: str = "open") -> dict[str, Any]:
        """An issue that is there."""
        number = self._number()
        if self.kind == "gitlab":
            state = "opened" if state == "open" else state
            made = {"id": number + 1000, "iid": number, "title": title, "description": text, "state": state}
        else:
            made = {"id": number + 1000, "number": number, "title": title, "body": text, "state": state}
        return self._add(self.issues, made, author)

    def bodies(self) -> list[str]:
        return [one["body"] for one in self.comments]

    def methods(self) -> list[str]:
        return [method for method, _ in self.requests]

    def _number(self) -> int:
        self.count += 1
        return self.count

    def _add(self, owner: list[dict[str, Any]], one: dict[str, Any], author: str) -> dict[str, Any]:
        author = author or self.user
        one |= {"author": {"username": author}} if self.kind == "gitlab" else {"user": {"login": author}}
        owner.append(one)
        return one

    def answer(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        """(status, JSON) of a request; a list is cut into pages afterwards."""
        if path == "/user":
            return 200, {"username": self.user} if self.kind == "gitlab" else {"login": self.user}
        if self.kind == "gitlab":
            thread, one_comment = (
                r"/projects/team/birds/merge_requests/12/notes",
                r"/projects/team/birds/merge_requests/12/notes/(\d+)",
            )
            issues = r"/projects/team/birds/issues"
        else:
            thread, one_comment = r"/repos/team/birds/issues/12/comments", r"/repos/team/birds/issues/comments/(\d+)"
            issues = r"/repos/team/birds/issues"
        change = "PUT" if self.kind == "gitlab" else "PATCH"
        if self.kind == "gitea":  # as 1.26.0 answered: tests/engine/test_review_on_gitea.py
            if method == "GET" and path == "/repos/team/birds/issues/12":
                return 200, {"number": 12, "pull_request": {}}
            if method == "GET" and re.fullmatch(r"/repos/team/birds/issues/\d+/comments", path) and "/12/" not in path:
                return 500, {"message": ""}
        if re.fullmatch(thread, path):
            if method == "GET":
                return 200, list(self.comments)
            if method == "POST":
                return 201, self.comment(body["body"])
        if found := re.fullmatch(one_comment, path):
            return self._change(self.comments, "id", int(found[1]), method, change, body)
        if re.fullmatch(issues, path):
            if method == "GET":
                return 200, list(self.issues)
            if method == "POST":
                return 201, self.issue(body["title"], body["description" if self.kind == "gitlab" else "body"])
        if found := re.fullmatch(rf"{issues}/(\d+)", path):
            key = "iid" if self.kind == "gitlab" else "number"
            return self._change(self.issues, key, int(found[1]), method, change, body)
        return 404, {"message": "Not Found"}

    def _change(
        self, owner: list[dict[str, Any]], key: str, number: int, method: str, change: str, body: dict[str, Any]
    ) -> tuple[int, Any]:
        for one in owner:
            if one[key] == number:
                if method == "DELETE":
                    owner.remove(one)
                    return 204, None
                if method == change:
                    event = body.pop("state_event", None)
                    one.update(body | ({"state": {"close": "closed", "reopen": "opened"}[event]} if event else {}))
                    return 200, one
        return 404, {"message": "Not Found"}

    def fault(self, method: str) -> Fault | None:
        for one in self.faults:
            if one.method in ("", method):
                self.faults.remove(one)
                return one
        return None


@contextmanager
def git_host(kind: str, user: str = USER) -> Iterator[GitHost]:
    """The stand-in, listening on loopback."""
    host = GitHost(kind, user)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else {}
            parts = urlsplit(self.path)
            is_list = self.command == "GET" and not re.search(r"/(user|issues/\d+)$", parts.path)
            with host.lock:
                host.requests.append((self.command, self.path))
                host.authorizations.add(self.headers.get("Authorization"))
                fault = host.fault(self.command)
                if fault is None or fault.after:
                    status, value = self._real(parts.path, body)
            if is_list:
                host.after_look()
            if fault is not None:
                self._send(fault.status, fault.body, fault.headers)
                return
            headers = {}
            if isinstance(value, list) and not (host.kind == "gitea" and parts.path.endswith("/comments")):
                page = int(parse_qs(parts.query).get("page", ["1"])[0])
                value, more = (
                    value[(page - 1) * host.page_size : page * host.page_size],
                    len(value) > page * host.page_size,
                )
                if more:
                    following = host.next_link or f"{host.url.removesuffix(host.prefix)}{parts.path}?page={page + 1}"
                    headers["Link"] = f'<{host.url}/first>; rel="first", <{following}>; rel="next"'
            self._send(status, b"" if value is None else json.dumps(value).encode(), headers)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = handle_one

        def _real(self, path: str, body: dict[str, Any]) -> tuple[int, Any]:
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                return 401, {"message": "Bad credentials"}
            if not path.startswith(host.prefix):
                return 404, {"message": "Not Found"}
            return host.answer(self.command, unquote(path.removeprefix(host.prefix)), body)

        def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if status != 204:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if status != 204:
                self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    host.url = f"http://127.0.0.1:{server.server_port}{host.prefix}"
    try:
        yield host
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
