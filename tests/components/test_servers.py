"""The servers' own command lines, run as processes: what the components say is what the programs understand."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from pulumi_mlops.platform import MLflow, _seaweedfs

from tests.conftest import Build

BUCKETS = ["data", "mlflow"]
USERS: dict[str, Any] = {"mlflow": {"write": ["mlflow"]}, "reader": {"read": ["data"]}, "team": {"write": ["data"]}}
KEYS = {
    user: {"AWS_ACCESS_KEY_ID": user, "AWS_SECRET_ACCESS_KEY": f"key-of-{user}-0123456789"} for user in USERS
}  # fmt: skip
PARTS = ("master", "volume", "filer", "s3")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a SeaweedFS server with the component's flags; only directories and ports are other ones."""
    directory = tmp_path_factory.mktemp("store")
    (directory / "identities.json").write_text(_seaweedfs.identities_file(USERS, KEYS))
    ports = dict(zip([*PARTS, *(f"{part}.grpc" for part in PARTS)], _free_ports(2 * len(PARTS)), strict=True))
    flags = [
        *(flag for flag in _seaweedfs.server_flags(1) if not flag.startswith(("-dir=", "-s3.config=", "-s3.port="))),
        f"-dir={directory}",
        f"-s3.config={directory / 'identities.json'}",
        f"-filer.localSocket={directory / 'filer.sock'}",
        f"-s3.localSocket={directory / 's3.sock'}",
        *(f"-{part}.port={ports[part]}" for part in PARTS),
        *(f"-{part}.port.grpc={ports[f'{part}.grpc']}" for part in PARTS),
    ]
    script = _seaweedfs.CREATE_BUCKETS.replace("127.0.0.1:9333", f"127.0.0.1:{ports['master']}.{ports['master.grpc']}")
    assert script != _seaweedfs.CREATE_BUCKETS
    environment = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(directory)}
    with _running(["weed", *flags], environment, directory / "log"):
        for _ in range(2):  # a pod that starts again finds its buckets
            subprocess.run(
                ["/bin/sh", "-c", script, "buckets", *BUCKETS], env=environment, check=True, timeout=120, cwd=directory
            )
        url = f"http://127.0.0.1:{ports['s3']}"
        _wait_for(f"{url}/healthz", 60, directory / "log")
        yield url


def test_a_user_reads_writes_and_deletes_in_its_buckets(store: str) -> None:
    team = _client(store, "team")

    team.put_object(Bucket="data", Key="a/b.csv", Body=b"x" * 6_000_000)
    assert team.get_object(Bucket="data", Key="a/b.csv")["ContentLength"] == 6_000_000
    assert [found["Key"] for found in team.list_objects_v2(Bucket="data")["Contents"]] == ["a/b.csv"]
    team.delete_object(Bucket="data", Key="a/b.csv")
    assert team.list_objects_v2(Bucket="data")["KeyCount"] == 0


def test_a_reader_reads_and_does_not_write(store: str) -> None:
    _client(store, "team").put_object(Bucket="data", Key="read-me", Body=b"x")

    assert _client(store, "reader").get_object(Bucket="data", Key="read-me")["Body"].read() == b"x"
    assert _refusal(_client(store, "reader").put_object, Bucket="data", Key="read-me", Body=b"y") == "AccessDenied"


def test_nobody_enters_the_buckets_of_others(store: str) -> None:
    assert _refusal(_client(store, "mlflow").list_objects_v2, Bucket="data") == "AccessDenied"
    assert _refusal(_client(store, "team").put_object, Bucket="mlflow", Key="k", Body=b"x") == "AccessDenied"


def test_nobody_makes_or_removes_buckets(store: str) -> None:
    assert _refusal(_client(store, "team").create_bucket, Bucket="mine") == "AccessDenied"
    assert _refusal(_client(store, "team").delete_bucket, Bucket="data") == "AccessDenied"


def test_strangers_are_refused(store: str) -> None:
    assert _refusal(_client(store, "team", secret="guessed").list_objects_v2, Bucket="data") == "SignatureDoesNotMatch"
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(f"{store}/data")


def test_the_server_of_mlflow_migrates_serves_and_checks_hosts(build: Build, store: str, tmp_path: Path) -> None:
    """One start, because it takes several CPU seconds: schema, artifacts through the server, host check."""
    (port,) = _free_ports(1)
    artifacts = {"uri": "s3://mlflow/artifacts", "endpoint": store}
    graph = build(lambda: MLflow("mlflow", {"namespace": "mlflow", "artifact_store": artifacts}))
    (container,) = graph["mlflow-server"].inputs["spec"]["template"]["spec"]["containers"]
    variables = {entry["name"]: entry["value"] for entry in container["env"]}
    environment = {
        **variables,
        **KEYS["mlflow"],
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "MLFLOW_HOST": "127.0.0.1",
        "MLFLOW_PORT": str(port),
        "MLFLOW_BACKEND_STORE_URI": f"sqlite:///{tmp_path / 'mlflow.db'}",
    }
    url = f"http://127.0.0.1:{port}"
    with _running([sys.executable, "-W", "ignore", "-c", container["command"][-1]], environment, tmp_path / "log"):
        _wait_for(f"{url}/health", 240, tmp_path / "log")

        path = f"{url}/api/2.0/mlflow-artifacts/artifacts/some/file.txt"
        urllib.request.urlopen(urllib.request.Request(path, data=b"through", method="PUT"))
        assert urllib.request.urlopen(path).read() == b"through"
        stored = _client(store, "mlflow").get_object(Bucket="mlflow", Key="artifacts/some/file.txt")
        assert stored["Body"].read() == b"through"

        search = f"{url}/api/2.0/mlflow/experiments/search?max_results=1"
        for host in ("mlflow.mlflow.svc.cluster.local", "mlflow.mlflow:5000", "localhost:5000"):
            assert _status(search, host) == 200
        assert _status(search, "evil.example.org") == 403
    assert "Detected out-of-date" not in (tmp_path / "log").read_text()


@contextlib.contextmanager
def _running(command: list[str], environment: dict[str, str], log: Path) -> Iterator[None]:
    """A process group that is ended without grace: SeaweedFS takes up to 20 s to stop in order."""
    with log.open("w") as output:
        process = subprocess.Popen(
            command, env=environment, stdout=output, stderr=output, cwd=log.parent, start_new_session=True
        )
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_for(url: str, seconds: float, log: Path) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5):
            return
        time.sleep(0.2)
    raise AssertionError(f"{url} does not answer after {seconds} s:\n{log.read_text()[-2000:]}")


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def _client(url: str, user: str, secret: str | None = None) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id=user,
        aws_secret_access_key=secret or KEYS[user]["AWS_SECRET_ACCESS_KEY"],
        config=Config(retries={"max_attempts": 0}, s3={"addressing_style": "path"}),
    )


def _refusal(call: Any, **arguments: Any) -> str:
    with pytest.raises(ClientError) as error:
        call(**arguments)
    return error.value.response["Error"]["Code"]


def _status(url: str, host: str) -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers={"Host": host})) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code
