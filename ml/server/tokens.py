"""Who asks at the public port with a token of an identity provider. Imported only where an endpoint accepts them."""

from http import HTTPStatus
from typing import Any

import jwt
from pulumi_mlops.contract.tokens import TokenRules, members

from ml.server.issuer import ALGORITHMS, IssuerKeys
from ml.server.refusal import Refusal

LEEWAY_SECONDS = 10
"""How far the clocks of provider and server may differ."""
TYPES = ("jwt", "at+jwt", "application/at+jwt")
"""Values of the header `typ`, which may be left out: a token for another purpose, such as a logout, gives no access."""
MAX_NAME = 200
"""Longest name of a client, in characters."""
PREFIX = "jwt:"
"""Before the name of a client that a token names: no API key has a client of that name."""


class Tokens:
    """The tokens that an endpoint accepts."""

    def __init__(self, rules: TokenRules, keys: IssuerKeys, challenge: str) -> None:
        self._rules = rules
        self._keys = keys
        self._challenge = challenge

    def client(self, token: bytes) -> str:
        """The name of the client that a token names; raises Refusal: 401, 403 without a group, 503 without keys."""
        claims = self._claims(token)
        name = claims.get(self._rules.client_claim)
        if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME or not name.isprintable():
            raise self._invalid(f"the token has no usable claim {self._rules.client_claim!r}")
        wanted = self._rules.groups
        if wanted and not members(claims.get(self._rules.groups_claim), self._rules.groups_claim) & {*wanted}:
            raise self._refused(
                HTTPStatus.FORBIDDEN, "the client is in none of the groups that have access", "insufficient_scope"
            )
        return PREFIX + name

    def _claims(self, token: bytes) -> dict[str, Any]:
        if not self._keys.known:
            raise Refusal(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "tokens cannot be checked yet, because the keys of their issuer are not known; send this one again",
                "ISSUER_NOT_REACHED",
                ((b"retry-after", b"10"),),
            )
        rules = self._rules
        try:
            header = jwt.get_unverified_header(token)
            key = self._keys.key(header["kid"])
            if key is None or str(header.get("typ", TYPES[0])).lower() not in TYPES:
                raise jwt.InvalidTokenError
            return jwt.decode(
                token,
                key,
                algorithms=ALGORITHMS,
                audience=rules.audiences,
                issuer=rules.issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "iss", "aud"], "enforce_minimum_key_length": True},
            )
        except jwt.ExpiredSignatureError:
            raise self._invalid("the token has expired") from None
        except jwt.InvalidAudienceError:
            raise self._invalid("the token is for another audience") from None
        except (jwt.PyJWTError, KeyError, ValueError, TypeError, RecursionError):
            raise self._invalid("the token is not valid for this endpoint") from None

    def _invalid(self, message: str) -> Refusal:
        return self._refused(HTTPStatus.UNAUTHORIZED, message, "invalid_token")

    def _refused(self, status: int, message: str, error: str) -> Refusal:
        challenge = f'{self._challenge}, error="{error}"'.encode()
        return Refusal(status, message, headers=((b"www-authenticate", challenge),))
