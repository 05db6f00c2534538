"""The team's models in MLflow, reached from this machine as the team's pipeline reaches them from a pod."""

import json
import re
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from kubernetes import client
from pulumi_mlops import conventions

from local import tools
from local.cluster import Cluster
from local.progress import StepFailed
from ml.tracking import CHAMPION, VERSION_TAG

REQUEST_SECONDS = 30
PAGE = 200


@dataclass(frozen=True)
class Registry:
    """One model's versions."""

    url: str
    token: str
    model: str

    def versions(self) -> dict[str, str]:
        """MLflow's number of each version, by its name as the endpoint knows it."""
        query = urlencode({"filter": f"name='{self.model}'", "max_results": PAGE})
        found = self._ask(f"model-versions/search?{query}").get("model_versions", [])
        return {
            tag["value"]: version["version"]
            for version in found
            for tag in version.get("tags", [])
            if tag["key"] == VERSION_TAG
        }

    def promote(self, number: str) -> None:
        """Names the version with this number the champion."""
        self._ask("registered-models/alias", {"name": self.model, "alias": CHAMPION, "version": number})

    def _ask(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        request = urllib.request.Request(
            f"{self.url}/api/2.0/mlflow/{path}",
            json.dumps(body).encode() if body else None,
            # MLflow answers to the names that it expects only.
            {
                "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/json",
                "Host": f"localhost:{conventions.MLFLOW_PORT}",
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=REQUEST_SECONDS) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            said = error.read().decode(errors="replace")[:300]
            raise StepFailed(f"MLflow refused {path.partition('?')[0]} ({error.code}): {said}") from None
        except OSError as error:
            raise StepFailed(f"MLflow does not answer: {error}; `make status` shows what runs") from None


@contextmanager
def connected(cluster: Cluster, api: client.ApiClient, outputs: dict[str, Any]) -> Iterator[Registry]:
    """The registry, through a connection that ends with the block, with the rights of the team's pipeline."""
    with forwarded(cluster) as (url, _):
        yield Registry(url, pipeline_token(api, outputs["namespace"]), outputs["model_name"])


def pipeline_token(api: client.ApiClient, namespace: str, seconds: int = 3600) -> str:
    """A token by which MLflow knows the namespace's pipeline, valid for that many seconds."""
    request = {"spec": {"audiences": [conventions.MLFLOW_AUDIENCE], "expirationSeconds": seconds}}
    made = client.CoreV1Api(api).create_namespaced_service_account_token(
        conventions.PIPELINE_SERVICE_ACCOUNT, namespace, request
    )
    return made.status.token


@contextmanager
def forwarded(cluster: Cluster) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """MLflow's address on this machine's loopback, and the process that forwards to it until the block ends."""
    command = [
        *(str(tools.ensure("kubectl")["kubectl"]), "--kubeconfig", str(cluster.kubeconfig)),
        *(["--context", cluster.context] if cluster.context else []),
        *("--namespace", conventions.MLFLOW_NAMESPACE, "port-forward", "--address", "127.0.0.1"),
        *(f"service/{conventions.MLFLOW_SERVICE}", f":{conventions.MLFLOW_PORT}"),
    ]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as forward:
        try:
            said = forward.stdout.readline() if forward.stdout else ""
            listening = re.search(r"127\.0\.0\.1:(\d+)", said)
            if listening is None:
                why = forward.stderr.read().strip() if forward.stderr else ""
                raise StepFailed(f"MLflow cannot be reached: {why}; `make status` shows what runs")
            yield f"http://127.0.0.1:{listening[1]}", forward
        finally:
            forward.terminate()
