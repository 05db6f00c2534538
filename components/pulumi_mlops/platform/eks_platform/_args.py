"""Arguments of `EksPlatform`, and what is wrong with them."""

from collections.abc import Iterator, Mapping
from typing import Any, NotRequired, TypedDict

import pulumi

from pulumi_mlops import _aws, conventions
from pulumi_mlops._args import Argument
from pulumi_mlops._rules import domain_name, image_registry, quantity
from pulumi_mlops._workflow_access import group
from pulumi_mlops.contract.rules import at_least, between, matches, not_empty
from pulumi_mlops.platform import _published
from pulumi_mlops.platform._chart_values import DEFAULT_REPLICAS, MAX_REPLICAS
from pulumi_mlops.platform._part_names import PREFIX

CROSSPLANE_SERVICES = ("ec2", "rds", "s3")
"""Not `iam`: its provider may make roles only below a permissions boundary, which is the account's owner's to write."""
OF_DATABASES = ("ec2", "rds")
"""Services of Crossplane that databases of manifests are made of."""


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
    groups_scope: NotRequired[pulumi.Input[str] | None]
    """Scope that the provider wants to be asked for before it names groups; default none."""


class EksDatabaseArgs(TypedDict):
    """The RDS instance of MLflow; what is left out has the default of `PostgresDatabase`."""

    instance_class: NotRequired[pulumi.Input[str] | None]
    """Size of the server."""
    storage_gib: NotRequired[int | None]
    """Size of the volume in GiB."""
    max_storage_gib: NotRequired[int | None]
    """Size in GiB up to which the volume grows by itself."""
    high_availability: NotRequired[pulumi.Input[bool] | None]
    """Whether a standby in another zone takes over."""
    apply_immediately: NotRequired[bool | None]
    """Whether changes are made while `up` runs; when false they wait for `maintenance_window`."""
    maintenance_window: NotRequired[str | None]
    """Weekly time, in UTC, of minor upgrades and of changes that wait."""
    extended_support: NotRequired[bool | None]
    """Whether a major version stays after its standard support ended, at a price."""
    backup_days: NotRequired[int | None]
    """Days for which the database can be restored to any moment."""


class EksMLflowArgs(TypedDict):
    """MLflow's servers; what is left out has the default of `MLflow`."""

    replicas: NotRequired[int | None]
    """Number of servers; default: the platform's `replicas`."""
    memory: NotRequired[pulumi.Input[str] | None]
    """Memory of a server, request and limit."""
    workers: NotRequired[pulumi.Input[int] | None]
    """Processes that answer requests in each server."""
    allowed_hosts: NotRequired[list[pulumi.Input[str]] | None]
    """Further host names by which clients address the server."""


class EksDatabaseApiArgs(TypedDict):
    """The manifests by which developers ask for databases; what is left out has the default of `DatabaseApi`."""

    name_prefix: str
    """What the databases' names on AWS begin with. The role of Crossplane's provider for RDS must allow them. Plain:
    it says how long a name may be."""
    group: NotRequired[str | None]
    """API group of the kinds. Plain: names of definitions follow from it."""
    engine_versions: NotRequired[list[str] | None]
    """Major versions of Postgres that may be asked for, oldest first. Plain: each has a parameter group."""
    instance_classes: NotRequired[dict[str, pulumi.Input[str]] | None]
    """Size that may be asked for → its instance class. The names are plain: they are in the schema."""


class EksNodeGroupArgs(TypedDict):
    """A managed node group of the cluster, as far as it says how much room there is."""

    name: str
    """Name of the group within the cluster."""
    instance_types: list[str]
    """Types of its machines; the smallest of them counts."""
    min_size: int
    """Fewest nodes: those that are there for certain."""
    labels: NotRequired[dict[str, pulumi.Input[str]]]
    """Kubernetes labels of the nodes; default none."""
    taints: NotRequired[list[dict[str, str]]]
    """Taints of the nodes: key, value and effect; default none."""


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
    `client-id` and `client-secret` and, with `monitoring`, `<prefix>grafana-admin` with `admin-user` and
    `admin-password`, each a JSON object of strings."""
    login: EksLoginArgs
    """How people log in."""
    add_ons: NotRequired[dict[str, dict[str, Any]]]
    """Name of an add-on in `ADD_ONS`, which is installed if it stands here → arguments of its component, `{}` for none.
    Those that the platform cannot do without are always installed, and stand here where one of their arguments is to be
    another than the platform's; the others are installed if they are named. `monitoring` needs the secret
    `<prefix>grafana-admin`, `karpenter` its `node_role`. All take `values`, further Helm values. Default none."""
    node_groups: NotRequired[pulumi.Input[list[EksNodeGroupArgs]]]
    """The cluster's node groups. Nothing is made of them: a review of a preview says whether the platform fits on them.
    Default: not known, and not checked."""
    auto_mode: NotRequired[bool]
    """Whether the cluster is one of EKS Auto Mode, as `Cluster.auto_mode`; default false. Then EKS makes load balancers
    and volumes, and `load_balancer_controller` and `karpenter` are not installed. Its load balancers have `tags` only
    by `add_ons.public_gateway.tags`, which the cluster's role must allow. Plain: it decides what exists."""
    replicas: NotRequired[int]
    """Replicas of everything that can have several, MLflow included, from 1 to 10; default 2, which survive the loss of
    a node. With 1, Redis is single as well. A part's own `replicas` goes before it. Single in any case, and started
    again on another node when theirs is lost, are the controller of Argo Workflows, Argo CD's application controller,
    external-dns, the certificate renewer of External Secrets, Grafana, kube-state-metrics, and the operators of
    Prometheus, KServe and Seldon: no request to a model endpoint passes through them."""
    database: NotRequired[EksDatabaseArgs]
    """MLflow's database."""
    mlflow: NotRequired[EksMLflowArgs]
    """MLflow's servers."""
    database_api: NotRequired[EksDatabaseApiArgs | None]
    """The manifests by which developers ask for databases on RDS, experimental (`DatabaseApi`); default: none. Plain:
    it decides what exists."""
    internal: NotRequired[bool]
    """Whether the load balancer is reachable from the VPC alone; default false."""
    source_ranges: NotRequired[list[pulumi.Input[str]] | None]
    """Blocks of addresses that may connect to the load balancer; default: every address."""
    image_mirror: NotRequired[pulumi.Input[str] | None]
    """Registry that mirrors every image of the platform; default: each image's own registry."""
    chart_repository: NotRequired[str | None]
    """Helm repository, registry or directory that mirrors every chart; default: each chart's own. Plain: see
    `ArgoWorkflowsArgs`."""
    resource_prefix: NotRequired[str | None]
    """Beginning of the names of the platform's resources in the stack, such as `west-`; default none. It is for the
    second platform of a stack, with the provider of another cluster, whose objects keep their names without it."""
    tags: NotRequired[dict[str, pulumi.Input[str]] | None]
    """Tags of what is made on AWS: the database, load balancers and what belongs to them; default none."""
    protect_data: NotRequired[bool]
    """Whether Pulumi and RDS refuse to delete the database, and volumes and definitions survive `destroy`; default
    true. When false, `destroy` deletes every run and model version, every workflow and application."""


def _dict_for_each(add_ons: Mapping[str, object]) -> str | None:
    empty = [name for name, given in add_ons.items() if given is None]
    return f"must have a dict for each add-on, such as `{{{empty[0]}: {{}}}}`" if empty else None


ARGUMENTS = {
    "region": Argument(rule=_aws.region),
    "cluster_name": Argument(rule=not_empty),
    "vpc_id": Argument(rule=_aws.vpc_id),
    "private_subnet_ids": Argument(rule=_aws.subnet_id),
    "client_security_group_id": Argument(rule=_aws.security_group_id),
    "domain_name": Argument(rule=domain_name),
    "zone_id": Argument(rule=_aws.hosted_zone_id),
    "certificate_arn": Argument(rule=_aws.certificate_arn),
    "secrets_prefix": Argument(
        rule=matches(r"[\w+=.@-]+[/_+=.@!-]", 'a beginning that ends in a separator, such as "mlops-dev/"')
    ),
    "login.issuer": Argument(rule=_published.https_url),
    "login.argo_cd_client_id": Argument(rule=not_empty),
    "login.admin_groups": Argument(rule=group),
    "login.reader_groups": Argument(default=[], rule=group),
    "login.groups_scope": Argument(rule=not_empty),
    "add_ons": Argument(default={}, rule=_dict_for_each),
    "auto_mode": Argument(default=False),
    "replicas": Argument(default=DEFAULT_REPLICAS, rule=between(1, MAX_REPLICAS, "replicas")),
    "database": Argument(default={}),
    "mlflow": Argument(default={}),
    "mlflow.replicas": Argument(rule=at_least(1, "server")),
    "mlflow.memory": Argument(rule=quantity),
    "mlflow.workers": Argument(rule=at_least(1, "process")),
    "mlflow.allowed_hosts": Argument(rule=not_empty),
    "internal": Argument(default=False),
    "image_mirror": Argument(rule=image_registry),
    "chart_repository": Argument(rule=not_empty),
    "protect_data": Argument(default=True),
    "resource_prefix": PREFIX,
}


def problems(args: EksPlatformArgs) -> Iterator[str]:
    """Findings that no single field shows, and those that a part of the platform would only have later."""
    buckets = args["buckets"]
    if isinstance(buckets, Mapping):
        for use in (conventions.MLFLOW_BUCKET, conventions.WORKFLOWS_BUCKET):
            if use not in buckets:
                yield f"args.buckets.{use} is required"
    services = args["add_ons"].get("crossplane", {}).get("services", CROSSPLANE_SERVICES)
    if args["database_api"] is not None and not set(OF_DATABASES) <= set(services):
        yield (
            f"args.add_ons.crossplane.services must have {' and '.join(OF_DATABASES)}, of which the databases of "
            f"args.database_api are made, got {services!r}"
        )
    if not args["login"]["admin_groups"]:
        yield "args.login.admin_groups must name at least one group: nobody else can change anything in Argo CD"
