"""The public port of the model server behind Traefik, the gateway of one machine: what an attacker gets through both.

Traefik has the routes of the endpoint's HTTPRoute from a file, because the API server takes no loopback address for a
pod's. Under test is what it does with requests on the wire.
"""

import contextlib
import http.client
import json
import re
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pulumi_mlops.contract import api_keys

from tests.ml import bundles
from tests.ml.serving import JSON, SELDON, START_SECONDS, Answer, running
from tests.ml.test_public_port import GOOD, kept, mounted
from tests.servers import free_ports, wait_for
from tests.servers import running as process

pytestmark = pytest.mark.servers

PREFIX = "/seldon/birds/flowers"
KEY = api_keys.new("web-shop")
BODY = json.dumps(GOOD).encode()
HEAD = f"POST {PREFIX}{SELDON} HTTP/1.1\r\nHost: models\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Port of Traefik in front of a server that one client has a key for."""
    directory = tmp_path_factory.mktemp("gateway")
    models, clients = directory / "models", directory / "clients"
    for one in (models, clients):
        one.mkdir()
    bundles.make_bundle(models)
    mounted(clients, "1", {"web-shop": kept(KEY)})
    port, ping = free_ports(2)
    with running(models, MODEL_VERSION=bundles.VERSION, PUBLIC_PORT="0", CLIENTS_DIR=str(clients)) as server:
        server.wait_until(200)
        rules = directory / "rules.yaml"  # JSON is YAML
        rules.write_text(json.dumps({"http": routing(server.events("listening")[0]["public_port"])}))
        flags = (
            f"--entrypoints.web.address=127.0.0.1:{port}",
            f"--entrypoints.ping.address=127.0.0.1:{ping}",
            "--ping.entrypoint=ping",
            f"--providers.file.filename={rules}",
            "--global.checknewversion=false",
            "--global.sendanonymoususage=false",
        )
        program = str(Path(sys.executable).parent / "traefik")
        with process([program, *flags], {"HOME": str(directory)}, directory / "log"):
            wait_for(f"http://127.0.0.1:{ping}/ping", 60, directory / "log")
            deadline = time.monotonic() + START_SECONDS
            while ask(port, "POST", PREFIX + SELDON).status != 401:  # it reads its routes after it has started
                assert time.monotonic() < deadline, (directory / "log").read_text()
                time.sleep(0.1)
            yield port


def routing(port: int) -> object:
    """The rules of the endpoint's route: two prefixes, which take the place of the protocol's own paths."""
    return {
        "routers": {"flowers": {"rule": f"PathPrefix(`{PREFIX}/api`) || PathPrefix(`{PREFIX}/v2`)",
                                "service": "flowers", "middlewares": ["flowers"]}},
        "middlewares": {"flowers": {"stripPrefix": {"prefixes": [PREFIX]}}},
        "services": {"flowers": {"loadBalancer": {"servers": [{"url": f"http://127.0.0.1:{port}"}]}}},
    }  # fmt: skip


def ask(port: int, method: str, path: str, key: str = "", body: bytes = b"") -> Answer:
    """A request to the gateway; the path is sent as it is."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.putrequest(method, path)
        for name, value in {**JSON, "content-length": str(len(body))}.items():
            connection.putheader(name, value)
        if key:
            connection.putheader("Authorization", f"Bearer {key}")
        connection.endheaders(body)
        response = connection.getresponse()
        return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
    finally:
        connection.close()


def sent(port: int, content: bytes) -> bytes:
    """Everything that the gateway answers on one connection, which it closes or, where it waits for more, we do."""
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection, contextlib.suppress(OSError):
        connection.sendall(content)
        while chunk := connection.recv(65536):
            received += chunk
    return received


def statuses(received: bytes) -> list[bytes]:
    return re.findall(rb"HTTP/1.1 (\d+) ", received)


def test_a_client_with_a_key_is_answered_and_everybody_else_refused_in_the_form_of_the_protocol(gateway: int) -> None:
    assert ask(gateway, "POST", PREFIX + SELDON, KEY, BODY).status == 200
    for key in ("", api_keys.new("web-shop")):
        refused = ask(gateway, "POST", PREFIX + SELDON, key, BODY)
        assert (refused.status, refused.json["status"]["reason"]) == (401, "UNAUTHORIZED")


@pytest.mark.parametrize(
    "path",
    [
        f"{PREFIX}/metrics",
        f"{PREFIX}//metrics",
        f"{PREFIX}/api/../metrics",
        f"{PREFIX}/api/%2e%2e/metrics",
        f"{PREFIX}/api/..%2fmetrics",
        f"{PREFIX}/api%2f..%2fmetrics",
        f"{PREFIX}/api/..;/metrics",
        f"{PREFIX}/v2/models/flowers/../../../metrics",
        f"{PREFIX}/api/v1.0/../../docs",
        f"{PREFIX}/apimetrics",
        f"{PREFIX}/api\\..\\metrics",
        "/metrics",
        "//metrics",
        "/api/v1.0/predictions",
        f"/{PREFIX}/api/../../../../metrics",
        f"/SELDON/birds/flowers{SELDON}",
        "http://127.0.0.1/metrics",
    ],
)
def test_no_path_leads_through_the_gateway_round_the_list(gateway: int, path: str) -> None:
    assert ask(gateway, "GET", path).status in (400, 401, 404)
    with_key = ask(gateway, "GET", path, KEY)
    assert with_key.status in (400, 404)
    assert b"model_server" not in with_key.body


INNER = HEAD.encode() + f"Content-Length: {len(BODY)}\r\nConnection: close\r\n\r\n".encode() + BODY
"""A request without a key, which is to pass inside another one."""
CHUNKED = b"%x\r\n%s\r\n0\r\n\r\n" % (len(INNER), INNER)
SMUGGLED = {
    "chunks that end before the length": (
        f"Content-Length: {len(INNER) + 5}\r\nTransfer-Encoding: chunked\r\n",
        b"0\r\n\r\n" + INNER,
    ),
    "a length that ends before the chunks": ("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", CHUNKED),
    "two lengths": (f"Content-Length: 0\r\nContent-Length: {len(INNER)}\r\n", INNER),
    "a list of lengths": (f"Content-Length: 0, {len(INNER)}\r\n", INNER),
    "a signed length": (f"Content-Length: +{len(INNER)}\r\n", INNER),
    "a coding with a space before the colon": ("Transfer-Encoding : chunked\r\nContent-Length: 0\r\n", INNER),
    "a coding that is nearly one": ("Transfer-Encoding: xchunked\r\nContent-Length: 0\r\n", INNER),
    "a coding twice": ("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", b"0\r\n\r\n" + INNER),
    "a header on a folded line": ("X-A: b\r\n Transfer-Encoding: chunked\r\nContent-Length: 0\r\n", INNER),
    "a line that ends with LF alone": ("X-A: b\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n" + INNER),
    "a switch to another protocol": ("Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 0\r\n", INNER),
}


@pytest.mark.parametrize(("headers", "body"), SMUGGLED.values(), ids=SMUGGLED)
def test_no_request_passes_inside_another(gateway: int, headers: str, body: bytes) -> None:
    """Neither the outer nor the inner request has a key, and the next client gets an answer of its own."""
    received = sent(gateway, HEAD.encode() + headers.encode() + b"\r\n" + body)

    assert statuses(received) != [], "the gateway did not answer"
    assert set(statuses(received)) <= {b"400", b"401", b"501"}, received
    following = ask(gateway, "POST", PREFIX + SELDON, KEY, BODY)
    assert (following.status, "data" in following.json) == (200, True)


def test_the_key_of_one_request_is_not_that_of_the_next(gateway: int) -> None:
    """Requests of several clients share connections between the gateway and the server."""
    head = f"{HEAD}Content-Length: {len(BODY)}\r\n".encode()
    with_key = head + f"Authorization: Bearer {KEY}\r\n\r\n".encode() + BODY
    without = head + b"Connection: close\r\n\r\n" + BODY

    assert statuses(sent(gateway, with_key + without)) == [b"200", b"401"]
    assert [ask(gateway, "POST", PREFIX + SELDON, key, BODY).status for key in (KEY, "")] == [200, 401]


def test_a_header_that_the_gateway_is_to_drop_drops_nobodys_key_but_the_callers_own(gateway: int) -> None:
    head = f"{HEAD}Content-Length: {len(BODY)}\r\nConnection: close, Authorization\r\n".encode()
    own = sent(gateway, head + f"Authorization: Bearer {KEY}\r\n\r\n".encode() + BODY)

    assert statuses(own) == [b"401"]
