"""The settings of each layer of stacks: one dataclass a layer, which `stacks.configuration` reads.

A stack's file is `stacks/Pulumi.<stack>.yaml`; `pulumi config set <key> <value>` writes there. A field's name is the
key, a field without a default is required, and `meaning` says what it is for.
"""

from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from stacks import configuration, existing, values


def _means(text: str) -> dict[str, str]:
    return {"meaning": text}


KUBE_CONTEXT = _means("context of the kubeconfig; default: the current one")


@dataclass(frozen=True, kw_only=True)
class FoundationSettings:
    """Settings of the foundation layer; the region is that of the AWS provider, `aws:region`."""

    environment: str = field(metadata=_means("name of the environment, such as dev: part of every name on AWS"))
    zones: list[str] = field(metadata=_means("two to four availability zones of the region"))
    node_groups: list[dict[str, Any]] | None = field(
        default=None, metadata=_means("the nodes: name, instance_types, min_size, max_size … of each group")
    )
    auto_mode: bool | None = field(
        default=None, metadata=_means("whether EKS starts the nodes itself (EKS Auto Mode); then without node_groups")
    )
    domain_name: str = field(metadata=_means("the domain of the platform, such as ml.example.org"))
    zone_id: str | None = field(default=None, metadata=_means("Route 53 zone of the domain, if there is one"))
    parent_zone_id: str | None = field(
        default=None, metadata=_means("Route 53 zone above, where a new zone is announced")
    )
    certificate_arn: str | None = field(default=None, metadata=_means("certificate of the domain, if there is one"))
    cidr: str | None = field(default=None, metadata=_means("block of the VPC; default 10.0.0.0/16"))
    nat: str | None = field(default=None, metadata=_means("none, single or per_zone; default single"))
    interface_endpoints: list[str] | None = field(
        default=None, metadata=_means("AWS services reached without leaving the VPC, such as ecr.api")
    )
    kubernetes_version: str | None = field(
        default=None, metadata=_means("minor of Kubernetes, one up at a time; default that of the library")
    )
    addon_versions: dict[str, str] | None = field(
        default=None, metadata=_means("versions of EKS add-ons, by the add-on's name; default those of the library")
    )
    administrators: list[str] | None = field(
        default=None, metadata=_means("ARNs of the IAM roles that administrate the cluster")
    )
    public_access_cidrs: list[str] | None = field(
        default=None, metadata=_means("blocks that reach the API server from the internet; default none")
    )
    public_access_reason: str | None = field(
        default=None, metadata=_means("why a block larger than a /8 may reach the API server")
    )
    karpenter: bool = field(
        default=False,
        metadata=_means("whether there are roles for Karpenter and its nodes, and a queue of their interruptions"),
    )
    cluster_name: str | None = field(
        default=None, metadata=_means("name of the cluster that is made; default mlops-<environment>")
    )
    vpc_id: str | None = field(default=None, metadata=_means("VPC that exists, in the place of a new one"))
    private_subnet_ids: dict[str, str] | None = field(
        default=None, metadata=_means("private subnets of the VPC that exists, by zone")
    )
    public_subnet_ids: dict[str, str] | None = field(
        default=None, metadata=_means("public subnets of the VPC that exists, by zone; default none")
    )
    existing_cluster: dict[str, Any] | None = field(
        default=None,
        metadata=_means("EKS cluster that exists, in the place of a new one: arn, node_security_group_id, kubeconfig"),
    )
    existing_buckets: dict[str, str] | None = field(
        default=None, metadata=_means("names of buckets that exist, by data, mlflow or workflows")
    )
    scan_whole_registry: bool = field(
        default=False,
        metadata=_means("whether this stack owns the scanning configuration of the account's ECR registry"),
    )
    protect_data: bool = field(
        default=True, metadata=_means("whether Pulumi and AWS refuse to delete cluster, keys and what holds data")
    )
    tags: dict[str, str] | None = field(default=None, metadata=_means("tags of everything, besides environment"))
    adopted: dict[str, dict[str, Any]] | None = field(
        default=None,
        metadata=_means(
            "what AWS cannot change of resources from elsewhere, by `type::name`; `pulumi-mlops adopt` writes it"
        ),
    )
    aliases: dict[str, str] | None = field(
        default=None, metadata=_means("URNs of resources that Pulumi had under another name, by their new `type::name`")
    )

    def __post_init__(self) -> None:
        configuration.refuse_all(values.problems(self), values.bucket_problems(self), existing.problems(self))


@dataclass(frozen=True, kw_only=True)
class PlatformSettings:
    """Settings of the platform layer, those of `pulumi_mlops.platform.PlatformArgs`."""

    gateway_class: str = field(metadata=_means("a GatewayClass of the cluster (`kubectl get gatewayclasses`)"))
    gateway_url: str = field(metadata=_means("where clients reach the gateway, such as https://models.example.org"))
    image_mirror: str | None = field(
        default=None, metadata=_means("registry that mirrors the platform's images; default: each image's own")
    )
    chart_repository: str | None = field(
        default=None,
        metadata=_means("Helm repository, registry or directory that mirrors the charts; default: each chart's own"),
    )
    storage_class: str | None = field(
        default=None, metadata=_means("storage class of the platform's volumes; default: the cluster's default class")
    )
    mlflow_database_secret: str | None = field(
        default=None, metadata=_means("Secret in namespace mlflow with a Postgres URI under `uri`; default: SQLite")
    )
    mlflow_allowed_hosts: list[str] | None = field(
        default=None, metadata=_means("further host names by which clients address MLflow")
    )
    sizes: dict[str, Any] | None = field(default=None, metadata=_means("storage and memory of the parts"))
    database_api: dict[str, Any] | None = field(
        default=None,
        metadata=_means("arguments of platform.LocalDatabaseApi, by which developers ask for databases; default: none"),
    )
    protect_data: bool = field(default=True, metadata=_means("whether Pulumi refuses to delete what holds data"))
    kube_context: str | None = field(default=None, metadata=KUBE_CONTEXT)


@dataclass(frozen=True, kw_only=True)
class PlatformEksSettings:
    """Settings of the platform layer on AWS; what it stands on comes from the stack foundation-<environment>."""

    environment: str = field(metadata=_means("name of the environment, such as dev, whose foundation stack is used"))
    login: dict[str, Any] = field(
        metadata=_means("the identity provider: issuer, argo_cd_client_id, admin_groups, reader_groups, groups_scope")
    )
    add_ons: dict[str, dict[str, Any]] | None = field(
        default=None,
        metadata=_means(
            "arguments of each add-on by its name; one that a platform does not always have is installed if it is named"
        ),
    )
    auto_mode: bool | None = field(
        default=None, metadata=_means("whether the cluster is one of EKS Auto Mode, as the foundation's setting says")
    )
    replicas: int | None = field(default=None, metadata=_means("replicas of what can have several; default 2"))
    database: dict[str, Any] | None = field(
        default=None, metadata=_means("MLflow's database: instance_class, storage_gib, high_availability …")
    )
    mlflow: dict[str, Any] | None = field(
        default=None, metadata=_means("MLflow's servers: replicas, memory, workers, allowed_hosts")
    )
    database_api: dict[str, Any] | None = field(
        default=None,
        metadata=_means(
            "databases by manifest, experimental: {} for the defaults, or group, engine_versions, instance_classes, "
            "name_prefix; default none"
        ),
    )
    internal: bool | None = field(
        default=None, metadata=_means("whether only the VPC reaches the load balancer; default false")
    )
    source_ranges: list[str] | None = field(
        default=None, metadata=_means("blocks of addresses that reach the load balancer; default all")
    )
    image_mirror: str | None = field(default=None, metadata=_means("registry that mirrors the platform's images"))
    chart_repository: str | None = field(
        default=None, metadata=_means("Helm repository, registry or directory that mirrors the charts")
    )
    tags: dict[str, str] | None = field(
        default=None, metadata=_means("tags of everything on AWS, besides environment and managed-by")
    )
    protect_data: bool = field(default=True, metadata=_means("whether Pulumi and RDS refuse to delete what holds data"))
    kube_context: str | None = field(
        default=None, metadata=_means("context of the kubeconfig; default: the foundation's kubeconfig")
    )

    def __post_init__(self) -> None:
        configuration.refuse_all(values.problems(self))


@dataclass(frozen=True, kw_only=True)
class PenguinsSettings:
    """Settings of the example team."""

    image_registry: str | None = field(
        default=None, metadata=_means("registry of both images, where they are not named themselves")
    )
    pipeline_image: str | None = field(default=None, metadata=_means("image of the pipeline's steps"))
    server_image: str | None = field(default=None, metadata=_means("image of the model server"))
    replicas: int = field(default=2, metadata=_means("number of model servers"))
    cpu_cores: int = field(default=4, metadata=_means("sum of the CPU requests of the team's pods, in cores"))
    memory_gib: int = field(default=8, metadata=_means("sum of the memory of the team's pods, in GiB"))
    models_gib: int = field(default=20, metadata=_means("size of the model store in GiB"))
    schedule: str = field(default="0 3 * * *", metadata=_means("when the pipeline trains, a cron schedule in UTC"))
    protect_models: bool = field(default=True, metadata=_means("whether Pulumi refuses to delete the model store"))
    kube_context: str | None = field(default=None, metadata=KUBE_CONTEXT)

    def __post_init__(self) -> None:
        if not self.image_registry and not (self.pipeline_image and self.server_image):
            needed = "is required unless pipeline_image and server_image are set"
            configuration.refuse("image_registry", f"{needed}; {configuration.remedy('image_registry')}")


@dataclass(frozen=True, kw_only=True)
class WebSettings:
    """Settings of the example that is delivered by pushing to Git."""

    repository_url: str = field(metadata=_means("address of its Git repository, on a Gitea"))
    image: str = field(metadata=_means("the image that is built and deployed, without a tag"))
    delivery_image: str = field(metadata=_means("image with the program `delivery`"))
    checks_image: str = field(metadata=_means("image with Python, for lint and tests"))
    builder_image: str | None = field(default=None, metadata=_means("image of rootless BuildKit"))
    credentials_secret: str = field(
        default="web-delivery",
        metadata=_means("Secret with the webhook's secret, the Git host's token, the registry's login"),
    )
    namespace: str = field(default="delivery", metadata=_means("namespace of the runs"))
    checks_memory: str = field(default="2Gi", metadata=_means("memory of lint and of the tests"))
    build_memory: str = field(default="4Gi", metadata=_means("memory of a build"))
    promotion: str = field(default="AUTOMATIC", metadata=_means("how a release gets into production"))
    soak_seconds: int = field(default=0, metadata=_means("how long a release stays in staging first"))
    kube_context: str | None = field(default=None, metadata=KUBE_CONTEXT)


NO_SETTING = {"resource_prefix", "database_group"}
"""Arguments of a platform that no setting of its stack has: it has one platform, and its databases' group."""


def given(settings: Any, *names: str) -> Any:
    """Those of the settings that are set, as a component's arguments of the same names."""
    return {name: value for name in names if (value := getattr(settings, name)) is not None}


def cluster(settings: PlatformSettings | PenguinsSettings | WebSettings) -> pulumi.ResourceOptions | None:
    """Options that put a component into the cluster that the settings name; None for the provider's own choice."""
    if settings.kube_context is None:
        return None
    return pulumi.ResourceOptions(providers=[k8s.Provider("cluster", context=settings.kube_context)])
