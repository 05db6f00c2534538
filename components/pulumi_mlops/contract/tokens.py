"""Tokens of an identity provider (JWT, RFC 7519) that an endpoint accepts.

A component writes the rules, and a server reads them.
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple, cast
from urllib.parse import urlsplit

GROUPS_CLAIM = "groups"
CLIENT_CLAIM = "sub"
SCOPE_CLAIM = "scope"
"""A claim that lists its values in one text, with spaces between them (RFC 8693); `scp` does so at some providers."""


class TokenRules(NamedTuple):
    """Which tokens are accepted."""

    issuer: str
    """The issuer, an https URL, whose discovery document (OpenID Connect) leads to the keys."""
    audiences: tuple[str, ...]
    """A token must be for one of these."""
    groups: tuple[str, ...] = ()
    """A token must name one of these in `groups_claim`; empty: no group is asked for."""
    groups_claim: str = GROUPS_CLAIM
    client_claim: str = CLIENT_CLAIM
    """The claim that names the client."""


def write(rules: Mapping[str, object]) -> str:
    """The text of the rules in an environment variable; `read` is the way back."""
    return json.dumps({name: rules[name] for name in TokenRules._fields if name in rules}, sort_keys=True)


def read(text: str) -> TokenRules:
    """The rules in a text; raises ValueError in one sentence."""
    try:
        content = json.loads(text)
    except ValueError:
        raise ValueError("must be a JSON object") from None
    if not isinstance(content, dict):
        raise ValueError("must be a JSON object")
    fields = cast("dict[str, Any]", content)
    if unknown := sorted(set(fields) - set(TokenRules._fields)):
        raise ValueError(f"has no field {unknown[0]!r}")
    for name in ("issuer", "groups_claim", "client_claim"):
        value = fields.get(name, TokenRules._field_defaults.get(name))
        if not isinstance(value, str) or not value:
            raise ValueError(f"{name} must be a text that is not empty")
    if complaint := issuer_problem(fields["issuer"]):
        raise ValueError(f"issuer {complaint}")
    for name in ("audiences", "groups"):
        value = fields.get(name, TokenRules._field_defaults.get(name))
        if not isinstance(value, list | tuple) or not all(
            isinstance(one, str) and one for one in cast("list[Any]", value)
        ):
            raise ValueError(f"{name} must be a list of texts that are not empty")
        fields[name] = tuple(cast("list[str]", value))
    if not fields["audiences"]:
        raise ValueError("audiences must not be empty")
    return TokenRules(**fields)


def issuer_problem(value: str) -> str | None:
    """What is wrong with an issuer: its keys decide who gets in, so nobody on the way may exchange them."""
    complaint = "must be an https URL without a query, such as https://login.example.org/realms/main"
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        return complaint
    sound = parts.scheme == "https" and parts.hostname and not parts.username
    return None if sound and "?" not in value and "#" not in value and value.isprintable() else complaint


def members(value: object, claim: str) -> set[str]:
    """The groups that a claim names: a list, one text, or, of `scope` and `scp`, a text with spaces between them."""
    if isinstance(value, str):
        return {*value.split()} if claim in (SCOPE_CLAIM, "scp") else {value}
    return {one for one in cast("list[Any]", value) if isinstance(one, str)} if isinstance(value, list) else set()
