"""The parts of the platform itself, for the stack that installs it once a cluster."""

from pulumi_mlops.platform.argo_cd import ArgoCD, ArgoCDArgs
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
from pulumi_mlops.platform.mlflow import MLflow, MLflowArgs, MLflowArtifactStore
from pulumi_mlops.platform.object_store import ObjectStore, ObjectStoreArgs, ObjectStoreUser
from pulumi_mlops.platform.platform import Platform, PlatformArgs, PlatformSizes

__all__ = [
    "ArgoCD",
    "ArgoCDArgs",
    "ArgoServerArgs",
    "ArgoWorkflows",
    "ArgoWorkflowsArgs",
    "ArgoWorkflowsLine",
    "ArtifactRepositoryArgs",
    "Crossplane",
    "CrossplaneArgs",
    "Gateway",
    "GatewayArgs",
    "MLflow",
    "MLflowArgs",
    "MLflowArtifactStore",
    "ObjectStore",
    "ObjectStoreArgs",
    "ObjectStoreUser",
    "Platform",
    "PlatformArgs",
    "PlatformSizes",
    "WorkflowArchiveArgs",
]
