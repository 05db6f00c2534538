"""Arguments of `Workspace`."""

from enum import StrEnum
from typing import NotRequired, TypedDict

import pulumi

from pulumi_mlops import _workflow_access, conventions
from pulumi_mlops._args import Argument, Arguments
from pulumi_mlops._rules import cidr, url
from pulumi_mlops.contract.rules import at_least, dns_label

ANYWHERE = "0.0.0.0/0"


class ObjectStoreAccess(StrEnum):
    """How the pipelines of a workspace prove who they are to the object store."""

    COPIED_SECRET = "COPIED_SECRET"  # noqa: S105 - the name of a choice
    """The platform's credentials are copied into the namespace."""
    EXISTING_SECRET = "EXISTING_SECRET"  # noqa: S105 - the name of a choice
    """A Secret of the namespace, made by somebody else, holds the credentials."""
    WORKLOAD_IDENTITY = "WORKLOAD_IDENTITY"
    """The service account is bound to a cloud role; there is no Secret."""


class WorkspaceArgs(TypedDict):
    """Arguments of `Workspace`; all have defaults."""

    namespace: NotRequired[pulumi.Input[str] | None]
    """Name of the namespace, which is created; default: the component's name."""
    cpu_cores: NotRequired[pulumi.Input[float]]
    """Sum of the CPU requests in the namespace, in cores; default 4."""
    memory_gib: NotRequired[pulumi.Input[int]]
    """Sum of the memory requests, and of the memory limits, in GiB; default 8."""
    storage_gib: NotRequired[pulumi.Input[int]]
    """Sum of the volume claims in GiB, the model store included; default 100."""
    pods: NotRequired[pulumi.Input[int]]
    """Number of pods that are not finished; default 50."""
    models_gib: NotRequired[pulumi.Input[int]]
    """Size of the model store in GiB, at most `storage_gib`; default 20. EFS and host paths do not enforce it."""
    storage_class: NotRequired[pulumi.Input[str]]
    """Storage class of the model store, which must offer ReadWriteMany; default: the platform's, else `shared`."""
    protect_models: NotRequired[bool]
    """Whether Pulumi refuses to delete the model store and the namespace around it; default true.
    When false, `pulumi destroy` deletes every trained model of the workspace."""
    object_store_access: NotRequired[ObjectStoreAccess]
    """Where the credentials of the object store come from; default `COPIED_SECRET`, on an EKS platform
    `WORKLOAD_IDENTITY`. Plain: it decides which resources exist."""
    object_store_secret: NotRequired[pulumi.Input[str]]
    """Name of the Secret with the credentials, copied or existing; default `object-store-credentials`."""
    object_store_endpoint: NotRequired[pulumi.Input[str]]
    """URL of the S3 API; default: the platform's object store."""
    object_store_region: NotRequired[pulumi.Input[str]]
    """Region of the buckets; default: the platform's, else `us-east-1`."""
    workflows_bucket: NotRequired[pulumi.Input[str]]
    """Bucket for the logs of workflows; default: the platform's, else `workflows`."""
    service_account_annotations: NotRequired[dict[str, pulumi.Input[str]]]
    """Annotations of the pipelines' service account, such as the IAM role that IRSA binds it to; default none. With
    any, the workspace makes no role of its own on EKS."""
    member_groups: NotRequired[list[str]]
    """Groups, as the identity provider's `groups` claim names them, whose people see the namespace's workflows with
    their logs in Argo Workflows, and submit, stop, retry and delete them; default none. A workflow can run any pod that
    the namespace admits, with its Secrets. Needs an Argo Workflows with SSO. Plain: they decide what exists."""
    client_namespaces: NotRequired[list[pulumi.Input[str]]]
    """Namespaces whose pods may call the endpoints, besides the gateway's; default: every namespace of the cluster.
    Name the gateway implementation's and Prometheus' own namespaces as well."""
    egress_namespaces: NotRequired[list[pulumi.Input[str]]]
    """Namespaces that pipelines may call, say that of a database; default none but the platform's services."""
    egress_cidrs: NotRequired[list[pulumi.Input[str]]]
    """Addresses that pipelines may call at any port, say the subnets of a database; default none."""
    kubernetes_api_cidrs: NotRequired[list[pulumi.Input[str]]]
    """Addresses of the Kubernetes API, which pipelines call at 443 or 6443; default 0.0.0.0/0, because a network
    policy cannot select the API server. Narrowed, name S3's own addresses in `egress_cidrs` where they are outside."""
    labels: NotRequired[dict[str, pulumi.Input[str]]]
    """Labels of every object, besides the standard ones; default none. Those of Istio's sidecars are refused: without
    istio-cni, which the platform does not install, no pod with a sidecar is admitted here."""


ARGUMENTS: Arguments = {
    "namespace": Argument(rule=dns_label),
    "cpu_cores": Argument(default=4, rule=at_least(1, "core")),
    "memory_gib": Argument(default=8, rule=at_least(1, "GiB")),
    "storage_gib": Argument(default=100, rule=at_least(1, "GiB")),
    "pods": Argument(default=50, rule=at_least(3, "pods: a step, an endpoint and its successor")),
    "models_gib": Argument(default=20, rule=at_least(1, "GiB")),
    "storage_class": Argument(default=conventions.SHARED_STORAGE_CLASS),
    "protect_models": Argument(default=True),
    "object_store_access": Argument(default=ObjectStoreAccess.COPIED_SECRET),
    "object_store_secret": Argument(default=conventions.OBJECT_STORE_CREDENTIALS_SECRET, rule=dns_label),
    "object_store_endpoint": Argument(default=conventions.OBJECT_STORE_ENDPOINT, rule=url),
    "object_store_region": Argument(default=conventions.OBJECT_STORE_REGION),
    "workflows_bucket": Argument(default=conventions.WORKFLOWS_BUCKET),
    "service_account_annotations": Argument(default={}),
    "member_groups": Argument(default=[], rule=_workflow_access.group),
    "client_namespaces": Argument(default=[], rule=dns_label),
    "egress_namespaces": Argument(default=[], rule=dns_label),
    "egress_cidrs": Argument(default=[], rule=cidr),
    "kubernetes_api_cidrs": Argument(default=[ANYWHERE], rule=cidr),
    "labels": Argument(default={}),
}
