"""Arguments of `EksPlatform`, and what is wrong with them."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, NotRequired, TypedDict

import pulumi

from pulumi_mlops import _aws, conventions
from pulumi_mlops._args import Rule, at_least, between, image_registry, matches, not_empty, quantity
from pulumi_mlops._workflow_access import group
from pulumi_mlops.platform import _addons, _published

CROSSPLANE_SERVICES = ("ec2", "rds", "s3")
"""Not `iam`: its provider may make roles only below a permissions boundary, which is the account's owner's to write."""


class EksPlatformOption(StrEnum):
    """Parts that not every platform wants."""

    KSERVE = "KSERVE"
    """KServe, for teams that want its runtimes."""
    SELDON = "SELDON"
    """Seldon Core's operator, for SeldonDeployments that exist."""
    MONITORING = "MONITORING"
    """Prometheus, Alertmanager and Grafana."""


class EksLoginArgs(TypedDict):
    """How people log in to Argo CD and Argo Workflows: by one OpenID Connect identity provider."""

    issuer: pulumi.Input[str]
    """URL of the identity provider, without a slash at its end."""
    argo_cd_client_id: pulumi.Input[str]
    """Id of Argo CD's client; its redirect URL is `https://argocd.<domain>/auth/callback`."""
    admin_groups: list[str]
    """Groups, as the `groups` claim names them, that may change everything in Argo CD and run and delete workflows in
    every namespace. Plain: see `ArgoCDArgs` and `ArgoServerArgs`."""
    reader_groups: NotRequired[list[str]]
    """Groups that may see everything in Argo CD and every workflow with its logs; default none. A team's own people see
    and run its workflows by `member_groups` of their `Workspace`."""
    groups_scope: NotRequired[pulumi.Input[str]]
    """Scope that the provider wants to be asked for before it names groups; default none."""


class EksDatabaseArgs(TypedDict):
    """The RDS instance of MLflow; what is left out has the default of `PostgresDatabase`."""

    instance_class: NotRequired[pulumi.Input[str]]
    """Size of the server."""
    storage_gib: NotRequired[int]
    """Size of the volume in GiB."""
    max_storage_gib: NotRequired[int]
    """Size in GiB up to which the volume grows by itself."""
    high_availability: NotRequired[pulumi.Input[bool]]
    """Whether a standby in another zone takes over."""
    apply_immediately: NotRequired[bool]
    """Whether changes are made while `up` runs; when false they wait for `maintenance_window`."""
    maintenance_window: NotRequired[str]
    """Weekly time, in UTC, of minor upgrades and of changes that wait."""
    extended_support: NotRequired[bool]
    """Whether a major version stays after its standard support ended, at a price."""
    backup_days: NotRequired[int]
    """Days for which the database can be restored to any moment."""


class EksKarpenterArgs(TypedDict):
    """Nodes on demand, beside the cluster's own; what is left out has the default of `Karpenter`."""

    node_role: pulumi.Input[str]
    """Name of the nodes' role (not its ARN); the cluster has an access entry for it."""
    interruption_queue: NotRequired[pulumi.Input[str]]
    """Name of the SQS queue that tells of ending spot instances and maintenance."""
    spot: NotRequired[bool]
    """Whether spot instances are used where they are to be had."""
    cpu_limit: NotRequired[int]
    """vCPUs of all nodes together, above which none is started."""


class EksPlatformSizes(TypedDict):
    """How much each part may use; what is left out has the default of the part's own component."""

    mlflow_memory: NotRequired[pulumi.Input[str]]
    """Memory of an MLflow server."""
    argo_workflows_memory: NotRequired[str]
    """Memory of the workflow controller."""
    argo_cd_controller_memory: NotRequired[pulumi.Input[str]]
    """Memory of Argo CD's controller."""
    istio_memory: NotRequired[pulumi.Input[str]]
    """Memory of a replica of Istio's control plane."""
    event_bus_storage_gib: NotRequired[int]
    """Volume of each of the event bus's three servers in GiB."""
    monitoring_storage_gib: NotRequired[int]
    """Volume of each Prometheus in GiB."""


class EksPlatformArgs(TypedDict):
    """Arguments of `EksPlatform`. Those without a default are outputs of the foundation stack, by the same names."""

    region: pulumi.Input[str]
    """AWS region of the cluster."""
    cluster_name: pulumi.Input[str]
    """Name of the EKS cluster."""
    vpc_id: pulumi.Input[str]
    """VPC of the cluster."""
    private_subnet_ids: pulumi.Input[list[pulumi.Input[str]]]
    """Private subnets in at least two zones, for the database."""
    client_security_group_id: pulumi.Input[str]
    """Security group of the pods, which the database admits."""
    buckets: pulumi.Input[dict[str, pulumi.Input[str]]]
    """Use, of which `mlflow` and `workflows` are needed, → name of the bucket."""
    storage_class_parameters: pulumi.Input[dict[str, pulumi.Input[str]]]
    """Parameters of the models' storage class: `SharedFiles.storage_class_parameters`."""
    domain_name: pulumi.Input[str]
    """Domain of the platform. Endpoints are below it, Argo CD is at `argocd.`, Argo Workflows at `workflows.`."""
    zone_id: pulumi.Input[str]
    """Route 53 zone of the domain."""
    certificate_arn: pulumi.Input[str]
    """ACM certificate of the domain and of every name directly below it."""
    secrets_prefix: pulumi.Input[str]
    """Beginning of the names of this platform's secrets in Secrets Manager, such as `mlops-dev/`, which External
    Secrets may read. There must be `<prefix>argocd-oidc` with `client-secret`, `<prefix>argo-workflows-oidc` with
    `client-id` and `client-secret` and, with MONITORING, `<prefix>grafana-admin` with `admin-user` and
    `admin-password`, each a JSON object of strings."""
    login: EksLoginArgs
    """How people log in."""
    options: NotRequired[list[EksPlatformOption]]
    """Parts on request; default none. Plain: each is several resources."""
    karpenter: NotRequired[EksKarpenterArgs]
    """Nodes on demand; default none: the cluster's node groups are all there is. The service account `karpenter` needs
    a role. Plain: it decides whether Karpenter exists."""
    crossplane_services: NotRequired[list[str]]
    """AWS services whose Crossplane provider is installed, of those that have a role; default ec2, rds and s3."""
    replicas: NotRequired[int]
    """Replicas of everything that can have several, MLflow included, from 1 to 10; default 2, which survive the loss of
    a node. With 1, Redis is single as well."""
    database: NotRequired[EksDatabaseArgs]
    """MLflow's database."""
    sizes: NotRequired[EksPlatformSizes]
    """Memory and storage of the parts."""
    internal: NotRequired[bool]
    """Whether the load balancer is reachable from the VPC alone; default false."""
    source_ranges: NotRequired[list[pulumi.Input[str]]]
    """Blocks of addresses that may connect to the load balancer; default: every address."""
    image_mirror: NotRequired[pulumi.Input[str]]
    """Registry that mirrors every image of the platform; default: each image's own registry."""
    chart_repository: NotRequired[str]
    """Helm repository, registry or directory that mirrors every chart; default: each chart's own. Plain: see
    `ArgoWorkflowsArgs`."""
    tags: NotRequired[dict[str, pulumi.Input[str]]]
    """Tags of what is made on AWS: the database, load balancers and what belongs to them; default none."""
    protect_data: NotRequired[bool]
    """Whether Pulumi and RDS refuse to delete the database, and volumes and definitions survive `destroy`; default
    true. When false, `destroy` deletes every run and model version, every workflow and application."""


RULES: dict[str, Rule] = {
    "region": _aws.region,
    "cluster_name": not_empty,
    "vpc_id": _aws.vpc_id,
    "private_subnet_ids": _aws.subnet_id,
    "client_security_group_id": _aws.security_group_id,
    "domain_name": _addons.domain,
    "zone_id": _aws.hosted_zone_id,
    "certificate_arn": _aws.certificate_arn,
    "secrets_prefix": matches(r"[\w+=.@-]+[/_+=.@!-]", 'a beginning that ends in a separator, such as "mlops-dev/"'),
    "login.issuer": _published.https_url,
    "login.argo_cd_client_id": not_empty,
    "login.admin_groups": group,
    "login.reader_groups": group,
    "login.groups_scope": not_empty,
    "karpenter.cpu_limit": at_least(1, "vCPU"),
    "crossplane_services": matches("|".join(CROSSPLANE_SERVICES), f"one of {', '.join(CROSSPLANE_SERVICES)}"),
    "replicas": between(1, _addons.MAX_REPLICAS, "replicas"),
    "sizes.mlflow_memory": quantity,
    "sizes.argo_workflows_memory": quantity,
    "sizes.argo_cd_controller_memory": quantity,
    "sizes.istio_memory": quantity,
    "sizes.event_bus_storage_gib": at_least(1, "GiB"),
    "sizes.monitoring_storage_gib": at_least(1, "GiB"),
    "image_mirror": image_registry,
    "chart_repository": not_empty,
}


def problems(args: Mapping[str, Any]) -> Iterator[str]:
    """Findings that no single field shows, and those that a part of the platform would only have later."""
    buckets = args["buckets"]
    if isinstance(buckets, Mapping):
        for use in (conventions.MLFLOW_BUCKET, conventions.WORKFLOWS_BUCKET):
            if use not in buckets:
                yield f"args.buckets.{use} is required"
    if not args["login"]["admin_groups"]:
        yield "args.login.admin_groups must name a group: nobody else could change anything in Argo CD"
    options: list[str] = args.get("options") or []
    for option in dict.fromkeys(options):
        if options.count(option) > 1:
            yield f'args.options has "{option}" twice'
    monitoring = "monitoring_storage_gib" in (args.get("sizes") or {})
    if monitoring and EksPlatformOption.MONITORING not in options:
        yield "args.sizes.monitoring_storage_gib needs MONITORING in args.options"
