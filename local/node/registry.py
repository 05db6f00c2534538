"""The image registry of the machine: Debian's docker-registry, for pushes on loopback and for pods on the bridge.

The images are kept in the cache, not in the node's state: they can be built again, and building them is what makes a
first start slow. One server listens at one address, so there are two servers on the same files; neither keeps blobs in
memory, so that each sees at once what the other was given. The one on the bridge is read-only: whoever could push
there would decide what the next pod runs.
"""

import shutil
from pathlib import Path
from typing import Any

from local import paths
from local.node.control_plane import http_ok
from local.node.files import write_yaml
from local.node.network import ADDRESS
from local.node.processes import Process
from local.progress import StepFailed
from local.tools import apt

PORT = 5000
FOR_PODS = f"{ADDRESS}:{PORT}"
"""Registry name in image references: pods, containerd and the machine itself reach it. Pulls only."""
FOR_PUSHES = f"127.0.0.1:{PORT}"
"""Reachable before there is a bridge, and the address that image tools accept without TLS."""


def for_pushes(directory: Path, address: str = FOR_PUSHES) -> Process:
    """The server that takes pushes; `address` must be one that no pod reaches."""
    return _process(directory, "registry", address, {"delete": {"enabled": True}})


def for_pods(directory: Path, address: str = FOR_PODS) -> Process:
    """The server that pods reach: it answers every request that would write with 405."""
    # Uploads are cleaned up by the other server; this one has no business with the files but to read them.
    maintenance = {"readonly": {"enabled": True}, "uploadpurging": {"enabled": False}}
    return _process(directory, "registry-bridge", address, {"maintenance": maintenance})


def _process(directory: Path, name: str, address: str, storage: dict[str, Any]) -> Process:
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
        "storage": {"filesystem": {"rootdirectory": str(paths.CACHE / "registry")}, **storage},
        # Without a secret here each server draws its own, so that nobody can forge the state of an upload.
        "http": {"addr": address},
    }
    file = write_yaml(directory / "etc" / f"{name}.yaml", configuration)
    return Process(name, directory, (program, "serve", str(file)), lambda: http_ok(f"http://{address}/v2/"))
