"""Restores each database that has backups beside it, counts its rows, and removes the restored one again.

Runs in the databases' own image, hence with Python's standard library alone. What came of it is an annotation of the
database's Cluster. Ends with 1 where a database could not be restored.
"""

import datetime
import http.client
import json
import os
import ssl
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self, TypeAlias, TypeVar

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
CLUSTERS = "/apis/postgresql.cnpg.io/v1/namespaces/{}/clusters"
PODS = "/api/v1/namespaces/{}/pods"
Object: TypeAlias = dict[str, Any]
T = TypeVar("T")
OURS = {"app.kubernetes.io/managed-by": "restore-drill"}
PERIOD_SECONDS = 2
TRIES = 30
COUNT = """
select coalesce(sum((xpath('/row/c/text()', query_to_xml(format('select count(*) as c from %s', relid::regclass),
    false, true, '')))[1]::text::bigint), 0)
from pg_stat_user_tables
"""
PSQL = "psql --no-align --tuples-only --set=ON_ERROR_STOP=1"


class Failed(Exception):
    """A database could not be restored; the message says why."""


class _Unanswered(Exception):
    """The API server may well answer a second try."""


class Api:
    """The API server, with the rights of the pod's account."""

    def __init__(self, url: str, token: Path, context: ssl.SSLContext | None) -> None:
        self._url, self._token, self._context = url, token, context

    @classmethod
    def of_pod(cls) -> Self:
        """As the pod's environment and files say."""
        url = f"https://{os.environ['KUBERNETES_SERVICE_HOST']}:{os.environ['KUBERNETES_SERVICE_PORT']}"
        return cls(url, ACCOUNT / "token", ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt")))

    def call(self, method: str, path: str, body: Object | None = None) -> Any:
        """The object in the answer; None where there is none of that name.

        Asks again where the server does not answer, as while it is upgraded. Raises Failed.
        """
        reason = _Unanswered()
        for _ in range(TRIES):
            try:
                return self._call(method, path, body)
            except _Unanswered as error:
                reason = error
                time.sleep(PERIOD_SECONDS)
        raise Failed(f"{method} {path}: {reason}")

    def _call(self, method: str, path: str, body: Object | None) -> Object | None:
        kind = "merge-patch+json" if method == "PATCH" else "json"
        token = self._token.read_text()  # each time: the kubelet writes a new one before the old one ends
        headers = {"Authorization": f"Bearer {token}", "Content-Type": f"application/{kind}"}
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._url + path, content, headers, method=method)  # noqa: S310 - the API server
        try:
            with urllib.request.urlopen(request, timeout=30, context=self._context) as answer:  # noqa: S310 - the same
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                if error.code == 404 and method != "POST":
                    return None
                if error.code == 429 or error.code >= 500:
                    raise _Unanswered(_message(error)) from error
                raise Failed(f"{method} {path}: {_message(error)}") from error
        except (OSError, http.client.HTTPException) as error:
            raise _Unanswered(f"the API server does not answer ({getattr(error, 'reason', error)})") from error


def _message(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.load(error)["message"])
    except (OSError, ValueError, TypeError, KeyError):
        return str(error)


def restored(database: Object) -> Object:
    """The Cluster that a database's last backup becomes: of the same size, with no backups of its own."""
    spec, name = database["spec"], database["metadata"]["name"]
    origin = next(iter(spec["bootstrap"].values()))
    store = {key: value for key, value in spec["backup"]["barmanObjectStore"].items() if value}
    same = {key: spec[key] for key in ("imageName", "imagePullPolicy", "storage", "resources") if key in spec}
    recovery = {"source": name, "database": origin["database"], "owner": origin["owner"]}
    return {
        "apiVersion": database["apiVersion"],
        "kind": database["kind"],
        "metadata": {"name": f"drill-{name}"[:50].rstrip("-"), "labels": OURS},
        "spec": {
            **same,
            "instances": 1,
            "enablePDB": False,
            "enableSuperuserAccess": True,  # it counts the rows of every owner
            "bootstrap": {"recovery": recovery},
            "externalClusters": [{"name": name, "barmanObjectStore": {"serverName": name, **store}}],
        },
    }


def counting(cluster: Object) -> Object:
    """A pod that counts the rows of all tables, whoever owns them, and tells their number as its last words."""
    name = cluster["metadata"]["name"]
    password = {"name": f"{name}-superuser", "key": "password"}
    container = {
        "name": "count",
        "image": cluster["spec"]["imageName"],
        "imagePullPolicy": "IfNotPresent",
        "command": ["/bin/sh", "-c", f'{PSQL} --command="$0" > /dev/termination-log', COUNT],
        "env": [
            {"name": "PGSSLMODE", "value": "require"},
            {"name": "PGHOST", "value": f"{name}-rw"},
            {"name": "PGDATABASE", "value": cluster["spec"]["bootstrap"]["recovery"]["database"]},
            {"name": "PGUSER", "value": "postgres"},
            {"name": "PGPASSWORD", "valueFrom": {"secretKeyRef": password}},
        ],
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "64Mi"}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": OURS},
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "securityContext": {"runAsNonRoot": True, "runAsUser": 26, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [container],
        },
    }


def drill(api: Api, database: Object, seconds: float) -> str:
    """Number of rows in the restored database, whose moment is that of the last archived transaction."""
    namespace, cluster = database["metadata"]["namespace"], restored(database)
    clusters, pods = CLUSTERS.format(namespace), PODS.format(namespace)
    name = cluster["metadata"]["name"]
    remove(api, f"{clusters}/{name}", seconds)
    remove(api, f"{pods}/{name}", seconds)
    try:
        api.call("POST", clusters, cluster)
        until(lambda: _ready(api.call("GET", f"{clusters}/{name}")), seconds, f"{name} is not ready")
        api.call("POST", pods, counting(cluster))
        return until(lambda: _counted(api.call("GET", f"{pods}/{name}")), seconds, "the rows are not counted")
    finally:
        remove(api, f"{pods}/{name}", seconds)
        remove(api, f"{clusters}/{name}", seconds)


def remove(api: Api, path: str, seconds: float) -> None:
    """Deletes what a drill has made, also one that was cut off, and waits until it is gone."""
    found = api.call("GET", path)
    if found is None:
        return
    if not OURS.items() <= found["metadata"].get("labels", {}).items():
        raise Failed(f"{path} is somebody's own: rename it")
    api.call("DELETE", path)
    until(lambda: api.call("GET", path) is None, seconds, f"{path} is not gone")


def until(reached: Callable[[], T | None], seconds: float, complaint: str) -> T:
    """The first value that counts as true."""
    deadline = time.monotonic() + seconds
    while not (value := reached()):
        if time.monotonic() > deadline:
            raise Failed(f"{complaint} after {seconds} s")
        time.sleep(PERIOD_SECONDS)
    return value


def _ready(cluster: Object | None) -> bool:
    status: Object = (cluster or {}).get("status", {})
    return any(one["type"] == "Ready" and one["status"] == "True" for one in status.get("conditions", []))


def _counted(pod: Object | None) -> str | None:
    for one in (pod or {}).get("status", {}).get("containerStatuses", []):
        ended = one["state"].get("terminated")
        if ended and ended["exitCode"]:
            raise Failed(f"the rows cannot be counted: {ended.get('message', '').strip()[:300]}")
        if ended:
            return ended.get("message", "").strip() or "?"
    return None


def main() -> int:
    """Drills them all; the process's exit code."""
    api, annotation, seconds = Api.of_pod(), os.environ["ANNOTATION"], int(os.environ["SECONDS"])
    failed = 0
    for database in api.call("GET", "/apis/postgresql.cnpg.io/v1/clusters")["items"]:
        if not database["spec"].get("backup") or "crossplane.io/composite" not in database["metadata"].get(
            "labels", {}
        ):
            continue
        start, moment = time.monotonic(), datetime.datetime.now(datetime.UTC)
        try:
            rows = drill(api, database, seconds)
            result = f"{rows} rows in {time.monotonic() - start:.0f} s"
        except Failed as error:
            failed, result = 1, f"failed: {error}"
        metadata = database["metadata"]
        text = f"{moment:%Y-%m-%dT%H:%M:%SZ}: {result}"
        print(f"{metadata['namespace']}/{metadata['name']}: {text}", flush=True)
        path = f"{CLUSTERS.format(metadata['namespace'])}/{metadata['name']}"
        api.call("PATCH", path, {"metadata": {"annotations": {annotation: text}}})
    return failed


if __name__ == "__main__":
    sys.exit(main())
