"""One request to the API of a Git host, tried again where the host does not answer; a refusal is one sentence."""

import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from re import compile as pattern
from typing import Any

from delivery.errors import DeliveryError

TRIES = 3
PAUSE_SECONDS = 5
REQUEST_SECONDS = 30
QUOTED_CHARACTERS = 200
TOO_MANY_REQUESTS = 429
NO_COMMIT = ("object does not exist", "No commit found")
"""How Gitea (with 500) and GitHub (with 422) say that there is no such commit."""
TOKEN = pattern(r"[!-~]+")


@dataclass(frozen=True)
class Purpose:
    """What a request is for, in the words of a refusal."""

    what: str
    """What was asked, such as "a status of commit 0f0f0f0f0f0f"."""
    right: str
    """What the token must be allowed to do, such as "set commit statuses"."""
    permission: str
    """How the hosts call that permission."""
    missing: str
    """What the host lacks where it answers 404, such as "commit 0f0f0f0f0f0f in this repository"."""


def request(
    method: str,
    url: str,
    purpose: Purpose,
    token_file: Path,
    body: Any = None,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> Any:
    """The JSON of the answer; raises DeliveryError where the host refuses, or does not answer three times."""
    token = _token(token_file)
    asked = urllib.request.Request(  # noqa: S310 - the caller has checked the address to be of http or https
        url,
        data=None if body is None else json.dumps(body).encode(),
        method=method,
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
            return _send(asked, purpose, token_file, token)
        except _NoAnswerError as error:
            reason = str(error)
    raise DeliveryError(f"the Git host {asked.host} {reason}")


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


def _send(asked: urllib.request.Request, purpose: Purpose, token_file: Path, token: str) -> Any:
    opener = urllib.request.build_opener(_NoRedirect)
    try:
        with opener.open(asked, timeout=REQUEST_SECONDS) as answer:
            code, text = answer.status, ""
            if code in _expected(asked):
                return json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            code, text = error.code, _message(error, token)
    except ValueError:
        raise DeliveryError(f"the Git host {asked.host} answers {purpose.what} without JSON") from None
    except (OSError, http.client.HTTPException) as error:
        reason = str(getattr(error, "reason", error)) or type(error).__name__
        raise _NoAnswerError(f"does not answer: {reason}") from None
    missing = code == http.client.NOT_FOUND or any(words in text for words in NO_COMMIT)
    if not missing and (code >= http.client.INTERNAL_SERVER_ERROR or code == TOO_MANY_REQUESTS):
        raise _NoAnswerError(f"answers {code} {TRIES} times{_quoted(text)}")
    if missing:
        raise DeliveryError(
            f"the Git host {asked.host} has no {purpose.missing}, or the token in {token_file} may not see it"
            f"{_quoted(text)}"
        )
    raise DeliveryError(_refusal(code, asked.host, purpose, token_file) + _quoted(text))


def _expected(asked: urllib.request.Request) -> tuple[int, ...]:
    """Codes of a success: Gitea answers a change with 201, GitHub with 200."""
    if asked.get_method() == "POST":
        return (http.client.CREATED,)
    return (http.client.OK,) if asked.get_method() == "GET" else (http.client.OK, http.client.CREATED)


def _refusal(code: int, host: str, purpose: Purpose, token_file: Path) -> str:
    """One sentence on an answer that another try does not change, and what to do."""
    if code == http.client.UNAUTHORIZED:
        return f"the Git host {host} does not accept the token in {token_file}: put a new one into the Secret"
    if code == http.client.FORBIDDEN:
        return (
            f"the token in {token_file} may not {purpose.right} on {host}: it needs the permission {purpose.permission}"
        )
    return f"the Git host {host} answers {code} to {purpose.what}"


def _quoted(text: str) -> str:
    return f" ({text})" if text else ""


def _message(error: urllib.error.HTTPError, token: str) -> str:
    """The host's own words, on one line and without the token; empty where it has none."""
    try:
        said = json.loads(error.read(65_536))["message"]
    except (OSError, http.client.HTTPException, ValueError, TypeError, KeyError):
        return ""
    return " ".join(str(said).replace(token, "***").split())[:QUOTED_CHARACTERS]
