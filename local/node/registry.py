"""The image registry of the machine: Debian's docker-registry, for pushes on loopback and for pods on the bridge.

The images are kept in the cache, not in the node's state: they can be built again, and building them is what makes a
first start slow. One server listens at one address, so there are two servers on the same files; neither keeps blobs in
memory, so that each sees at once what the other was given.
"""

import shutil
from pathlib import Path

from local import paths
from local.node.control_plane import http_ok
from local.node.files import write_yaml
from local.node.network import ADDRESS
from local.node.processes import Process
from local.progress import StepFailed
from local.tools import apt

PORT = 5000
FOR_PODS = f"{ADDRESS}:{PORT}"
"""Registry name in image references: pods, containerd and the machine itself reach it."""
FOR_PUSHES = f"127.0.0.1:{PORT}"
"""Reachable before there is a bridge, and the address that image tools accept without TLS."""


def process(directory: Path, address: str) -> Process:
    """The server that listens at `address`: FOR_PUSHES or FOR_PODS."""
    name = "registry" if address == FOR_PUSHES else "registry-bridge"
    program = shutil.which("docker-registry")
    if program is None:
        apt.ensure("docker-registry")
        program = shutil.which("docker-registry")
    if program is None:
        raise StepFailed(
            "Registry: docker-registry is installed but not on PATH; add /usr/bin to PATH, then run again."
        )
    configuration = {
        "version": 0.1,
        "log": {"level": "warn", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(paths.CACHE / "registry")}, "delete": {"enabled": True}},
        # Both servers must take each other's half-finished uploads.
        "http": {"addr": address, "secret": "pulumi-mlops"},
    }
    file = write_yaml(directory / "etc" / f"{name}.yaml", configuration)
    return Process(name, directory, (program, "serve", str(file)), lambda: http_ok(f"http://{address}/v2/"))
