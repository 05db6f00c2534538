"""What the platform calls its parts inside a cluster, fixed in one place.

A developer component needs a namespace and its own settings; everything else it finds under these names. Each name
is the default of an argument, so that a cluster with other names can be used as well.
"""

from collections.abc import Mapping
from typing import Any, Final

from pulumi_mlops.contract import containers

PACKAGE: Final = "pulumi-mlops"
"""Package of the type tokens and value of the label `app.kubernetes.io/managed-by`."""

OBJECT_STORE_NAMESPACE: Final = "object-store"
OBJECT_STORE_SERVICE: Final = "object-store"
OBJECT_STORE_PORT: Final = 8333
OBJECT_STORE_REGION: Final = "us-east-1"
OBJECT_STORE_CREDENTIALS_SECRET: Final = "object-store-credentials"  # noqa: S105 - a name
"""Secret with ACCESS_KEY_ID_KEY and SECRET_ACCESS_KEY_KEY, in the store's namespace and copied to each workspace."""
ACCESS_KEY_ID_KEY: Final = "AWS_ACCESS_KEY_ID"
SECRET_ACCESS_KEY_KEY: Final = "AWS_SECRET_ACCESS_KEY"  # noqa: S105 - a name

MLFLOW_BUCKET: Final = "mlflow"
"""Bucket of MLflow's artifacts, written by the MLflow server alone."""
WORKFLOWS_BUCKET: Final = "workflows"
"""Bucket of the logs and artifacts that Argo Workflows archives."""
DATA_BUCKET: Final = "data"
"""Bucket of training data."""

MLFLOW_NAMESPACE: Final = "mlflow"
MLFLOW_SERVICE: Final = "mlflow"
MLFLOW_PORT: Final = 5000
MLFLOW_AUDIENCE: Final = "mlflow"
"""Audience of the service accounts' tokens by which MLflow knows its callers; worth nothing anywhere else."""

ARGO_NAMESPACE: Final = "argo"
ARGO_CD_NAMESPACE: Final = "argocd"
ARGO_EVENTS_NAMESPACE: Final = "argo-events"
CROSSPLANE_NAMESPACE: Final = "crossplane-system"
KSERVE_NAMESPACE: Final = "kserve"
SELDON_NAMESPACE: Final = "seldon-system"
MONITORING_NAMESPACE: Final = "monitoring"

GATEWAY_NAMESPACE: Final = "gateway"
GATEWAY_NAME: Final = "public"
GATEWAY_LISTENER: Final = "http"
GATEWAY_PORT: Final = 80

SECRET_STORE: Final = "aws-secrets-manager"  # noqa: S105 - a name
"""ClusterSecretStore from which External Secrets copies secrets of AWS Secrets Manager into a namespace."""

SHARED_STORAGE_CLASS: Final = "shared"
"""ReadWriteMany storage class: EFS in the cloud, a host-path class on one machine."""

PIPELINE_SERVICE_ACCOUNT: Final = "pipeline"
"""Service account of a workspace's workflows."""
MEMBER_SERVICE_ACCOUNT: Final = "member"
"""Service account as which a workspace's own people act in Argo Workflows. Its server may read the Secret with the
token of this one and of no other account of a workspace."""
MODELS_CLAIM: Final = "models"
"""PersistentVolumeClaim of a workspace that holds its models, ReadWriteMany."""
PLATFORM_CONFIG_MAP: Final = "platform"
"""ConfigMap of a workspace: environment variables of every step, such as where MLflow and the object store are."""
ARTIFACT_REPOSITORIES_CONFIG_MAP: Final = "artifact-repositories"
"""ConfigMap that Argo Workflows reads in a workflow's own namespace."""

WORKSPACE: Final = "workspace"
TRAINING_PIPELINE: Final = "training-pipeline"
MODEL_ENDPOINT: Final = "model-endpoint"
DELIVERY_PIPELINE: Final = "delivery-pipeline"
POSTGRES_DATABASE: Final = "postgres-database"
"""Values of the label `app.kubernetes.io/name` on what the developer components make."""

ENDPOINT_PORT: Final = containers.PORT
"""Port of every model endpoint's Service, the same as the server's own."""

DATABASE_HOST_KEY: Final = "host"
DATABASE_PORT_KEY: Final = "port"
DATABASE_USERNAME_KEY: Final = "username"
DATABASE_PASSWORD_KEY: Final = "password"  # noqa: S105 - a name
DATABASE_NAME_KEY: Final = "database"
DATABASE_CA_KEY: Final = "ca"
DATABASE_URI_KEY: Final = "uri"
"""Key of a database Secret that holds the whole address, `postgresql://user:password@host:port/database`.

Without a driver's name, so that libpq, the pipeline's steps and MLflow can all read it: each adds its own driver."""
DATABASE_USER: Final = "app"
"""The user that owns a database; the other values of its Secret vary."""
DATABASE_PORT: Final = 5432
DATABASE_GROUP: Final = "database.example.org"
"""API group of the manifests that ask for databases."""


def service_host(service: str, namespace: str) -> str:
    """DNS name of a Service as seen from any namespace of the cluster."""
    return f"{service}.{namespace}.svc.cluster.local"


OBJECT_STORE_ENDPOINT: Final = (
    f"http://{service_host(OBJECT_STORE_SERVICE, OBJECT_STORE_NAMESPACE)}:{OBJECT_STORE_PORT}"
)
MLFLOW_URL: Final = f"http://{service_host(MLFLOW_SERVICE, MLFLOW_NAMESPACE)}:{MLFLOW_PORT}"


def prediction_path(namespace: str, endpoint: str) -> str:
    """Path of an endpoint behind the gateway, as Seldon Core's clients know it; a prefix of `/api/v1.0/predictions`."""
    return f"/seldon/{namespace}/{endpoint}"


PREDICTIONS: Final = "/api/v1.0/predictions"
"""Path of the prediction request on the endpoint itself."""


def labels(component: str, name: str, extra: Mapping[str, object] | None = None) -> dict[str, Any]:
    """The standard labels of every object: `component` is the role (say `model-endpoint`), `name` the instance.

    `extra` are the user's own; they cannot replace a standard label, since selectors rely on those.
    """
    return {
        **(extra or {}),
        "app.kubernetes.io/name": component,
        "app.kubernetes.io/instance": name,
        "app.kubernetes.io/part-of": PACKAGE,
        "app.kubernetes.io/managed-by": PACKAGE,
    }


def selector(component: str, name: str) -> dict[str, str]:
    """The subset of `labels` that never changes and selects an instance's pods."""
    return {"app.kubernetes.io/name": component, "app.kubernetes.io/instance": name}


def image(registry: str, repository: str, tag: str) -> str:
    """An image reference; `registry` is the image's own, a mirror or the registry of a team."""
    return f"{registry}/{repository}:{tag}"
