"""The parts of the platform on EKS that come on request."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from pulumi_mlops.platform import _eks_parts
from pulumi_mlops.platform._eks_platform_args import EksPlatformOption
from pulumi_mlops.platform.karpenter import Karpenter, KarpenterArgs
from pulumi_mlops.platform.kserve import KServe, KServeArgs
from pulumi_mlops.platform.monitoring import Monitoring, MonitoringArgs
from pulumi_mlops.platform.seldon import Seldon, SeldonArgs


@dataclass(frozen=True, kw_only=True)
class Given:
    """What the platform knows."""

    args: Mapping[str, Any]
    """Its own arguments."""
    mirrors: Mapping[str, Any]
    """Arguments that say where images and charts come from."""
    replicas: int
    gateway_name: pulumi.Output[str]
    storage_class: pulumi.Output[str]
    """Of volumes that one pod has to itself."""


def create(
    given: Given, *, needs_certificates: pulumi.ResourceOptions, child: pulumi.ResourceOptions
) -> pulumi.Output[str] | None:
    """Creates what was asked for; returns the namespace that needs GRAFANA_SECRET, where there is one."""
    wanted: list[str] = given.args.get("options", [])
    mirrors: Any = given.mirrors
    if EksPlatformOption.KSERVE in wanted:
        place: Any = {"domain": given.args["domain_name"], "region": given.args["region"]}
        KServe("kserve", KServeArgs(**place, gateway_name=given.gateway_name, **mirrors), needs_certificates)
    if EksPlatformOption.SELDON in wanted:
        Seldon("seldon", SeldonArgs(**mirrors), needs_certificates)
    if "karpenter" in given.args:
        Karpenter("karpenter", _karpenter(given), child)
    if EksPlatformOption.MONITORING not in wanted:
        return None
    return Monitoring("monitoring", _monitoring(given), needs_certificates).namespace


def _karpenter(given: Given) -> KarpenterArgs:
    """Nodes like the cluster's own: in its private subnets and in the group that the database admits."""
    mirrors: Any = given.mirrors
    return KarpenterArgs(
        cluster_name=given.args["cluster_name"],
        subnet_ids=given.args["private_subnet_ids"],
        security_group_ids=[given.args["client_security_group_id"]],
        tags=given.args.get("tags", {}),
        replicas=given.replicas,
        **given.args["karpenter"],
        **mirrors,
    )


def _monitoring(given: Given) -> MonitoringArgs:
    sizes: Mapping[str, Any] = given.args.get("sizes", {})
    storage: Any = {"storage_gib": sizes["monitoring_storage_gib"]} if "monitoring_storage_gib" in sizes else {}
    mirrors: Any = given.mirrors
    return MonitoringArgs(
        grafana_secret_name=_eks_parts.GRAFANA_SECRET,
        storage_class=given.storage_class,
        replicas=given.replicas,
        **storage,
        **mirrors,
    )
