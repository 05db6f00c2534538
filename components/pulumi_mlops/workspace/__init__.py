"""One team's place in the cluster: its namespace, limits, allowed flows, workflow identity and model store.

Does not own: the object store, MLflow, Argo Workflows and the gateway (the platform's), nor databases.
"""

from collections.abc import Iterator, Mapping

import pulumi
import pulumi_kubernetes as k8s

from pulumi_mlops import _workflow_access, conventions, platform_outputs
from pulumi_mlops._args import argument_names, check_args, inputs
from pulumi_mlops._derived import json_text
from pulumi_mlops._manifests import RESTRICTED, Manifest, name_of
from pulumi_mlops.contract.rules import dns_label
from pulumi_mlops.workspace import _from_platform, _network
from pulumi_mlops.workspace import _objects as objects
from pulumi_mlops.workspace._arguments import ObjectStoreAccess, WorkspaceArgs

__all__ = ["ObjectStoreAccess", "Workspace", "WorkspaceArgs"]

MESH_LABELS = ("istio-injection", "istio.io/rev", "sidecar.istio.io/inject")
"""Labels by which Istio puts its sidecar into a namespace's pods."""


class Workspace(pulumi.ComponentResource):
    """A namespace that is ready for training pipelines and model endpoints.

    Its pods obey the restricted Pod Security Standard, its network denies what the components do not need, and its
    models stay on one shared volume.

    ```python
    from pulumi_mlops import Workspace

    workspace = Workspace("penguins", {"cpu_cores": 6, "memory_gib": 12, "labels": {"team": "birds"}})
    pulumi.export("namespace", workspace.namespace)
    ```
    """

    namespace: pulumi.Output[str]
    """Name of the namespace."""
    service_account: pulumi.Output[str]
    """Name of the service account that workflows run as."""
    models_claim: pulumi.Output[str]
    """Name of the volume claim that holds the models."""
    object_store_secret: pulumi.Output[str]
    """Name of the Secret with the object store's credentials; empty with workload identity."""
    data_bucket: pulumi.Output[str]
    """Name of the platform's bucket of training data. On EKS the pipelines read its directory
    `<namespace>/`."""

    def __init__(self, name: str, args: WorkspaceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        platform = platform_outputs.read("Workspace", name)
        checked = check_args(
            Workspace,
            name,
            args,
            WorkspaceArgs,
            _from_platform.arguments(platform),
            problems=lambda given: [*_problems(given), *_from_platform.problems(given, platform)],
            name_rule=dns_label,
        )
        super().__init__("pulumi-mlops:index:Workspace", name, inputs(args), opts)
        self._name = name
        self._args = checked
        self._platform = platform
        self._child = pulumi.ResourceOptions(parent=self)
        self._labels = conventions.labels(conventions.WORKSPACE, name, checked["labels"])

        self.namespace = self._create_namespace()
        self._create_limits()
        self._create_network_policies()
        self.service_account = self._create_service_account()
        self.models_claim = self._create_models_claim()
        self.object_store_secret = self._create_object_store_secret()
        self._create_artifact_repository()
        self._create_step_environment()
        self.data_bucket = pulumi.Output.from_input(platform["buckets"][conventions.DATA_BUCKET])
        if checked["member_groups"]:
            member = self._metadata(conventions.MEMBER_SERVICE_ACCOUNT)
            _workflow_access.members(name, member, checked["member_groups"], self._child)
        self.register_outputs(
            {
                "namespace": self.namespace,
                "service_account": self.service_account,
                "models_claim": self.models_claim,
                "object_store_secret": self.object_store_secret,
                "data_bucket": self.data_bucket,
            }
        )

    def _create_namespace(self) -> pulumi.Output[str]:
        namespace = k8s.core.v1.Namespace(
            f"{self._name}-namespace",
            metadata={
                "name": self._name if self._args["namespace"] is None else self._args["namespace"],
                "labels": {**self._labels, **RESTRICTED},
            },
            opts=self._kept(),
        )
        self._namespace = namespace
        return name_of(namespace)

    def _create_limits(self) -> None:
        k8s.core.v1.ResourceQuota(
            f"{self._name}-quota", metadata=self._metadata("quota"), spec=objects.quota(self._args), opts=self._child
        )
        k8s.core.v1.LimitRange(
            f"{self._name}-limits",
            metadata=self._metadata("limits"),
            spec=objects.CONTAINER_LIMITS,
            opts=self._child,
        )

    def _create_network_policies(self) -> None:
        policies = _network.policies(
            self._args["client_namespaces"],
            self._args["egress_namespaces"],
            self._args["egress_cidrs"],
            self._args["kubernetes_api_cidrs"],
            workload_identity=self._args["object_store_access"] == ObjectStoreAccess.WORKLOAD_IDENTITY,
        )
        for role, spec in policies.items():
            k8s.networking.v1.NetworkPolicy(
                f"{self._name}-{role}", metadata=self._metadata(role), spec=spec, opts=self._child
            )

    def _create_service_account(self) -> pulumi.Output[str]:
        account = k8s.core.v1.ServiceAccount(
            f"{self._name}-service-account",
            metadata=self._metadata(conventions.PIPELINE_SERVICE_ACCOUNT, self._args["service_account_annotations"]),
            # A pod that starts before its account has a role never gets credentials.
            opts=pulumi.ResourceOptions(parent=self, depends_on=self._create_role()),
        )
        role = k8s.rbac.v1.Role(
            f"{self._name}-role",
            metadata=self._metadata(conventions.PIPELINE_SERVICE_ACCOUNT),
            # All that Argo's executor does by itself; the right to move an endpoint comes with each pipeline.
            rules=[{"api_groups": ["argoproj.io"], "resources": ["workflowtaskresults"], "verbs": ["create", "patch"]}],
            opts=self._child,
        )
        k8s.rbac.v1.RoleBinding(
            f"{self._name}-role-binding",
            metadata=self._metadata(conventions.PIPELINE_SERVICE_ACCOUNT),
            role_ref={"api_group": "rbac.authorization.k8s.io", "kind": "Role", "name": name_of(role)},
            subjects=[{"kind": "ServiceAccount", "name": name_of(account), "namespace": self.namespace}],
            opts=self._child,
        )
        return name_of(account)

    def _create_role(self) -> list[pulumi.Resource]:
        if not _from_platform.needs_role(self._args, self._platform):
            return []
        with argument_names(Workspace, self._name, {}):
            return [_from_platform.create_role(self._name, self._args, self.namespace, self._platform, self)]

    def _create_models_claim(self) -> pulumi.Output[str]:
        claim = k8s.core.v1.PersistentVolumeClaim(
            f"{self._name}-models",
            # A class that binds on first use binds when a pod is there: waiting for it here could wait forever.
            metadata=self._metadata(conventions.MODELS_CLAIM, {"pulumi.com/skipAwait": "true"}),
            spec=objects.models_claim(self._args),
            # With the namespace: on its own, the deletion of a claim waits for every pod that ever used it, those of
            # failed runs included, and these go with the namespace.
            opts=pulumi.ResourceOptions.merge(self._kept(), pulumi.ResourceOptions(deleted_with=self._namespace)),
        )
        return name_of(claim)

    def _create_object_store_secret(self) -> pulumi.Output[str]:
        access = self._args["object_store_access"]
        secret_name = self._args["object_store_secret"]
        if access == ObjectStoreAccess.WORKLOAD_IDENTITY:
            return pulumi.Output.from_input("")
        if access == ObjectStoreAccess.EXISTING_SECRET:
            return pulumi.Output.from_input(secret_name)
        source = k8s.core.v1.Secret.get(
            f"{self._name}-object-store-source",
            f"{conventions.OBJECT_STORE_NAMESPACE}/{conventions.OBJECT_STORE_CREDENTIALS_SECRET}",
            opts=self._child,
        )
        copy = k8s.core.v1.Secret(
            f"{self._name}-object-store-secret",
            metadata=self._metadata(secret_name),
            data=pulumi.Output.secret(source.data).apply(objects.credentials),
            opts=self._child,
        )
        return name_of(copy)

    def _create_artifact_repository(self) -> None:
        repository = objects.artifact_repository(self._args)
        k8s.core.v1.ConfigMap(
            f"{self._name}-artifact-repositories",
            metadata=self._metadata(
                conventions.ARTIFACT_REPOSITORIES_CONFIG_MAP,
                {"workflows.argoproj.io/default-artifact-repository": objects.ARTIFACT_REPOSITORY},
            ),
            data={objects.ARTIFACT_REPOSITORY: json_text(repository)},
            opts=self._child,
        )

    def _create_step_environment(self) -> None:
        k8s.core.v1.ConfigMap(
            f"{self._name}-platform",
            metadata=self._metadata(conventions.PLATFORM_CONFIG_MAP),
            data=_from_platform.step_environment(self._args, self._platform),
            opts=self._child,
        )

    def _metadata(self, name: pulumi.Input[str], annotations: Mapping[str, object] | None = None) -> Manifest:
        metadata = {"name": name, "namespace": self.namespace, "labels": self._labels}
        return {**metadata, "annotations": annotations} if annotations else metadata

    def _kept(self) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, protect=self._args["protect_models"])


def _problems(args: WorkspaceArgs) -> Iterator[str]:
    storage, models = args["storage_gib"], args["models_gib"]
    if isinstance(storage, int) and isinstance(models, int) and models > storage:
        yield f"args.models_gib must be at most args.storage_gib ({storage} GiB), got {models}"
    for key in MESH_LABELS:
        if key in args["labels"]:
            yield (
                f"args.labels must not have {key}: the namespace is restricted, and refuses pods into which Istio puts "
                "a sidecar, whose first container changes the network"
            )
