"""The operators of add-ons, pretended: they say that what was asked for is there, while their own Deployment exists.

The one of load balancers holds its Services by a finalizer, as the real one does: a Service that outlives its
controller is never deleted, and the run that tries it fails.
"""

import contextlib
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kubernetes import client, config

from local.node.control_plane import ControlPlane, control_plane
from tests.engine import kubelet

INTERVAL_SECONDS = 0.3
FINALIZER = "service.k8s.aws/resources"
BALANCERS = ("load-balancer-controller", "aws-load-balancer-controller")
"""Namespace and Deployment of a controller."""
CONDITIONS = {
    ("external-secrets.io", "v1", "externalsecrets"): (("external-secrets", "external-secrets"), "Ready"),
    ("pkg.crossplane.io", "v1", "providers"): (("crossplane-system", "crossplane"), "Healthy"),
    ("pkg.crossplane.io", "v1", "functions"): (("crossplane-system", "crossplane"), "Healthy"),
}
"""Kind → its controller, and the condition that this one reports."""


@contextlib.contextmanager
def cluster(directory: Path) -> Iterator[ControlPlane]:
    """An empty cluster, in which pods and operators are pretended."""
    with (
        control_plane(directory) as running,
        kubelet.pretending(running.kubeconfig),
        pretending(running.kubeconfig),
    ):
        yield running


@contextlib.contextmanager
def pretending(kubeconfig: Path) -> Iterator[None]:
    """Operators that work while the context is open."""
    ended = threading.Event()
    with config.new_client_from_config(str(kubeconfig)) as api:
        thread = threading.Thread(target=_Operators(api).run, args=(ended,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


class _Operators:
    def __init__(self, api: client.ApiClient) -> None:
        self.core = client.CoreV1Api(api)
        self.apps = client.AppsV1Api(api)
        self.custom = client.CustomObjectsApi(api)

    def run(self, ended: threading.Event) -> None:
        while not ended.wait(INTERVAL_SECONDS):
            running = {
                (one.metadata.namespace, one.metadata.name)
                for one in self.apps.list_deployment_for_all_namespaces().items
            }
            if BALANCERS in running:
                self._balance()
            for kind, (controller, condition) in CONDITIONS.items():
                if controller in running:
                    with contextlib.suppress(client.ApiException):  # the kind or the object is gone
                        self._report(kind, condition)

    def _balance(self) -> None:
        for service in self.core.list_service_for_all_namespaces().items:
            if service.spec.type != "LoadBalancer":
                continue
            place = (service.metadata.name, service.metadata.namespace)
            held = FINALIZER in (service.metadata.finalizers or [])
            with contextlib.suppress(client.ApiException):
                if service.metadata.deletion_timestamp and held:
                    self.core.patch_namespaced_service(*place, {"metadata": {"finalizers": None}})
                elif not service.status.load_balancer.ingress:
                    self.core.patch_namespaced_service(*place, {"metadata": {"finalizers": [FINALIZER]}})
                    balancer = {"ingress": [{"hostname": f"{place[0]}.elb.example.org"}]}
                    self.core.patch_namespaced_service_status(*place, {"status": {"loadBalancer": balancer}})

    def _report(self, kind: tuple[str, str, str], condition: str) -> None:
        reported = {
            "type": condition,
            "status": "True",
            "reason": "Pretended",
            "lastTransitionTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        for one in self.custom.list_cluster_custom_object(*kind)["items"]:
            if not one.get("status", {}).get("conditions"):
                self._patch(kind, one["metadata"], {"status": {"conditions": [reported]}})

    def _patch(self, kind: tuple[str, str, str], metadata: dict[str, Any], status: dict[str, Any]) -> None:
        group, version, plural = kind
        if "namespace" in metadata:
            self.custom.patch_namespaced_custom_object_status(
                group, version, metadata["namespace"], plural, metadata["name"], status
            )
        else:
            self.custom.patch_cluster_custom_object_status(group, version, plural, metadata["name"], status)
