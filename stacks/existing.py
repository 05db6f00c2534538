"""A network and a cluster that exist: the outputs of `Network` and `Cluster`, from the settings. Nothing is made."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_mlops._aws import cluster_arn
from pulumi_mlops.foundation._subnets import OF_A_NETWORK

CLUSTER_KEYS = ("arn", "node_security_group_id", "kubeconfig")
OF_A_CLUSTER = (
    "cluster_name",
    "node_groups",
    "auto_mode",
    "kubernetes_version",
    "addon_versions",
    "administrators",
    "public_access_cidrs",
    "public_access_reason",
)
"""Settings of a cluster that is made."""


@dataclass(frozen=True)
class ExistingNetwork:
    """A VPC of somebody else. Its subnets need the tags by which load balancer controllers find them."""

    vpc_id: str
    private_subnet_ids: list[str]
    """In the order of the zones."""
    public_subnet_ids: list[str]


@dataclass(frozen=True)
class ExistingCluster:
    """An EKS cluster of somebody else. The roles of the platform need its add-on eks-pod-identity-agent."""

    name: pulumi.Output[str]
    arn: pulumi.Output[str]
    kubeconfig: pulumi.Output[str]
    """Secret, as JSON."""
    node_security_group_id: pulumi.Output[str]


def network(settings: Any) -> ExistingNetwork:
    """The network that the settings name."""
    private: dict[str, str] = settings.private_subnet_ids
    public: dict[str, str] = settings.public_subnet_ids or {}
    return ExistingNetwork(
        settings.vpc_id,
        [private[zone] for zone in settings.zones],
        [public[zone] for zone in settings.zones if zone in public],
    )


def cluster(settings: Any) -> ExistingCluster:
    """The cluster that the settings name."""
    given = settings.existing_cluster
    return ExistingCluster(
        name=pulumi.Output.from_input(cluster_name(settings, "")),
        arn=pulumi.Output.from_input(given["arn"]),
        kubeconfig=pulumi.Output.secret(json.dumps(given["kubeconfig"])),
        node_security_group_id=pulumi.Output.from_input(given["node_security_group_id"]),
    )


def cluster_name(settings: Any, default: str) -> str:
    """Name of the cluster that is made or exists; `default` where the settings give none."""
    if settings.existing_cluster:
        return settings.existing_cluster["arn"].rpartition("/")[2]
    return settings.cluster_name or default


ROOM = ("name", "instance_types", "min_size", "labels", "taints")
"""What a platform is told of a node group: how much room there is for certain, and for which pods."""


def rooms(node_groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The node groups of a foundation, as its platform is told of them."""
    return [{key: group[key] for key in ROOM if key in group} for group in node_groups]


def problems(settings: Any) -> Iterator[tuple[str, str]]:
    """What is wrong with the settings together: (setting, sentence)."""
    yield from _network_problems(settings)
    yield from _cluster_problems(settings)
    yield from _adoption_problems(settings)


def _adoption_problems(settings: Any) -> Iterator[tuple[str, str]]:
    form = "must have `type::name` of a resource as keys, such as aws:s3/bucket:Bucket::mlops-dev-data, got"
    adopted: dict[str, Any] = settings.adopted or {}
    aliases: dict[str, Any] = settings.aliases or {}
    for name, given in (("adopted", adopted), ("aliases", aliases)):
        yield from ((name, f"{form} {key!r}") for key in given if key.count("::") != 1)
    for key, value in adopted.items():
        if not isinstance(value, dict):
            yield "adopted", f"must have a mapping of properties for {key}, got {value!r}"
    for key, value in aliases.items():
        if not str(value).startswith("urn:pulumi:"):
            yield "aliases", f"must have a URN for {key} (`pulumi stack --show-urns` lists them), got {value!r}"


def _network_problems(settings: Any) -> Iterator[tuple[str, str]]:
    if settings.vpc_id is None:
        for name in ("private_subnet_ids", "public_subnet_ids"):
            if getattr(settings, name) is not None:
                yield name, "is for a VPC that exists: give vpc_id as well, or leave it out"
        return
    for name in OF_A_NETWORK:
        if getattr(settings, name) is not None:
            yield (
                name,
                f"is for a VPC that is made, and vpc_id names one that exists ({settings.vpc_id}): leave one out",
            )
    if settings.private_subnet_ids is None:
        yield (
            "private_subnet_ids",
            "is required with vpc_id: the private subnet of each zone, such as {eu-central-1a: subnet-…}",
        )
    for name in ("private_subnet_ids", "public_subnet_ids"):
        given = getattr(settings, name)
        if given is not None and set(given) != set(settings.zones):
            yield (
                name,
                f"must have a subnet for each of zones ({', '.join(settings.zones)}), got {', '.join(given) or 'none'}",
            )


def _cluster_problems(settings: Any) -> Iterator[tuple[str, str]]:
    given = settings.existing_cluster
    if given is None:
        if settings.node_groups is None and not settings.auto_mode:
            yield (
                "node_groups",
                "is required unless auto_mode or existing_cluster is set: name, instance_types, min_size and max_size "
                "of each",
            )
        if settings.auto_mode and settings.karpenter:
            yield "karpenter", "is not for a cluster with auto_mode, which starts its nodes itself: leave one out"
        return
    for name in OF_A_CLUSTER:
        if getattr(settings, name) is not None:
            yield name, "is for a cluster that is made, and existing_cluster names one that exists: leave one out"
    if settings.vpc_id is None:
        yield "vpc_id", "is required with existing_cluster: the VPC that the cluster is in"
    if set(given) != set(CLUSTER_KEYS):
        yield "existing_cluster", f"must have {', '.join(CLUSTER_KEYS)}, got {', '.join(given) or 'nothing'}"
    elif complaint := cluster_arn(str(given["arn"])):
        yield "existing_cluster", f"arn {complaint}, got {given['arn']!r}"
    elif not isinstance(given["kubeconfig"], dict):
        yield (
            "existing_cluster",
            "must have as kubeconfig what `aws eks update-kubeconfig --dry-run` prints, as a mapping",
        )
