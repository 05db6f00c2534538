"""The whole platform of a cluster that has no cloud services: storage, MLflow, Argo Workflows and the gateway.

Does not own: the cluster, its storage classes, the Gateway API implementation, the teams' workspaces.
"""

import ipaddress
from typing import NotRequired, TypedDict
from urllib.parse import urlsplit

import pulumi
import pulumi_kubernetes as k8s

from pulumi_mlops import conventions
from pulumi_mlops._args import Argument, argument_names, check_args, given, inputs, renamed
from pulumi_mlops._manifests import RESTRICTED, name_of
from pulumi_mlops._rules import image_registry, object_name, quantity
from pulumi_mlops.contract.rules import at_least, not_empty
from pulumi_mlops.database._arguments import ARGUMENTS as OF_DATABASE
from pulumi_mlops.platform import _teams
from pulumi_mlops.platform._one_per_cluster import claim
from pulumi_mlops.platform._part_names import PREFIX, PartNames
from pulumi_mlops.platform.add_ons.argo_workflows import ArgoWorkflows, ArgoWorkflowsArgs
from pulumi_mlops.platform.gateway import ARGUMENTS as GATEWAY_ARGUMENTS
from pulumi_mlops.platform.gateway import Gateway, GatewayArgs
from pulumi_mlops.platform.mlflow import MLflow, MLflowArgs
from pulumi_mlops.platform.object_store import ObjectStore
from pulumi_mlops.platform.object_store._args import ObjectStoreArgs, ObjectStoreUser
from pulumi_mlops.platform_outputs import DATABASE_API, IN_CLUSTER, PlatformOutputs

ARGO_WORKFLOWS = "argo-workflows"
LOCAL_DOMAINS = (".localhost", ".local", ".internal", ".home.arpa")
"""Domains that no resolver of the internet answers for (RFC 6761, RFC 6762, RFC 8375, and ICANN for `internal`)."""
MLFLOW_USER = "mlflow"
WORKSPACES_USER = "workspaces"
BUCKETS = [conventions.DATA_BUCKET, conventions.MLFLOW_BUCKET, conventions.WORKFLOWS_BUCKET]
USERS: dict[str, ObjectStoreUser] = {
    MLFLOW_USER: {"write": [conventions.MLFLOW_BUCKET]},
    WORKSPACES_USER: {
        "write": [conventions.DATA_BUCKET, conventions.WORKFLOWS_BUCKET],
        "secret_name": conventions.OBJECT_STORE_CREDENTIALS_SECRET,
    },
}
"""Teams share one user: they see each other's data, but no team touches MLflow's artifacts behind its back."""


class PlatformSizes(TypedDict):
    """How much each part may use; what is left out has the default of the part's own component."""

    object_store_storage_gib: NotRequired[int | None]
    """Volume of the object store in GiB."""
    object_store_memory: NotRequired[pulumi.Input[str] | None]
    """Memory of the object store."""
    mlflow_storage_gib: NotRequired[int | None]
    """Volume of MLflow's SQLite file in GiB; not with `mlflow_database_secret`."""
    mlflow_memory: NotRequired[pulumi.Input[str] | None]
    """Memory of an MLflow server."""
    argo_memory: NotRequired[str | None]
    """Memory of the workflow controller."""


class PlatformArgs(TypedDict):
    """Arguments of `Platform`."""

    gateway_class: pulumi.Input[str]
    """Name of the GatewayClass that the cluster offers."""
    gateway_url: pulumi.Input[str]
    """Where clients reach the gateway, such as `https://models.example.org`."""
    image_mirror: NotRequired[pulumi.Input[str] | None]
    """Registry that mirrors every image of the platform; default: each image's own registry."""
    chart_repository: NotRequired[str | None]
    """Helm repository, registry or directory that mirrors every chart; default: each chart's own. Plain: see
    `ArgoWorkflowsArgs`."""
    storage_class: NotRequired[pulumi.Input[str] | None]
    """Storage class of the volumes, ReadWriteOnce; default: the cluster's default class."""
    mlflow_database_secret: NotRequired[str | None]
    """Secret in the namespace `mlflow` with a Postgres URI under `uri`; default none: SQLite. Plain: as in
    `MLflowArgs`."""
    mlflow_allowed_hosts: NotRequired[list[pulumi.Input[str]] | None]
    """Further host names by which clients address MLflow; default none."""
    database_group: NotRequired[str | None]
    """API group in which `LocalDatabaseApi` offers databases; default none. It is in `teams`: a team's
    `PostgresDatabase` asks for its database there."""
    resource_prefix: NotRequired[str | None]
    """Beginning of the names of the platform's resources in the stack, such as `west-`; default none. It is for the
    second platform of a stack, with the provider of another cluster, whose objects keep their names without it."""
    sizes: NotRequired[PlatformSizes]
    """Storage and memory of the parts."""
    protect_data: NotRequired[bool]
    """Whether Pulumi refuses to delete what holds data: volumes, their namespaces, the definitions of workflows;
    default true. When false, `destroy` deletes every object, run, model version and workflow."""


ARGUMENTS = {
    "gateway_class": GATEWAY_ARGUMENTS["gateway_class"],
    "gateway_url": GATEWAY_ARGUMENTS["url"],
    "image_mirror": Argument(rule=image_registry),
    "chart_repository": Argument(rule=not_empty),
    "database_group": Argument(rule=OF_DATABASE["manifest.group"].rule),
    "resource_prefix": PREFIX,
    "sizes": Argument(default={}),
    "sizes.object_store_storage_gib": Argument(rule=at_least(1, "GiB")),
    "sizes.object_store_memory": Argument(rule=quantity),
    "sizes.mlflow_storage_gib": Argument(rule=at_least(1, "GiB")),
    "sizes.mlflow_memory": Argument(rule=quantity),
    "sizes.argo_memory": Argument(rule=quantity),
    "protect_data": Argument(default=True),
}


class Platform(pulumi.ComponentResource):
    """Everything that workspaces rely on, under the names that they expect.

    A cluster has one platform, whose parts bear the names of `conventions`; a stack with two clusters gives the second
    platform a `resource_prefix`. Namespaces come first and
    go last; within them nothing waits for anything else, so that the slowest part alone decides how long `up` takes.

    ```python
    from pulumi_mlops.platform import Platform

    platform = Platform("platform", {"gateway_class": "istio", "gateway_url": "https://models.example.org"})
    pulumi.export("mlflow_url", platform.mlflow_url)
    ```
    """

    gateway_url: pulumi.Output[str]
    """Where clients reach the gateway, without a path."""
    object_store_endpoint: pulumi.Output[str]
    """URL of the S3 API inside the cluster."""
    mlflow_url: pulumi.Output[str]
    """MLflow's tracking URI inside the cluster."""
    namespaces: pulumi.Output[list[str]]
    """Namespaces of the platform."""
    teams: pulumi.Output[PlatformOutputs]
    """What the stacks of teams need to know: the stack exports it as `teams`."""

    def __init__(self, name: str, args: PlatformArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        args = renamed(f'Platform "{name}"', args)
        checked = check_args(Platform, name, args, PlatformArgs, ARGUMENTS, name_rule=object_name(40))
        super().__init__("pulumi-mlops:index:Platform", name, inputs(args), opts)
        claim(
            self,
            name,
            "one platform",
            "pass the Kubernetes provider of another cluster in opts.providers, and a resource_prefix in args",
        )
        self._name = name
        self._args = checked
        self._names = PartNames(checked["resource_prefix"])
        self._child = pulumi.ResourceOptions(parent=self)
        namespaces = {
            conventions.OBJECT_STORE_NAMESPACE: self._create_namespace(conventions.OBJECT_STORE_NAMESPACE, data=True),
            conventions.MLFLOW_NAMESPACE: self._create_namespace(conventions.MLFLOW_NAMESPACE, data=True),
            conventions.ARGO_NAMESPACE: self._create_namespace(conventions.ARGO_NAMESPACE),
            # The implementation may run its proxies here, as whatever user it likes.
            conventions.GATEWAY_NAMESPACE: self._create_namespace(conventions.GATEWAY_NAMESPACE, restricted=False),
        }
        store = self._create_object_store(namespaces[conventions.OBJECT_STORE_NAMESPACE])
        mlflow = self._create_mlflow(namespaces[conventions.MLFLOW_NAMESPACE], store)
        self._create_argo_workflows(namespaces[conventions.ARGO_NAMESPACE])
        gateway = Gateway(
            self._names.resource(conventions.GATEWAY_NAME),
            GatewayArgs(
                namespace=namespaces[conventions.GATEWAY_NAMESPACE],
                gateway_class=checked["gateway_class"],
                url=checked["gateway_url"],
                **given(**self._names.objects(conventions.GATEWAY_NAME)),
            ),
            self._child,
        )
        self.gateway_url = gateway.url
        self.object_store_endpoint = store.endpoint
        self.mlflow_url = mlflow.url
        self.namespaces = pulumi.Output.all(*namespaces.values())
        self.teams = _teams.publish(name, _outputs(checked["gateway_url"], checked["database_group"]), self)
        self.register_outputs(
            {
                "gateway_url": self.gateway_url,
                "object_store_endpoint": self.object_store_endpoint,
                "mlflow_url": self.mlflow_url,
                "namespaces": self.namespaces,
                "teams": self.teams,
            }
        )

    def _create_namespace(self, namespace: str, data: bool = False, restricted: bool = True) -> pulumi.Output[str]:
        created = k8s.core.v1.Namespace(
            f"{self._name}-{namespace}",
            metadata={
                "name": namespace,
                "labels": {**conventions.labels("platform", self._name), **(RESTRICTED if restricted else {})},
            },
            opts=pulumi.ResourceOptions(parent=self, protect=data and self._args["protect_data"]),
        )
        return name_of(created)

    def _create_object_store(self, namespace: pulumi.Output[str]) -> ObjectStore:
        args, sizes = self._args, self._args["sizes"]
        store = ObjectStoreArgs(
            namespace=namespace,
            buckets=BUCKETS,
            users=USERS,
            protect_data=args["protect_data"],
            **given(
                image_mirror=args["image_mirror"],
                storage_class=args["storage_class"],
                storage_gib=sizes["object_store_storage_gib"],
                memory=sizes["object_store_memory"],
                **self._names.objects(conventions.OBJECT_STORE_SERVICE),
            ),
        )
        with argument_names(Platform, self._name, _names("object_store")):
            return ObjectStore(self._names.resource(conventions.OBJECT_STORE_SERVICE), store, self._child)

    def _create_mlflow(self, namespace: pulumi.Output[str], store: ObjectStore) -> MLflow:
        args, sizes = self._args, self._args["sizes"]
        mlflow = MLflowArgs(
            namespace=namespace,
            artifact_store={
                "uri": f"s3://{conventions.MLFLOW_BUCKET}/artifacts",
                "credentials": store.credentials[MLFLOW_USER],
                # The same as store.endpoint, which is known only once the store answers: MLflow starts beside it.
                "endpoint": conventions.OBJECT_STORE_ENDPOINT,
                "region": store.region,
            },
            protect_data=args["protect_data"],
            **given(
                image_mirror=args["image_mirror"],
                storage_class=args["storage_class"],
                database_secret=args["mlflow_database_secret"],
                allowed_hosts=args["mlflow_allowed_hosts"],
                storage_gib=sizes["mlflow_storage_gib"],
                memory=sizes["mlflow_memory"],
                **self._names.objects(conventions.MLFLOW_SERVICE),
            ),
        )
        with argument_names(Platform, self._name, _names("mlflow")):
            return MLflow(self._names.resource(conventions.MLFLOW_SERVICE), mlflow, self._child)

    def _create_argo_workflows(self, namespace: pulumi.Output[str]) -> None:
        args = self._args
        argo = ArgoWorkflowsArgs(
            namespace=namespace,
            keep_definitions=args["protect_data"],
            **given(
                image_mirror=args["image_mirror"],
                chart_repository=args["chart_repository"],
                memory=args["sizes"]["argo_memory"],
                **self._names.objects(ARGO_WORKFLOWS),
            ),
        )
        with argument_names(Platform, self._name, _names("argo")):
            ArgoWorkflows(self._names.resource(ARGO_WORKFLOWS), argo, self._child)


def _names(part: str) -> dict[str, str]:
    """Arguments of a part → those of the platform that they come from."""
    same = ("image_mirror", "chart_repository", "storage_class", "protect_data")
    return {
        **{key: key for key in same},
        **{key: f"sizes.{part}_{key}" for key in ("storage_gib", "memory")},
        **{key: f"{part}_{key}" for key in ("database_secret", "allowed_hosts")},
    }


def _outputs(gateway_url: pulumi.Input[str], database_group: str | None) -> pulumi.Output[PlatformOutputs]:
    """What teams have to know of the platform."""
    private: PlatformOutputs = {**IN_CLUSTER}
    if database_group is not None:
        private["database_api"] = {**DATABASE_API, "group": database_group}
    public: PlatformOutputs = {**private, "public_gateway": True}
    return pulumi.Output.from_input(gateway_url).apply(lambda url: public if _faces_the_internet(url) else private)


def _faces_the_internet(gateway_url: str) -> bool:
    """Whether a URL may be one of the internet: a global address, or a host name with a dot that is not local."""
    host = urlsplit(gateway_url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return "." in host and not host.endswith(LOCAL_DOMAINS)
