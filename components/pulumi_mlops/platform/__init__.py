"""The parts of the platform itself, for the stack that installs it once a cluster."""

from pulumi_mlops.platform.argo_cd import ArgoCD, ArgoCDArgs
from pulumi_mlops.platform.argo_events import ArgoEvents, ArgoEventsArgs
from pulumi_mlops.platform.argo_workflows import (
    ArgoServerArgs,
    ArgoWorkflows,
    ArgoWorkflowsArgs,
    ArgoWorkflowsLine,
    ArtifactRepositoryArgs,
    WorkflowArchiveArgs,
)
from pulumi_mlops.platform.crossplane import Crossplane, CrossplaneArgs
from pulumi_mlops.platform.gateway import Gateway, GatewayArgs
from pulumi_mlops.platform.kserve import KServe, KServeArgs
from pulumi_mlops.platform.mlflow import MLflow, MLflowArgs, MLflowArtifactStore
from pulumi_mlops.platform.monitoring import Monitoring, MonitoringArgs
from pulumi_mlops.platform.object_store import ObjectStore, ObjectStoreArgs, ObjectStoreUser
from pulumi_mlops.platform.platform import Platform, PlatformArgs, PlatformSizes
from pulumi_mlops.platform.seldon import Seldon, SeldonArgs

__all__ = [
    "ArgoCD",
    "ArgoCDArgs",
    "ArgoEvents",
    "ArgoEventsArgs",
    "ArgoServerArgs",
    "ArgoWorkflows",
    "ArgoWorkflowsArgs",
    "ArgoWorkflowsLine",
    "ArtifactRepositoryArgs",
    "Crossplane",
    "CrossplaneArgs",
    "Gateway",
    "GatewayArgs",
    "KServe",
    "KServeArgs",
    "MLflow",
    "MLflowArgs",
    "MLflowArtifactStore",
    "Monitoring",
    "MonitoringArgs",
    "ObjectStore",
    "ObjectStoreArgs",
    "ObjectStoreUser",
    "Platform",
    "PlatformArgs",
    "PlatformSizes",
    "Seldon",
    "SeldonArgs",
    "WorkflowArchiveArgs",
]
