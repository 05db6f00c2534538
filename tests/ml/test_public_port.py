"""The public port of the model server: what an attacker gets, and what a client with a key gets.

Everything goes through the real process, the wire and both ports.
"""

import http.client
import json
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pulumi_mlops.contract import api_keys

from ml.server.app import App
from ml.server.public_port import is_public
from ml.server.settings import BadSetting, Settings
from tests.ml import bundles
from tests.ml.serving import JSON, SELDON, START_SECONDS, Answer, Running, app_of, running

pytestmark = pytest.mark.servers

GOOD = {"data": {"ndarray": [[31.5, 15.2, "Dream"]]}}
V2 = "/v2/models/flowers/infer"
WEB, BATCH = api_keys.new("web-shop"), api_keys.new("batch")
NEIGHBOUR = api_keys.new("web-shop")
"""A key of a client of the same name, at another endpoint."""


def kept(*keys: str, until: float = api_keys.NEVER) -> str:
    return "\n".join(api_keys.keep(key)._replace(until=until).line() for key in keys)


def mounted(directory: Path, revision: str, clients: dict[str, str]) -> None:
    """Writes a Secret as the kubelet does: files behind a link to a directory, which is exchanged as a whole."""
    data = directory / f"..{revision}"
    data.mkdir(parents=True)
    for client, text in clients.items():
        (data / client).write_text(text)
        if not (directory / client).is_symlink():
            (directory / client).symlink_to(f"..data/{client}")
    link = directory / "..data_tmp"
    link.symlink_to(data.name)
    link.rename(directory / "..data")
    for one in directory.iterdir():
        if one.is_symlink() and not one.exists():
            one.unlink()


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("models")
    bundles.make_bundle(directory)
    return directory


@pytest.fixture(scope="module")
def server(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    clients = tmp_path_factory.mktemp("clients")
    mounted(clients, "1", {"web-shop": kept(WEB), "batch": kept(BATCH), "ended": kept(api_keys.new("ended"), until=1)})
    with running(models, MODEL_VERSION=bundles.VERSION, PUBLIC_PORT="0", CLIENTS_DIR=str(clients)) as server:
        server.wait_until(200)
        yield server
        assert server.ask("POST", SELDON, GOOD).status == 200, "callers inside the cluster need no key"


def outside(server: Running, method: str, path: str, *authorization: str, body: object = None) -> Answer:
    """A request to the public port, with any number of Authorization headers; the path is sent as it is."""
    connection = http.client.HTTPConnection("127.0.0.1", server.events("listening")[0]["public_port"], timeout=60)
    try:
        content = b"" if body is None else json.dumps(body).encode()
        connection.putrequest(method, path)
        for name, value in {**JSON, "content-length": str(len(content))}.items():
            connection.putheader(name, value)
        for value in authorization:
            connection.putheader("Authorization", value)
        connection.endheaders(content)
        response = connection.getresponse()
        return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
    finally:
        connection.close()


def test_a_client_with_a_key_gets_the_same_answer_as_a_caller_inside(server: Running) -> None:
    inside = server.ask("POST", SELDON, GOOD)

    for key in (WEB, BATCH):
        answer = outside(server, "POST", SELDON, f"Bearer {key}", body=GOOD)
        assert (answer.status, answer.body) == (200, inside.body)
    assert outside(server, "POST", SELDON, f"bearer {WEB}", body=GOOD).status == 200


WRONG = {
    "no key": (),
    "another client's name before a client's key": (f"Bearer batch.{WEB.partition('.')[2]}",),
    "the key of a neighbour's client of the same name": (f"Bearer {NEIGHBOUR}",),
    "a client that does not exist": (f"Bearer {api_keys.new('nobody')}",),
    "the name alone": ("Bearer web-shop",),
    "the name and a dot": ("Bearer web-shop.",),
    "a part of the key": (f"Bearer {WEB[:-1]}",),
    "more than the key": (f"Bearer {WEB}x",),
    "another scheme": (f"Basic {WEB}",),
    "no scheme": (WEB,),
    "nothing behind the scheme": ("Bearer ",),
    "two headers, the right one first": (f"Bearer {WEB}", f"Bearer {NEIGHBOUR}"),
    "two headers, the right one last": (f"Bearer {NEIGHBOUR}", f"Bearer {WEB}"),
    "the right one twice": (f"Bearer {WEB}", f"Bearer {WEB}"),
    "what is kept of the key": (f"Bearer {kept(WEB).split()[-1]}",),
    "a path for a name": ("Bearer ../batch.x",),
    "letters outside ASCII": ("Bearer w\u00e9b.x",),
    "a token without a signature": ("Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJ3ZWItc2hvcCJ9.",),
}


@pytest.mark.parametrize("headers", WRONG.values(), ids=WRONG)
def test_everybody_else_is_refused_in_the_form_of_the_protocol(server: Running, headers: tuple[str, ...]) -> None:
    seldon = outside(server, "POST", SELDON, *headers, body=GOOD)
    inference = outside(server, "POST", V2, *headers, body=GOOD)

    assert (seldon.status, inference.status) == (401, 401)
    assert seldon.json["status"]["reason"] == "UNAUTHORIZED"
    assert inference.json == {"error": seldon.info}
    assert seldon.headers["www-authenticate"] == 'Bearer realm="flowers"'


def test_a_key_whose_time_is_over_is_refused_and_one_that_ends_later_is_not() -> None:
    key = api_keys.new("web-shop")
    one = api_keys.keep(key)._replace(until=100.0)

    assert one.fits(key.encode(), 99.0)
    assert not one.fits(key.encode(), 100.0)


REACHABLE = {
    "/api/v1.0/predictions",
    "/api/v0.1/predictions",
    "/api/v1.0/metadata",
    "/api/v1.0/health/status",
    "/v2",
    "/v2/health/live",
    "/v2/health/ready",
    "/v2/models/flowers",
    "/v2/models/flowers/ready",
    "/v2/models/flowers/infer",
}


def test_this_is_all_that_is_reachable_from_outside(models: Path) -> None:
    app: App = app_of(models, "flowers", bundles.VERSION)

    assert {path for path in app.paths if is_public(path)} == REACHABLE


@pytest.mark.parametrize(
    "path",
    [
        "/metrics",
        "/health/status",
        "/health/ping",
        "/metadata",
        "/docs",
        "/",
        "/%6detrics",
        "//metrics",
        "/api/../metrics",
        "/api/..%2fmetrics",
        "/api/%2e%2e/metrics",
        "/api%2f..%2fmetrics",
        "/v2/../metrics",
        "/v2/models/flowers/../../../metrics",
        "/api/v1.0/predictions/",
        "//api/v1.0/predictions",
        "/api//v1.0/predictions",
        "/API/v1.0/predictions",
        "http://127.0.0.1/metrics",
        "/metrics?/api/v1.0/predictions",
        "/metrics;/api/",
    ],
)
def test_no_path_leads_round_the_list(server: Running, path: str) -> None:
    assert outside(server, "GET", path).status == 401
    assert outside(server, "GET", path, f"Bearer {WEB}").status == 404


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"])
def test_every_other_verb_needs_a_key_and_then_is_not_allowed(server: Running, method: str) -> None:
    assert outside(server, method, SELDON).status == 401
    assert outside(server, method, SELDON, f"Bearer {WEB}").status == 405


def test_headers_that_promise_another_path_or_client_mean_nothing(server: Running) -> None:
    port = server.events("listening")[0]["public_port"]
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    names = ("X-Original-URL", "X-Rewrite-URL", "X-Forwarded-For", "X-Forwarded-User", "X-Api-Key", "Cookie")
    connection.request("POST", SELDON, json.dumps(GOOD), {**JSON, **dict.fromkeys(names, "127.0.0.1")})

    assert connection.getresponse().status == 401
    connection.close()


def test_each_request_of_a_connection_needs_the_key(server: Running) -> None:
    body = json.dumps(GOOD).encode()
    head = f"POST {SELDON} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    first = f"{head}Authorization: Bearer {WEB}\r\n\r\n".encode() + body
    second = f"{head}Connection: close\r\n\r\n".encode() + body
    received = b""
    with socket.create_connection(("127.0.0.1", server.events("listening")[0]["public_port"]), timeout=30) as one:
        one.sendall(first + second)
        while chunk := one.recv(65536):
            received += chunk

    assert re.findall(rb"HTTP/1.1 (\d+) ", received) == [b"200", b"401"]


def test_a_flood_without_a_key_holds_nobody_up_and_fills_no_log(server: Running) -> None:
    lines = len(server.lines)
    connection = http.client.HTTPConnection("127.0.0.1", server.events("listening")[0]["public_port"], timeout=60)
    for _ in range(500):
        connection.request("POST", SELDON, b"{}", {**JSON, "Authorization": f"Bearer {NEIGHBOUR}"})
        response = connection.getresponse()
        assert (response.status, bool(response.read())) == (401, True)
    connection.close()

    assert outside(server, "POST", SELDON, f"Bearer {WEB}", body=GOOD).status == 200
    assert len(server.lines) == lines


def test_metrics_and_the_log_know_clients_by_name_and_no_key(server: Running) -> None:
    outside(server, "POST", SELDON, f"Bearer {WEB}", body=GOOD)
    outside(server, "POST", SELDON, f"Bearer {WEB}", body={})
    outside(server, "POST", SELDON, f"Bearer {NEIGHBOUR}", body=GOOD)
    text = server.ask("GET", "/metrics").body.decode()

    assert 'model_server_client_requests_total{client="web-shop",status="200"}' in text
    assert 'model_server_client_requests_total{client="web-shop",status="400"}' in text
    assert 'model_server_requests_total{protocol="none",status="401"}' in text
    everything = text + json.dumps(server.lines)
    for key in (WEB, BATCH, NEIGHBOUR):
        assert key.partition(".")[2] not in everything
    assert server.events("clients read")[0]["clients"] == ["batch", "ended", "web-shop"]


def status_becomes(server: Running, status: int, key: str) -> bool:
    """Asks until the answer has this status: the directory is looked at once a second."""
    deadline = time.monotonic() + START_SECONDS
    while outside(server, "GET", "/v2", f"Bearer {key}").status != status:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_keys_change_while_the_server_runs(models: Path, tmp_path: Path) -> None:
    old, new = api_keys.new("web-shop"), api_keys.new("web-shop")
    with running(models, MODEL_VERSION=bundles.VERSION, PUBLIC_PORT="0", CLIENTS_DIR=str(tmp_path)) as server:
        server.wait_until(200)
        assert outside(server, "GET", "/v2", f"Bearer {old}").status == 401, "no Secret yet: nobody has access"

        mounted(tmp_path, "1", {"web-shop": kept(old)})
        assert status_becomes(server, 200, old)

        mounted(tmp_path, "2", {"web-shop": kept(new, old)})
        assert status_becomes(server, 200, new)
        assert outside(server, "GET", "/v2", f"Bearer {old}").status == 200, "both, as long as they overlap"

        mounted(tmp_path, "3", {"web-shop": kept(new), "broken": "not what was kept"})
        assert status_becomes(server, 401, old)
        assert outside(server, "GET", "/v2", f"Bearer {new}").status == 200
        (complaint,) = server.events("client has no usable key")
        assert complaint["client"] == "broken"
        assert "not what was kept" not in json.dumps(server.lines)

        mounted(tmp_path, "4", {})
        assert status_becomes(server, 401, new)


@pytest.mark.parametrize("variables", [{"PUBLIC_PORT": "8001"}, {"CLIENTS_DIR": "/etc/clients"}, {"TOKEN_RULES": "{}"}])
def test_a_public_port_without_clients_is_refused(variables: dict[str, str]) -> None:
    with pytest.raises(BadSetting, match="PUBLIC_PORT must be set together with CLIENTS_DIR, TOKEN_RULES or both"):
        Settings.from_environment({"MODEL_NAME": "flowers", **variables})


@pytest.mark.parametrize(
    "line",
    ["x", "hmac-sha256", "hmac-sha256 00 00", f"md5 {'0' * 32} {'0' * 64}", f"hmac-sha256 {'0' * 32} {'0' * 64} soon"],
)
def test_a_line_of_another_form_is_refused_without_repeating_it(line: str) -> None:
    with pytest.raises(ValueError, match=r"^a line is not what `pulumi-mlops keys` writes$"):
        api_keys.read(line)
