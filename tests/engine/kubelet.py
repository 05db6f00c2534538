"""A kubelet that runs nothing: it says of every pod that it runs, or, for a Job's, that it has succeeded.

Enough for everything that waits for pods (Deployments, StatefulSets, Jobs, Services) on an API server without nodes.
What pods really do is the cluster tests' matter.
"""

import contextlib
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

from kubernetes import client, config

NODE = "pretended"
INTERVAL_SECONDS = 0.2
HEARTBEAT_SECONDS = 10  # after 40 s without one, the node and its pods count as lost


@contextlib.contextmanager
def pretending(kubeconfig: Path) -> Iterator[None]:
    """A node on which every pod, of now and later, is reported as running while the context is open."""
    ended = threading.Event()
    with config.new_client_from_config(str(kubeconfig)) as api:
        kubelet = _Kubelet(client.CoreV1Api(api))
        kubelet.core.create_node({"metadata": {"name": NODE}})
        thread = threading.Thread(target=kubelet.run, args=(ended,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


class _Kubelet:
    def __init__(self, core: client.CoreV1Api) -> None:
        self.core = core
        self.numbers = count(1)

    def run(self, ended: threading.Event) -> None:
        heartbeat = 0.0
        while not ended.wait(INTERVAL_SECONDS):
            if time.monotonic() > heartbeat:
                heartbeat = time.monotonic() + HEARTBEAT_SECONDS
                self.core.patch_node_status(NODE, {"status": {"conditions": [_ready_node()]}})
            for pod in self.core.list_pod_for_all_namespaces().items:
                with contextlib.suppress(client.ApiException):  # it is gone, or was changed in between
                    self._handle(pod)

    def _handle(self, pod: Any) -> None:
        name, namespace = pod.metadata.name, pod.metadata.namespace
        if pod.metadata.deletion_timestamp:
            self.core.delete_namespaced_pod(name, namespace, grace_period_seconds=0)
        elif not pod.spec.node_name:
            target = {"metadata": {"name": name}, "target": {"kind": "Node", "name": NODE}}
            # The client cannot read the answer, which is no Binding.
            self.core.create_namespaced_pod_binding(name, namespace, target, _preload_content=False)
        elif pod.status.phase == "Pending":
            self.core.patch_namespaced_pod_status(name, namespace, _status(pod, next(self.numbers)))


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _ready_node() -> dict[str, str]:
    return {"type": "Ready", "status": "True", "reason": "Pretended", "lastHeartbeatTime": _now()}


def _status(pod: Any, number: int) -> dict[str, Any]:
    job = any(owner.kind == "Job" for owner in pod.metadata.owner_references or [])
    conditions = ("PodScheduled", "Initialized") if job else ("PodScheduled", "Initialized", "ContainersReady", "Ready")
    address = f"10.99.{number // 250}.{number % 250 + 1}"
    return {
        "status": {
            "phase": "Succeeded" if job else "Running",
            "podIP": address,
            "podIPs": [{"ip": address}],
            "conditions": [{"type": kind, "status": "True", "lastTransitionTime": _now()} for kind in conditions],
        }
    }
