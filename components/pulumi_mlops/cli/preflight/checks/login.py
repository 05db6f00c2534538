"""The identity provider by which people log in: its discovery document and its keys (OpenID Connect Discovery 1.0)."""

import json
from collections.abc import Iterator
from http import HTTPStatus

from pulumi_mlops.cli.preflight import web
from pulumi_mlops.cli.preflight.account import Account
from pulumi_mlops.cli.preflight.planned import Planned
from pulumi_mlops.cli.preflight.results import NotChecked, Result, finding, not_checked, ok
from pulumi_mlops.review.json_data import document, items, mapping
from pulumi_mlops.review.values import at, is_hidden

LOGIN = "identity provider"
DISCOVERY = "/.well-known/openid-configuration"
RELEASE = "kubernetes:helm.sh/v3:Release"


class _Useless(Exception):
    """An address does not answer with a JSON object; the message says what it does."""


def discovery(planned: Planned, _: Account) -> Iterator[Result]:
    """Each issuer that a chart is given describes itself under its own name, and its keys can be had."""
    for issuer in sorted(issuers(planned)):
        yield _issuer(issuer)


def issuers(planned: Planned) -> set[str]:
    """The issuers in the values of the charts of Argo CD and Argo Workflows."""
    values = [mapping(one.inputs.get("values")) for one in planned.of(RELEASE)]
    found = [at(one, "server.sso.issuer") for one in values]
    for one in values:
        settings = mapping(at(one, "configs.cm")).get("oidc.config")
        found.append(mapping(document(settings)).get("issuer"))
    return {one for one in found if isinstance(one, str) and not is_hidden(one)}


def _issuer(issuer: str) -> Result:
    address = issuer.rstrip("/") + DISCOVERY
    why = "argo-server ends when it starts, and nobody can log in to Argo CD: `up` waits for the release and fails"
    fix = f"set login.issuer as the provider writes it: curl --fail {address}"
    try:
        described = _fetched(address)
        if (named := described.get("issuer")) != issuer:
            return finding(LOGIN, f"{address} names itself {named!r}, and the settings {issuer!r}", why, fix)
        keys = described.get("jwks_uri")
        if not isinstance(keys, str):
            return finding(LOGIN, f"{address} has no jwks_uri", why, fix)
        if not items(_fetched(keys).get("keys")):
            return finding(LOGIN, f"{keys} has no keys", "no token of the provider can be checked", fix)
    except _Useless as problem:
        return finding(LOGIN, str(problem), why, fix)
    except NotChecked as problem:
        return not_checked(LOGIN, str(problem), f"where the provider can be reached: curl --fail {address}")
    return ok(LOGIN, f"{issuer}, with its keys")


def _fetched(address: str) -> dict[str, object]:
    if not address.startswith(("https://", "http://")):
        raise _Useless(f"{address} is not the address of a web server")
    answer = web.ask(address, {"Accept": "application/json"})
    if answer.status != HTTPStatus.OK:
        raise _Useless(f"{address} answers {answer.status}")
    try:
        content = json.loads(answer.content)
    except ValueError:
        raise _Useless(f"{address} does not answer with JSON") from None
    if not isinstance(content, dict):
        raise _Useless(f"{address} does not answer with a JSON object")
    return content  # pyright: ignore[reportUnknownVariableType]
