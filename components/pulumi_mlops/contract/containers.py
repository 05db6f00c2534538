"""What the containers of steps and servers find: user, paths, port, environment variables.

The images are built by `ml/Dockerfile`, which creates the user; the components write all of it into pods.
"""

from enum import StrEnum

ANNOTATION_PREFIX = "pulumi-mlops.dev"
"""Prefix of the annotations and labels that are ours."""
MODEL_VERSION_ANNOTATION = f"{ANNOTATION_PREFIX}/model-version"
"""On the pod template of an endpoint's Deployment: the model version that it serves, or nothing before the first
training run. A training pipeline owns it; Pulumi ignores all annotations of that template, see `ModelEndpoint`."""
HELD_ANNOTATION = f"{ANNOTATION_PREFIX}/held"
"""On the Deployment itself, so that it restarts no pod: a pipeline must not move the endpoint. Its value is for
people."""

USER = 10001
"""User and group of every container; the images create it, and it owns what is on the shared volume."""

MODELS_PATH = "/models"
"""Where pipeline steps and model servers mount the shared volume."""
SETTINGS_FILE = "settings.json"
SETTINGS_DIRECTORY = "/etc/pipeline"
OUTPUTS_DIRECTORY = "/tmp/outputs"  # noqa: S108 - inside the container, on its own volume
"""Where a step writes its output parameters, one file each."""
PORT = 8000
"""Where the model server listens."""
PUBLIC_PORT = 8001
"""Where it listens for the gateway, if clients need access; it answers nobody else there."""
CLIENTS_DIRECTORY = "/etc/clients"
"""Where a model server finds what is kept of its clients' API keys: a file each."""


class Variable(StrEnum):
    """Environment variables of steps and servers. Those of the SDKs of S3 and MLflow keep their own names."""

    MODELS_DIR = "MODELS_DIR"
    """Steps, server: the directory of the shared volume."""

    SETTINGS_PATH = "SETTINGS_PATH"
    """Steps: the file with the settings document."""
    RUN_ID = "RUN_ID"
    """Steps: unique id of the run, usable as a file name."""
    RUN_CREATED = "RUN_CREATED"
    """Steps: when the run began, RFC 3339."""
    RUN_NAME = "RUN_NAME"
    """Steps: what people call the run."""
    DATA_KEY = "DATA_KEY"
    """Steps: another key of the source's bucket for this run; empty: the settings' own."""
    DATA_DATE = "DATA_DATE"
    """Steps: the date that fills `{date}` in the key, or a time of that day; empty: the day of RUN_CREATED."""
    TIMEZONE = "TIMEZONE"
    """Steps: IANA time zone in which a time is of a day; UTC if absent."""
    NAMESPACE = "NAMESPACE"
    """Steps: namespace of the run, where its endpoint is."""
    THREADS = "THREADS"
    """Step train: threads that fit the model; 1 if absent."""
    CODE_VERSION = "CODE_VERSION"
    """Steps: what the model records as the code that made it."""
    ENDPOINT = "ENDPOINT"
    """Steps: name of the Deployment that the pipeline moves."""
    DATABASE_URI = "DATABASE_URI"
    """Steps: SQLAlchemy URL of a source of type SQL."""
    MLFLOW_TRACKING_URI = "MLFLOW_TRACKING_URI"
    """Steps: MLflow's URL; without it nothing is tracked."""
    MLFLOW_TRACKING_TOKEN_FILE = "MLFLOW_TRACKING_TOKEN_FILE"  # noqa: S105 - a name
    """Steps: file with the token by which MLflow knows the pod, renewed by the kubelet."""
    AWS_REGION = "AWS_REGION"
    """Steps: region of the bucket."""
    AWS_ENDPOINT_URL_S3 = "AWS_ENDPOINT_URL_S3"
    """Steps: URL of the S3 API; without it AWS."""

    RUN_STATUS = "RUN_STATUS"
    """Step notify: how the run ended, a phase of Argo Workflows."""
    RUN_FAILURES = "RUN_FAILURES"
    """Step notify: what failed, Argo's `workflow.failures`."""
    RUN_URL = "RUN_URL"
    """Step notify: where people see the run; without it the message has no link."""
    NOTIFICATION_URL = "NOTIFICATION_URL"
    """Step notify: the address that gets the message, a secret."""
    NOTIFICATION_FORM = "NOTIFICATION_FORM"
    """Step notify: a NotificationForm."""

    OUTPUTS_DIR = "OUTPUTS_DIR"
    """Steps outside a container: takes the place of OUTPUTS_DIRECTORY."""
    DATA_FILE = "DATA_FILE"
    """Steps outside a container: a file that takes the place of the settings' source."""
    ENDPOINT_FILE = "ENDPOINT_FILE"
    """Steps outside a container: a file that takes the place of the Deployment."""
    ENDPOINT_METADATA_URL = "ENDPOINT_METADATA_URL"
    """Steps outside a container: where the server that watches ENDPOINT_FILE says which version it serves."""
    DEPLOY_TIMEOUT_SECONDS = "DEPLOY_TIMEOUT_SECONDS"
    """Steps: how long an endpoint may take to serve a new version."""

    MODEL_NAME = "MODEL_NAME"
    """Server: name of the model, the directory below MODELS_DIR."""
    MODEL_VERSION = "MODEL_VERSION"
    """Server: version to serve; empty: none yet, predictions are answered with 503."""
    MODEL_VERSION_FILE = "MODEL_VERSION_FILE"
    """Server outside a container: a file whose content takes the place of MODEL_VERSION, watched for changes."""
    ENDPOINT_NAME = "ENDPOINT_NAME"
    """Server: name of the endpoint in messages."""
    PUBLIC_PORT = "PUBLIC_PORT"
    """Server: port for clients outside, each with an API key or a token; without it there is none."""
    CLIENTS_DIR = "CLIENTS_DIR"
    """Server: directory with what is kept of the clients' keys; without it no key is accepted."""
    TOKEN_RULES = "TOKEN_RULES"  # noqa: S105 - a name
    """Server: which tokens of an identity provider are accepted, see contract/tokens.py; without it none."""
    CLIENT_REQUESTS_PER_MINUTE = "CLIENT_REQUESTS_PER_MINUTE"
    """Server: how many requests a minute of one client are answered at PUBLIC_PORT; without it all of them."""
    WORKERS = "WORKERS"
    """Server: number of processes, which must be 1."""
