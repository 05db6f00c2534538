"""Ports that are chosen once per directory and then kept, so that a second start finds what the first one started."""

import json
import os
import socket
from collections.abc import Sequence
from pathlib import Path

from local.node.files import write
from local.progress import StepFailed

FIRST, LAST = 21000, 29900
"""Below the range that the kernel takes for outgoing connections, above the well-known ones and the node ports."""


def choose(directory: Path, names: Sequence[str], address: str = "127.0.0.1") -> dict[str, int]:
    """A free port for each name, remembered in the directory.

    Raises:
        StepFailed: none is free.
    """
    record = directory / "ports.json"
    try:
        ports: dict[str, int] = json.loads(record.read_text())
    except (OSError, ValueError):
        ports = {}
    missing = [name for name in names if name not in ports]
    if missing:
        taken = set(ports.values())
        # Directories start their search at different places: two that start at the same moment then rarely collide.
        offset = sum(str(directory).encode()) * 7 % (LAST - FIRST)
        for name in missing:
            ports[name] = _free(address, offset, taken)
            taken.add(ports[name])
        write(record, json.dumps(ports, indent=1))
    return {name: ports[name] for name in names}


def in_use(address: str, port: int) -> bool:
    """Whether somebody listens there, on that address or on all."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return True
    return False


def listener(port: int) -> str | None:
    """Program and pid of who listens at a TCP port of this machine, as far as one may see that."""
    rows = [line.split() for table in ("tcp", "tcp6") for line in _table(table)]
    sockets = {f"socket:[{row[9]}]" for row in rows if row[3] == "0A" and int(row[1].rpartition(":")[2], 16) == port}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(os.readlink(handle) in sockets for handle in (process / "fd").iterdir()):
                return f"{(process / 'comm').read_text().strip()} (pid {process.name})"
        except OSError:  # it ended, or is another user's
            continue
    return None


def _table(name: str) -> list[str]:
    try:
        return Path("/proc/net", name).read_text().splitlines()[1:]
    except OSError:
        return []


def _free(address: str, offset: int, taken: set[int]) -> int:
    for step in range(LAST - FIRST):
        port = FIRST + (offset + step) % (LAST - FIRST)
        if port not in taken and not in_use(address, port):
            return port
    raise StepFailed(f"No port between {FIRST} and {LAST} is free on {address}.")
