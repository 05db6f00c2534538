"""Model servers on loopback: seldon-core's microservice and this project's, each with the packages of its lock."""

import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bench.environments import environment
from local.paths import ROOT

START_SECONDS = 120
STOP_SECONDS = 15


@dataclass(frozen=True)
class Server:
    """A server that answers predictions."""

    process: subprocess.Popen[bytes]
    port: int
    start_seconds: float
    """From the start of the process to the first time that it said it was ready."""


@contextmanager
def seldon_core(version_directory: Path, core: int | None = None) -> Iterator[Server]:
    """`seldon-core-microservice` with this project's model class, on one core if one is given."""
    port, grpc, metrics = free_ports(3)
    parameters = f'[{{"name": "model_path", "type": "STRING", "value": "{version_directory}"}}]'
    command = [
        str(environment("seldon") / "bin" / "seldon-core-microservice"),
        "ml.model.Model",
        *("--service-type", "MODEL", "--parameters", parameters, "--log-level", "ERROR"),
        *("--http-port", str(port), "--grpc-port", str(grpc), "--metrics-port", str(metrics)),
    ]
    with _running(command, {}, port, core) as server:
        yield server


@contextmanager
def ours(version_directory: Path, core: int | None = None) -> Iterator[Server]:
    """`python -m ml.serve` with the packages of the server's image, on one core if one is given."""
    (port,) = free_ports(1)
    variables = {
        "MODEL_NAME": version_directory.parent.name,
        "MODEL_VERSION": version_directory.name,
        "MODELS_DIR": str(version_directory.parent.parent),
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "DRAIN_SECONDS": "0",
    }
    command = [str(environment("ml-server") / "bin" / "python"), "-m", "ml.serve"]
    with _running(command, variables, port, core) as server:
        yield server


def free_ports(count: int) -> list[int]:
    """Ports that nobody listened on a moment ago."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in sockets]
    for listener in sockets:
        listener.close()
    return ports


def memory_mib(server: Server) -> tuple[float, float]:
    """RSS and PSS of the process and all its descendants, in MiB."""
    rss = pss = 0
    for pid in _tree(server.process.pid):
        with suppress(OSError):  # it has just ended
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Rss:"):
                    rss += int(line.split()[1])
                elif line.startswith("Pss:"):
                    pss += int(line.split()[1])
    return rss / 1024, pss / 1024


def cpu_seconds(server: Server) -> float:
    """Processor time that the process and all its descendants have used so far."""
    ticks = 0
    for pid in _tree(server.process.pid):
        with suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def processes(server: Server) -> int:
    """How many processes the server consists of."""
    return len(_tree(server.process.pid))


def _tree(pid: int) -> list[int]:
    children = [
        int(child) for task in Path(f"/proc/{pid}/task").glob("*") for child in (task / "children").read_text().split()
    ]
    return [pid, *(descendant for child in children for descendant in _tree(child))]


@contextmanager
def _running(command: list[str], variables: dict[str, str], port: int, core: int | None) -> Iterator[Server]:
    begin = time.monotonic()
    process = subprocess.Popen(
        [*(["taskset", "-c", str(core)] if core is not None else []), *command],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **variables},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # seldon-core's parent does not hand SIGTERM on: its whole group gets it
    )
    try:
        _wait_until_ready(process, port, begin)
        yield Server(process, port, time.monotonic() - begin)
    finally:
        _end_group(process)


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, begin: float) -> None:
    while True:
        url = f"http://127.0.0.1:{port}/health/status"
        with suppress(OSError), urllib.request.urlopen(url, timeout=10) as answer:
            if answer.status == 200:
                return
        if process.poll() is not None:
            raise ChildProcessError(f"{process.args} ended with {process.returncode} before it was ready")
        if time.monotonic() - begin > START_SECONDS:
            raise TimeoutError(f"{process.args} was not ready within {START_SECONDS} s")
        time.sleep(0.02)


def _end_group(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
    deadline = time.monotonic() + STOP_SECONDS
    while time.monotonic() < deadline:
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
