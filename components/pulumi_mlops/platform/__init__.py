"""The parts of the platform itself, for the stack that installs it once a cluster."""

from pulumi_mlops.platform.argo_workflows import ArgoWorkflows, ArgoWorkflowsArgs
from pulumi_mlops.platform.cert_manager import CertManager, CertManagerArgs
from pulumi_mlops.platform.external_dns import DnsSource, ExternalDns, ExternalDnsArgs
from pulumi_mlops.platform.external_secrets import ExternalSecrets, ExternalSecretsArgs
from pulumi_mlops.platform.gateway import Gateway, GatewayArgs
from pulumi_mlops.platform.load_balancer_controller import LoadBalancerController, LoadBalancerControllerArgs
from pulumi_mlops.platform.mlflow import MLflow, MLflowArgs, MLflowArtifactStore
from pulumi_mlops.platform.object_store import ObjectStore, ObjectStoreArgs, ObjectStoreUser
from pulumi_mlops.platform.platform import Platform, PlatformArgs, PlatformSizes

__all__ = [
    "ArgoWorkflows",
    "ArgoWorkflowsArgs",
    "CertManager",
    "CertManagerArgs",
    "DnsSource",
    "ExternalDns",
    "ExternalDnsArgs",
    "ExternalSecrets",
    "ExternalSecretsArgs",
    "Gateway",
    "GatewayArgs",
    "LoadBalancerController",
    "LoadBalancerControllerArgs",
    "MLflow",
    "MLflowArgs",
    "MLflowArtifactStore",
    "ObjectStore",
    "ObjectStoreArgs",
    "ObjectStoreUser",
    "Platform",
    "PlatformArgs",
    "PlatformSizes",
]
