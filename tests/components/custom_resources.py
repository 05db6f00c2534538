"""Every custom resource that the components make, from the smallest and the fullest arguments of each."""

from collections.abc import Callable
from typing import Any

import pulumi
from pulumi_mlops import DeliveryPipeline, ModelEndpoint, PostgresDatabase, TrainingPipeline
from pulumi_mlops.platform import (
    ArgoCD,
    ArgoEvents,
    ArgoWorkflows,
    CertManager,
    Crossplane,
    DatabaseApi,
    EksPlatform,
    ExternalSecrets,
    Gateway,
    Karpenter,
    LocalDatabaseApi,
    Platform,
    PublicGateway,
    ReviewWorkflow,
)

from tests.components import (
    addons,
    delivery_addons,
    programs,
    test_database_api,
    test_eks_platform,
    test_gateway,
    test_local_database_api,
    test_platform,
)
from tests.conftest import Build, Graph, Secret

Manifest = dict[str, Any]
_INFRASTRUCTURE = {addon.component: (addon.least, addon.most) for addon in addons.ADDONS}
_EKS = {**test_eks_platform.FOUND, "login": test_eks_platform.LOGIN}
FORMS: dict[Callable[..., pulumi.ComponentResource], tuple[Any, Any]] = {
    ArgoCD: (delivery_addons.ARGO_CD, delivery_addons.ARGO_CD_FULL),
    ArgoEvents: (delivery_addons.ARGO_EVENTS, delivery_addons.ARGO_EVENTS_FULL),
    ArgoWorkflows: (delivery_addons.ARGO_WORKFLOWS, delivery_addons.ARGO_WORKFLOWS_FULL),
    CertManager: _INFRASTRUCTURE[CertManager],
    Crossplane: (delivery_addons.CROSSPLANE, delivery_addons.CROSSPLANE_FULL),
    DatabaseApi: (test_database_api.ARGS, test_database_api.FULL),
    DeliveryPipeline: (programs.DELIVERY, programs.DELIVERY_FULL),
    EksPlatform: (_EKS, {**_EKS, **test_eks_platform.EVERYTHING}),
    ExternalSecrets: _INFRASTRUCTURE[ExternalSecrets],
    Gateway: (test_gateway.ARGS, {**test_gateway.ARGS, "port": 8080}),
    Karpenter: _INFRASTRUCTURE[Karpenter],
    LocalDatabaseApi: (test_local_database_api.ARGS, test_local_database_api.FULL),
    ModelEndpoint: (programs.ENDPOINT, programs.ENDPOINT_FULL),
    Platform: (test_platform.ARGS, test_platform.ARGS),  # nothing else reaches its Gateway
    PostgresDatabase: (programs.DATABASE_RDS, programs.DATABASE_RDS_FULL),
    PublicGateway: (addons.PUBLIC, addons.PUBLIC_FULL),
    ReviewWorkflow: (delivery_addons.REVIEW, delivery_addons.REVIEW_FULL),
    TrainingPipeline: (programs.PIPELINE, programs.PIPELINE_FULL),
}
"""Component → its smallest and its fullest arguments, for each one that makes a custom resource from either."""
EACH = [(component, size) for component in FORMS for size in (0, 1)]
NAMES = [f"{component.__name__}-{('smallest', 'fullest')[size]}" for component, size in EACH]
KUBERNETES_GROUPS = {
    "",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apps",
    "autoscaling",
    "batch",
    "networking.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "scheduling.k8s.io",
    "storage.k8s.io",
}
"""API groups that are Kubernetes' own: what is in none of them is a custom resource."""

_made: dict[tuple[Any, int], list[Manifest]] = {}


def made(build: Build, component: Callable[..., pulumi.ComponentResource], size: int) -> list[Manifest]:
    """Custom resources of one component: 0 with its smallest, 1 with its fullest arguments. Nobody changes them."""
    if (component, size) not in _made:
        _made[component, size] = among(build(lambda: component("one", FORMS[component][size])))
    return _made[component, size]


def among(graph: Graph) -> list[Manifest]:
    """The custom resources of a graph, as the API server gets them: what is secret in plain."""
    objects = [one.inputs for one in graph if "apiVersion" in one.inputs and not one.read]
    return [_plain(one) for one in objects if one["apiVersion"].rpartition("/")[0] not in KUBERNETES_GROUPS]


def kind_of(manifest: Manifest) -> tuple[str, str]:
    """API version and kind."""
    return manifest["apiVersion"], manifest["kind"]


def _plain(node: Any) -> Any:
    if isinstance(node, Secret):
        return _plain(node.value)
    if isinstance(node, dict):
        return {key: _plain(part) for key, part in node.items()}
    return [_plain(part) for part in node] if isinstance(node, list) else node
