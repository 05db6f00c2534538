"""The identity provider's discovery document, from a server of this machine."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from pulumi_mlops.cli.preflight.account import Account
from pulumi_mlops.cli.preflight.checks import login
from pulumi_mlops.cli.preflight.planned import Planned
from pulumi_mlops.cli.preflight.results import Outcome, Result
from simulated_account import new, planned
from web_server import serving

from tests.review import recorded
from tests.tcp import GREETING, greeting_server

KEYS = {"keys": [{"kty": "RSA"}]}


@contextmanager
def provider(answers: dict[str, Any]) -> Iterator[str]:
    """Address of a server with these answers by path; `@` in one is the address."""

    def answer(path: str, _: Any, address: str) -> tuple[int, dict[str, str], bytes]:
        found = answers.get(path)
        content = found if isinstance(found, str) else json.dumps(found)
        return 404 if found is None else 200, {}, content.replace("@", address).encode()

    with serving(answer) as address:
        yield address


def asked(issuer: str) -> Result:
    """What is said of the issuer of Argo Workflows."""
    release = new(login.RELEASE, values={"server": {"sso": {"issuer": issuer}}})
    (result,) = login.discovery(planned(release), Account(None, "", "", ""))
    return result


def test_a_provider_that_names_itself_and_has_keys_is_fine() -> None:
    described = {"issuer": "@", "jwks_uri": "@/keys"}
    with provider({login.DISCOVERY: described, "/keys": KEYS}) as address:
        result = asked(address)

    assert (result.outcome, result.what) == (Outcome.OK, f"{address}, with its keys")


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({}, "answers 404"),
        ({login.DISCOVERY: "<html>"}, "does not answer with JSON"),
        ({login.DISCOVERY: [1]}, "does not answer with a JSON object"),
        ({login.DISCOVERY: {"issuer": "@/", "jwks_uri": "@/keys"}, "/keys": KEYS}, "/', and the settings 'http://"),
        ({login.DISCOVERY: {"issuer": "@"}}, "has no jwks_uri"),
        ({login.DISCOVERY: {"issuer": "@", "jwks_uri": "@/keys"}}, "/keys answers 404"),
        ({login.DISCOVERY: {"issuer": "@", "jwks_uri": "@/keys"}, "/keys": {"keys": []}}, "/keys has no keys"),
        ({login.DISCOVERY: {"issuer": "@", "jwks_uri": "file:///etc/hosts"}}, "is not the address of a web server"),
    ],
)
def test_a_provider_that_nobody_can_log_in_with_is_a_finding(answers: dict[str, Any], words: str) -> None:
    with provider(answers) as address:
        result = asked(address)

    assert result.outcome is Outcome.FINDING
    assert words in result.what


def test_a_provider_that_cannot_be_reached_from_here_is_not_checked() -> None:
    with provider({}) as address:
        pass

    result = asked(address)

    assert (result.outcome, "cannot be reached from here" in result.what) == (Outcome.NOT_CHECKED, True)


def test_a_server_that_does_not_speak_http_is_not_checked() -> None:
    with greeting_server() as address:
        result = asked(f"http://{address}")

    assert (result.outcome, f"cannot be reached from here: {GREETING}" in result.what) == (Outcome.NOT_CHECKED, True)


def test_the_issuers_of_both_charts_are_asked() -> None:
    assert login.issuers(Planned(recorded.preview("new-platform-prod"))) == {"https://id.example.org"}
    settings = json.dumps({"issuer": "https://a.example.org"})
    argo_cd = new(login.RELEASE, "cd", values={"configs": {"cm": {"oidc.config": settings}}})
    assert login.issuers(planned(argo_cd)) == {"https://a.example.org"}
