"""The whole loop without containers: the stacks are planned, the same code runs as plain processes on loopback.

For machines that may not run pods. A real API server checks the plan of both stacks; then the object store, MLflow,
the steps of the example's pipeline, the model server and the gateway run side by side, to a prediction at the same
path. What this does not show: pods, rolling updates, network policies, schedules.
"""

import json
import os
import secrets
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import yaml
from kubernetes import client, config
from kubernetes.utils import create_from_dict
from pulumi_mlops import conventions
from pulumi_mlops.contract import steps
from pulumi_mlops.contract.containers import SETTINGS_FILE, Variable

from local import tools
from local.engine import PENGUINS, PLATFORM, Engine
from local.node import ports
from local.node.control_plane import control_plane
from local.node.processes import end, marked
from local.paths import ROOT
from local.progress import StepFailed, say, step
from local.services import DIRECTORY, PORTS, Services
from standins import charts, plugins

NAMESPACE = ENDPOINT = "penguins"
CRDS = (ROOT / "local" / "node" / "crds", ROOT / "standins" / "charts" / "argo-workflows")


def up() -> str:
    """Plans the stacks, starts the processes, trains; returns the URL of the prediction."""
    _settings_file().write_text(json.dumps(_plan(_keys())))
    with step("object store, MLflow, model server and gateway as processes"):
        _services().start()
    with step("example data: into the bucket"):
        _upload(_services())
    train(None)
    return url()


def plan() -> None:
    """Previews both stacks; leaves nothing running."""
    _plan(_keys())


def url() -> str:
    """Where the example's endpoint answers."""
    return _services().url("gateway", conventions.prediction_path(NAMESPACE, ENDPOINT) + conventions.PREDICTIONS)


def _plan(keys: dict[str, str]) -> dict[str, Any]:
    """Previews both stacks against an API server without nodes; returns the example pipeline's settings."""
    with step("plan of both stacks against a Kubernetes API without nodes"), control_plane(DIRECTORY / "api") as api:
        _install_definitions(config.new_client_from_config(str(api.kubeconfig)), keys)
        engine = Engine(tools.ensure("pulumi")["pulumi"], DIRECTORY / "pulumi", api.kubeconfig)
        engine.prepare()
        for line in plugins.install(engine.home):
            say(line)
        repository, announcement = charts.repository()
        if announcement:
            say(announcement)
        # Nothing is pulled for a plan: a registry that cannot exist makes that plain (RFC 2606).
        registry = "registry.invalid"
        gateway = {"gateway_class": "traefik", "gateway_url": "http://127.0.0.1"}
        # Databases need pods.
        settings = {**gateway, "image_mirror": registry, "chart_repository": repository, "database_api": None}
        engine.configure(PLATFORM, settings)
        images = {f"{part}_image": f"{registry}/pulumi-mlops/ml-{part}:plan" for part in ("pipeline", "server")}
        engine.configure(PENGUINS, {**images, "image_registry": registry})
        engine.preview(PLATFORM)
        planned = engine.preview_json(PENGUINS)
        say(f"{PENGUINS}: {planned['changeSummary'].get('create', 0)} resources to create")
    maps = [s["newState"]["inputs"].get("data") or {} for s in planned["steps"] if ":ConfigMap::" in s["urn"]]
    return next(json.loads(data[SETTINGS_FILE]) for data in maps if SETTINGS_FILE in data)


def train(data_key: str | None) -> None:
    """Runs the pipeline's steps, each as a process, in the environment that its pod would have."""
    services = _services()
    run_id = secrets.token_hex(8)
    outputs = DIRECTORY / "outputs" / run_id
    environment: dict[str, str] = {
        **_clean_environment(),
        **services.keys,
        Variable.SETTINGS_PATH: str(_settings_file()),
        Variable.DATA_KEY: data_key or "",
        Variable.MODELS_DIR: str(services.models),
        Variable.OUTPUTS_DIR: str(outputs),
        Variable.RUN_ID: run_id,
        Variable.RUN_NAME: f"{ENDPOINT}-{run_id}",
        Variable.RUN_CREATED: datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        Variable.NAMESPACE: NAMESPACE,
        Variable.ENDPOINT_FILE: str(services.version_file),
        Variable.ENDPOINT_METADATA_URL: services.url("server", "/metadata"),
        Variable.AWS_ENDPOINT_URL_S3: services.url("s3"),
        Variable.AWS_REGION: conventions.OBJECT_STORE_REGION,
        Variable.MLFLOW_TRACKING_URI: services.url("mlflow"),
        Variable.CODE_VERSION: "checkout",
    }

    def execute(name: str) -> None:
        with step(f"pipeline step {name}"):
            done = subprocess.run(
                [sys.executable, "-m", steps.module(name)],
                cwd=ROOT,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                raise StepFailed(f"pipeline step {name}: {(done.stderr.strip() or 'it said nothing').splitlines()[-1]}")

    if left_out := steps.run(execute, outputs):
        say(f"  {left_out} skipped: {(outputs / steps.VERDICT).read_text()}")


def down() -> list[str]:
    """Ends the processes and removes their data; returns what was found."""
    found = [f"process {process.name} ({process.pid})" for process in marked(DIRECTORY)]
    end([process.pid for process in marked(DIRECTORY)], seconds=5)
    if DIRECTORY.exists():
        shutil.rmtree(DIRECTORY)
        found.append(f"directory {DIRECTORY}")
    return found


def _directory() -> Path:
    DIRECTORY.mkdir(parents=True, exist_ok=True, mode=0o700)
    return DIRECTORY


def _settings_file() -> Path:
    return _directory() / SETTINGS_FILE


def _services() -> Services:
    return Services(_directory(), ports.choose(_directory(), PORTS), _keys(), NAMESPACE, ENDPOINT)


def _keys() -> dict[str, str]:
    """The object store's one user, generated at the first start."""
    file = _directory() / "object-store-keys.json"
    if not file.exists():
        file.touch(mode=0o600)
        keys = {
            conventions.ACCESS_KEY_ID_KEY: "local",
            conventions.SECRET_ACCESS_KEY_KEY: secrets.token_urlsafe(30),
        }
        file.write_text(json.dumps(keys))
    return json.loads(file.read_text())


def _clean_environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "MLFLOW_"))}


def _upload(services: Services) -> None:
    store = boto3.client(
        "s3",
        endpoint_url=services.url("s3"),
        region_name=conventions.OBJECT_STORE_REGION,
        aws_access_key_id=services.keys[conventions.ACCESS_KEY_ID_KEY],
        aws_secret_access_key=services.keys[conventions.SECRET_ACCESS_KEY_KEY],
    )
    existing = {bucket["Name"] for bucket in store.list_buckets()["Buckets"]}
    for bucket in {conventions.MLFLOW_BUCKET, conventions.DATA_BUCKET} - existing:
        store.create_bucket(Bucket=bucket)
    store.upload_file(str(ROOT / "stacks" / "data" / "penguins.csv"), conventions.DATA_BUCKET, "penguins/penguins.csv")


def _install_definitions(api: client.ApiClient, keys: dict[str, str]) -> None:
    """What the stacks expect of a cluster or of each other: CRDs, and the object store's Secret under its name."""
    for file in sorted(path for directory in CRDS for path in directory.rglob("*.yaml")):
        text = file.read_text()
        for document in yaml.safe_load_all(text) if "kind: CustomResourceDefinition" in text else ():
            _create(api, document)
    _create(api, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": conventions.OBJECT_STORE_NAMESPACE}})
    metadata = {
        "name": conventions.OBJECT_STORE_CREDENTIALS_SECRET,
        "namespace": conventions.OBJECT_STORE_NAMESPACE,
    }
    _create(api, {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": keys})


def _create(api: client.ApiClient, document: dict[str, Any]) -> None:
    try:
        create_from_dict(api, document)
    except Exception as error:
        if "AlreadyExists" not in str(error):
            raise
