"""How the MLflow server is run: by the files of `_container_files`, with every setting in its environment."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pulumi

from pulumi_mlops import conventions, versions
from pulumi_mlops._manifests import Manifest, container_security, pod_security, resources
from pulumi_mlops.contract.containers import ANNOTATION_PREFIX
from pulumi_mlops.platform import _parts
from pulumi_mlops.platform._chart_values import spread
from pulumi_mlops.platform.mlflow._args import MLflowArgs

UPSTREAM_REGISTRY = "ghcr.io"
REPOSITORY = "mlflow/mlflow"
IMAGE_TAG = f"v{versions.MLFLOW}-full"
"""The image without `-full` lacks the drivers of S3 and Postgres."""

SQLITE_GIB = 5
"""Size of the volume of a SQLite file that nobody has chosen."""
CPU_REQUEST = "100m"
SQLITE_URI = "sqlite:////data/mlflow.db"

CODE = {path.name: path.read_text() for path in sorted((Path(__file__).parent / "_container_files").glob("[!_]*.py"))}
"""What runs in the container, by the names of the files: `serve.py` and what it imports."""
CODE_PATH = "/opt/pulumi-mlops"


class Objects(NamedTuple):
    """Names of the objects that the server's pods use."""

    account: pulumi.Output[str]
    """The service account."""
    code: pulumi.Output[str]
    """The ConfigMap with CODE."""
    credentials: pulumi.Output[str] | None
    """The Secret with the keys of the artifact store, if it needs any."""
    volume: pulumi.Output[str] | None
    """The claim of the SQLite file, without a database."""


def deployment(name: str, args: MLflowArgs, used: Objects) -> Manifest:
    """Spec of the Deployment. One SQLite file, one writer: with it, the old server goes before the new one comes."""
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    replicas = args["replicas"]
    pods = conventions.selector("mlflow", name)
    return {
        "replicas": replicas,
        "strategy": {"type": "Recreate"} if used.volume else rolling,
        "selector": {"matchLabels": pods},
        "template": {
            "metadata": {
                "labels": conventions.labels("mlflow", name),
                # other code, other pods: a changed ConfigMap alone would start none
                "annotations": {f"{ANNOTATION_PREFIX}/code": _checksum(CODE)},
            },
            "spec": {
                **({"topologySpreadConstraints": spread(pods)} if replicas > 1 else {}),
                **pod(name, args, used),
            },
        },
    }


def pod(name: str, args: MLflowArgs, used: Objects) -> Manifest:
    """Spec of a server's pod."""
    port = conventions.MLFLOW_PORT
    registry = UPSTREAM_REGISTRY if args["image_mirror"] is None else args["image_mirror"]
    return {
        "serviceAccountName": used.account,
        "securityContext": pod_security(),
        "automountServiceAccountToken": True,  # with it, the server asks Kubernetes who its callers are
        "enableServiceLinks": False,  # they would set MLFLOW_PORT, which is also a setting of the server
        "containers": [
            {
                "name": "mlflow",
                "image": pulumi.Output.from_input(registry).apply(
                    lambda known: conventions.image(known, REPOSITORY, IMAGE_TAG)
                ),
                "command": ["python", f"{CODE_PATH}/serve.py"],
                "env": environment(name, args),
                **({"envFrom": [{"secretRef": {"name": used.credentials}}]} if used.credentials else {}),
                "ports": [{"name": "http", "containerPort": port}],
                "startupProbe": _parts.http_probe("/health", port, period_seconds=1, failures=180),
                "readinessProbe": _parts.http_probe("/health", port, period_seconds=10, failures=3),
                "livenessProbe": _parts.http_probe("/health", port, period_seconds=20, failures=3),
                "resources": resources(CPU_REQUEST, args["memory"]),
                "securityContext": container_security(),
                "volumeMounts": [
                    {"name": "code", "mountPath": CODE_PATH, "readOnly": True},
                    {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - a volume of the pod's own
                    *([{"name": "data", "mountPath": "/data"}] if used.volume else []),
                ],
            }
        ],
        "volumes": [
            {"name": "code", "configMap": {"name": used.code}},
            {"name": "tmp", "emptyDir": {"sizeLimit": "2Gi"}},  # artifacts on their way through
            *([{"name": "data", "persistentVolumeClaim": {"claimName": used.volume}}] if used.volume else []),
        ],
    }


def environment(name: str, args: MLflowArgs) -> list[Manifest]:
    """Settings of the server; every option of `mlflow server` has an environment variable."""
    store = args["artifact_store"]
    backend: Manifest = (
        {"valueFrom": {"secretKeyRef": {"name": args["database_secret"], "key": conventions.DATABASE_URI_KEY}}}
        if args["database_secret"] is not None
        else {"value": SQLITE_URI}
    )
    values: Manifest = {
        "HOME": "/tmp",  # noqa: S108 - a volume of the pod's own
        "PYTHONPATH": CODE_PATH,  # for the processes that the server starts
        "MLFLOW_HOST": "0.0.0.0",  # noqa: S104 - a pod's own address
        "MLFLOW_PORT": str(conventions.MLFLOW_PORT),
        "MLFLOW_WORKERS": pulumi.Output.from_input(args["workers"]).apply(str),
        "MLFLOW_SERVE_ARTIFACTS": "true",
        "MLFLOW_ARTIFACTS_DESTINATION": store["uri"],
        "MLFLOW_SERVER_ALLOWED_HOSTS": pulumi.Output.all(args["namespace"], *args["allowed_hosts"]).apply(
            lambda known: allowed_hosts(name, *known)
        ),
        # Jobs of the server (scorers, optimizers) double its processes and its start time; no pipeline uses them.
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "AWS_REGION": store["region"],
        **({"MLFLOW_S3_ENDPOINT_URL": store["endpoint"]} if store["endpoint"] is not None else {}),
    }
    return [
        {"name": "MLFLOW_BACKEND_STORE_URI", **backend},
        *({"name": key, "value": value} for key, value in values.items()),
    ]


def allowed_hosts(service: str, namespace: str, *others: str) -> str:
    """Every name by which a pod may address the Service, with the port and without; the server compares text."""
    names = [
        service,
        f"{service}.{namespace}",
        f"{service}.{namespace}.svc",
        conventions.service_host(service, namespace),
        "localhost",
        "127.0.0.1",
        *others,
    ]
    with_port = [name if ":" in name else f"{name}:*" for name in names]
    return ",".join(dict.fromkeys([*names, *with_port]))


def _checksum(files: Mapping[str, str]) -> str:
    return hashlib.sha256("".join(files.values()).encode()).hexdigest()
