"""SeaweedFS and other servers as processes of this machine, started as the components say."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

from pulumi_mlops.platform import ObjectStoreUser
from pulumi_mlops.platform.object_store import _seaweedfs

BUCKETS = ["data", "mlflow"]
USERS: dict[str, ObjectStoreUser] = {
    "mlflow": {"read": [], "write": ["mlflow"]},
    "reader": {"read": ["data"], "write": []},
    "team": {"read": [], "write": ["data"]},
}
KEYS = {
    user: {"AWS_ACCESS_KEY_ID": user, "AWS_SECRET_ACCESS_KEY": f"key-of-{user}-0123456789"} for user in USERS
}  # fmt: skip
PARTS = ("master", "volume", "filer", "s3")


@contextlib.contextmanager
def object_store(directory: Path) -> Iterator[str]:
    """URL of a SeaweedFS server with the component's flags; only directories and ports are other ones."""
    (directory / "identities.json").write_text(_seaweedfs.identities_file(USERS, KEYS))
    ports = dict(zip([*PARTS, *(f"{part}.grpc" for part in PARTS)], free_ports(2 * len(PARTS)), strict=True))
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
    environment |= {"GOGC": "50", "GOMEMLIMIT": str(288 * 1024**2)}
    with running(["weed", *flags], environment, directory / "log"):
        for _ in range(2):  # a pod that starts again finds its buckets
            subprocess.run(
                ["/bin/sh", "-c", script, "buckets", *BUCKETS], env=environment, check=True, timeout=120, cwd=directory
            )
        url = f"http://127.0.0.1:{ports['s3']}"
        wait_for(f"{url}/healthz", 60, directory / "log")
        yield url


@contextlib.contextmanager
def running(command: list[str], environment: Mapping[str, str], log: Path) -> Iterator[None]:
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


def wait_for(url: str, seconds: float, log: Path) -> None:
    """Waits until the address answers; fails with the end of the log otherwise."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5):
            return
        time.sleep(0.2)
    raise AssertionError(f"{url} does not answer after {seconds} s:\n{log.read_text()[-2000:]}")


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody has."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()
