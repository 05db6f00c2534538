"""The role of a review may read the state and write nothing: a state in a bucket that refuses every write."""

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from aws import Aws
from pulumi_cli import PulumiEnv

from tests.workflows import Runner, step

pytestmark = pytest.mark.engine

PROGRAM = "import pulumi_random\npulumi_random.RandomId('id', byte_length={})\n"
READS = ("GET", "HEAD")


@dataclass
class Reader:
    """S3 for somebody who may read."""

    url: str
    refused: list[str] = field(default_factory=list)
    read: list[str] = field(default_factory=list)


@contextmanager
def reader(s3: str) -> Iterator[Reader]:
    """Leads reading requests to the API, and refuses the others as S3 does."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.command not in READS:
                found.refused.append(f"{self.command} {self.path}")
                self.send(403, b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>", {})
                return
            found.read.append(self.path)
            kept = {key: value for key, value in self.headers.items() if key.lower() != "host"}
            asked = urllib.request.Request(s3 + self.path, body or None, kept, method=self.command)
            try:
                with urllib.request.urlopen(asked, timeout=30) as said:
                    self.send(said.status, said.read(), dict(said.headers))
            except urllib.error.HTTPError as said:
                self.send(said.code, said.read(), dict(said.headers))

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = answer

        def send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for key, value in headers.items():
                if key.lower() in ("content-type", "etag", "last-modified"):
                    self.send_header(key, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    found = Reader(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def runner(pulumi_env: PulumiEnv, aws: Aws, tmp_path: Path) -> Runner:
    """A runner in a project whose stack is up, with its state in a bucket."""
    aws.client("s3").create_bucket(Bucket="state", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    pulumi_env.environment["PULUMI_BACKEND_URL"] = "s3://state"
    project = pulumi_env.project(tmp_path / "project", PROGRAM.format(4))
    up = pulumi_env.run("up", "--yes", "--skip-preview", "--stack", "test", cwd=project)
    assert up.returncode == 0, up.stdout + up.stderr
    (project / "__main__.py").write_text(PROGRAM.format(5))
    temporary = tmp_path / "runner"
    return Runner(
        project,
        temporary,
        context={
            "inputs.backend": "s3://state",
            "matrix.name": "test",
            "matrix.stack": "test",
            "runner.temp": str(temporary),
            "secrets.passphrase": pulumi_env.environment["PULUMI_CONFIG_PASSPHRASE"],
        },
        environment={**pulumi_env.environment, "PATH": f"{temporary / 'bin'}:{pulumi_env.environment['PATH']}"},
    )


@pytest.mark.parametrize(
    ("workflow", "job", "name", "file", "summary"),
    [
        ("review-preview.yml", "preview", "Preview", "test.json", {"replace": 1, "same": 1}),
        ("review-drift.yml", "drift", "Look", "drift.json", {"same": 2}),
    ],
)
def test_a_look_only_reads_the_state(
    runner: Runner, aws: Aws, workflow: str, job: str, name: str, file: str, summary: dict[str, int]
) -> None:
    with reader(aws.address) as state:
        runner.environment["AWS_ENDPOINT_URL_S3"] = state.url
        done = runner.run(step(workflow, job, name))

    assert state.refused == []
    assert done.returncode == 0, done.stdout + done.stderr
    assert any("/stacks/engine-tests/test.json" in one for one in state.read)
    assert json.loads((runner.temporary / file).read_text())["changeSummary"] == summary


def test_what_writes_would_be_refused(runner: Runner, aws: Aws, pulumi_env: PulumiEnv) -> None:
    with reader(aws.address) as state:
        pulumi_env.environment["AWS_ENDPOINT_URL_S3"] = state.url
        done = pulumi_env.run("up", "--yes", "--skip-preview", "--stack", "test", cwd=runner.directory)

    assert done.returncode
    assert any(one.startswith("PUT ") for one in state.refused)
