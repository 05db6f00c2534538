"""The platform's servers as plain processes on loopback, for machines that cannot run pods."""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml
from pulumi_mlops import conventions
from pulumi_mlops.contract.containers import Variable

from local.node.control_plane import http_ok
from local.node.processes import Process, marked
from local.paths import ROOT, STATE

PORTS = (
    *("master", "master-grpc", "volume", "volume-grpc", "filer", "filer-grpc", "s3", "s3-grpc"),
    *("mlflow", "server", "gateway"),
)
DIRECTORY = STATE / "processes"
"""What the processes of this machine write."""
BINARIES = Path(sys.executable).parent
"""Where the packages of the environment have put `weed` and `traefik`."""


def running() -> dict[str, int]:
    """Name and pid of each process that `make up` started without containers."""
    return {process.name: process.pid for process in marked(DIRECTORY) if process.leader}


@dataclass(frozen=True)
class Services:
    """Object store, MLflow, one model server and a gateway, with their files in one directory."""

    directory: Path
    port: Mapping[str, int]
    """A port for each of PORTS."""
    keys: Mapping[str, str]
    """The object store's one user, as environment variables."""
    namespace: str
    endpoint: str
    """Namespace and name that the endpoint would have in a cluster; also the name of its model."""

    @property
    def models(self) -> Path:
        """The volume that pipeline and server share."""
        return self.directory / "models"

    @property
    def version_file(self) -> Path:
        """Names the version that the server serves; the pipeline's last step writes it."""
        return self.directory / "model-version"

    def url(self, service: str, path: str = "") -> str:
        """Address of one of the ports."""
        return f"http://127.0.0.1:{self.port[service]}{path}"

    def start(self) -> None:
        """Starts what does not run yet, and returns when all of it answers."""
        for name in ("models", "store", "mlflow"):
            (self.directory / name).mkdir(parents=True, exist_ok=True)
        processes = (self._object_store(), self._mlflow(), self._model_server(), self._gateway())
        for process in processes:
            process.launch()
        for process in processes:
            process.wait()

    def _object_store(self) -> Process:
        identities = self.directory / "identities.json"
        identities.touch(mode=0o600)
        credentials = {
            "accessKey": self.keys[conventions.ACCESS_KEY_ID_KEY],
            "secretKey": self.keys[conventions.SECRET_ACCESS_KEY_KEY],
        }
        actions = ["Admin", "Read", "List", "Write", "Tagging"]
        user = {"name": "local", "credentials": [credentials], "actions": actions}
        identities.write_text(json.dumps({"identities": [user]}))
        command = (
            *(
                str(BINARIES / "weed"),
                "-logtostderr=true",
                "server",
                f"-dir={self.directory / 'store'}",
                "-filer",
                "-s3",
            ),
            *("-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-master.telemetry=false", "-master.volumeSizeLimitMB=64"),
            *("-volume.max=0", "-volume.preStopSeconds=0", "-s3.port.iceberg=0", "-s3.port.lance=0", "-s3.iam=false"),
            *(f"-{part}.port={self.port[part]}" for part in ("master", "volume", "filer", "s3")),
            *(f"-{part}.port.grpc={self.port[f'{part}-grpc']}" for part in ("master", "volume", "filer", "s3")),
            f"-s3.config={identities}",
        )
        return Process("seaweedfs", self.directory, command, lambda: http_ok(self.url("s3", "/healthz")))

    def _mlflow(self) -> Process:
        command = (
            *(sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port["mlflow"])),
            *("--workers", "1", "--backend-store-uri", f"sqlite:///{self.directory / 'mlflow' / 'mlflow.db'}"),
            *("--artifacts-destination", f"s3://{conventions.MLFLOW_BUCKET}"),
        )
        environment = {
            **self.keys,
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            "MLFLOW_S3_ENDPOINT_URL": self.url("s3"),
            "AWS_DEFAULT_REGION": conventions.OBJECT_STORE_REGION,
        }
        return Process(
            "mlflow",
            self.directory,
            command,
            lambda: http_ok(self.url("mlflow", "/health")),
            environment,
            ready_seconds=180,  # measured: 12 s on an idle machine, a multiple of it on a busy one
        )

    def _model_server(self) -> Process:
        environment = {
            "HOST": "127.0.0.1",
            "PORT": str(self.port["server"]),
            Variable.MODEL_NAME: self.endpoint,
            Variable.ENDPOINT_NAME: self.endpoint,
            Variable.MODELS_DIR: str(self.models),
            Variable.MODEL_VERSION_FILE: str(self.version_file),
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": str(ROOT),
        }
        command = (sys.executable, "-m", "ml.serve")
        return Process(
            "server", self.directory, command, lambda: http_ok(self.url("server", "/health/ping")), environment
        )

    def _gateway(self) -> Process:
        """Traefik, with the rewrite that the endpoint's HTTPRoute asks of it in a cluster."""
        path = conventions.prediction_path(self.namespace, self.endpoint)
        rule = f"PathPrefix(`{path}/api`) || PathPrefix(`{path}/v2`)"
        routes = {
            "routers": {"endpoint": {"rule": rule, "middlewares": ["strip"], "service": "endpoint"}},
            "middlewares": {"strip": {"stripPrefix": {"prefixes": [path]}}},
            "services": {"endpoint": {"loadBalancer": {"servers": [{"url": self.url("server")}]}}},
        }
        file = self.directory / "routes.yaml"
        file.write_text(yaml.safe_dump({"http": routes}))
        command = (
            str(BINARIES / "traefik"),
            f"--entrypoints.web.address=127.0.0.1:{self.port['gateway']}",
            "--ping=true",
            "--ping.entrypoint=web",
            f"--providers.file.filename={file}",
            "--global.checknewversion=false",
            "--global.sendanonymoususage=false",
        )
        return Process("gateway", self.directory, command, lambda: http_ok(self.url("gateway", "/ping")))
