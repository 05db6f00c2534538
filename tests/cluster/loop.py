"""The running platform as its users reach it: the gateway, the workflows, the object store, MLflow."""

import base64
import contextlib
import json
import os
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import boto3
from kubernetes import client
from pulumi_mlops import conventions

from local import tools, training
from local.cluster import Cluster
from local.engine import Engine
from local.paths import ROOT
from local.prediction import EXAMPLE_ROWS


def make(word: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs one word of the Makefile's, as a user would; what it prints is in `stdout`."""
    return subprocess.run(
        ["make", "--no-print-directory", word],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


@dataclass
class Answers:
    """What a client that never stops asking has seen."""

    versions: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Loop:
    """The example team's part of a running platform."""

    cluster: Cluster
    engine: Engine
    api: client.ApiClient
    """With the administrator's rights."""
    outputs: dict[str, Any]
    """Outputs of the team's stack after `make up`; they stay known while the stack is destroyed."""

    @property
    def url(self) -> str:
        """The endpoint as clients outside know it."""
        return f"{self.cluster.gateway_url}{self.outputs['prediction_path']}"

    def predict(self, url: str = "") -> dict[str, Any]:
        """One prediction through the gateway, without any second try; by the team's endpoint or that at `url`."""
        body = json.dumps({"data": {"ndarray": EXAMPLE_ROWS}}).encode()
        request = urllib.request.Request(url or self.url, body, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:  # whose body tells the gateway's refusals from the server's own
            with error:
                body = error.read().decode(errors="replace")[:300]
            raise OSError(f"POST {error.url} answered {error.code}: {body}") from None

    def served_version(self, url: str = "") -> str:
        """The version that answers now, at the team's endpoint or at `url`."""
        return self.predict(url)["meta"]["tags"]["version"]

    def stored_versions(self) -> set[str]:
        """The model versions on the shared volume."""
        listing = "import os; print(*os.listdir(os.environ['MODELS_DIR'] + '/' + os.environ['MODEL_NAME']))"
        return {name for name in self.in_server_pod(listing).split() if not name.startswith(".")}

    def train(self, data_key: str | None = None) -> dict[str, Any]:
        """A whole run; returns the Workflow, whatever came of it."""
        namespace = self.outputs["namespace"]
        name = training.submit(self.api, namespace, self.outputs["workflow_template"], data_key)
        with contextlib.suppress(training.StepFailed):
            training.follow(self.api, namespace, name)
        return client.CustomObjectsApi(self.api).get_namespaced_custom_object(
            training.GROUP, training.VERSION, namespace, "workflows", name
        )

    def put(self, key: str, content: bytes) -> str:
        """Puts an object into the data bucket."""
        secret = client.CoreV1Api(self.api).read_namespaced_secret(
            conventions.OBJECT_STORE_CREDENTIALS_SECRET, conventions.OBJECT_STORE_NAMESPACE
        )
        keys = {name: base64.b64decode(value).decode() for name, value in secret.data.items()}
        address = self.service(conventions.OBJECT_STORE_SERVICE, conventions.OBJECT_STORE_NAMESPACE)
        boto3.client(
            "s3",
            endpoint_url=f"http://{address}:{conventions.OBJECT_STORE_PORT}",
            region_name=conventions.OBJECT_STORE_REGION,
            aws_access_key_id=keys[conventions.ACCESS_KEY_ID_KEY],
            aws_secret_access_key=keys[conventions.SECRET_ACCESS_KEY_KEY],
        ).put_object(Bucket=conventions.DATA_BUCKET, Key=key, Body=content)
        return key

    def service(self, name: str, namespace: str) -> str:
        """Address of a Service, which this machine reaches like a pod does."""
        return client.CoreV1Api(self.api).read_namespaced_service(name, namespace).spec.cluster_ip

    def registered_versions(
        self, account: str = conventions.PIPELINE_SERVICE_ACCOUNT, namespace: str = ""
    ) -> list[Any]:
        """The team's model versions in MLflow's registry as a service account sees them, by default the pipeline's."""
        token = client.CoreV1Api(self.api).create_namespaced_service_account_token(
            account, namespace or self.outputs["namespace"], {"spec": {"audiences": [conventions.MLFLOW_AUDIENCE]}}
        )
        query = f"filter=name%3D%27{self.outputs['model_name']}%27&max_results=200"
        answer = self.ask_mlflow(f"/api/2.0/mlflow/model-versions/search?{query}", token.status.token)
        return json.loads(answer).get("model_versions", [])

    def ask_mlflow(self, path: str, token: str = "") -> bytes:
        """What MLflow answers to the bearer of a token."""
        address = self.service(conventions.MLFLOW_SERVICE, conventions.MLFLOW_NAMESPACE)
        headers = {"Host": f"localhost:{conventions.MLFLOW_PORT}"} | (
            {"Authorization": f"Bearer {token}"} if token else {}
        )
        request = urllib.request.Request(f"http://{address}:{conventions.MLFLOW_PORT}{path}", headers=headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.read()

    def in_server_pod(self, code: str) -> str:
        """Runs Python in a running server's container and returns what it prints."""
        command = [
            *(str(tools.ensure("kubectl")["kubectl"]), "--kubeconfig", str(self.cluster.kubeconfig)),
            *("exec", "--namespace", self.outputs["namespace"], f"deployment/{self.outputs['deployment']}", "--"),
            *("python", "-c", code),
        ]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    @contextlib.contextmanager
    def asking(self) -> Iterator[Answers]:
        """A client that asks again and again, in the background, until the block ends."""
        answers, stop = Answers(), threading.Event()

        def ask() -> None:
            while not stop.is_set():
                try:
                    answers.versions.append(self.served_version())
                except OSError as error:
                    answers.failures.append(f"{time.monotonic():.1f}: {error}")
                time.sleep(0.02)

        thread = threading.Thread(target=ask)
        thread.start()
        try:
            yield answers
        finally:
            stop.set()
            thread.join()


def eventually(check: Callable[[], bool], seconds: float, what: str) -> None:
    """Waits until `check` holds; fails with `what` otherwise."""
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, f"not within {seconds:.0f}s: {what}"
        time.sleep(0.2)


def message(workflow: dict[str, Any], step: str) -> str:
    """What the workflow says of a step's last try."""
    nodes = [node for node in workflow["status"]["nodes"].values() if node["displayName"].split("(")[0] == step]
    return " ".join(node.get("message", "") for node in nodes)
