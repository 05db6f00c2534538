"""Every process of the node, in one list, and the objects in the cluster that they rely on."""

import sys
import time
from collections.abc import Callable
from pathlib import Path

from local.node import control_plane, dns, gateway, kubelet, network, registry, runtime, storage
from local.node.api import Api, ApiError, Manifest
from local.node.control_plane import client_config
from local.node.processes import Process
from local.progress import StepFailed

API_PORT = 6443
BINARIES = (*control_plane.BINARIES, *kubelet.BINARIES, "coredns", "pause")
"""What `local.tools` must have built."""

FIXED_PORTS = {
    "kube-apiserver": (network.ADDRESS, API_PORT),
    "coredns": (network.ADDRESS, 53),
    "traefik": (network.ADDRESS, gateway.PORT),
    "registry": ("127.0.0.1", registry.PORT),
    "registry-bridge": (network.ADDRESS, registry.PORT),
}
"""Where others expect to find these processes; every other port is chosen among the free ones."""

POD_PORTS = tuple(sorted(port for address, port in FIXED_PORTS.values() if address == network.ADDRESS))
"""What pods reach of the machine; its every other port is closed to them."""

NODE_READY_SECONDS = 90


class NodeParts:
    """The node's processes as they are to run from `directory`; making one writes their configuration files."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.directory = directory
        self.control = control_plane.Parts.plan(directory, network.ADDRESS, API_PORT, kubelet.api_flags(directory))
        self.containerd = runtime.process(directory)
        self.registries = (registry.for_pushes(directory), registry.for_pods(directory))
        self.workers = kubelet.processes(self.control)
        self.dns = dns.process(self.control)
        self.gateway = gateway.process(self.control)
        self.storage = self._storage()
        self.api = Api(self.control.kubeconfig)

    @property
    def processes(self) -> tuple[Process, ...]:
        """All, in starting order."""
        helpers = (self.dns, self.storage, self.gateway)
        return (self.containerd, *self.registries, *self.control.processes, *self.workers, *helpers)

    def start(self) -> None:
        """Starts what does not run and waits until the node takes pods.

        The order is for speed: whatever takes long is started before the first thing is waited for.
        """
        self.control.launch_api()
        for process in (self.containerd, *self.registries):
            process.launch()
        self.containerd.wait()
        runtime.import_pause(self.directory)
        self.control.etcd.wait()
        self.control.api_server.wait()
        for process in (self.control.controller_manager, *self.workers):
            process.launch()
        for user, rules in ((dns.USER, dns.RULES), (storage.USER, storage.RULES), (gateway.USER, gateway.RULES)):
            self._grant(user, rules)
        self.dns.launch()
        self.storage.launch()
        for storage_class in storage.storage_classes():
            self.api.apply(storage_class)
        gateway.install(self.api)
        _until_served(lambda: gateway.install_class(self.api))
        self.gateway.launch()
        for process in self.processes:
            process.wait()
        self._wait_for_node()

    def node_ready(self) -> bool:
        """Whether the kubelet reports the node as ready; raises OSError when the API does not answer."""
        try:
            status = self.api.request("GET", f"/api/v1/nodes/{kubelet.NODE_NAME}")["status"]
        except ApiError:
            return False
        return {"type": "Ready", "status": "True"}.items() <= next(
            (c for c in status.get("conditions", []) if c["type"] == "Ready"), {}
        ).items()

    def _wait_for_node(self) -> None:
        deadline = time.monotonic() + NODE_READY_SECONDS
        while not self.node_ready():
            if time.monotonic() > deadline:
                worker = next(process for process in self.workers if process.name == "kubelet")
                raise StepFailed(f"Node: not ready after {NODE_READY_SECONDS} s; log of the kubelet:\n{worker.tail()}")
            time.sleep(0.1)

    def _grant(self, user: str, rules: list[Manifest]) -> None:
        """Gives one of the node's own programs a cluster role with these rules."""
        group = "rbac.authorization.k8s.io"
        kind = {"apiVersion": f"{group}/v1", "metadata": {"name": user}}
        self.api.apply({**kind, "kind": "ClusterRole", "rules": rules})
        subject = {"apiGroup": group, "kind": "User", "name": user}
        role = {"apiGroup": group, "kind": "ClusterRole", "name": user}
        self.api.apply({**kind, "kind": "ClusterRoleBinding", "subjects": [subject], "roleRef": role})

    def _storage(self) -> Process:
        config = client_config(self.directory, self.control.pki, "storage", storage.USER, self.control.url)
        volumes = self.directory / "volumes"
        command = (sys.executable, "-m", storage.__name__, config["kubeconfig"], str(volumes))
        log = self.directory / "log" / "storage.log"
        environment = {"PYTHONPATH": str(Path(__file__).resolve().parents[2])}
        return Process("storage", self.directory, command, lambda: storage.READY_MARK in log.read_text(), environment)


def _until_served(action: Callable[[], None], seconds: float = 20) -> None:
    """Repeats an action that the API server answers with 404 until it serves a definition that was just installed."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return action()
        except ApiError as error:
            if error.status != 404 or time.monotonic() > deadline:
                raise
        time.sleep(0.05)
