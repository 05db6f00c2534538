"""The public keys of an identity provider, read in the background from where its discovery document says.

No request waits for the provider, and no sender can make the server ask it more often than LEAST_SECONDS allows.
"""

import http.client
import json
import logging
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import jwt

from ml.server import log

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""With a pair of keys: a public key that everybody may read makes no token."""
REFRESH_SECONDS = 300
"""How old the keys may be: a key that the provider takes back is good for that long."""
LEAST_SECONDS = 10
"""Between two questions, also when tokens name a key that is not known, or the provider does not answer."""
TIMEOUT_SECONDS = 5
MAX_BYTES = 256 * 1024
MAX_KEYS = 100
DISCOVERY = "/.well-known/openid-configuration"

Get = Callable[[str], Any]


class IssuerError(Exception):
    """The provider's keys cannot be had; the message is one sentence's end."""


class IssuerKeys:
    """The keys by their ids. A provider that stops answering leaves those that are known."""

    def __init__(self, issuer: str, get: Get | None = None) -> None:
        self.issuer = issuer
        self.problem: str | None = f"the keys of {issuer} have not been read yet"
        self._get = get or get_json
        self._keys: Mapping[str, jwt.PyJWK] | None = None
        self._asked = threading.Event()

    def start(self) -> None:
        """Reads the keys from now on, in a thread that ends with the process."""
        threading.Thread(target=self._run, name="issuer", daemon=True).start()

    @property
    def known(self) -> bool:
        """Whether the keys have been read at all."""
        return self._keys is not None

    def key(self, name: str) -> jwt.PyJWK | None:
        """The key with this id. One that is not known is looked for in the background, for the next request."""
        found = (self._keys or {}).get(name)
        if found is None:
            self._asked.set()
        return found

    def refresh(self) -> None:
        """Reads the keys once."""
        try:
            keys = usable(read_keys(self.issuer, self._get))
        except Exception as error:  # one that nobody foresaw must not end the thread, and with it the reading of keys
            problem = f"the keys of {self.issuer} cannot be read: {error}"
            if problem != self.problem:
                log.event("issuer cannot be reached", logging.ERROR, issuer=self.issuer, reason=str(error))
            self.problem = problem
            return
        if self._keys is None or set(keys) != set(self._keys) or self.problem:
            log.event("keys of the issuer read", issuer=self.issuer, keys=len(keys))
        self._keys, self.problem = keys, None

    def _run(self) -> None:
        while True:
            self._asked.clear()
            self.refresh()
            time.sleep(LEAST_SECONDS)
            if self.problem is None:
                self._asked.wait(REFRESH_SECONDS - LEAST_SECONDS)


def read_keys(issuer: str, get: Get) -> list[Any]:
    """The entries of the issuer's key set; raises IssuerError."""
    document = get(issuer.rstrip("/") + DISCOVERY)
    if not isinstance(document, dict) or document.get("issuer") != issuer:
        raise IssuerError("its discovery document is that of another issuer")
    address = document.get("jwks_uri")
    if not isinstance(address, str) or urlsplit(address).scheme != "https":
        raise IssuerError("its discovery document has no jwks_uri that begins with https://")
    content = get(address)
    keys = content.get("keys") if isinstance(content, dict) else None
    if not isinstance(keys, list):
        raise IssuerError("what its jwks_uri leads to is no set of keys")
    return keys[:MAX_KEYS]


def usable(entries: list[Any]) -> dict[str, jwt.PyJWK]:
    """The keys that check signatures, by their ids; raises IssuerError if there is none."""
    found: dict[str, jwt.PyJWK] = {}
    for entry in entries:
        name = entry.get("kid") if isinstance(entry, dict) else None
        if (
            not isinstance(name, str)
            or entry.get("kty") not in ("RSA", "EC", "OKP")
            or entry.get("use", "sig") != "sig"
        ):
            continue
        try:
            key = jwt.PyJWK(entry)
        except jwt.PyJWTError:
            continue  # of a kind that this server does not know
        if key.algorithm_name in ALGORITHMS:
            found[name] = key
    if not found:
        raise IssuerError("none of its keys can check a signature")
    return found


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        """The address that the settings and the discovery document name is asked, and no other one."""
        return None


def get_json(address: str) -> Any:
    """The JSON at an https URL; raises IssuerError."""
    handler = urllib.request.HTTPSHandler(context=ssl.create_default_context())
    opener = urllib.request.build_opener(handler, _NoRedirect)
    end = time.monotonic() + TIMEOUT_SECONDS
    text = b""
    try:
        with opener.open(address, timeout=TIMEOUT_SECONDS) as response:
            while chunk := response.read1(65536):
                text += chunk
                if len(text) > MAX_BYTES:
                    raise IssuerError(f"{address} answers more than {MAX_BYTES} bytes")
                if time.monotonic() > end:
                    raise IssuerError(f"{address} takes longer than {TIMEOUT_SECONDS} seconds")
        return json.loads(text)
    except (OSError, ValueError, RecursionError, http.client.HTTPException) as error:  # the first has urllib's own
        if isinstance(error, urllib.error.HTTPError):
            error.close()
        reason = getattr(error, "reason", None) or error
        raise IssuerError(f"{address}: {reason}") from None
