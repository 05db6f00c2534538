"""As much of a Kubernetes client as the node needs for itself: JSON over HTTPS, server-side apply, watches.

The official client costs half a second and 50 MB in each process that imports it; kubectl costs a process per call.
"""

import base64
import http.client
import json
import ssl
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import yaml

FIELD_MANAGER = "pulumi-mlops-node"

REQUEST_SECONDS = 30
HEALTH_SECONDS = 3
"""How long an answer may take: to a request, and to the question whether the server is there."""

Manifest = dict[str, Any]

_RESOURCES = {
    "ClusterRole": "clusterroles",
    "ClusterRoleBinding": "clusterrolebindings",
    "CustomResourceDefinition": "customresourcedefinitions",
    "GatewayClass": "gatewayclasses",
    "StorageClass": "storageclasses",
    "ValidatingAdmissionPolicy": "validatingadmissionpolicies",
    "ValidatingAdmissionPolicyBinding": "validatingadmissionpolicybindings",
}
"""Cluster-wide kinds that `Api.apply` can address, and their names in a URL."""


class ApiError(OSError):
    """The API server refused a request; `status` is its HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"HTTP {status}: {message}")
        self.status = status


class Api:
    """Requests as the user of a kubeconfig with embedded certificates, as `pki.Pki.kubeconfig` writes it."""

    def __init__(self, kubeconfig: Path) -> None:
        config = yaml.safe_load(kubeconfig.read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        self._host = urlsplit(cluster["server"]).netloc
        self._tls = ssl.create_default_context(cadata=_decoded(cluster["certificate-authority-data"]))
        with tempfile.NamedTemporaryFile("w") as pair:  # ssl takes a client's certificate from a file only
            pair.write(_decoded(user["client-certificate-data"]) + _decoded(user["client-key-data"]))
            pair.flush()
            self._tls.load_cert_chain(pair.name)

    def request(
        self,
        method: str,
        path: str,
        body: Manifest | str | None = None,
        content_type: str = "application/json",
        seconds: float = REQUEST_SECONDS,
    ) -> Manifest:
        """Sends one request, its body as JSON or as the text given, and returns the decoded answer.

        Raises:
            ApiError: the server refused it.
            OSError: there is no server.
        """
        connection = self._connect(seconds)
        try:
            content = json.dumps(body) if isinstance(body, dict) else body
            connection.request(method, path, content, {"Content-Type": content_type, "Accept": "application/json"})
            answer = connection.getresponse()
            text = answer.read().decode(errors="replace")
        except http.client.HTTPException as error:
            raise ConnectionError(f"{method} {path}: {error!r}") from error
        finally:
            connection.close()
        if answer.status >= 400:
            raise ApiError(answer.status, _reason(text))
        return json.loads(text) if text.startswith("{") else {"text": text}

    def apply(self, manifest: Manifest) -> Manifest:
        """Server-side apply of a cluster-wide object."""
        return self.apply_text(manifest["apiVersion"], manifest["kind"], manifest["metadata"]["name"], manifest)

    def apply_text(self, group_version: str, kind: str, name: str, manifest: Manifest | str) -> Manifest:
        """Server-side apply of a cluster-wide object that may be YAML text: large ones need not be parsed here."""
        query = urlencode({"fieldManager": FIELD_MANAGER, "force": "true"})
        path = f"/apis/{group_version}/{_RESOURCES[kind]}/{name}?{query}"
        content_type = "application/apply-patch+yaml"
        return self.request("PATCH", path, manifest, content_type)

    def watch(self, path: str, version: str, seconds: int) -> Iterator[Manifest]:
        """Yields the watch events of a list after a resource version, for at most `seconds`."""
        connection = self._connect(seconds + 15)
        query = urlencode({"watch": "true", "resourceVersion": version, "timeoutSeconds": seconds})
        try:
            connection.request("GET", f"{path}?{query}")
            answer = connection.getresponse()
            if answer.status >= 400:
                raise ApiError(answer.status, _reason(answer.read().decode(errors="replace")))
            for line in answer:
                yield json.loads(line)
        except http.client.HTTPException as error:
            raise ConnectionError(f"watch {path}: {error!r}") from error
        finally:
            connection.close()

    def ready(self) -> bool:
        """Whether the API server says that it is ready."""
        return self.request("GET", "/readyz", seconds=HEALTH_SECONDS)["text"] == "ok"

    def _connect(self, seconds: float) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection(self._host, timeout=seconds, context=self._tls)


def _decoded(value: str) -> str:
    return base64.b64decode(value).decode()


def _reason(text: str) -> str:
    try:
        return json.loads(text).get("message", text)
    except ValueError:
        return text[:300]
