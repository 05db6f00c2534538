"""The MLflow tracking server and model registry.

Creates the server with its schema migration, Service and, without a database of its own, the volume of a SQLite file.
Does not own: the namespace, the database, the bucket. It is reachable from inside the cluster alone.
"""

import pulumi
import pulumi_kubernetes as k8s

from pulumi_mlops import conventions, versions
from pulumi_mlops._args import check_args, inputs, renamed
from pulumi_mlops._manifests import Manifest, after, name_of
from pulumi_mlops._rules import named_by, object_name
from pulumi_mlops._volumes import volume_claim
from pulumi_mlops.platform import _parts
from pulumi_mlops.platform.mlflow import _server
from pulumi_mlops.platform.mlflow._args import ARGUMENTS, MLflowArgs, problems


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
        by_name = named_by(args, object_name(40))
        checked = check_args(MLflow, name, args, MLflowArgs, ARGUMENTS, problems=problems, name_rule=by_name)
        super().__init__("pulumi-mlops:index:MLflow", name, inputs(args), opts)
        self._name = name
        self._args = checked
        self._child = pulumi.ResourceOptions(parent=self)
        self._called = checked["object_name"] or name
        self._pods = conventions.selector("mlflow", self._called)

        credentials = self._create_credentials()
        volume = self._create_volume() if checked["database_secret"] is None else None
        server = self._create_server(credentials, volume)
        self.service = self._create_service(server)
        self.url = pulumi.Output.all(self.service, checked["namespace"]).apply(
            lambda known: f"http://{conventions.service_host(*known)}:{conventions.MLFLOW_PORT}"
        )
        self.version = pulumi.Output.from_input(versions.MLFLOW)
        self.register_outputs({"url": self.url, "service": self.service, "version": self.version})

    def _create_credentials(self) -> pulumi.Output[str] | None:
        credentials = self._args["artifact_store"]["credentials"]
        if credentials is None:
            return None
        secret = k8s.core.v1.Secret(
            f"{self._name}-artifact-store",
            metadata=self._metadata("-artifact-store"),
            string_data=credentials,
            opts=self._child,
        )
        return name_of(secret)

    def _create_volume(self) -> pulumi.Output[str]:
        """Of the SQLite file."""
        size = self._args["storage_gib"]
        return volume_claim(
            f"{self._name}-data",
            self._metadata("-data"),
            self,
            storage_gib=_server.SQLITE_GIB if size is None else size,
            storage_class=self._args["storage_class"],
            protect=self._args["protect_data"],
        )

    def _create_server(
        self, credentials: pulumi.Output[str] | None, volume: pulumi.Output[str] | None
    ) -> k8s.apps.v1.Deployment:
        account = self._create_account()
        code = k8s.core.v1.ConfigMap(
            f"{self._name}-code", metadata=self._metadata("-code"), data=_server.CODE, opts=self._child
        )
        used = _server.Objects(account, name_of(code), credentials, volume)
        if self._args["replicas"] > 1:
            k8s.policy.v1.PodDisruptionBudget(
                f"{self._name}-disruption-budget",
                metadata=self._metadata(),
                spec=_parts.disruption_budget(self._pods),
                opts=self._child,
            )
        return k8s.apps.v1.Deployment(
            f"{self._name}-server",
            metadata=self._metadata(),
            spec=_server.deployment(self._called, self._args, used),
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
        self._bind(account, "token-reviews", "system:auth-delegator")
        namespaces = k8s.rbac.v1.ClusterRole(
            f"{self._name}-reads-namespaces",
            metadata=self._cluster_metadata("reads-namespaces"),
            rules=[{"api_groups": [""], "resources": ["namespaces"], "verbs": ["get"]}],
            opts=self._child,
        )
        self._bind(account, "reads-namespaces", name_of(namespaces))
        return name_of(account)

    def _bind(self, account: k8s.core.v1.ServiceAccount, name: str, role: pulumi.Input[str]) -> None:
        k8s.rbac.v1.ClusterRoleBinding(
            f"{self._name}-{name}",
            metadata=self._cluster_metadata(name),
            role_ref={"api_group": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
            subjects=[{"kind": "ServiceAccount", "name": name_of(account), "namespace": self._args["namespace"]}],
            opts=self._child,
        )

    def _cluster_metadata(self, name: str) -> Manifest:
        """Metadata of an object without a namespace: two servers have two of each."""
        return {
            "name": pulumi.Output.concat(self._args["namespace"], "-", self._called, "-", name),
            "labels": conventions.labels("mlflow", self._called),
        }

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
            "name": f"{self._called}{suffix}",
            "namespace": self._args["namespace"],
            "labels": conventions.labels("mlflow", self._called),
        }
