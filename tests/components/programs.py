"""Arguments that component tests start from: the fewest that are valid, and as many as fit together."""

from typing import Any

from pulumi_mlops import (
    ClassWeight,
    ColumnType,
    DatabaseEnvironment,
    DataFormat,
    DeliveryPipelineArgs,
    ImagePullPolicy,
    Metric,
    ModelEndpointArgs,
    NotificationForm,
    ObjectStoreAccess,
    PostgresDatabaseArgs,
    PromotionMode,
    RdsArgs,
    RepositoryHost,
    Scaling,
    SinglePodArgs,
    SourceType,
    Task,
    TrainingPipelineArgs,
    WorkspaceArgs,
)
from pulumi_mlops._schema import without_none

WORKSPACE_FULL: WorkspaceArgs = {
    "namespace": "birds",
    "cpu_cores": 2.5,
    "memory_gib": 4,
    "storage_gib": 30,
    "pods": 10,
    "models_gib": 5,
    "storage_class": "efs",
    "protect_models": False,
    "object_store_access": ObjectStoreAccess.WORKLOAD_IDENTITY,
    "object_store_endpoint": "https://s3.eu-central-1.amazonaws.com",
    "object_store_region": "eu-central-1",
    "workflows_bucket": "birds-workflows",
    "service_account_annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/birds"},
    "member_groups": ["birds", 'Ornithology "North"'],
    "client_namespaces": ["web", "monitoring"],
    "egress_namespaces": ["databases"],
    "egress_cidrs": ["10.1.0.0/16"],
    "kubernetes_api_cidrs": ["10.0.0.0/24"],
    "labels": {"team": "birds"},
}

PIPELINE: TrainingPipelineArgs = {
    "namespace": "birds",
    "image": "registry.example.org/ml-pipeline:1",
    "task": Task.CLASSIFICATION,
    "source": {"type": SourceType.S3, "bucket": "data", "key": "penguins.csv"},
    "target": "species",
    "evaluation": {"metric": Metric.ACCURACY, "threshold": 0.9},
    "schedule": "0 3 * * *",
}

PIPELINE_FULL: TrainingPipelineArgs = {
    **PIPELINE,
    "source": {
        "type": SourceType.S3,
        "bucket": "data",
        "key": "penguins.parquet",
        "format": DataFormat.PARQUET,
        "columns": {"bill_len": ColumnType.NUMBER},
    },
    "model_name": "penguin-species",
    "endpoint": "penguins",
    "features": {
        "renames": {"bill_len": "bill_length_mm", "bill_dep": "bill_depth_mm"},
        "drop": ["year"],
        "engineered": {"bill_ratio": "bill_length_mm / bill_depth_mm"},
        "numeric": ["bill_length_mm", "bill_depth_mm"],
        "categorical": ["island", "sex"],
        "scaling": Scaling.MIN_MAX,
    },
    "training": {
        "test_fraction": 0.25,
        "seed": 7,
        "rounds": 50,
        "parameters": {"max_depth": 4, "eta": 0.1},
        "early_stopping_rounds": 10,
        "validation_fraction": 0.1,
        "group_column": "colony",
        "weight_column": "weight",
        "class_weight": ClassWeight.BALANCED,
    },
    "timezone": "Europe/Berlin",
    "notification": {
        "secret": "chat",
        "form": NotificationForm.SLACK,
        "argo_workflows_url": "https://workflows.example.org/",
    },
    "suspend": True,
    "starting_deadline_seconds": 60,
    "successful_history": 1,
    "failed_history": 5,
    "timeout_seconds": 3600,
    "steps": {
        "train": {
            "cpu": "2",
            "memory": "4Gi",
            "timeout_seconds": 1200,
            "retries": 0,
            "gpus": 1,
            "node_selector": {"accelerator": "nvidia"},
            "tolerations": [{"key": "spot", "operator": "Exists", "effect": "NoExecute"}],
        }
    },
    "image_pull_policy": ImagePullPolicy.ALWAYS,
    "object_store_endpoint": "https://s3.eu-central-1.amazonaws.com",
    "object_store_region": "eu-central-1",
    "mlflow_url": "https://mlflow.example.org",
    "labels": {"team": "birds"},
}

ENDPOINT: ModelEndpointArgs = {"namespace": "birds", "image": "registry.example.org/ml-server:1"}

ENDPOINT_FULL: ModelEndpointArgs = {
    **ENDPOINT,
    "model_name": "penguin-species",
    "model_version": "20260101-000000-00000000",
    "autoscaling": {"min_replicas": 2, "max_replicas": 6, "cpu_percent": 60},
    "canary": {"model_version": "20260201-000000-00000000", "weight_percent": 20},
    "cpu": "250m",
    "memory": "1Gi",
    "image_pull_policy": ImagePullPolicy.ALWAYS,
    "drain_seconds": 10,
    "access": {
        "clients_secret": "customers",
        "jwt": {"issuer": "https://login.example.org", "audiences": ["penguins"], "groups": ["clients"]},
    },
    "hosts": ["models.example.org"],
    "gateway_name": "shared",
    "gateway_namespace": "istio-ingress",
    "service_monitor": True,
    "labels": {"team": "birds"},
}

DATABASE_NETWORK: RdsArgs = {
    "vpc_id": "vpc-0a1b2c3d",
    "subnet_ids": ["subnet-0a1b2c3d", "subnet-0b2c3d4e"],
    "client_security_group_ids": {"nodes": "sg-0a1b2c3d"},
}

DATABASE_RDS: PostgresDatabaseArgs = {"namespace": "birds", "rds": DATABASE_NETWORK}

DATABASE_RDS_FULL: PostgresDatabaseArgs = {
    "namespace": "birds",
    "database": "sightings",
    "secret_name": "db-conn",
    "version": "16",
    "storage_gib": 50,
    "high_availability": True,
    "backups": {"days": 35},
    "protect_data": False,
    "labels": {"team": "birds"},
    "rds": {
        **DATABASE_NETWORK,
        "max_storage_gib": 200,
        "instance_class": "db.m7g.large",
        "apply_immediately": False,
        "maintenance_window": "sat:23:30-sun:00:30",
        "extended_support": True,
        "password_rotation_days": 30,
        "client_security_group_ids": {"bastion": "sg-0b2c3d4e", "nodes": "sg-0a1b2c3d"},
        "kms_key_arn": "arn:aws:kms:eu-central-1:123456789012:key/0a1",
        "secret_store": "vault",
        "tags": {"team": "birds", "cost-center": "42"},
    },
}

DATABASE_IN_CLUSTER: PostgresDatabaseArgs = {"namespace": "birds", "single_pod": {}}

DATABASE_IN_CLUSTER_FULL: PostgresDatabaseArgs = {
    "namespace": "birds",
    "database": "sightings",
    "secret_name": "db-conn",
    "version": "16",
    "storage_gib": 5,
    "protect_data": False,
    "labels": {"team": "birds"},
    "single_pod": {
        "storage_class": "fast",
        "image_mirror": "mirror.example.org",
        "cpu": "1",
        "memory": "2Gi",
        "client_namespaces": ["reports"],
    },
}

DATABASE_BY_MANIFEST: PostgresDatabaseArgs = {"namespace": "birds"}

DATABASE_BY_MANIFEST_FULL: PostgresDatabaseArgs = {
    "namespace": "birds",
    "size": "large",
    "storage_gib": 50,
    "version": "16",
    "environment": DatabaseEnvironment.DEVELOPMENT,
    "high_availability": True,
    "restore_from": {"database": "orders-1a2b3c4d", "moment": "2026-11-30T14:35:30+01:00"},
    "secret_name": "db-conn",
    "labels": {"team": "birds"},
    "manifest": {"provider": "aws", "group": "data.example.com"},
}


OF_BACKENDS = {key: "rds" for key in RdsArgs.__annotations__} | {
    key: "single_pod" for key in SinglePodArgs.__annotations__
}


def database_with(args: PostgresDatabaseArgs, **changes: Any) -> Any:
    """The arguments with some replaced, whether all databases have them or one backend's; None leaves one out."""
    changed: dict[str, Any] = dict(args)
    for key, value in changes.items():
        path = "backups.days" if key == "backup_days" else f"{OF_BACKENDS[key]}.{key}" if key in OF_BACKENDS else key
        outer, _, inner = path.rpartition(".")
        changed = {**changed, outer: {**changed.get(outer, {}), inner: value}} if outer else {**changed, key: value}
    return without_none(changed)


DELIVERY: DeliveryPipelineArgs = {
    "namespace": "delivery",
    "repository": {"url": "https://git.example.org/birds/web.git", "host": RepositoryHost.GITEA},
    "image": "registry.example.org/birds/web",
    "delivery_image": "registry.example.org/delivery:1",
    "credentials_secret": "web-delivery",
    "staging": {"overlay": "deploy/overlays/staging", "namespace": "birds-staging"},
    "production": {"overlay": "deploy/overlays/production", "namespace": "birds"},
    "checks": {"image": "registry.example.org/python:3.11", "tests": "python -m pytest"},
}

DELIVERY_FULL: DeliveryPipelineArgs = {
    **DELIVERY,
    "repository": {
        "url": "https://github.com/birds/web",
        "host": RepositoryHost.GITHUB,
        "branch": "release/1.x",
        "directory": "services/web",
    },
    "checks": {**DELIVERY["checks"], "lint": "ruff check .", "memory": "3Gi"},
    "build": {
        "dockerfile": "docker/Dockerfile",
        "target": "server",
        "builder_image": "mirror.example.org/moby/buildkit:rootless",
        "memory": "6Gi",
    },
    "integration_tests": {
        "image": "registry.example.org/python:3.11",
        "command": "python -m pytest integration",
        "memory": "2Gi",
    },
    "promotion": PromotionMode.APPROVAL,
    "soak_seconds": 600,
    "deploy_timeout_seconds": 300,
    "timeout_seconds": 3600,
    "approval_timeout_seconds": 86400,
    "allowed_kinds": ["Service", "apps/Deployment"],
    "argo_cd_namespace": "argo-cd",
    "argo_workflows_url": "https://workflows.example.org/",
    "gateway_name": "internal",
    "gateway_namespace": "gateways",
    "labels": {"team": "birds"},
}


def with_changes(args: Any, **changes: Any) -> Any:
    """The arguments with some replaced; a value of None leaves one out."""
    return {key: value for key, value in {**args, **changes}.items() if value is not None}
