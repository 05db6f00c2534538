"""Arguments of every infrastructure add-on: the least it takes, and everything it takes."""

import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi
from pulumi_mlops.platform import ADD_ONS, AddOn, HelmAddOn
from pulumi_mlops.platform._charts import Chart
from pulumi_mlops.platform.add_on import check_add_on

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


def filled(component: type[pulumi.ComponentResource], args: Mapping[str, Any]) -> Any:
    """The arguments as the component's own functions get them: with every default."""
    schema = inspect.get_annotations(component.__init__)["args"]
    arguments = sys.modules[component.__module__].ARGUMENTS
    return check_add_on(component, "one", args, schema, arguments)


@dataclass(frozen=True)
class Addon:
    """Arguments of an add-on of the library that installs one release of one chart."""

    name: str
    """In the library's table."""
    least: dict[str, Any]
    most: dict[str, Any]

    second: dict[str, Any] = field(default_factory=dict[str, Any])
    """What a second one in the same cluster needs besides another namespace."""

    @property
    def add_on(self) -> AddOn:
        return ADD_ONS[self.name]

    @property
    def component(self) -> Callable[..., pulumi.ComponentResource]:
        return installer(self.name)

    @property
    def chart(self) -> Chart:
        return self.add_on.chart

    @property
    def service_account(self) -> str:
        (account,) = self.add_on.service_accounts
        return account

    def __str__(self) -> str:
        return self.chart.name

    def values(self, name: str, args: Mapping[str, Any]) -> dict[str, Any]:
        """Values of the chart for a release of that name."""
        return self.add_on.main.values(name, filled(self.component, args))


def installer(name: str) -> Callable[..., pulumi.ComponentResource]:
    """What installs the add-on of this name."""
    add_on = ADD_ONS[name]
    return add_on.component or (lambda name, args, opts=None: HelmAddOn(name, {**args, "add_on": add_on}, opts))


ADDONS = [
    Addon(
        "cert_manager",
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
        "external_secrets",
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
        "external_dns",
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
        "load_balancer_controller",
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
        "karpenter",
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

ARGUMENTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    **{addon.name: (addon.least, addon.most) for addon in ADDONS},
    "argo_cd": (delivery_addons.ARGO_CD, delivery_addons.ARGO_CD_FULL),
    "argo_events": (delivery_addons.ARGO_EVENTS, delivery_addons.ARGO_EVENTS_FULL),
    "argo_workflows": (delivery_addons.ARGO_WORKFLOWS, delivery_addons.ARGO_WORKFLOWS_FULL),
    "crossplane": (delivery_addons.CROSSPLANE, delivery_addons.CROSSPLANE_FULL),
    "istio": ({}, ISTIO_FULL),
    "kserve": (delivery_addons.KSERVE, delivery_addons.KSERVE_FULL),
    "monitoring": (delivery_addons.MONITORING, delivery_addons.MONITORING_FULL),
    "public_gateway": (PUBLIC, PUBLIC_FULL),
    "seldon": (delivery_addons.SELDON, delivery_addons.SELDON_FULL),
}
"""Least and most arguments of those that need or take any."""
ADD_ON_ARGUMENTS: dict[str, tuple[Callable[..., pulumi.ComponentResource], dict[str, Any], dict[str, Any]]] = {
    name: (installer(name), *ARGUMENTS.get(name, ({}, {}))) for name in ADD_ONS
}
"""Every add-on of the library: name → component, least and most arguments."""
