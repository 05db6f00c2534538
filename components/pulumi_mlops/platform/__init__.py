"""The parts of the platform itself, for the stack that installs it once a cluster."""

from pulumi_mlops.platform.argo_workflows import ArgoWorkflows, ArgoWorkflowsArgs
from pulumi_mlops.platform.gateway import Gateway, GatewayArgs
from pulumi_mlops.platform.mlflow import MLflow, MLflowArgs, MLflowArtifactStore
from pulumi_mlops.platform.object_store import ObjectStore, ObjectStoreArgs, ObjectStoreUser
from pulumi_mlops.platform.platform import Platform, PlatformArgs, PlatformSizes
from pulumi_mlops.platform.storage_classes import (
    EfsStorageClass,
    EfsStorageClassArgs,
    NfsStorageClass,
    NfsStorageClassArgs,
)

__all__ = [
    "ArgoWorkflows",
    "ArgoWorkflowsArgs",
    "EfsStorageClass",
    "EfsStorageClassArgs",
    "Gateway",
    "GatewayArgs",
    "MLflow",
    "MLflowArgs",
    "MLflowArtifactStore",
    "NfsStorageClass",
    "NfsStorageClassArgs",
    "ObjectStore",
    "ObjectStoreArgs",
    "ObjectStoreUser",
    "Platform",
    "PlatformArgs",
    "PlatformSizes",
]
