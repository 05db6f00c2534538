"""Tokens of an identity provider at the public port: what an attacker gets, and what a client gets.

Through the real process and the wire; the provider answers by HTTPS on loopback.
"""

import base64
import hmac
import http.client
import json
import re
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from pulumi_mlops.contract import api_keys, tokens

from ml.server import issuer as issuer_keys
from ml.server.issuer import IssuerError, IssuerKeys, read_keys, usable
from ml.server.metrics import MAX_CLIENTS, Metrics
from ml.server.settings import BadSetting, Settings
from tests.ml import bundles
from tests.ml.issuers import AUDIENCE, Issuer, issuer, pem, published, rsa_key
from tests.ml.serving import JSON, SELDON, START_SECONDS, Answer, Running, running
from tests.tcp import GREETING, greeting_server

pytestmark = pytest.mark.servers

GOOD = {"data": {"ndarray": [[31.5, 15.2, "Dream"]]}}
V2 = "/v2/models/flowers/infer"
KEY, OLD, FOREIGN = rsa_key(), rsa_key(), rsa_key()
CURVE = ec.generate_private_key(ec.SECP256R1())
SHOP = api_keys.new("web-shop")


def rules(provider: Issuer, **more: Any) -> str:
    return tokens.write({"issuer": provider.url, "audiences": [AUDIENCE], "groups": ["clients"], **more})


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issuer]:
    with issuer(tmp_path_factory.mktemp("issuer")) as provider:
        provider.keys = [published("one", KEY), published("two", CURVE), published("old", OLD)]
        yield provider


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("models")
    bundles.make_bundle(directory)
    return directory


@pytest.fixture(scope="module")
def server(provider: Issuer, models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    clients = tmp_path_factory.mktemp("clients")
    (clients / "web-shop").write_text(api_keys.keep(SHOP).line())
    with serving(models, provider, rules(provider), CLIENTS_DIR=str(clients)) as server:
        eventually(lambda: server.events("keys of the issuer read"))
        yield server


def serving(models: Path, provider: Issuer, text: str, **more: str) -> Any:
    return running(
        models,
        MODEL_VERSION=bundles.VERSION,
        PUBLIC_PORT="0",
        TOKEN_RULES=text,
        SSL_CERT_FILE=str(provider.certificate),
        **more,
    )


def eventually(condition: Any) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def outside(server: Running, bearer: str | bytes | None, path: str = SELDON) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", server.events("listening")[0]["public_port"], timeout=60)
    try:
        text = bearer.encode() if isinstance(bearer, str) else bearer
        headers: dict[str, Any] = {**JSON, **({} if text is None else {"Authorization": b"Bearer " + text})}
        connection.request("POST", path, json.dumps(GOOD), headers)
        response = connection.getresponse()
        return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
    finally:
        connection.close()


def signed(provider: Issuer, key: Any = KEY, algorithm: str = "RS256", kid: str | None = "one", **claims: Any) -> str:
    headers = {} if kid is None else {"kid": kid}
    return jwt.encode(provider.claims(**claims), key, algorithm, headers)


def by_hand(header: dict[str, Any], claims: dict[str, Any], signature: bytes = b"", secret: bytes | None = None) -> str:
    """A token of any header, signed with a shared secret if there is one."""
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims)]
    if secret is not None:
        signature = hmac.digest(secret, b".".join(parts), "sha256")
    return b".".join([*parts, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode()


def test_a_client_with_a_token_or_a_key_gets_an_answer(server: Running, provider: Issuer) -> None:
    server.wait_until(200)
    inside = server.ask("POST", SELDON, GOOD)

    for bearer in (
        signed(provider),
        signed(provider, algorithm="RS256", aud=["other", AUDIENCE], groups="clients"),
        signed(provider, CURVE, "ES256", "two"),
        jwt.encode(provider.claims(), KEY, "RS256", {"kid": "one", "typ": "at+jwt"}),
        SHOP,
    ):
        answer = outside(server, bearer)
        assert (answer.status, answer.body) == (200, inside.body), answer
    assert server.ask("GET", "/health/status").json.get("problem") is None


def altered(token: str) -> str:
    """The same token with other claims and the signature as it was."""
    head, claims, signature = token.split(".")
    content = json.loads(base64.urlsafe_b64decode(claims + "=="))
    changed = base64.urlsafe_b64encode(json.dumps({**content, "sub": "root"}).encode()).rstrip(b"=").decode()
    return f"{head}.{changed}.{signature}"


def attacks(provider: Issuer) -> dict[str, tuple[str | bytes | None, int, str]]:
    """What is sent → status, and what the message says."""
    now = int(time.time())
    public = pem(KEY)
    invalid = "the token is not valid for this endpoint"
    claims = provider.claims()
    return {
        "no token": (None, 401, "an API key or a token of the identity provider is required"),
        "nothing": (b"", 401, "the API key is not valid"),
        "three empty parts": ("..", 401, invalid),
        "four parts": (signed(provider) + ".x", 401, "the API key is not valid"),
        "no JSON": ("a.b.c", 401, invalid),
        "letters outside ASCII": (b"\xff.\xff.\xff", 401, invalid),
        "the key of somebody else": (signed(provider, FOREIGN), 401, invalid),
        "other claims": (altered(signed(provider)), 401, invalid),
        "no signature": (signed(provider).rpartition(".")[0] + ".", 401, invalid),
        "alg none": (by_hand({"alg": "none", "kid": "one"}, claims), 401, invalid),
        "alg None with a signature": (by_hand({"alg": "None", "kid": "one"}, claims, b"x" * 256), 401, invalid),
        "HS256 with the public key": (
            by_hand({"alg": "HS256", "typ": "JWT", "kid": "one"}, claims, secret=public), 401, invalid,
        ),
        "no alg": (by_hand({"kid": "one"}, claims, b"x" * 256), 401, invalid),
        "the algorithm of another key": (signed(provider, CURVE, "ES256", "one"), 401, invalid),
        "an algorithm that the key is not for": (signed(provider, algorithm="RS512"), 401, invalid),
        "an unknown kid": (signed(provider, kid="three"), 401, invalid),
        "no kid": (signed(provider, kid=None), 401, invalid),
        "a kid that is no text": (by_hand({"alg": "RS256", "kid": ["one"]}, claims, b"x" * 256), 401, invalid),
        "a key that the token brings along": (
            jwt.encode(claims, FOREIGN, "RS256", {"kid": "x", "jwk": published("x", FOREIGN)}), 401, invalid,
        ),
        "an address of keys that the token names": (
            jwt.encode(claims, FOREIGN, "RS256", {"kid": "x", "jku": f"{provider.url}/mine"}), 401, invalid,
        ),
        "a critical header": (jwt.encode(claims, KEY, "RS256", {"kid": "one", "crit": ["x"], "x": 1}), 401, invalid),
        "a token for another purpose": (
            jwt.encode(claims, KEY, "RS256", {"kid": "one", "typ": "logout+jwt"}), 401, invalid,
        ),
        "claims that are no object": (by_hand({"alg": "RS256", "kid": "one"}, [1]), 401, invalid),  # type: ignore[arg-type]
        "expired": (signed(provider, exp=now - 60), 401, "the token has expired"),
        "without an end": (signed(provider, exp=None), 401, invalid),
        "not yet valid": (signed(provider, nbf=now + 600), 401, invalid),
        "made in the future": (signed(provider, iat=now + 600), 401, invalid),
        "the token of a neighbour": (signed(provider, aud="neighbour"), 401, "the token is for another audience"),
        "a part of the audience": (signed(provider, aud=AUDIENCE[:-1]), 401, "the token is for another audience"),
        "without an audience": (signed(provider, aud=None), 401, invalid),
        "another issuer": (signed(provider, iss="https://login.example.org"), 401, invalid),
        "the issuer with a slash": (signed(provider, iss=provider.url + "/"), 401, invalid),
        "without an issuer": (signed(provider, iss=None), 401, invalid),
        "without a name": (signed(provider, sub=None), 401, "the token has no usable claim 'sub'"),
        "a name of two lines": (signed(provider, sub="a\nb"), 401, "the token has no usable claim 'sub'"),
        "a long name": (signed(provider, sub="a" * 201), 401, "the token has no usable claim 'sub'"),
        "another group": (signed(provider, groups=["admins", "clients2"]), 403, "in none of the groups"),
        "no group": (signed(provider, groups=[]), 403, "in none of the groups"),
        "without groups": (signed(provider, groups=None), 403, "in none of the groups"),
        "groups in one text": (signed(provider, groups="others clients"), 403, "in none of the groups"),
        "groups that are an object": (signed(provider, groups={"clients": 1}), 403, "in none of the groups"),
    }  # fmt: skip


def test_everybody_else_is_refused_in_the_form_of_the_protocol(server: Running, provider: Issuer) -> None:
    for name, (bearer, status, message) in attacks(provider).items():
        seldon, inference = outside(server, bearer), outside(server, bearer, V2)

        assert (seldon.status, inference.status) == (status, status), name
        assert message in seldon.info, name
        assert inference.json == {"error": seldon.info}, name
        assert seldon.headers["www-authenticate"].startswith('Bearer realm="flowers"'), name
        assert ("error=" in seldon.headers["www-authenticate"]) == ("the token" in message or status == 403), name
    assert outside(server, signed(provider)).status == 200
    assert not server.events("request failed")


def test_a_header_that_is_too_large_is_refused_before_it_is_looked_at(server: Running) -> None:
    assert outside(server, "a." + "b" * 40_000 + ".c").status == 431


def test_metrics_and_logs_know_clients_by_name_only(server: Running, provider: Issuer) -> None:
    token = signed(provider, sub="grace")
    assert outside(server, token).status == 200
    assert outside(server, signed(provider, sub="grace", groups=[])).status == 403

    metrics = server.ask("GET", "/metrics").body.decode()
    assert 'model_server_client_requests_total{client="jwt:grace",status="200"} 1.0' in metrics
    for text in (metrics, json.dumps(server.lines)):
        assert token.split(".")[2] not in text
        assert "eyJ" not in text


def test_many_clients_are_counted_together_from_some_number_on() -> None:
    metrics = Metrics()
    for number in range(MAX_CLIENTS + 50):
        metrics.answered_client(f"jwt:{number}", 200)
    metrics.answered_client("jwt:0", 200)

    lines = [line for line in metrics.render().decode().splitlines() if "client_requests_total{" in line]
    assert len(lines) == MAX_CLIENTS + 1
    assert 'model_server_client_requests_total{client="(others)",status="200"} 50.0' in lines
    assert 'model_server_client_requests_total{client="jwt:0",status="200"} 2.0' in lines


def test_keys_are_rotated_and_taken_back_without_a_restart(server: Running, provider: Issuer) -> None:
    new = rsa_key()
    token = signed(provider, new, kid="three")
    assert outside(server, signed(provider, OLD, kid="old")).status == 200
    assert outside(server, token).status == 401

    provider.keys = [one for one in provider.keys if one["kid"] != "old"] + [published("three", new)]
    eventually(lambda: outside(server, token).status == 200)

    assert outside(server, signed(provider, OLD, kid="old")).status == 401
    assert outside(server, signed(provider)).status == 200


def test_a_flood_of_unknown_keys_asks_the_issuer_no_more_often(server: Running, provider: Issuer) -> None:
    asked, begin = len(provider.asked), time.monotonic()
    for number in range(200):
        assert outside(server, signed(provider, FOREIGN, kid=f"unknown-{number}")).status == 401

    # Two addresses at each look, one look that may have been due and one each LEAST_SECONDS.
    looks = 2 + (time.monotonic() - begin) / issuer_keys.LEAST_SECONDS
    assert len(provider.asked) - asked <= 2 * looks


def test_an_issuer_that_cannot_be_reached_is_one_sentence_in_log_and_health(models: Path, provider: Issuer) -> None:
    provider.down = True
    try:
        with serving(models, provider, rules(provider)) as server:
            server.wait_until(200)
            eventually(lambda: server.events("issuer cannot be reached"))

            problem = server.ask("GET", "/health/status").json["problem"]
            assert problem.startswith(f"the keys of {provider.url} cannot be read: {provider.url}/.well-known/")
            refused = outside(server, signed(provider))
            assert (refused.status, refused.headers["retry-after"]) == (503, "10")
            assert refused.json["status"]["reason"] == "ISSUER_NOT_REACHED"
            assert server.ask("POST", SELDON, GOOD).status == 200, "callers inside need no token"
            assert outside(server, None).info.startswith("a token of the identity provider is required")
            provider.down = False
            eventually(lambda: outside(server, signed(provider)).status == 200)
            assert server.ask("GET", "/health/status").json.get("problem") is None
    finally:
        provider.down = False


def test_a_server_without_tokens_does_not_load_what_checks_them(models: Path, tmp_path: Path) -> None:
    with running(models, MODEL_VERSION=bundles.VERSION, PUBLIC_PORT="0", CLIENTS_DIR=str(tmp_path)) as server:
        server.wait_until(200)
        loaded = Path(f"/proc/{server.process.pid}/maps").read_text()
    assert "uvloop" in loaded
    assert "cryptography" not in loaded


URL = "https://login.example.org"
SOUND = {"issuer": URL, "jwks_uri": f"{URL}/keys"}


@pytest.mark.parametrize(
    ("document", "keys", "complaint"),
    [
        ({**SOUND, "issuer": "https://else.example.org"}, {"keys": []}, "that of another issuer"),
        ([], {"keys": []}, "that of another issuer"),
        ({**SOUND, "jwks_uri": "http://login.example.org/keys"}, {"keys": []}, "begins with https://"),
        ({**SOUND, "jwks_uri": "file:///etc/passwd"}, {"keys": []}, "begins with https://"),
        (SOUND, {"keys": {}}, "no set of keys"),
        (SOUND, [], "no set of keys"),
    ],
)
def test_answers_of_the_issuer_that_are_unsound_are_refused(document: Any, keys: Any, complaint: str) -> None:
    answers = {f"{URL}/.well-known/openid-configuration": document, f"{URL}/keys": keys}

    with pytest.raises(IssuerError, match=complaint):
        read_keys(URL, lambda address: answers[address])


def test_keys_that_anybody_could_sign_with_or_that_are_for_other_uses_are_left_out() -> None:
    shared = {"kty": "oct", "kid": "shared", "k": "c2VjcmV0", "alg": "HS256"}
    others = [published("encrypts", KEY, use="enc"), {"kty": "RSA", "kid": "broken"}, {"kid": "none"}, "x", None]
    without_id = {name: value for name, value in published("", KEY).items() if name != "kid"}

    assert set(usable([published("one", KEY), shared, *others, without_id])) == {"one"}
    with pytest.raises(IssuerError, match="none of its keys can check a signature"):
        usable([shared, *others])


def test_an_issuer_that_stops_answering_leaves_the_keys_that_are_known() -> None:
    answers: dict[str, Any] = {f"{URL}/.well-known/openid-configuration": SOUND, f"{URL}/keys": {"keys": []}}
    keys = IssuerKeys(URL, lambda address: answers[address])
    assert not keys.known
    answers[f"{URL}/keys"] = {"keys": [published("one", KEY)]}
    keys.refresh()
    assert keys.problem is None
    answers[f"{URL}/keys"] = {"keys": []}
    keys.refresh()

    assert keys.key("one") is not None
    assert keys.problem == f"the keys of {URL} cannot be read: none of its keys can check a signature"


def test_a_metric_says_whether_the_issuer_answers(server: Running, provider: Issuer) -> None:
    name = f'model_server_issuer_reachable{{issuer="{provider.url}"}}'
    assert f"{name} 1.0" in server.ask("GET", "/metrics").body.decode()

    answers = iter([True, False])
    metrics = Metrics()
    assert "model_server_issuer_reachable{" not in metrics.render().decode()
    metrics.issuer(URL, lambda: next(answers))
    assert [f'{{issuer="{URL}"}} {value}' in metrics.render().decode() for value in ("1.0", "0.0")] == [True, True]


def test_an_error_that_nobody_foresaw_is_a_problem_and_not_the_end_of_reading() -> None:
    def fail(address: str) -> Any:
        raise RuntimeError("no such day")

    keys = IssuerKeys(URL, fail)
    keys.refresh()

    assert keys.problem == f"the keys of {URL} cannot be read: no such day"


def test_an_issuer_that_does_not_speak_http_is_a_problem(provider: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(provider.certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(provider.certificate)
    with greeting_server(context) as address, pytest.raises(IssuerError, match=re.escape(GREETING)):
        issuer_keys.get_json(f"https://{address}/keys")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("x", "must be a JSON object"),
        ("[]", "must be a JSON object"),
        ('{"audiences": ["a"]}', "issuer must be a text that is not empty"),
        ('{"issuer": "http://x", "audiences": ["a"]}', "issuer must be an https URL without a query"),
        ('{"issuer": "https://x?y", "audiences": ["a"]}', "issuer must be an https URL without a query"),
        ('{"issuer": "https://a:b@x", "audiences": ["a"]}', "issuer must be an https URL without a query"),
        ('{"issuer": "https://x"}', "audiences must be a list of texts"),
        ('{"issuer": "https://x", "audiences": []}', "audiences must not be empty"),
        ('{"issuer": "https://x", "audiences": "churn"}', "audiences must be a list of texts"),
        ('{"issuer": "https://x", "audiences": [""]}', "audiences must be a list of texts that are not empty"),
        ('{"issuer": "https://x", "audiences": ["a"], "groups": [1]}', "groups must be a list of texts"),
        ('{"issuer": "https://x", "audiences": ["a"], "client_claim": ""}', "client_claim must be a text"),
        ('{"issuer": "https://x", "audiences": ["a"], "algorithms": ["none"]}', "has no field 'algorithms'"),
    ],
)
def test_rules_of_tokens_that_are_unsound_are_refused(text: str, complaint: str) -> None:
    with pytest.raises(BadSetting, match=f"^TOKEN_RULES {complaint}"):
        Settings.from_environment({"MODEL_NAME": "flowers", "PUBLIC_PORT": "8001", "TOKEN_RULES": text})


def test_a_scope_is_a_text_with_spaces_and_a_group_is_not() -> None:
    assert tokens.members("read write", "scope") == {"read", "write"}
    assert tokens.members("read write", "groups") == {"read write"}
    assert tokens.members(["a", 1, None], "groups") == {"a"}
    assert tokens.members(None, "groups") == tokens.members({"a": 1}, "groups") == set()
