"""The restore drill's requests to an API server that is upgraded, refuses, or is behind a proxy."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from pulumi_mlops.platform.databases._container_files import restore_drill
from pulumi_mlops.platform.databases._container_files.restore_drill import Api, Failed


class Server:
    """Gives the answers that are left, the last one for ever; keeps the tokens that it saw."""

    def __init__(self, token: Path) -> None:
        self.answers: list[tuple[int, bytes]] = []
        self.tokens: list[str] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                server.tokens.append(self.headers["Authorization"])
                status, content = server.answers.pop(0) if len(server.answers) > 1 else server.answers[0]
                if not status:
                    return  # closes the connection without an answer
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = _answer

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.http = HTTPServer(("127.0.0.1", 0), Handler)
        self.api = Api(f"http://127.0.0.1:{self.http.server_port}", token, None)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(restore_drill, "PERIOD_SECONDS", 0)
    (tmp_path / "token").write_text("one")
    server = Server(tmp_path / "token")
    thread = threading.Thread(target=server.http.serve_forever)
    thread.start()
    yield server
    server.http.shutdown()
    thread.join()
    server.http.server_close()


FOUND = (200, b'{"kind": "Cluster"}')


def test_an_api_server_that_is_away_for_a_while_ends_no_drill(server: Server) -> None:
    server.answers = [(0, b""), (503, b"<html>"), (429, b"{}"), FOUND]

    assert server.api.call("GET", "/x") == {"kind": "Cluster"}
    assert server.answers == [FOUND]


def test_one_that_stays_away_is_a_reason_of_one_sentence(server: Server) -> None:
    server.answers = [(502, b"<html>")]

    with pytest.raises(Failed, match=r"^GET /x: HTTP Error 502"):
        server.api.call("GET", "/x")
    assert len(server.tokens) == restore_drill.TRIES


def test_the_token_is_that_of_the_moment(server: Server, tmp_path: Path) -> None:
    server.answers = [FOUND]
    server.api.call("GET", "/x")
    (tmp_path / "token").write_text("two")
    server.api.call("GET", "/x")

    assert server.tokens == ["Bearer one", "Bearer two"]


@pytest.mark.parametrize(
    ("status", "content", "reason"),
    [
        (404, json.dumps({"message": 'namespaces "shop" not found'}).encode(), 'namespaces "shop" not found'),
        (403, b"<html>", "HTTP Error 403"),
        (409, b"[]", "HTTP Error 409"),
    ],
)
def test_what_is_not_made_is_not_waited_for(server: Server, status: int, content: bytes, reason: str) -> None:
    server.answers = [(status, content)]

    with pytest.raises(Failed, match=f"^POST /x: {reason}"):
        server.api.call("POST", "/x", {})
    assert len(server.tokens) == 1


def test_an_object_that_is_gone_is_none(server: Server) -> None:
    server.answers = [(404, b"{}")]

    assert server.api.call("GET", "/x") is None


def test_the_name_of_a_restored_cluster_is_valid_wherever_it_is_cut() -> None:
    spec: Any = {
        "imageName": "postgresql:17",
        "bootstrap": {"initdb": {"database": "orders", "owner": "app"}},
        "backup": {"barmanObjectStore": {"destinationPath": "s3://databases"}},
    }
    database = {"apiVersion": "v1", "kind": "Cluster", "metadata": {"name": "a" * 43 + "-1a2b"}, "spec": spec}

    assert restore_drill.restored(database)["metadata"]["name"] == "drill-" + "a" * 43
