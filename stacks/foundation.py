"""The foundation layer of an environment on AWS: network, cluster, identities, buckets, files, images, names."""

from collections.abc import Iterator
from typing import Any

import pulumi
from pulumi_mlops import conventions
from pulumi_mlops.foundation import (
    Cluster,
    ClusterArgs,
    Domain,
    DomainArgs,
    NatMode,
    Network,
    NetworkArgs,
    Registry,
    RegistryArgs,
    S3ObjectStore,
    S3ObjectStoreArgs,
    SharedFiles,
    SharedFilesArgs,
    WorkloadIdentity,
    WorkloadIdentityArgs,
    adoption,
    endpoints,
    permissions,
)
from pulumi_mlops.platform import ADD_ONS, AwsEnvironment

from stacks import configuration, existing, karpenter, settings, values
from stacks import region as aws_region

REPOSITORIES = ["ml-pipeline", "ml-server"]


def build() -> None:
    """Declares the stack."""
    chosen = configuration.read(settings.FoundationSettings)
    region = aws_region.read()
    configuration.refuse("certificate_arn", values.certificate_problem(chosen.certificate_arn, region))
    configuration.refuse("interface_endpoints", _endpoints_problem(chosen))
    name = f"mlops-{chosen.environment}"
    given = (chosen.adopted or {}, chosen.aliases or {})
    kept = adoption.keep(*given, namespace=configuration.PROJECT) if any(given) else None
    common: Any = {
        "tags": {"environment": chosen.environment, "managed-by": conventions.PACKAGE, **(chosen.tags or {})}
    }
    data: Any = {**common, "protect_data": chosen.protect_data}

    network = existing.network(chosen) if chosen.vpc_id else _network(name, region, chosen, common)
    cluster = existing.cluster(chosen) if chosen.existing_cluster else _cluster(name, network, chosen, common)
    given_buckets = chosen.existing_buckets or {}
    created = [bucket for bucket in values.BUCKETS if bucket not in given_buckets]
    store = S3ObjectStore(
        name, S3ObjectStoreArgs(region=region, buckets=created, existing_buckets={**given_buckets}, **data)
    )
    files = SharedFiles(
        name,
        SharedFilesArgs(
            vpc_id=network.vpc_id,
            subnets={zone: network.private_subnet_ids[index] for index, zone in enumerate(chosen.zones)},
            client_security_groups={"nodes": cluster.node_security_group_id},
            **data,
        ),
    )
    registry = Registry(
        name, RegistryArgs(repositories=REPOSITORIES, scan_whole_registry=chosen.scan_whole_registry, **data)
    )
    known = settings.given(chosen, "domain_name", "zone_id", "parent_zone_id", "certificate_arn")
    domain = Domain(name, DomainArgs(**known, **data))
    nodes = karpenter.create(name, cluster, common) if chosen.karpenter else None
    environment = _environment(
        name, region, chosen, network=network, cluster=cluster, domain=domain, store=store, nodes=nodes
    )
    mlflow: Any = permissions.read_write(store.bucket_arns[conventions.MLFLOW_BUCKET])
    needed = [
        (conventions.MLFLOW_NAMESPACE, conventions.MLFLOW_SERVICE, mlflow),
        *_needed(environment, auto_mode=bool(chosen.auto_mode)),
    ]
    identities = _identities(name, common, cluster, needed)

    pulumi.export("region", region)
    pulumi.export("cluster_name", cluster.name)
    pulumi.export("cluster_arn", cluster.arn)
    pulumi.export("kubeconfig", cluster.kubeconfig)
    if chosen.node_groups:
        pulumi.export("node_groups", existing.rooms(chosen.node_groups))
    if chosen.auto_mode:
        pulumi.export("auto_mode", True)
    pulumi.export("vpc_id", network.vpc_id)
    pulumi.export("private_subnet_ids", network.private_subnet_ids)
    pulumi.export("client_security_group_id", cluster.node_security_group_id)
    pulumi.export("object_store_endpoint", store.endpoint)
    pulumi.export("buckets", store.bucket_names)
    pulumi.export("storage_class_parameters", files.storage_class_parameters)
    pulumi.export("image_registry", registry.url)
    pulumi.export("repositories", registry.repository_urls)
    pulumi.export("domain_name", domain.name)
    pulumi.export("zone_id", domain.zone_id)
    pulumi.export("name_servers", domain.name_servers)
    pulumi.export("certificate_arn", domain.certificate_arn)
    pulumi.export("secrets_prefix", _secrets_prefix(name))
    if nodes:
        pulumi.export("karpenter_node_role", nodes.node_role)
        pulumi.export("karpenter_queue", nodes.queue)
    pulumi.export("roles", {account: identity.role_arn for account, identity in identities.items()})
    if kept:
        kept.complete()


def _endpoints_problem(chosen: settings.FoundationSettings) -> str:
    """What the setting `interface_endpoints` lacks where nothing else leads to AWS's services; empty for nothing.

    An adopted network may have ways out that are in no state, such as a transit gateway's: there `Network` only warns.
    """
    if chosen.nat != NatMode.NONE or chosen.adopted:
        return ""
    called = {
        service: name
        for name, add_on in ADD_ONS.items()
        if (name != "karpenter" or chosen.karpenter) and not (chosen.auto_mode and add_on.built_into_auto_mode)
        for service in add_on.endpoints
    }
    return endpoints.missing(chosen.interface_endpoints or [], {**called, **endpoints.NODES})


def _secrets_prefix(name: str) -> str:
    """Beginning of the names of the platform's own secrets in Secrets Manager."""
    return f"{name}/"


def _network(name: str, region: str, chosen: settings.FoundationSettings, common: Any) -> Network:
    return Network(
        name,
        NetworkArgs(
            region=region,
            cluster_names=[existing.cluster_name(chosen, name)],
            protect=chosen.protect_data,
            **common,
            **settings.given(chosen, "zones", "cidr", "nat", "interface_endpoints"),
        ),
    )


def _cluster(
    name: str, network: Network | existing.ExistingNetwork, chosen: settings.FoundationSettings, common: Any
) -> Cluster:
    subnets: Any = {
        "private_subnet_ids": network.private_subnet_ids,
        "public_subnet_ids": network.public_subnet_ids,
    }
    return Cluster(
        name,
        ClusterArgs(
            vpc_id=network.vpc_id,
            **subnets,
            protect=chosen.protect_data,
            **common,
            **settings.given(chosen, *existing.OF_A_CLUSTER),
        ),
    )


def _environment(
    name: str,
    region: str,
    chosen: settings.FoundationSettings,
    *,
    network: Network | existing.ExistingNetwork,
    cluster: Cluster | existing.ExistingCluster,
    domain: Domain,
    store: S3ObjectStore,
    nodes: karpenter.ForKarpenter | None,
) -> AwsEnvironment:
    """What the permissions of the platform's add-ons refer to."""
    return AwsEnvironment(
        cluster_name=existing.cluster_name(chosen, name),
        region=region,
        account_id=cluster.arn.apply(lambda arn: arn.split(":")[4]),
        vpc_id=network.vpc_id,
        zone_ids=[domain.zone_id],
        secrets_prefix=_secrets_prefix(name),
        workflows_bucket_arn=store.bucket_arns[conventions.WORKFLOWS_BUCKET],
        tenants_prefix=values.tenants_prefix(chosen.environment),
        node_role_arn=nodes.node_role_arn if nodes else None,
        interruption_queue_arn=nodes.queue_arn if nodes else None,
    )


def _needed(environment: AwsEnvironment, *, auto_mode: bool) -> Iterator[tuple[str, str, Any]]:
    """Namespace, service account and statements of every add-on that calls AWS."""
    for add_on in ADD_ONS.values():
        if not (auto_mode and add_on.built_into_auto_mode):
            for account, statements in add_on.service_accounts.items():
                yield add_on.namespace, account, statements(environment)


def _identities(
    name: str,
    common: Any,
    cluster: Cluster | existing.ExistingCluster,
    needed: list[tuple[str, str, Any]],
) -> dict[str, WorkloadIdentity]:
    """A role for each service account of the platform that calls AWS, by the account's name."""
    return {
        account: WorkloadIdentity(
            f"{name}-{account}",
            WorkloadIdentityArgs(
                cluster_name=cluster.name,
                namespace=namespace,
                service_account=account,
                statements=statements,
                **common,
            ),
        )
        for namespace, account, statements in needed
        if statements
    }
