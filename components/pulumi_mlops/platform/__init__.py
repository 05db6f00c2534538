"""The parts of the platform itself, for the stack that installs it once a cluster.

A name is imported when it is first used: a program that makes one part does not load the others.
"""

from typing import TYPE_CHECKING

from pulumi_mlops._lazy import lazy

if TYPE_CHECKING:
    from pulumi_mlops.platform._charts import Chart
    from pulumi_mlops.platform.add_on import (
        AddOn,
        AddOnArgs,
        AwsEnvironment,
        CallerArgs,
        ChartArgs,
        ChartRelease,
        ReplicatedArgs,
    )
    from pulumi_mlops.platform.add_ons._argo_cd_args import ArgoCDArgs
    from pulumi_mlops.platform.add_ons._descriptions import ADD_ONS
    from pulumi_mlops.platform.add_ons._public_gateway_args import PublicGatewayArgs
    from pulumi_mlops.platform.add_ons.argo_cd import ArgoCD
    from pulumi_mlops.platform.add_ons.argo_events import ArgoEvents, ArgoEventsArgs
    from pulumi_mlops.platform.add_ons.argo_workflows import (
        ArgoServerArgs,
        ArgoWorkflows,
        ArgoWorkflowsArgs,
        ArgoWorkflowsLine,
        ArtifactRepositoryArgs,
        WorkflowArchiveArgs,
    )
    from pulumi_mlops.platform.add_ons.cert_manager import CertManager, CertManagerArgs
    from pulumi_mlops.platform.add_ons.crossplane import Crossplane, CrossplaneArgs
    from pulumi_mlops.platform.add_ons.external_dns import DnsSource, ExternalDns, ExternalDnsArgs
    from pulumi_mlops.platform.add_ons.external_secrets import ExternalSecrets, ExternalSecretsArgs
    from pulumi_mlops.platform.add_ons.istio import Istio, IstioArgs
    from pulumi_mlops.platform.add_ons.karpenter import Karpenter, KarpenterArgs
    from pulumi_mlops.platform.add_ons.kserve import KServe, KServeArgs
    from pulumi_mlops.platform.add_ons.load_balancer_controller import (
        LoadBalancerController,
        LoadBalancerControllerArgs,
    )
    from pulumi_mlops.platform.add_ons.monitoring import Monitoring, MonitoringArgs
    from pulumi_mlops.platform.add_ons.public_gateway import PublicGateway
    from pulumi_mlops.platform.add_ons.seldon import Seldon, SeldonArgs
    from pulumi_mlops.platform.databases.database_api import DatabaseApi, DatabaseApiArgs
    from pulumi_mlops.platform.databases.local_database_api import (
        LocalBackupsArgs,
        LocalDatabaseApi,
        LocalDatabaseApiArgs,
        RestoreDrill,
    )
    from pulumi_mlops.platform.efs_storage_class import EfsStorageClass, EfsStorageClassArgs
    from pulumi_mlops.platform.eks_platform import EksPlatform
    from pulumi_mlops.platform.eks_platform._args import (
        EksDatabaseArgs,
        EksLoginArgs,
        EksMLflowArgs,
        EksNodeGroupArgs,
        EksPlatformArgs,
    )
    from pulumi_mlops.platform.gateway import Gateway, GatewayArgs
    from pulumi_mlops.platform.gateway_api import GatewayApi, GatewayApiArgs
    from pulumi_mlops.platform.helm_add_on import HelmAddOn, HelmAddOnArgs
    from pulumi_mlops.platform.mlflow import MLflow
    from pulumi_mlops.platform.mlflow._args import MLflowArgs, MLflowArtifactStore
    from pulumi_mlops.platform.nfs_storage_class import NfsStorageClass, NfsStorageClassArgs
    from pulumi_mlops.platform.object_store import ObjectStore
    from pulumi_mlops.platform.object_store._args import ObjectStoreArgs, ObjectStoreUser
    from pulumi_mlops.platform.platform import Platform, PlatformArgs, PlatformSizes
    from pulumi_mlops.platform.review_workflow import ReviewWorkflow
    from pulumi_mlops.platform.review_workflow._args import GitHostKind, ReviewWorkflowArgs

__all__ = [
    "ADD_ONS",
    "AddOn",
    "AddOnArgs",
    "ArgoCD",
    "ArgoCDArgs",
    "ArgoEvents",
    "ArgoEventsArgs",
    "ArgoServerArgs",
    "ArgoWorkflows",
    "ArgoWorkflowsArgs",
    "ArgoWorkflowsLine",
    "ArtifactRepositoryArgs",
    "AwsEnvironment",
    "CallerArgs",
    "CertManager",
    "CertManagerArgs",
    "Chart",
    "ChartArgs",
    "ChartRelease",
    "Crossplane",
    "CrossplaneArgs",
    "DatabaseApi",
    "DatabaseApiArgs",
    "DnsSource",
    "EfsStorageClass",
    "EfsStorageClassArgs",
    "EksDatabaseArgs",
    "EksLoginArgs",
    "EksMLflowArgs",
    "EksNodeGroupArgs",
    "EksPlatform",
    "EksPlatformArgs",
    "ExternalDns",
    "ExternalDnsArgs",
    "ExternalSecrets",
    "ExternalSecretsArgs",
    "Gateway",
    "GatewayApi",
    "GatewayApiArgs",
    "GatewayArgs",
    "GitHostKind",
    "HelmAddOn",
    "HelmAddOnArgs",
    "Istio",
    "IstioArgs",
    "KServe",
    "KServeArgs",
    "Karpenter",
    "KarpenterArgs",
    "LoadBalancerController",
    "LoadBalancerControllerArgs",
    "LocalBackupsArgs",
    "LocalDatabaseApi",
    "LocalDatabaseApiArgs",
    "MLflow",
    "MLflowArgs",
    "MLflowArtifactStore",
    "Monitoring",
    "MonitoringArgs",
    "NfsStorageClass",
    "NfsStorageClassArgs",
    "ObjectStore",
    "ObjectStoreArgs",
    "ObjectStoreUser",
    "Platform",
    "PlatformArgs",
    "PlatformSizes",
    "PublicGateway",
    "PublicGatewayArgs",
    "ReplicatedArgs",
    "RestoreDrill",
    "ReviewWorkflow",
    "ReviewWorkflowArgs",
    "Seldon",
    "SeldonArgs",
    "WorkflowArchiveArgs",
]

_MODULES = {
    "_charts": ("Chart",),
    "add_ons._argo_cd_args": ("ArgoCDArgs",),
    "add_ons._descriptions": ("ADD_ONS",),
    "mlflow._args": (
        "MLflowArgs",
        "MLflowArtifactStore",
    ),
    "object_store._args": (
        "ObjectStoreArgs",
        "ObjectStoreUser",
    ),
    "add_ons._public_gateway_args": ("PublicGatewayArgs",),
    "review_workflow._args": (
        "GitHostKind",
        "ReviewWorkflowArgs",
    ),
    "eks_platform._args": (
        "EksDatabaseArgs",
        "EksLoginArgs",
        "EksMLflowArgs",
        "EksNodeGroupArgs",
        "EksPlatformArgs",
    ),
    "add_on": (
        "AddOn",
        "AddOnArgs",
        "AwsEnvironment",
        "CallerArgs",
        "ChartArgs",
        "ChartRelease",
        "ReplicatedArgs",
    ),
    "add_ons.argo_cd": ("ArgoCD",),
    "add_ons.argo_events": (
        "ArgoEvents",
        "ArgoEventsArgs",
    ),
    "add_ons.argo_workflows": (
        "ArgoServerArgs",
        "ArgoWorkflows",
        "ArgoWorkflowsArgs",
        "ArgoWorkflowsLine",
        "ArtifactRepositoryArgs",
        "WorkflowArchiveArgs",
    ),
    "add_ons.cert_manager": (
        "CertManager",
        "CertManagerArgs",
    ),
    "add_ons.crossplane": (
        "Crossplane",
        "CrossplaneArgs",
    ),
    "databases.database_api": (
        "DatabaseApi",
        "DatabaseApiArgs",
    ),
    "efs_storage_class": (
        "EfsStorageClass",
        "EfsStorageClassArgs",
    ),
    "eks_platform": ("EksPlatform",),
    "add_ons.external_dns": (
        "DnsSource",
        "ExternalDns",
        "ExternalDnsArgs",
    ),
    "add_ons.external_secrets": (
        "ExternalSecrets",
        "ExternalSecretsArgs",
    ),
    "gateway": (
        "Gateway",
        "GatewayArgs",
    ),
    "gateway_api": (
        "GatewayApi",
        "GatewayApiArgs",
    ),
    "helm_add_on": (
        "HelmAddOn",
        "HelmAddOnArgs",
    ),
    "add_ons.istio": (
        "Istio",
        "IstioArgs",
    ),
    "add_ons.karpenter": (
        "Karpenter",
        "KarpenterArgs",
    ),
    "add_ons.kserve": (
        "KServe",
        "KServeArgs",
    ),
    "add_ons.load_balancer_controller": (
        "LoadBalancerController",
        "LoadBalancerControllerArgs",
    ),
    "databases.local_database_api": ("LocalBackupsArgs", "LocalDatabaseApi", "LocalDatabaseApiArgs", "RestoreDrill"),
    "mlflow": ("MLflow",),
    "add_ons.monitoring": (
        "Monitoring",
        "MonitoringArgs",
    ),
    "nfs_storage_class": (
        "NfsStorageClass",
        "NfsStorageClassArgs",
    ),
    "object_store": ("ObjectStore",),
    "platform": (
        "Platform",
        "PlatformArgs",
        "PlatformSizes",
    ),
    "add_ons.public_gateway": ("PublicGateway",),
    "review_workflow": ("ReviewWorkflow",),
    "add_ons.seldon": (
        "Seldon",
        "SeldonArgs",
    ),
}
__getattr__, __dir__ = lazy(__name__, _MODULES)
