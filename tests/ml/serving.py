"""The model server for tests: as an ASGI application in this process, and as the real process on loopback."""

import asyncio
import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local.paths import ROOT
from ml.server.app import App
from ml.server.loader import Loader, load_version
from ml.server.metrics import Metrics
from ml.server.settings import Settings

JSON = {"content-type": "application/json"}
SELDON = "/api/v1.0/predictions"
START_SECONDS = 120
"""A server starts in a second; a machine that runs everything at once may take longer."""


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def info(self) -> str:
        """The message of Seldon's error body, whose shape is checked on the way."""
        assert self.headers["content-type"] == "application/json"
        assert set(self.json) == {"status"}
        status = self.json["status"]
        assert set(status) == {"code", "info", "reason", "status"}
        assert status["code"] == self.status
        assert status["status"] == "FAILURE"
        assert status["reason"]
        return status["info"]


def app_of(models: Path, model_name: str, version: str, **overrides: Any) -> App:
    """The application with a version loaded, without a process or a port."""
    settings = Settings(model_name, version, models_dir=models, **overrides)
    metrics = Metrics()
    loader = Loader(settings, metrics)
    if version:
        loader.model = load_version(settings, version)
        metrics.serving(model_name, version)
    return App(settings, loader, metrics)


def ask(
    app: App, method: str, path: str, body: Any = b"", headers: dict[str, str] | None = None, query: str = ""
) -> Answer:
    """One request to the application; a body that is not bytes is sent as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return asyncio.run(ask_in_parts(app, method, path, [content], JSON if headers is None else headers, query))


async def ask_in_parts(
    app: App,
    method: str,
    path: str,
    parts: list[bytes],
    headers: dict[str, str],
    query: str = "",
    pause: float | None = None,
) -> Answer:
    """One request whose body comes in parts, as from the network, with a pause before each if one is given."""
    messages = [
        {"type": "http.request", "body": part, "more_body": number < len(parts)} for number, part in enumerate(parts, 1)
    ]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if pause is not None:
            await asyncio.sleep(pause)
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    await app(scope, receive, send)
    start, content = sent
    return Answer(start["status"], {k.decode(): v.decode() for k, v in start["headers"]}, content["body"])


@dataclass
class Running:
    """A server process on loopback."""

    process: subprocess.Popen[str]
    port: int
    lines: list[dict[str, Any]] = field(default_factory=list)
    """What it has logged so far."""

    def ask(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
        """One request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
            connection.request(method, path, content, JSON if headers is None else headers)
            response = connection.getresponse()
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    def wait_until(self, status: int, path: str = "/health/status") -> Answer:
        """Asks until the path answers with this status."""
        deadline = time.monotonic() + START_SECONDS
        while (answer := self.ask("GET", path)).status != status:
            assert time.monotonic() < deadline, (path, answer, self.lines)
            time.sleep(0.05)
        return answer

    def events(self, name: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["event"] == name]

    def terminate(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)


@contextmanager
def running(models: Path, model_name: str = "flowers", **environment: str) -> Iterator[Running]:
    """Runs `python -m ml.serve` on a free port until the block ends; every line of its log must be JSON."""
    process = subprocess.Popen(
        [sys.executable, "-m", "ml.serve"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONWARNINGS": "error",
            "OMP_NUM_THREADS": "1",
            "MODEL_NAME": model_name,
            "MODELS_DIR": str(models),
            "HOST": "127.0.0.1",
            "PORT": "0",
            "DRAIN_SECONDS": "0.5",
            **environment,
        },
    )
    assert process.stdout is not None
    server = Running(process, 0)
    listening = threading.Event()

    def follow() -> None:
        for line in process.stdout:
            server.lines.append(json.loads(line))
            if server.lines[-1]["event"] == "listening":
                server.port = server.lines[-1]["port"]
                listening.set()

    follower = threading.Thread(target=follow)
    follower.start()
    try:
        assert listening.wait(START_SECONDS), "the server does not listen"
        yield server
    finally:
        process.kill()
        process.wait()
        follower.join()
        process.stdout.close()
