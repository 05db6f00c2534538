"""Who may ask at the public port: clients with an API key, and those that a token of an identity provider names."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING

from ml.server.clients import Clients
from ml.server.refusal import Refusal

if TYPE_CHECKING:
    from ml.server.tokens import Tokens

_SCHEME = b"bearer "


def challenge(endpoint: str) -> str:
    """The header WWW-Authenticate of a refusal (RFC 6750)."""
    return f'Bearer realm="{endpoint}"'


class Access:
    """The clients of an endpoint. What is not given, keys or tokens, nobody can use."""

    def __init__(self, endpoint: str, clients: Clients | None, tokens: "Tokens | None" = None) -> None:
        self._challenge = ((b"www-authenticate", challenge(endpoint).encode()),)
        self._clients = clients
        self._tokens = tokens
        self._wanted = " or ".join(
            [*(["an API key"] if clients else []), *(["a token of the identity provider"] if tokens else [])]
        )

    def client(self, headers: Iterable[tuple[bytes, bytes]]) -> str:
        """The name of the client that sent a request; raises Refusal (401, of tokens also 403 and 503)."""
        credential = self._credential(headers)
        if self._tokens is not None and (self._clients is None or _is_token(credential)):
            return self._tokens.client(credential)
        name = self._clients.client(credential) if self._clients is not None else None
        if name is None:
            raise self._refused("the API key is not valid for this endpoint")
        return name

    def _credential(self, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
        values = [value for name, value in headers if name == b"authorization"]
        if not values:
            raise self._refused(f"{self._wanted} is required, in the header `Authorization: Bearer …`")
        if len(values) > 1:  # a proxy and this server might each read another one
            raise self._refused("the header Authorization must be there once")
        if values[0][: len(_SCHEME)].lower() != _SCHEME:
            raise self._refused(f"the header Authorization must have the form `Bearer …`, with {self._wanted}")
        return values[0][len(_SCHEME) :]

    def _refused(self, message: str) -> Refusal:
        return Refusal(HTTPStatus.UNAUTHORIZED, message, headers=self._challenge)


def _is_token(credential: bytes) -> bool:
    """Whether it has the three parts of a signed JWT; an API key has two."""
    return credential.count(b".") == 2
