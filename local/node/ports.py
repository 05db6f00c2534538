"""Ports that are chosen once per directory and then kept, so that a second start finds what the first one started."""

import ipaddress
import json
import os
import socket
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
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


def becomes_free(address: str, port: int, seconds: float = 5) -> bool:
    """Whether nobody listens there, at the latest after some seconds.

    A process of ours that ends keeps its port for a moment in which its environment, by which it is known, has gone.
    """
    deadline = time.monotonic() + seconds
    while in_use(address, port):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def listener(port: int) -> str | None:
    """Program and pid of who listens at a TCP port of this machine, as far as one may see that."""
    for process in Path("/proc").glob("[0-9]*"):
        if any(number == port for _, number in sockets_of(int(process.name), ("tcp", "tcp6"))):
            try:
                return f"{(process / 'comm').read_text().strip()} (pid {process.name})"
            except OSError:  # it ended
                continue
    return None


def sockets_of(pid: int, protocols: Sequence[str] = ("tcp", "tcp6", "udp", "udp6")) -> list[tuple[str, int]]:
    """Address and port of everything that a process listens or waits for datagrams at; empty if one may not see it."""
    handles = set()
    try:
        for handle in os.listdir(f"/proc/{pid}/fd"):
            with suppress(OSError):  # closed meanwhile
                handles.add(os.readlink(f"/proc/{pid}/fd/{handle}"))
    except OSError:  # it ended, or is another user's
        return []
    if not any(handle.startswith("socket:") for handle in handles):
        return []
    found = []
    for protocol in protocols:
        for row in _table(protocol):
            waits = row[3] == ("0A" if protocol.startswith("tcp") else "07")
            if waits and f"socket:[{row[9]}]" in handles:
                address, _, port = row[1].rpartition(":")
                found.append((_address(address), int(port, 16)))
    return found


def _table(protocol: str) -> list[list[str]]:
    try:
        return [line.split() for line in Path("/proc/net", protocol).read_text().splitlines()[1:]]
    except OSError:
        return []


def _address(digits: str) -> str:
    """The kernel writes each 32-bit word of an address in the machine's byte order."""
    words = [bytes.fromhex(digits[at : at + 8]) for at in range(0, len(digits), 8)]
    packed = b"".join(word[::-1] if sys.byteorder == "little" else word for word in words)
    return str(ipaddress.ip_address(packed))


def _free(address: str, offset: int, taken: set[int]) -> int:
    for step in range(LAST - FIRST):
        port = FIRST + (offset + step) % (LAST - FIRST)
        if port not in taken and not in_use(address, port):
            return port
    raise StepFailed(f"No port between {FIRST} and {LAST} is free on {address}.")
