"""Real services for the steps, each started once: an S3 store (SeaweedFS), an MLflow server, a Postgres."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from hypothesis import settings

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
PENGUINS = BIN.parent.glob("lib/python3*/site-packages/palmerpenguins/data/penguins.csv")
START_SECONDS = 180
SERVERS = {"store", "mlflow_address", "postgres"}
"""The fixtures that start one."""

settings.register_profile("busy", deadline=None)  # how fast the machine is at the moment is no property of the code
settings.load_profile("busy")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the tests that use one of the servers; modules that start others are marked themselves."""
    for item in items:
        if not SERVERS.isdisjoint(getattr(item, "fixturenames", ())) and item.path.is_relative_to(ROOT / "tests/ml"):
            item.add_marker(pytest.mark.servers)


@dataclass(frozen=True)
class Store:
    """An S3 store that checks credentials, with a bucket `data`."""

    environment: dict[str, str]

    def put(self, key: str, content: bytes) -> None:
        """Uploads an object to the bucket `data`."""
        self.client().put_object(Bucket="data", Key=key, Body=content)

    def client(self) -> Any:
        """A client with the right credentials."""
        return boto3.client(
            "s3",
            endpoint_url=self.environment["AWS_ENDPOINT_URL_S3"],
            aws_access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
            region_name="us-east-1",
            config=Config(s3={"addressing_style": "path"}),
        )


@pytest.fixture(scope="session")
def penguins() -> bytes:
    """The example data, as published."""
    return next(PENGUINS).read_bytes()


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """SeaweedFS with one identity, which may do everything."""
    directory = tmp_path_factory.mktemp("store")
    identity = {
        "name": "pipeline",
        "credentials": [{"accessKey": "right-key", "secretKey": "right-secret"}],
        "actions": ["Admin"],
    }
    (directory / "s3.json").write_text(json.dumps({"identities": [identity]}))
    ports = dict(zip(("master", "volume", "filer", "s3"), free_ports(8)[:4], strict=True))
    grpc = dict(zip(ports, free_ports(8)[4:], strict=True))
    flags = [f"-{part}.port={port}" for part, port in ports.items()]
    flags += [f"-{part}.port.grpc={port}" for part, port in grpc.items()]
    command = [
        str(BIN / "weed"), "server", f"-dir={directory}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3",
        f"-s3.config={directory / 's3.json'}", "-master.volumeSizeLimitMB=64", "-master.telemetry=false",
        "-s3.port.iceberg=0", "-s3.port.lance=0", *flags,
    ]  # fmt: skip
    found = Store(
        {
            "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{ports['s3']}",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "right-key",
            "AWS_SECRET_ACCESS_KEY": "right-secret",
        }
    )
    with running(command, directory, lambda: found.client().create_bucket(Bucket="data")):
        yield found


@pytest.fixture(scope="session")
def mlflow_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An MLflow server on sqlite that proxies artifacts, as in the cluster."""
    directory = tmp_path_factory.mktemp("mlflow")
    port = free_ports(1)[0]
    command = [
        str(BIN / "mlflow"), "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
        "--backend-store-uri", f"sqlite:///{directory}/mlflow.db", "--artifacts-destination", str(directory / "files"),
    ]  # fmt: skip
    address = f"http://127.0.0.1:{port}"

    def healthy() -> None:
        urllib.request.urlopen(f"{address}/health", timeout=5).close()

    switches = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    with running(command, directory, healthy, switches):
        yield address


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a Postgres that asks for passwords: user `pipeline`, password `right-password`."""
    programs = _postgres_programs()
    directory = tmp_path_factory.mktemp("postgres")
    password = directory / "password"
    password.write_text("right-password")
    data, port = directory / "data", free_ports(1)[0]
    as_user: list[str] = []
    if os.geteuid() == 0:  # Postgres refuses to run as root
        for parent in (directory, *directory.parents):
            if tempfile.gettempdir() in map(str, parent.parents):
                parent.chmod(parent.stat().st_mode | 0o055)
        shutil.chown(directory, "nobody")
        shutil.chown(password, "nobody")
        as_user = ["setpriv", "--reuid=nobody", "--clear-groups", "--"]
    subprocess.run(
        [*as_user, str(programs / "initdb"), "-D", str(data), "-U", "pipeline", "-A", "scram-sha-256",
         f"--pwfile={password}", "-E", "UTF8", "--locale=C", "--no-sync"],
        check=True, capture_output=True, cwd=directory,
    )  # fmt: skip
    command = [*as_user, str(programs / "postgres"), "-D", str(data), "-h", "127.0.0.1", "-p", str(port), "-k", ""]

    def answers() -> None:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()

    with running(command, directory, answers):
        yield f"postgresql://pipeline:right-password@127.0.0.1:{port}/postgres"


def _postgres_programs() -> Path:
    def installed() -> list[Path]:
        return sorted(Path("/usr/lib/postgresql").glob("*/bin"))

    if not installed():
        from local.tools import apt

        apt.ensure("postgresql")
    return installed()[-1]


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody has."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


@contextmanager
def running(
    command: list[str], directory: Path, ready: Callable[[], Any], switches: dict[str, str] | None = None
) -> Iterator[None]:
    """A process, from the moment that `ready` raises nothing until the end of the block."""
    log = directory / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=directory,
            env={**os.environ, **(switches or {})},
            start_new_session=True,  # MLflow's server leaves its workers running when it alone is told to stop
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                ready()
                break
            except Exception as error:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise AssertionError(f"{command[0]} did not start: {log.read_text()[-2000:]}") from error
                time.sleep(0.2)
        yield
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(3)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
