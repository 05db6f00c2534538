"""The MLflow tracking server and model registry.

Creates the server with its schema migration, Service and, without a database of its own, the volume of a SQLite file.
Does not own: the namespace, the database, the bucket. It is reachable from inside the cluster alone.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_kubernetes as k8s

from pulumi_mlops import conventions, versions
from pulumi_mlops._args import (
    at_least,
    check_args,
    dns_label,
    matches,
    not_empty,
    object_name,
    quantity,
    renamed,
)
from pulumi_mlops._manifests import Manifest, after, name_of
from pulumi_mlops.platform import _mlflow_server, _parts


class MLflowArtifactStore(TypedDict):
    """Where the server keeps artifacts. Clients reach them through the server and need no keys of the store."""

    uri: pulumi.Input[str]
    """Bucket and prefix, such as `s3://mlflow/artifacts`."""
    credentials: NotRequired[pulumi.Input[dict[str, pulumi.Input[str]]]]
    """`AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`; default none: the service account's cloud identity."""
    endpoint: NotRequired[pulumi.Input[str]]
    """URL of the S3 API; default: that of AWS."""
    region: NotRequired[pulumi.Input[str]]
    """Region of the bucket; default `us-east-1`."""


class MLflowArgs(TypedDict):
    """Arguments of `MLflow`."""

    namespace: pulumi.Input[str]
    """Namespace of the server, created elsewhere, and of nothing else: its service accounts administrate MLflow."""
    artifact_store: MLflowArtifactStore
    """Where artifacts are kept."""
    database_secret: NotRequired[pulumi.Input[str]]
    """Name of a Secret in the namespace whose key `uri` is a Postgres URI (`postgresql://…`), such as the
    `connection_secret` of a `PostgresDatabase`; default none: a SQLite file on a volume, for one replica and a handful
    of users. Whether it is given decides whether there is a volume."""
    replicas: NotRequired[int]
    """Number of servers; default 1. More than one needs `database_secret`. Plain: several get a disruption budget."""
    workers: NotRequired[pulumi.Input[int]]
    """Processes that answer requests in each server; default 1, which takes about 400 MiB."""
    allowed_hosts: NotRequired[list[pulumi.Input[str]]]
    """Host names, besides the Service's and localhost, by which clients address the server; others get 403."""
    image_mirror: NotRequired[pulumi.Input[str]]
    """Registry with a mirror of the image `mlflow/mlflow`; default `ghcr.io`."""
    storage_gib: NotRequired[int]
    """Size of the SQLite file's volume in GiB; default 5, at least 1."""
    storage_class: NotRequired[pulumi.Input[str]]
    """Storage class of that volume, ReadWriteOnce and no NFS; default: the cluster's default class."""
    memory: NotRequired[pulumi.Input[str]]
    """Memory of a server, request and limit; default "1Gi"."""
    protect_data: NotRequired[bool]
    """Whether Pulumi refuses to delete the volume; default true. When false, `destroy` deletes every run and model
    version recorded in the SQLite file."""


RULES = {
    "namespace": dns_label,
    "artifact_store.uri": matches("s3://.+", 'a bucket and prefix such as "s3://mlflow/artifacts"'),
    "artifact_store.endpoint": matches("https?://.+", 'a URL such as "http://store.example.org:8333"'),
    "database_secret": dns_label,
    "replicas": at_least(1, "server"),
    "workers": at_least(1, "process"),
    "allowed_hosts": not_empty,
    "storage_gib": at_least(1, "GiB"),
    "memory": quantity,
}


class MLflow(pulumi.ComponentResource):
    """An MLflow server that knows its callers, and whose artifacts pass through it.

    Whoever calls it sends the token of a Kubernetes service account for the audience `mlflow`, as pipelines do, and
    sees what was made from the same namespace; service accounts of the server's own namespace see and change
    everything. Without a token there is no answer but that of `/health`.

    ```python
    from pulumi_mlops.platform import MLflow

    store = {"uri": "s3://models/mlflow", "region": "eu-central-1"}
    mlflow = MLflow("mlflow", {"namespace": "mlflow", "artifact_store": store, "database_secret": "mlflow-database"})
    pulumi.export("tracking_uri", mlflow.url)
    ```
    """

    url: pulumi.Output[str]
    """Tracking URI inside the cluster."""
    service: pulumi.Output[str]
    """Name of the Service."""
    version: pulumi.Output[str]
    """Version of the server."""

    def __init__(self, name: str, args: MLflowArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        args = renamed(f'MLflow "{name}"', args)
        checked = check_args(MLflow, name, args, MLflowArgs, RULES, problems=_problems(args), name_rule=object_name(40))
        super().__init__("pulumi-mlops:index:MLflow", name, {**checked}, opts)
        self._name = name
        self._args = checked
        self._child = pulumi.ResourceOptions(parent=self)
        self._pods = conventions.selector("mlflow", name)

        credentials = self._create_credentials()
        volume = (
            None
            if "database_secret" in checked
            else _parts.volume_claim(
                f"{name}-data", self._metadata("-data"), checked, _mlflow_server.DEFAULT_STORAGE_GIB, self
            )
        )
        server = self._create_server(credentials, volume)
        self.service = self._create_service(server)
        self.url = pulumi.Output.all(self.service, checked["namespace"]).apply(
            lambda known: f"http://{conventions.service_host(*known)}:{conventions.MLFLOW_PORT}"
        )
        self.version = pulumi.Output.from_input(versions.MLFLOW)
        self.register_outputs({"url": self.url, "service": self.service, "version": self.version})

    def _create_credentials(self) -> pulumi.Output[str] | None:
        if "credentials" not in self._args["artifact_store"]:
            return None
        secret = k8s.core.v1.Secret(
            f"{self._name}-artifact-store",
            metadata=self._metadata("-artifact-store"),
            string_data=self._args["artifact_store"]["credentials"],
            opts=self._child,
        )
        return name_of(secret)

    def _create_server(
        self, credentials: pulumi.Output[str] | None, volume: pulumi.Output[str] | None
    ) -> k8s.apps.v1.Deployment:
        account = self._create_account()
        code = k8s.core.v1.ConfigMap(
            f"{self._name}-code", metadata=self._metadata("-code"), data=_mlflow_server.CODE, opts=self._child
        )
        used = _mlflow_server.Objects(account, name_of(code), credentials, volume)
        if self._args.get("replicas", 1) > 1:
            k8s.policy.v1.PodDisruptionBudget(
                f"{self._name}-disruption-budget",
                metadata=self._metadata(),
                spec=_parts.disruption_budget(self._pods),
                opts=self._child,
            )
        return k8s.apps.v1.Deployment(
            f"{self._name}-server",
            metadata=self._metadata(),
            spec=_mlflow_server.deployment(self._name, self._args, used),
            opts=self._child,
        )

    def _create_account(self) -> pulumi.Output[str]:
        """The service account of the server, which may ask Kubernetes whose token it was sent."""
        account = k8s.core.v1.ServiceAccount(
            f"{self._name}-service-account",
            metadata=self._metadata(),
            automount_service_account_token=False,
            opts=self._child,
        )
        k8s.rbac.v1.ClusterRoleBinding(
            f"{self._name}-token-reviews",
            metadata={
                "name": pulumi.Output.concat(self._args["namespace"], "-", self._name, "-token-reviews"),
                "labels": conventions.labels("mlflow", self._name),
            },
            role_ref={"api_group": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "system:auth-delegator"},
            subjects=[{"kind": "ServiceAccount", "name": name_of(account), "namespace": self._args["namespace"]}],
            opts=self._child,
        )
        return name_of(account)

    def _create_service(self, server: k8s.apps.v1.Deployment) -> pulumi.Output[str]:
        k8s.networking.v1.NetworkPolicy(
            f"{self._name}-ingress",
            metadata=self._metadata(),
            spec=_parts.ingress_to(self._pods, conventions.MLFLOW_PORT),
            opts=self._child,
        )
        service = k8s.core.v1.Service(
            f"{self._name}-service",
            metadata=self._metadata(),
            spec={"selector": self._pods, "ports": [{"name": "http", "port": conventions.MLFLOW_PORT}]},
            opts=after(server, self),
        )
        return name_of(service)

    def _metadata(self, suffix: str = "") -> Manifest:
        return {
            "name": f"{self._name}{suffix}",
            "namespace": self._args["namespace"],
            "labels": conventions.labels("mlflow", self._name),
        }


def _problems(args: Mapping[str, Any]) -> Iterator[str]:
    replicas = args.get("replicas", 1)
    if "database_secret" not in args and replicas > 1:
        yield f"args.replicas must be 1 without args.database_secret, since SQLite has one writer, got {replicas}"
    if "database_secret" in args and "storage_gib" in args:
        yield "args.storage_gib is the size of the SQLite file's volume: leave it out with args.database_secret"
