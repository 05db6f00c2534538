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

from local import charts, providers, tools
from local.engine import PENGUINS, PLATFORM, Engine
from local.node import ports
from local.node.control_plane import control_plane, http_ok
from local.node.processes import Process, end, marked
from local.paths import ROOT, STATE
from local.progress import StepFailed, say, step

DIRECTORY = STATE / "processes"
NAMESPACE = ENDPOINT = "penguins"
PORTS = (
    *("master", "master-grpc", "volume", "volume-grpc", "filer", "filer-grpc", "s3", "s3-grpc"),
    *("mlflow", "server", "gateway"),
)
STEPS = ("load", "preprocess", "train", "evaluate", "deploy")
CRDS = (ROOT / "local" / "node" / "crds", ROOT / "local" / "charts" / "argo-workflows")


def up() -> str:
    """Plans the stacks, starts the processes, trains; returns the URL of the prediction."""
    port, keys = ports.choose(_directory(), PORTS), _keys()
    _settings_file().write_text(json.dumps(_plan(keys)))
    with step("object store, MLflow, model server and gateway as processes"):
        _start(*_services(port, keys))
    with step("example data: into the bucket"):
        _upload(port, keys)
    train(None)
    return url()


def plan() -> None:
    """Previews both stacks; leaves nothing running."""
    _plan(_keys())


def running() -> dict[str, int]:
    """Name and pid of each process that `up` started."""
    return {process.name: process.pid for process in marked(DIRECTORY) if process.leader}


def url() -> str:
    """Where the example's endpoint answers."""
    gateway = f"http://127.0.0.1:{ports.choose(_directory(), PORTS)['gateway']}"
    return f"{gateway}{conventions.prediction_path(NAMESPACE, ENDPOINT)}/api/v1.0/predictions"


def _plan(keys: dict[str, str]) -> dict[str, Any]:
    """Previews both stacks against an API server without nodes; returns the example pipeline's settings."""
    with step("plan of both stacks against a Kubernetes API without nodes"), control_plane(DIRECTORY / "api") as api:
        _install_definitions(config.new_client_from_config(str(api.kubeconfig)), keys)
        engine = Engine(tools.ensure("pulumi")["pulumi"], DIRECTORY / "pulumi", api.kubeconfig)
        engine.prepare()
        for line in providers.install(engine.home):
            say(line)
        repository, announcement = charts.repository()
        if announcement:
            say(announcement)
        # Nothing is pulled for a plan: a registry that cannot exist makes that plain (RFC 2606).
        machine = {"image_registry": "registry.invalid"}
        gateway = {"gateway_class": "traefik", "gateway_url": "http://127.0.0.1"}
        engine.configure(PLATFORM, {**machine, **gateway, "chart_repository": repository})
        images = {f"{part}_image": f"registry.invalid/pulumi-mlops/ml-{part}:plan" for part in ("pipeline", "server")}
        engine.configure(PENGUINS, {**machine, **images})
        engine.preview(PLATFORM)
        planned = engine.preview_json(PENGUINS)
        say(f"{PENGUINS}: {planned['changeSummary'].get('create', 0)} resources to create")
    maps = [s["newState"]["inputs"].get("data") or {} for s in planned["steps"] if ":ConfigMap::" in s["urn"]]
    return next(json.loads(data["settings.json"]) for data in maps if "settings.json" in data)


def train(data_key: str | None) -> None:
    """Runs the pipeline's steps, each as a process, in the environment that its pod would have."""
    port, keys = ports.choose(_directory(), PORTS), _keys()
    run_id = secrets.token_hex(8)
    outputs = DIRECTORY / "outputs" / run_id
    environment = {
        **_clean_environment(),
        **keys,
        "SETTINGS_PATH": str(_settings_file()),
        "DATA_KEY": data_key or "",
        "MODELS_DIR": str(_models()),
        "OUTPUTS_DIR": str(outputs),
        "RUN_ID": run_id,
        "RUN_NAME": f"{ENDPOINT}-{run_id}",
        "RUN_CREATED": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "NAMESPACE": NAMESPACE,
        "ENDPOINT_FILE": str(_version_file()),
        "ENDPOINT_METADATA_URL": f"http://127.0.0.1:{port['server']}/metadata",
        "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{port['s3']}",
        "AWS_REGION": conventions.OBJECT_STORE_REGION,
        "MLFLOW_TRACKING_URI": f"http://127.0.0.1:{port['mlflow']}",
        "CODE_VERSION": "checkout",
    }
    for name in STEPS:
        passed = outputs / "passed"
        if name == "deploy" and passed.is_file() and passed.read_text() != "true":
            say(f"  deploy skipped: {(outputs / 'verdict').read_text()}")
            return
        with step(f"pipeline step {name}"):
            done = subprocess.run(
                [sys.executable, "-m", f"ml.{name}"],
                cwd=ROOT,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                raise StepFailed(f"pipeline step {name}: {(done.stderr.strip() or 'it said nothing').splitlines()[-1]}")


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
    return _directory() / "settings.json"


def _models() -> Path:
    directory = DIRECTORY / "models"
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def _version_file() -> Path:
    return DIRECTORY / "model-version"


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


def _services(port: dict[str, int], keys: dict[str, str]) -> list[Process]:
    identities = DIRECTORY / "identities.json"
    identities.touch(mode=0o600)
    credentials = {
        "accessKey": keys[conventions.ACCESS_KEY_ID_KEY],
        "secretKey": keys[conventions.SECRET_ACCESS_KEY_KEY],
    }
    actions = ["Admin", "Read", "List", "Write", "Tagging"]
    identities.write_text(
        json.dumps({"identities": [{"name": "local", "credentials": [credentials], "actions": actions}]})
    )
    for name in ("store", "mlflow"):
        (DIRECTORY / name).mkdir(exist_ok=True)
    binaries = Path(sys.executable).parent
    weed = (
        *(str(binaries / "weed"), "-logtostderr=true", "server", f"-dir={DIRECTORY / 'store'}", "-filer", "-s3"),
        *("-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-master.telemetry=false", "-master.volumeSizeLimitMB=64"),
        *("-volume.max=0", "-volume.preStopSeconds=0", "-s3.port.iceberg=0", "-s3.port.lance=0", "-s3.iam=false"),
        *(f"-{part}.port={port[part]}" for part in ("master", "volume", "filer", "s3")),
        *(f"-{part}.port.grpc={port[f'{part}-grpc']}" for part in ("master", "volume", "filer", "s3")),
        f"-s3.config={identities}",
    )
    mlflow = (
        *(sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port["mlflow"])),
        *("--workers", "1", "--backend-store-uri", f"sqlite:///{DIRECTORY / 'mlflow' / 'mlflow.db'}"),
        *("--artifacts-destination", f"s3://{conventions.MLFLOW_BUCKET}"),
    )
    mlflow_environment = {
        **keys,
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{port['s3']}",
        "MLFLOW_S3_ENDPOINT_URL": f"http://127.0.0.1:{port['s3']}",
        "AWS_DEFAULT_REGION": conventions.OBJECT_STORE_REGION,
    }
    server_environment = {
        "HOST": "127.0.0.1",
        "PORT": str(port["server"]),
        "MODEL_NAME": ENDPOINT,
        "ENDPOINT_NAME": ENDPOINT,
        "MODELS_DIR": str(_models()),
        "MODEL_VERSION_FILE": str(_version_file()),
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(ROOT),
    }
    return [
        Process("seaweedfs", DIRECTORY, weed, lambda: http_ok(f"http://127.0.0.1:{port['s3']}/healthz")),
        Process(
            "mlflow",
            DIRECTORY,
            mlflow,
            lambda: http_ok(f"http://127.0.0.1:{port['mlflow']}/health"),
            mlflow_environment,
            ready_seconds=180,  # measured: 12 s on an idle machine, a multiple of it on a busy one
        ),
        Process(
            "server",
            DIRECTORY,
            (sys.executable, "-m", "ml.serve"),
            lambda: http_ok(f"http://127.0.0.1:{port['server']}/health/ping"),
            server_environment,
        ),
        Process("gateway", DIRECTORY, _gateway(port), lambda: http_ok(f"http://127.0.0.1:{port['gateway']}/ping")),
    ]


def _gateway(port: dict[str, int]) -> tuple[str, ...]:
    """Traefik with the rewrite that the endpoint's HTTPRoute asks of it in a cluster."""
    path = conventions.prediction_path(NAMESPACE, ENDPOINT)
    rule = f"PathPrefix(`{path}/api`) || PathPrefix(`{path}/v2`)"
    routes = {
        "http": {
            "routers": {"endpoint": {"rule": rule, "middlewares": ["strip"], "service": "endpoint"}},
            "middlewares": {"strip": {"stripPrefix": {"prefixes": [path]}}},
            "services": {"endpoint": {"loadBalancer": {"servers": [{"url": f"http://127.0.0.1:{port['server']}"}]}}},
        }
    }
    file = DIRECTORY / "routes.yaml"
    file.write_text(yaml.safe_dump(routes))
    return (
        str(Path(sys.executable).parent / "traefik"),
        f"--entrypoints.web.address=127.0.0.1:{port['gateway']}",
        "--ping=true",
        "--ping.entrypoint=web",
        f"--providers.file.filename={file}",
        "--global.checknewversion=false",
        "--global.sendanonymoususage=false",
    )


def _start(*processes: Process) -> None:
    for process in processes:
        process.launch()
    for process in processes:
        process.wait()


def _upload(port: dict[str, int], keys: dict[str, str]) -> None:
    store = boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{port['s3']}",
        region_name=conventions.OBJECT_STORE_REGION,
        aws_access_key_id=keys[conventions.ACCESS_KEY_ID_KEY],
        aws_secret_access_key=keys[conventions.SECRET_ACCESS_KEY_KEY],
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
