"""Arguments of every infrastructure add-on: the least it takes, and everything it takes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi
from pulumi_mlops.platform import (
    ArgoCD,
    ArgoEvents,
    ArgoWorkflows,
    CertManager,
    Crossplane,
    ExternalDns,
    ExternalSecrets,
    Istio,
    Karpenter,
    KServe,
    LoadBalancerController,
    Monitoring,
    Seldon,
    cert_manager,
    external_dns,
    external_secrets,
    karpenter,
    load_balancer_controller,
)
from pulumi_mlops.platform._charts import Chart

from tests.components import delivery_addons

ZONE = "Z0123456789ABCDEFGHIJ"
MIRROR = "mirror.example.org"
CHARTS = "oci://mirror.example.org/charts"
ROLE = "arn:aws:iam::123456789012:role/platform"
IRSA: dict[str, Any] = {"eks.amazonaws.com/role-arn": ROLE}
ANY: dict[str, Any] = {
    "namespace": "elsewhere",
    "image_mirror": MIRROR,
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
            "sources": ["service", "istio_gateway"],
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
            "keep_definitions": False,
        },
    ),
    Addon(
        Karpenter,
        karpenter.CHART,
        karpenter.values,
        karpenter.SERVICE_ACCOUNT,
        least={
            "cluster_name": "mlops",
            "node_role": "mlops-node",
            "subnet_ids": ["subnet-0123456789abcdef0"],
            "security_group_ids": ["sg-0123456789abcdef0"],
        },
        most={
            **ANY,
            "cluster_name": "mlops",
            "node_role": "mlops-node",
            "subnet_ids": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
            "security_group_ids": ["sg-0123456789abcdef0"],
            "interruption_queue": "mlops-interruptions",
            "spot": True,
            "cpu_limit": 500,
            "tags": {"team": "platform"},
        },
    ),
]

PUBLIC: dict[str, Any] = {
    "hostnames": ["models.example.org"],
    "certificate_arn": "arn:aws:acm:eu-central-1:123456789012:certificate/12345678-1234-1234-1234-123456789012",
}
PUBLIC_FULL: dict[str, Any] = {
    **PUBLIC,
    "hostnames": ["models.example.org", "mlflow.example.org"],
    "internal": True,
    "source_ranges": ["10.0.0.0/8"],
    "namespace": "elsewhere",
    "replicas": 3,
    "max_replicas": 30,
    "memory": "1Gi",
    "tags": {"team": "platform", "cost": "mlops"},
    "chart_repository": CHARTS,
}
ISTIO_FULL: dict[str, Any] = {
    "namespace": "elsewhere",
    "replicas": 3,
    "memory": "4Gi",
    "image_mirror": MIRROR,
    "chart_repository": CHARTS,
}

ADD_ON_ARGUMENTS: dict[str, tuple[Callable[..., pulumi.ComponentResource], dict[str, Any], dict[str, Any]]] = {
    **{addon.component.__module__.rpartition(".")[2]: (addon.component, addon.least, addon.most) for addon in ADDONS},
    "argo_cd": (ArgoCD, delivery_addons.ARGO_CD, delivery_addons.ARGO_CD_FULL),
    "argo_events": (ArgoEvents, delivery_addons.ARGO_EVENTS, delivery_addons.ARGO_EVENTS_FULL),
    "argo_workflows": (ArgoWorkflows, delivery_addons.ARGO_WORKFLOWS, delivery_addons.ARGO_WORKFLOWS_FULL),
    "crossplane": (Crossplane, delivery_addons.CROSSPLANE, delivery_addons.CROSSPLANE_FULL),
    "istio": (Istio, {}, ISTIO_FULL),
    "kserve": (KServe, delivery_addons.KSERVE, delivery_addons.KSERVE_FULL),
    "monitoring": (Monitoring, delivery_addons.MONITORING, delivery_addons.MONITORING_FULL),
    "seldon": (Seldon, delivery_addons.SELDON, delivery_addons.SELDON_FULL),
}
"""Name in the library's table → component, least and most arguments."""
