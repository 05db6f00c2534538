"""Web servers that are no part of AWS, asked once and given up after some seconds."""

import http.client
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message

from pulumi_mlops.cli.preflight.results import NotChecked

SECONDS = 10
MOST_BYTES = 1_000_000


@dataclass(frozen=True)
class Answer:
    """What a server answered, whatever the status."""

    status: int
    headers: Message
    content: bytes
    """At most `MOST_BYTES`."""


def ask(address: str, headers: Mapping[str, str] | None = None, method: str = "GET") -> Answer:
    """The answer of a web server; redirects are followed.

    Raises:
        NotChecked: it cannot be reached from here, or the address is not the address of a web server.
    """
    if not address.startswith(("https://", "http://")):
        raise NotChecked(f"{address} is not the address of a web server")
    try:
        request = urllib.request.Request(address, headers=dict(headers or {}), method=method)  # noqa: S310 - see above
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
            return Answer(answer.status, answer.headers, answer.read(MOST_BYTES))
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.headers, b"")
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise NotChecked(f"{address} cannot be reached from here: {getattr(error, 'reason', error)}") from None
