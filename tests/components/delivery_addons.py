"""Arguments that the tests of add-ons start from: the fewest that are valid, and as many as fit together."""

from typing import Any

ARGO_CD: dict[str, Any] = {
    "host": "argocd.example.org",
    "oidc_issuer": "https://id.example.org",
    "oidc_client_id": "argocd",
    "oidc_secret_name": "argocd-oidc",
    "admin_groups": ["platform"],
}
ARGO_CD_FULL: dict[str, Any] = {
    **ARGO_CD,
    "reader_groups": ["data science", "auditors"],
    "groups_scope": "groups",
    "namespace": "delivery",
    "replicas": 3,
    "redis_high_availability": False,
    "controller_memory": "4Gi",
    "service_account_annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/argocd"},
    "gateway_name": "internal",
    "gateway_namespace": "ingress",
    "keep_definitions": False,
    "image_mirror": "mirror.example.org",
    "chart_repository": "oci://mirror.example.org/charts",
}

CROSSPLANE: dict[str, Any] = {}
CROSSPLANE_FULL: dict[str, Any] = {
    "services": ["s3", "rds"],
    "activations": ["clusters.rds.aws.m.upbound.io"],
    "namespace": "cloud",
    "replicas": 3,
    "memory": "2Gi",
    "provider_memory": "1536Mi",
    "service_account_annotations": {"example.org/cost-centre": "42"},
    "image_mirror": "mirror.example.org",
    "chart_repository": "oci://mirror.example.org/charts",
}

ARGO_WORKFLOWS: dict[str, Any] = {"namespace": "argo", "line": "V4_0"}
ARGO_WORKFLOWS_FULL: dict[str, Any] = {
    **ARGO_WORKFLOWS,
    "requeue_milliseconds": 10_000,
    "retained_workflows": 500,
    "memory": "2Gi",
    "keep_definitions": False,
    "image_mirror": "mirror.example.org",
    "chart_repository": "oci://mirror.example.org/charts",
    "server": {
        "host": "workflows.example.org",
        "sso_issuer": "https://id.example.org",
        "sso_secret_name": "argo-sso",
        "sso_scopes": ["profile", "groups"],
        "sso_admin_groups": ["platform", "ops"],
        "sso_reader_groups": ["auditors"],
        "replicas": 3,
        "memory": "512Mi",
        "service_account_annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/argo"},
        "gateway_name": "internal",
        "gateway_namespace": "ingress",
    },
    "archive": {
        "host": "db.example.org",
        "database": "argo",
        "secret_name": "argo-database",
        "port": 5433,
        "days": 30,
    },
    "artifact_repository": {"bucket": "workflows", "region": "eu-central-1"},
}

ARGO_EVENTS: dict[str, Any] = {}
ARGO_EVENTS_FULL: dict[str, Any] = {
    "namespace": "events",
    "bus_namespaces": ["delivery"],
    "replicas": 3,
    "memory": "512Mi",
    "bus_memory": "1Gi",
    "bus_storage_gib": 20,
    "bus_storage_class": "gp3",
    "keep_definitions": False,
    "image_mirror": "mirror.example.org",
    "chart_repository": "oci://mirror.example.org/charts",
}

KSERVE: dict[str, Any] = {"domain": "models.example.org"}
KSERVE_FULL: dict[str, Any] = {
    **KSERVE,
    "runtimes": ["mlserver", "huggingfaceserver"],
    "namespace": "serving",
    "region": "eu-central-1",
    "gateway_name": "internal",
    "gateway_namespace": "ingress",
    "gateway_class": "nginx",
    "memory": "2Gi",
    "image_mirror": "mirror.example.org",
    "chart_repository": "oci://mirror.example.org/charts",
}

SELDON: dict[str, Any] = {}
SELDON_FULL: dict[str, Any] = {
    "istio_gateway": "istio-system/seldon-gateway",
    "namespace": "seldon",
    "memory": "2Gi",
    "image_mirror": "mirror.example.org",
    "chart_repository": "oci://mirror.example.org/charts",
}

MONITORING: dict[str, Any] = {"grafana_secret_name": "grafana-admin"}
MONITORING_FULL: dict[str, Any] = {
    **MONITORING,
    "namespace": "metrics",
    "replicas": 3,
    "retention_days": 30,
    "storage_gib": 200,
    "storage_class": "gp3",
    "memory": "8Gi",
    "remote_write_url": "https://aps.example.org/workspaces/ws-1/api/v1/remote_write",
    "remote_write_region": "eu-central-1",
    "service_account_annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/prometheus"},
    "image_mirror": "mirror.example.org",
    "chart_repository": "oci://mirror.example.org/charts",
}

REVIEW: dict[str, Any] = {
    "namespace": "delivery",
    "service_account": "review",
    "image": "registry.example.org/review:1",
    "host": "github",
    "repository": "team/birds",
    "repository_url": "https://git.example.org/team/birds.git",
    "token_secret": "git-host",
    "backend": "s3://example-state",
}
REVIEW_FULL: dict[str, Any] = {
    **REVIEW,
    "host": "gitea",
    "api_url": "https://git.example.org/api/v1",
    "clone_secret": "git-clone",
    "author": "review-bot",
    "passphrase_secret": "state",
    "setup": "make environment",
    "stacks": "prod-*",
    "memory": "3Gi",
    "timeout_seconds": 60,
}
