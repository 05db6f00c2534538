"""The server as a process: the wire, its limits, loading, and the way it ends."""

import dataclasses
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.paths import ROOT
from ml.server.http import HEAD_TIMEOUT_SECONDS, MAX_HEAD_BYTES
from ml.server.settings import Settings
from tests.ml import bundles
from tests.ml.serving import JSON, SELDON, Running, running

pytestmark = pytest.mark.servers

GOOD = {"data": {"ndarray": [[31.5, 15.2, "Dream"]]}}
GOOD_BODY = json.dumps(GOOD).encode()
GOOD_HEAD = f"POST {SELDON} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n".encode()
OTHER_VERSION = "20261125-120000-89abcdef"


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("models")
    bundles.make_bundle(directory)
    bundles.make_bundle(directory, OTHER_VERSION)
    return directory


@pytest.fixture(scope="module")
def server(models: Path) -> Iterator[Running]:
    with running(models, MODEL_VERSION=bundles.VERSION, BODY_TIMEOUT_SECONDS="1") as server:
        server.wait_until(200)
        yield server
        assert server.ask("POST", SELDON, GOOD).status == 200


def exchange(server: Running, *parts: bytes, pause: float = 0.0) -> bytes:
    """Sends bytes as they are, then reads until the server closes the connection (or half a minute is over)."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        received = b""
        try:
            for part in parts:
                connection.sendall(part)
                time.sleep(pause)
            while chunk := connection.recv(65536):
                received += chunk
        except (ConnectionResetError, BrokenPipeError):
            pass
        return received


def status_of(answer: bytes) -> int:
    """The status of a raw answer, whose body must have Seldon's error shape."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert set(json.loads(body)["status"]) == {"code", "info", "reason", "status"}
    return int(head.split()[1])


def test_it_predicts_over_a_connection_that_stays_open(server: Running) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.connect()
    first = connection.sock
    for _ in range(3):
        connection.request("POST", SELDON, GOOD_BODY, JSON)
        answer = json.loads(connection.getresponse().read())
        assert answer["meta"]["tags"]["version"] == bundles.VERSION
    assert connection.sock is first
    connection.close()


def test_old_http_is_answered_and_the_connection_closed(server: Running) -> None:
    request = f"POST {SELDON} HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: {len(GOOD_BODY)}\r\n\r\n"
    answer = exchange(server, request.encode() + GOOD_BODY)
    assert answer.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GARBAGE\r\n\r\n",
        b"POST / HTTP/9.9\r\n\r\n",
        b"GET http://[ HTTP/1.1\r\nHost: x\r\n\r\n",
        GOOD_HEAD + b"Content-Length: -5\r\n\r\n",
        GOOD_HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        GOOD_HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_what_is_not_http_is_400(server: Running, garbage: bytes) -> None:
    assert status_of(exchange(server, garbage)) == 400


def test_huge_headers_are_431_in_one_piece_or_in_many(server: Running) -> None:
    header = b"X-Large: " + b"x" * (2 * MAX_HEAD_BYTES)
    assert status_of(exchange(server, GOOD_HEAD + header + b"\r\n\r\n")) == 431
    parts = [b"x" * 4096] * (MAX_HEAD_BYTES // 4096 + 1)
    assert status_of(exchange(server, GOOD_HEAD + b"X-Large: ", *parts, pause=0.001)) == 431
    assert status_of(exchange(server, b"GET /" + b"x" * (2 * MAX_HEAD_BYTES) + b" HTTP/1.1\r\n\r\n")) == 431


def test_a_large_body_does_not_count_as_headers(server: Running) -> None:
    rows = json.dumps({"data": {"ndarray": [[31.5, 15.2, "Dream"]] * 5000}}).encode()
    assert len(rows) > 2 * MAX_HEAD_BYTES
    assert server.ask("POST", SELDON, rows).status == 200


def test_headers_that_never_end_are_408(server: Running) -> None:
    begin = time.monotonic()
    assert status_of(exchange(server, GOOD_HEAD)) == 408
    assert time.monotonic() - begin >= HEAD_TIMEOUT_SECONDS - 1


def test_a_body_that_never_ends_is_408(server: Running) -> None:
    assert status_of(exchange(server, GOOD_HEAD + b"Content-Length: 500\r\n\r\n{")) == 408


def test_ten_megabytes_are_413_and_the_sender_gets_to_read_it(server: Running) -> None:
    answer = server.ask("POST", SELDON, b" " * (10 * 1024 * 1024))
    assert answer.status == 413
    assert answer.info


def test_a_stream_without_a_length_is_413_and_takes_no_memory(server: Running) -> None:
    def resident() -> int:
        text = Path(f"/proc/{server.process.pid}/status").read_text()
        return int(text.partition("VmRSS:")[2].split()[0]) // 1024

    before = resident()
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(GOOD_HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 320)  # 20 MiB
        assert connection.recv(65536).startswith(b"HTTP/1.1 413")
        with pytest.raises(OSError):  # noqa: PT011 - reset or broken pipe: it is cut off in the end
            connection.sendall(chunk * 3200)
    assert resident() - before < 64


def test_a_client_that_hangs_up_in_the_middle_harms_nobody(server: Running) -> None:
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(GOOD_HEAD + b"Content-Length: 500\r\n\r\n{")
    assert server.ask("POST", SELDON, GOOD).status == 200


def test_a_request_for_another_protocol_is_answered_in_this_one(server: Running) -> None:
    head = GOOD_HEAD + b"Connection: Upgrade, close\r\nUpgrade: websocket\r\n"
    assert b"\r\n\r\n" in exchange(server, head + b"Content-Length: 2\r\n\r\n{}")


def test_health_answers_while_a_large_request_is_predicted(server: Running) -> None:
    rows = {"data": {"ndarray": [[31.5, 15.2, "Dream"]] * 10_000}}
    body = json.dumps(rows).encode()
    statuses: list[int] = []
    threads = [
        threading.Thread(target=lambda: statuses.append(server.ask("POST", SELDON, body).status)) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    slowest = 0.0
    while any(thread.is_alive() for thread in threads):
        begin = time.monotonic()
        assert server.ask("GET", "/health/ping").body == b"pong"
        slowest = max(slowest, time.monotonic() - begin)
    assert statuses == [200] * 4
    assert slowest < 5  # a probe's patience, on a machine that runs everything at once


def test_metrics_count_what_happened(models: Path) -> None:
    with running(models, MODEL_VERSION=bundles.VERSION) as server:
        server.wait_until(200)
        server.ask("POST", SELDON, {"data": {"ndarray": [[1, 2, "Atlantis"], [1, 2, "Dream"]]}})
        server.ask("POST", SELDON, {})
        server.ask("POST", "/nowhere", {})
        text = server.ask("GET", "/metrics").body.decode()
    for line in (
        'model_server_requests_total{protocol="seldon",status="200"} 1.0',
        'model_server_requests_total{protocol="seldon",status="400"} 1.0',
        'model_server_requests_total{protocol="none",status="404"} 1.0',
        'model_server_request_seconds_count{protocol="seldon"} 2.0',
        "model_server_rows_sum 2.0",
        "model_server_batch_rows_count 1.0",
        'model_server_unknown_categories_total{column="island"} 1.0',
        f'model_server_model_info{{model="flowers",version="{bundles.VERSION}"}} 1.0',
        "model_server_in_flight_requests 1.0",
        "model_server_ready 1.0",
    ):
        assert f"\n{line}\n" in text


def test_it_logs_events_and_no_requests(models: Path) -> None:
    with running(models, MODEL_VERSION=bundles.VERSION) as server:
        server.wait_until(200)
        for _ in range(3):
            server.ask("POST", SELDON, GOOD)
            server.ask("POST", SELDON, {})
        assert server.terminate() == 0
    events = [line["event"] for line in server.lines]
    assert sorted(events[:2]) == ["listening", "model version loaded"]  # it loads beside, and says which was first
    assert events[2:] == ["draining", "stopped"]
    assert server.events("model version loaded")[0]["version"] == bundles.VERSION


def test_without_a_version_it_is_ready_and_has_not_even_loaded_the_library(models: Path) -> None:
    with running(models, MODEL_VERSION="", ENDPOINT_NAME="penguins") as server:
        server.wait_until(200)
        assert "endpoint penguins" in server.ask("POST", SELDON, GOOD).info
        assert "libxgboost" not in Path(f"/proc/{server.process.pid}/maps").read_text()


def test_a_version_that_appears_late_is_loaded(models: Path, tmp_path: Path) -> None:
    with running(tmp_path, MODEL_VERSION=bundles.VERSION) as server:
        answer = server.wait_until(503)
        while "does not exist on the models volume" not in answer.info:
            time.sleep(0.05)
            answer = server.ask("GET", "/health/status")
        assert str(tmp_path) not in answer.info
        assert server.ask("GET", "/v2/health/ready").status == 503
        assert server.ask("GET", "/health/ping").status == 200
        assert server.ask("POST", SELDON, GOOD).status == 503
        time.sleep(1)
        shutil.copytree(models / "flowers", tmp_path / "flowers.new")
        (tmp_path / "flowers.new").rename(tmp_path / "flowers")
        server.wait_until(200)
        assert server.ask("POST", SELDON, GOOD).status == 200
        assert len(server.events("model version cannot be loaded")) == 1


def test_a_version_that_was_tampered_with_is_never_served(models: Path, tmp_path: Path) -> None:
    shutil.copytree(models / "flowers", tmp_path / "flowers")
    pickled = tmp_path / "flowers" / bundles.VERSION / "model.pkl"
    pickled.chmod(0o600)
    pickled.write_bytes(pickled.read_bytes() + b".")
    with running(tmp_path, MODEL_VERSION=bundles.VERSION) as server:
        answer = server.wait_until(503)
        while "is being loaded" in answer.info:
            time.sleep(0.05)
            answer = server.ask("GET", "/health/status")
        assert "model.pkl that differs from its recorded hash" in answer.info
        assert server.ask("POST", SELDON, GOOD).status == 503


def test_a_version_id_cannot_lead_out_of_the_models_directory(models: Path) -> None:
    with running(models, MODEL_VERSION="../../etc") as server:
        answer = server.wait_until(503)
        while "is being loaded" in answer.info:
            time.sleep(0.05)
            answer = server.ask("GET", "/health/status")
        assert "is not the name of a model or version" in answer.info


def test_a_version_file_moves_the_server_without_a_failed_request(models: Path, tmp_path: Path) -> None:
    file = tmp_path / "version"
    with running(models, MODEL_VERSION_FILE=str(file)) as server:
        server.wait_until(200)
        assert server.ask("POST", SELDON, GOOD).status == 503
        served = set()
        for version in (bundles.VERSION, OTHER_VERSION):
            file.write_text(version + "\n")
            deadline = time.monotonic() + 60
            while True:
                answer = server.ask("POST", SELDON, GOOD)
                if version != bundles.VERSION:
                    assert answer.status == 200
                if answer.status == 200:
                    served.add(answer.json["meta"]["tags"]["version"])
                    if version in served:
                        break
                assert time.monotonic() < deadline
        file.write_text("20000101-000000-00000000")
        deadline = time.monotonic() + 60
        while "problem" not in (answer := server.ask("GET", "/health/status")).json:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert answer.status == 200
        assert "does not exist" in answer.json["problem"]
        assert server.ask("POST", SELDON, GOOD).json["meta"]["tags"]["version"] == OTHER_VERSION


def test_sigterm_drains_without_a_failed_request(models: Path) -> None:
    failures: list[str] = []
    answered = [0] * 4
    noticed = threading.Event()

    def client(number: int) -> None:
        """Sends on connections that stay open as long as the server wants, until the load balancer has noticed."""
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        while not noticed.is_set():
            try:
                connection.request("POST", SELDON, GOOD_BODY, JSON)
                answer = connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException) as error:
                failures.append(repr(error))
                return
            if answer.status != 200:
                failures.append(str(answer.status))
            answered[number] += 1

    with running(models, MODEL_VERSION=bundles.VERSION, DRAIN_SECONDS="4") as server:
        server.wait_until(200)
        threads = [threading.Thread(target=client, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        time.sleep(0.5)
        begin = time.monotonic()
        server.process.terminate()
        not_ready = server.wait_until(503)
        assert time.monotonic() - begin < 1
        assert not_ready.headers["connection"] == "close"
        assert "shutting down" in not_ready.info
        before = list(answered)
        time.sleep(1)
        assert all(now > then for now, then in zip(answered, before, strict=True))  # it still answers
        noticed.set()
        assert server.process.wait(timeout=60) == 0
        for thread in threads:
            thread.join()
    assert failures == []
    with pytest.raises(ConnectionRefusedError):
        server.ask("GET", "/health/ping")


def test_sigterm_lets_a_request_finish_that_is_in_flight(models: Path) -> None:
    with running(models, MODEL_VERSION=bundles.VERSION, DRAIN_SECONDS="0") as server:
        server.wait_until(200)
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
            connection.sendall(GOOD_HEAD + f"Content-Length: {len(GOOD_BODY)}\r\n\r\n".encode() + GOOD_BODY[:10])
            time.sleep(0.3)
            server.process.terminate()
            time.sleep(0.5)
            assert server.process.poll() is None
            connection.sendall(GOOD_BODY[10:])
            assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        assert server.process.wait(timeout=60) == 0


def test_a_request_that_never_ends_does_not_hold_up_the_end(models: Path) -> None:
    with running(models, MODEL_VERSION=bundles.VERSION, DRAIN_SECONDS="0", GRACE_SECONDS="1") as server:
        server.wait_until(200)
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
            connection.sendall(GOOD_HEAD + b"Content-Length: 500\r\n\r\n{")
            time.sleep(0.3)
            assert server.terminate() == 0


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({}, "MODEL_NAME is not set"),
        ({"MODEL_NAME": "m", "PORT": "http"}, "PORT must be a number of at least 0, got 'http'"),
        ({"MODEL_NAME": "m", "MAX_ROWS": "0"}, "MAX_ROWS must be a number of at least 1, got '0'"),
        ({"MODEL_NAME": "m", "DRAIN_SECONDS": "nan"}, "DRAIN_SECONDS must be a number"),
        ({"MODEL_NAME": "m", "WORKERS": "4"}, "scale by replicas"),
    ],
)
def test_a_wrong_variable_is_one_line_and_exit_code_78(variables: dict[str, str], message: str) -> None:
    process = subprocess.run(
        [sys.executable, "-m", "ml.serve"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **variables},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert process.returncode == os.EX_CONFIG
    assert message in process.stderr
    assert process.stderr.count("\n") == 1


def test_a_port_in_use_is_said_and_is_no_success(server: Running, models: Path) -> None:
    process = subprocess.run(
        [sys.executable, "-m", "ml.serve"],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "MODEL_NAME": "flowers",
            "MODELS_DIR": str(models),
            "HOST": "127.0.0.1",
            "PORT": str(server.port),
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert process.returncode != 0
    assert "address already in use" in process.stdout


def test_the_guide_names_every_variable_and_every_metric(server: Running) -> None:
    guide = (ROOT / "docs" / "model-server.md").read_text()
    variables = [field.name.upper() for field in dataclasses.fields(Settings)]
    metrics = re.findall(r"^# TYPE (model_server_\w+) ", server.ask("GET", "/metrics").body.decode(), re.MULTILINE)
    names = variables + [name for name in metrics if not name.endswith("_created")]
    assert [name for name in names if f"`{name}" not in guide] == []
