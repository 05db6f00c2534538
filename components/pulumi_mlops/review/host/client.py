"""HTTP to a Git host: one host, one token, JSON, and another try where one is due.

The standard library's client, so that the wheel needs nothing more. Does not own: what the paths mean (`dialects`).
"""

import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message
from time import sleep
from time import time as now

from pulumi_mlops.review.host.errors import HostError
from pulumi_mlops.review.host.token import Token
from pulumi_mlops.review.json_data import Json, JsonObject, items, mapping

TRIES = 5
TIMEOUT_SECONDS = 30
FIRST_WAIT_SECONDS = 1.0
"""Before the second try after an error of the server; doubled before each further one."""
LONGEST_WAIT_SECONDS = 120
"""A rate limit that lasts longer is an error: a CI job that sleeps costs more than one that is run again."""
MAX_PAGES = 200
"""A thread longer than this, at 100 entries a page, is a host that repeats itself."""
LOOPBACK = ("localhost", "127.0.0.1", "::1")
QUOTED = 200
"""Characters of the host's own message that an error quotes."""


class StatusError(HostError):
    """The host answered with an error that another try would not change."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect would take the token to another address."""

    def redirect_request(self, *_: object, **__: object) -> None:
        return None


@dataclass(frozen=True)
class _Answer:
    status: int
    headers: Message
    body: bytes


@dataclass(frozen=True)
class Client:
    """The API of one Git host."""

    url: str
    """Base of the API, such as https://git.example.org/api/v4."""
    token: Token
    _open: urllib.request.OpenerDirector = field(
        default_factory=lambda: urllib.request.build_opener(_NoRedirects()), repr=False
    )

    def __post_init__(self) -> None:
        _check(self.url)

    def send(self, method: str, path: str, body: JsonObject | None = None) -> Json:
        """The JSON that the host answers, None for an empty answer.

        Raises:
            StatusError: the host refused; the message says what to do where the status tells.
            HostError: no useful answer after TRIES tries, or the rate limit lasts too long.
        """
        return self._json(self._exchange(method, self._at(path), body))

    def pages(self, path: str) -> Iterator[JsonObject]:
        """The entries of a list, over all of its pages."""
        address: str | None = self._at(path)
        for _ in range(MAX_PAGES):
            answer = self._exchange("GET", address, None)
            yield from map(mapping, items(self._json(answer)))
            address = self._next(answer, address)
            if address is None:
                return
        raise HostError(f"the Git host lists more than {MAX_PAGES} pages at {path}; nothing was written")

    def _at(self, path: str) -> str:
        return f"{self.url.rstrip('/')}/{path}"

    def _next(self, answer: _Answer, current: str) -> str | None:
        """Address of the next page, from the Link header; never on another host, which would get the token."""
        for link in (answer.headers.get("Link") or "").split(","):
            address, _, relation = link.partition(";")
            if 'rel="next"' in relation.replace(" ", ""):
                following = urllib.parse.urljoin(current, address.strip().strip("<>"))
                if _origin(following) != _origin(self.url):
                    raise HostError(
                        f"the Git host's next page is at {_origin(following)}, which is not {_origin(self.url)}, and "
                        "the token goes nowhere else; --api-url must be the address that the host calls its own"
                    )
                return following
        return None

    def _exchange(self, method: str, address: str, body: JsonObject | None) -> _Answer:
        request = urllib.request.Request(  # noqa: S310 - the scheme was checked
            address,
            data=None if body is None else json.dumps(body).encode(),
            method=method,
            headers={
                "Authorization": f"Bearer {self.token.value}",
                "Accept": "application/json",
                "Content-Type": "application/json",
                "User-Agent": "pulumi-mlops-review",
            },
        )
        said = ""
        for number in range(TRIES):
            try:
                answer = self._answer(request)
            except (OSError, http.client.HTTPException) as error:
                reason = getattr(error, "reason", error)
                said = self.token.masked(f"{type(reason).__name__}: {reason}")
                wait = FIRST_WAIT_SECONDS * 2**number
            else:
                limited = self._limited(answer)
                if limited is None and answer.status < 500:
                    return self._accepted(answer, method, address)
                said = f"status {answer.status}"
                wait = FIRST_WAIT_SECONDS * 2**number if limited is None else limited
            if wait > LONGEST_WAIT_SECONDS:
                raise HostError(
                    f"the Git host's rate limit for the token of {self.token.source} lasts another {wait:.0f} s; "
                    "run the command again after that"
                )
            if number < TRIES - 1:
                sleep(wait)
        raise HostError(f"the Git host at {_origin(address)} gave no answer in {TRIES} tries; the last one: {said}")

    def _answer(self, request: urllib.request.Request) -> _Answer:
        try:
            with self._open.open(request, timeout=TIMEOUT_SECONDS) as response:
                return _Answer(response.status, response.headers, response.read())
        except urllib.error.HTTPError as error:
            with error:
                return _Answer(error.code, error.headers, error.read())

    def _limited(self, answer: _Answer) -> float | None:
        """Seconds until the rate limit ends; None where the answer is no rate limit."""
        if answer.status not in (403, 429):
            return None
        if (after := answer.headers.get("Retry-After", "")).isdecimal():
            return float(after)
        if answer.headers.get("X-RateLimit-Remaining") == "0":
            reset = answer.headers.get("X-RateLimit-Reset", "")
            return max(float(reset) - now(), 1.0) if reset.isdecimal() else FIRST_WAIT_SECONDS
        return None if answer.status == 403 else FIRST_WAIT_SECONDS

    def _accepted(self, answer: _Answer, method: str, address: str) -> _Answer:
        if answer.status < 300:
            return answer
        path = urllib.parse.urlsplit(address).path
        told = _message(answer.body)
        raise StatusError(
            self.token.masked(f"{method} {path}: status {answer.status}" + (f", {told}" if told else "")), answer.status
        )

    def _json(self, answer: _Answer) -> Json:
        if not answer.body.strip():
            return None
        try:
            return json.loads(answer.body)
        except ValueError:
            raise HostError(
                f"{_origin(self.url)} answered with something else than JSON; --api-url must be the base of its API"
            ) from None


def _check(url: str) -> None:
    parts = urllib.parse.urlsplit(url)
    if parts.username or parts.password:
        raise HostError("--api-url must hold no user and no password; the token comes from --token-env or --token-file")
    if not parts.hostname or parts.scheme not in ("http", "https"):
        raise HostError(f"--api-url must be an https address, got {url!r}")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise HostError(
            f"--api-url must start with https://, since the token would be readable on the way, got {url!r}"
        )


def _origin(address: str) -> str:
    parts = urllib.parse.urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def _message(body: bytes) -> str:
    """The host's own words, as one line of visible characters."""
    try:
        fields = mapping(json.loads(body))
    except ValueError:
        return ""
    words = fields.get("message") or fields.get("error") or ""
    return "".join(character for character in str(words) if character.isprintable())[:QUOTED]
