"""Who asks MLflow for something: the service account of Kubernetes whose token comes with the request.

MLflow calls `authenticate` for every request. A caller is MLflow's user by the name of its namespace: what one team's
pipeline makes, the whole team sees and nobody else. The server's own namespace is the administrator; any other has to
be a workspace, so that nobody who can make a namespace takes the names of a team's experiments and models.

A client sends a token for the audience `mlflow` as bearer token; a person pastes one as password, with any user name.
"""

import hashlib
import os
import threading
from pathlib import Path
from typing import Any

import requests
from cachetools import TTLCache
from flask import Response, make_response, request
from werkzeug.datastructures import Authorization

WORKSPACE_LABEL, WORKSPACE = "app.kubernetes.io/name", "workspace"
"""By which a namespace is a workspace."""
AUDIENCE = "mlflow"
"""A token for this audience is worth nothing at the API server, and one for the API server nothing here."""
SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
TIMEOUT_SECONDS = 10
REMEMBERED_SECONDS = 60
"""For so long a token is not looked at again; one whose pod or account was deleted is good no longer."""

HOW = (
    f"Send a token of a service account for the audience {AUDIENCE}: pipelines have one. Outside, set "
    f"MLFLOW_TRACKING_TOKEN to what `kubectl create token ACCOUNT --namespace TEAM --audience {AUDIENCE}` prints; "
    "in a browser, that is the password, with any user name."
)

_known: "TTLCache[bytes, str]" = TTLCache(maxsize=10_000, ttl=REMEMBERED_SECONDS)
_lock = threading.Lock()
"""Of `_known`, which no two threads may use at the same time."""


class Refused(Exception):
    """The caller is not known; the message says why."""


class NoWorkspace(Exception):
    """The caller is known and may use nothing; the message says why."""


def authenticate() -> Authorization | Response:
    """The caller of the request at hand, or the answer that sends it away."""
    try:
        namespace = _caller(request.authorization)
    except Refused as refusal:
        answer = make_response(f"MLflow: {refusal} {HOW}", 401)
        answer.headers["WWW-Authenticate"] = 'Basic realm="the token of a service account as password"'
        return answer
    except NoWorkspace as refusal:
        return make_response(f"MLflow: {refusal}", 403)
    except (OSError, requests.RequestException) as error:
        return make_response(f"MLflow could not ask Kubernetes about the caller: {error}", 503)
    return Authorization("bearer", {"username": namespace})


def own_namespace() -> str:
    """The namespace of the server, whose service accounts administrate it."""
    return (SERVICE_ACCOUNT / "namespace").read_text().strip()


def _caller(authorization: Authorization | None) -> str:
    token = (authorization.token or authorization.password) if authorization else None
    if not token:
        raise Refused("the request has no token.")
    key = hashlib.sha256(token.encode()).digest()
    with _lock:
        namespace = _known.get(key)
    if namespace is None:
        namespace = namespace_of(_review(token))
        if namespace != own_namespace():
            check_workspace(namespace, _labels(namespace))
        _ensure_user(namespace)
        with _lock:
            _known[key] = namespace
    return namespace


def _review(token: str) -> dict[str, Any]:
    """Kubernetes' opinion of the token: the status of a TokenReview."""
    review = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenReview",
        "spec": {"token": token, "audiences": [AUDIENCE]},
    }
    return _kubernetes("POST", "/apis/authentication.k8s.io/v1/tokenreviews", review)["status"]


def _labels(namespace: str) -> dict[str, str]:
    return _kubernetes("GET", f"/api/v1/namespaces/{namespace}")["metadata"].get("labels") or {}


def _kubernetes(method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]
    answer = requests.request(
        method,
        f"https://{f'[{host}]' if ':' in host else host}:{port}{path}",
        json=body,
        headers={"Authorization": f"Bearer {(SERVICE_ACCOUNT / 'token').read_text()}"},
        verify=str(SERVICE_ACCOUNT / "ca.crt"),
        timeout=TIMEOUT_SECONDS,
    )
    answer.raise_for_status()
    return answer.json()


def check_workspace(namespace: str, labels: dict[str, str]) -> None:
    """A namespace that uses MLflow is a workspace.

    Raises:
        NoWorkspace: it lacks the label.
    """
    if labels.get(WORKSPACE_LABEL) != WORKSPACE:
        raise NoWorkspace(
            f"the namespace {namespace!r} is no workspace, so it has no experiments and models: make it by the "
            f"component Workspace, or let an administrator label it: kubectl label namespace {namespace} "
            f"{WORKSPACE_LABEL}={WORKSPACE}"
        )


def namespace_of(status: dict[str, Any]) -> str:
    """The namespace of the service account that a TokenReview found.

    Raises:
        Refused: the token is not valid, or not one of a service account.
    """
    if not status.get("authenticated"):
        raise Refused(f"Kubernetes does not accept the token: {status.get('error', 'it gives no reason')}.")
    name: str = status["user"]["username"]
    match name.split(":"):
        case ["system", "serviceaccount", namespace, _]:
            return namespace
        case _:
            raise Refused(f"the token is that of {name!r}, which is no service account.")


def _ensure_user(name: str) -> None:
    from mlflow.exceptions import MlflowException  # noqa: PLC0415 - MLflow imports this module while it is imported
    from mlflow.server.auth import store  # noqa: PLC0415

    if store.has_user(name):
        return
    try:
        store.create_user(name, hashlib.sha256(os.urandom(32)).hexdigest())  # a password that nobody ever knows
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":  # another server was quicker
            raise
