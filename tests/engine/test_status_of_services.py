"""What `make status` reads of Services, from a real API server."""

import pytest
from kubernetes import config
from pulumi_cli import Cluster
from pulumi_mlops import conventions

from local import cluster_status

pytestmark = pytest.mark.engine

PORT = {"name": "http", "port": 80, "protocol": "TCP"}


def test_a_service_is_named_until_an_address_is_ready_behind_it(cluster: Cluster) -> None:
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": "status-web",
            "namespace": "default",
            "labels": {"app.kubernetes.io/managed-by": conventions.PACKAGE},
        },
        "spec": {"selector": {"app": "status-web"}, "ports": [PORT]},
    }
    behind = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": "status-web-1",
            "namespace": "default",
            "labels": {"kubernetes.io/service-name": "status-web"},
        },
        "addressType": "IPv4",
        "ports": [PORT],
    }
    with config.new_client_from_config(str(cluster.kubeconfig)) as api:

        def named() -> list[str]:
            return [line.text for line in cluster_status._services(api) if "status-web" in line.text]

        try:
            cluster.apply(service, "test")
            assert len(named()) == 1
            cluster.apply({**behind, "endpoints": []}, "test")
            assert len(named()) == 1
            cluster.apply(
                {**behind, "endpoints": [{"addresses": ["10.0.0.9"], "conditions": {"ready": False}}]}, "test"
            )
            assert len(named()) == 1
            cluster.apply({**behind, "endpoints": [{"addresses": ["10.0.0.9"], "conditions": {"ready": True}}]}, "test")
            assert named() == []
        finally:
            cluster.delete("v1", "Service", "status-web", "default")
            cluster.delete("discovery.k8s.io/v1", "EndpointSlice", "status-web-1", "default")
