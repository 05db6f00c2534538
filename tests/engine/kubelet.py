"""A kubelet that runs nothing: it says of every pod that it runs, or, for a Job's, that it has succeeded.

Enough for everything that waits for pods (Deployments, StatefulSets, Jobs, Services) on an API server without nodes.
What pods really do is the cluster tests' matter.
"""

import contextlib
import threading
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

from kubernetes import client, config

INTERVAL_SECONDS = 0.2


@contextlib.contextmanager
def pretending(kubeconfig: Path) -> Iterator[None]:
    """Pods that exist while the context is open are reported as running."""
    ended = threading.Event()
    with config.new_client_from_config(str(kubeconfig)) as api:
        thread = threading.Thread(target=_run, args=(client.CoreV1Api(api), ended), daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


def _run(core: client.CoreV1Api, ended: threading.Event) -> None:
    addresses = count(1)
    while not ended.wait(INTERVAL_SECONDS):
        for pod in core.list_pod_for_all_namespaces(field_selector="status.phase=Pending").items:
            with contextlib.suppress(client.ApiException):  # it is gone, or was changed in between
                core.patch_namespaced_pod_status(pod.metadata.name, pod.metadata.namespace, _status(pod, addresses))


def _status(pod: Any, addresses: Iterator[int]) -> dict[str, Any]:
    job = any(owner.kind == "Job" for owner in pod.metadata.owner_references or [])
    number = next(addresses)
    conditions = ("PodScheduled", "Initialized") if job else ("PodScheduled", "Initialized", "ContainersReady", "Ready")
    return {
        "status": {
            "phase": "Succeeded" if job else "Running",
            "podIP": f"10.99.{number // 250}.{number % 250 + 1}",
            "podIPs": [{"ip": f"10.99.{number // 250}.{number % 250 + 1}"}],
            "conditions": [{"type": kind, "status": "True"} for kind in conditions],
        }
    }
