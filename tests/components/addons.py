"""Arguments of every infrastructure add-on: the least it takes, and everything it takes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi
from pulumi_mlops.platform import (
    CertManager,
    ExternalDns,
    ExternalSecrets,
    LoadBalancerController,
    cert_manager,
    external_dns,
    external_secrets,
    load_balancer_controller,
)
from pulumi_mlops.platform._charts import Chart

ZONE = "Z0123456789ABCDEFGHIJ"
MIRROR = "mirror.example.org"
CHARTS = "oci://mirror.example.org/charts"
ROLE = "arn:aws:iam::123456789012:role/platform"
IRSA: dict[str, Any] = {"eks.amazonaws.com/role-arn": ROLE}
ANY: dict[str, Any] = {
    "namespace": "elsewhere",
    "image_registry": MIRROR,
    "chart_repository": CHARTS,
    "replicas": 3,
    "service_account_annotations": IRSA,
}
"""Arguments that every add-on takes."""


@dataclass(frozen=True)
class Addon:
    """One component with one release of one chart."""

    component: Callable[..., pulumi.ComponentResource]
    chart: Chart
    values: Callable[[str, Mapping[str, Any]], dict[str, Any]]
    service_account: str
    least: dict[str, Any]
    most: dict[str, Any]

    second: dict[str, Any] = field(default_factory=dict[str, Any])
    """What a second one in the same cluster needs besides another namespace."""

    def __str__(self) -> str:
        return self.chart.name


ADDONS = [
    Addon(
        CertManager,
        cert_manager.CHART,
        cert_manager.values,
        cert_manager.SERVICE_ACCOUNT,
        least={},
        most={
            **ANY,
            "acme_email": "platform@example.org",
            "acme_server": "https://acme.example.org/directory",
            "region": "eu-central-1",
            "memory": "512Mi",
            "keep_definitions": False,
        },
    ),
    Addon(
        ExternalSecrets,
        external_secrets.CHART,
        external_secrets.values,
        external_secrets.SERVICE_ACCOUNT,
        least={"region": "eu-central-1"},
        most={
            **ANY,
            "region": "eu-central-1",
            "secret_store": "secrets",
            "memory": "512Mi",
            "keep_definitions": False,
        },
        second={"secret_store": "others"},
    ),
    Addon(
        ExternalDns,
        external_dns.CHART,
        external_dns.values,
        external_dns.SERVICE_ACCOUNT,
        least={"cluster_name": "mlops", "region": "eu-central-1", "domain_filters": ["example.org"]},
        most={
            **{key: value for key, value in ANY.items() if key != "replicas"},
            "cluster_name": "mlops",
            "region": "eu-central-1",
            "domain_filters": ["example.org", "example.com"],
            "zone_ids": [ZONE],
            "sources": ["service", "istio-gateway"],
            "keep_records": True,
            "memory": "256Mi",
        },
    ),
    Addon(
        LoadBalancerController,
        load_balancer_controller.CHART,
        load_balancer_controller.values,
        load_balancer_controller.SERVICE_ACCOUNT,
        least={"cluster_name": "mlops", "region": "eu-central-1", "vpc_id": "vpc-0123456789abcdef0"},
        most={
            **ANY,
            "cluster_name": "mlops",
            "region": "eu-central-1",
            "vpc_id": "vpc-0123456789abcdef0",
            "tags": {"team": "platform"},
            "memory": "512Mi",
        },
    ),
]
