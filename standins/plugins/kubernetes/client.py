"""Requests to the API server through the official client's connection: discovery, read, server-side apply, delete.

Objects stay plain dicts. The official package is imported on first use: it takes a second, which a provider without a
cluster does not need.
"""

import json
import threading
import time
from typing import Any
from urllib.parse import quote, urlencode

from standins.plugins.kubernetes.names import Kind
from standins.plugins.values import Object

CONNECT_SECONDS = 5.0
READ_SECONDS = 60.0
ATTEMPTS = 5
"""Tries of a request that a busy or restarting API server turned down; each is safe to repeat."""
RETRIED = (429, 502, 503, 504)


class ApiError(Exception):
    """The API server's refusal, with its status."""

    def __init__(self, status: int, reason: str, message: str, causes: list[Object] | None = None) -> None:
        super().__init__(message)
        self.status, self.reason, self.message, self.causes = status, reason, message, causes or []


class Unreachable(Exception):
    """No API server answered."""


class NotServed(Exception):
    """The API server does not know the kind."""


_IMPORTING = threading.Lock()


def official() -> tuple[Any, Any]:
    """The official package's `client` and `config`. Imported under a lock: two threads would see half a module."""
    with _IMPORTING:
        from kubernetes import client, config
    return client, config


class Client:
    """One cluster. Safe to use from many threads."""

    def __init__(self, kubeconfig: Object, context: str | None) -> None:
        client, config = official()
        settings = client.Configuration()
        config.load_kube_config_from_dict(
            kubeconfig, context=context, client_configuration=settings, persist_config=False
        )
        settings.connection_pool_maxsize = 256
        settings.retries = False
        self._api = client.ApiClient(settings)
        self._host = settings.host
        self._resources: dict[str, dict[str, Object]] = {}
        self._lock = threading.Lock()

    def request(
        self,
        method: str,
        path: str,
        query: dict[str, str] | None = None,
        body: Any = None,
        *,
        content_type: str = "application/json",
        attempts: int = ATTEMPTS,
        as_text: bool = False,
    ) -> Any:
        """Sends one request and returns the decoded answer.

        Raises:
            ApiError: the server refused.
            Unreachable: it could not be asked.
        """
        import urllib3

        timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS)
        url = f"{self._host}{path}" + (f"?{urlencode(query)}" if query else "")
        # Without escapes: the server reads an applied manifest as YAML, which knows no surrogate pairs.
        data = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        for attempt in range(1, attempts + 1):
            headers = {"Accept": "application/json", "User-Agent": "pulumi-kubernetes"}
            if data is not None:
                headers["Content-Type"] = content_type
            self._api.update_params_for_auth(headers, [], ["BearerToken"], path, method, None)
            try:
                pool = self._api.rest_client.pool_manager
                answer = pool.request(method, url, body=data, headers=headers, timeout=timeout, retries=False)
            except (urllib3.exceptions.HTTPError, OSError) as error:
                if attempt == attempts:
                    raise Unreachable(f"{self._host} cannot be reached ({_reason(error)})") from error
            else:
                if answer.status < 300:
                    return answer.data.decode(errors="replace") if as_text else json.loads(answer.data or b"{}")
                failure = _failure(answer.status, answer.data)
                # A 500 without a reason is how the server calls a manifest that does not fit its schema.
                again = answer.status in RETRIED or failure.reason == "InternalError"
                if not again or attempt == attempts:
                    raise failure
            time.sleep(0.2 * 2**attempt)
        raise AssertionError("unreachable")

    def version(self) -> str:
        """The server's version, such as v1.36.3; the cheapest way to know that it is there."""
        return self.request("GET", "/version", attempts=1).get("gitVersion", "")

    def resource(self, kind: Kind) -> Object:
        """The server's description of a kind: its plural name, and whether it is namespaced.

        Raises:
            NotServed: the server has no such kind (now; a later CustomResourceDefinition may bring it).
        """
        with self._lock:
            known = self._resources.get(kind.api_version, {})
        if kind.kind not in known:
            known = self._discover(kind.api_version)
        if kind.kind not in known:
            raise NotServed(
                f"the API server does not serve {kind}: check the apiVersion, or create its CustomResourceDefinition "
                "first"
            )
        return known[kind.kind]

    def serves(self, kind: Kind) -> bool:
        """Whether the server knows the kind now."""
        try:
            return bool(self.resource(kind))
        except NotServed:
            return False

    def _discover(self, api_version: str) -> dict[str, Object]:
        base = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
        try:
            listed = self.request("GET", base).get("resources", [])
        except ApiError as error:
            if error.status != 404:
                raise
            listed = []
        found = {item["kind"]: item for item in listed if "/" not in item["name"]}
        with self._lock:
            self._resources[api_version] = found
        return found

    def path(self, kind: Kind, namespace: str | None, name: str = "") -> str:
        """The address of an object, or of its collection."""
        described = self.resource(kind)
        base = f"/apis/{kind.api_version}" if kind.group else f"/api/{kind.version}"
        place = f"/namespaces/{quote(namespace or 'default')}" if described.get("namespaced") else ""
        return f"{base}{place}/{described['name']}" + (f"/{quote(name)}" if name else "")

    def get(self, kind: Kind, namespace: str | None, name: str) -> Object | None:
        """The object, or None when it does not exist."""
        try:
            return self.request("GET", self.path(kind, namespace, name))
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def list(self, kind: Kind, namespace: str | None, **query: str) -> list[Object]:
        """The objects of a namespace that a label or field selector finds."""
        return self.request("GET", self.path(kind, namespace), query).get("items") or []

    def apply(self, kind: Kind, manifest: Object, manager: str, *, force: bool, dry_run: bool) -> Object:
        """Server-side apply: makes the object, or sets the fields that `manager` declares."""
        meta = manifest["metadata"]
        query = {"fieldManager": manager, "force": "true" if force else "false"}
        if dry_run:
            query["dryRun"] = "All"
        path = self.path(kind, meta.get("namespace"), meta["name"])
        return self.request("PATCH", path, query, manifest, content_type="application/apply-patch+yaml")

    def delete(self, kind: Kind, namespace: str | None, name: str, propagation: str) -> None:
        """Asks for the deletion of an object; one that is gone already is no error."""
        body = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": propagation}
        try:
            self.request("DELETE", self.path(kind, namespace, name), body=body)
        except ApiError as error:
            if error.status != 404:
                raise

    def log(self, namespace: str, pod: str, container: str, *, previous: bool, lines: int) -> str:
        """The last lines that a container printed; empty when they cannot be had."""
        query = {"container": container, "tailLines": str(lines), "previous": "true" if previous else "false"}
        path = f"/api/v1/namespaces/{quote(namespace)}/pods/{quote(pod)}/log"
        try:
            return self.request("GET", path, query, attempts=1, as_text=True)
        except (ApiError, Unreachable):
            return ""


def _failure(status: int, data: bytes) -> ApiError:
    try:
        answer = json.loads(data)
    except ValueError:
        answer = {}
    if not isinstance(answer, dict):
        answer = {}
    message = answer.get("message") or data.decode(errors="replace")[:500] or f"HTTP {status}"
    return ApiError(status, answer.get("reason", ""), message, (answer.get("details") or {}).get("causes"))


def _reason(error: Exception) -> str:
    text = str(error.__cause__ or error)
    return text.rsplit(": ", 1)[-1] if ": " in text else text
