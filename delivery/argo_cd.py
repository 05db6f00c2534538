"""Waiting until Argo CD has brought an environment to a commit."""

import json
import os
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from delivery.checkout import Checkout
from delivery.errors import DeliveryError

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
INTERVAL_SECONDS = 2
REQUEST_SECONDS = 30
LASTING = (401, 403, 404)
"""Answers of the API server that another try does not change."""


@dataclass(frozen=True)
class Cluster:
    """A Kubernetes API server, and who we are there."""

    url: str
    token_file: Path
    certificate_file: Path

    @classmethod
    def of_pod(cls) -> "Cluster":
        """The cluster that the pod runs in, as its service account."""
        host, port = (os.environ.get(f"KUBERNETES_SERVICE_{one}") for one in ("HOST", "PORT"))
        if not host:
            raise DeliveryError("--application needs a pod with a service account: KUBERNETES_SERVICE_HOST is not set")
        host = f"[{host}]" if ":" in host else host
        return cls(f"https://{host}:{port}", ACCOUNT / "token", ACCOUNT / "ca.crt")

    def get(self, path: str) -> Any:
        """The object at a path of the API."""
        context = ssl.create_default_context(cafile=str(self.certificate_file))
        headers = {"Authorization": f"Bearer {self.token_file.read_text().strip()}"}  # the kubelet renews it
        request = urllib.request.Request(self.url + path, headers=headers)  # noqa: S310 - an https address
        with urllib.request.urlopen(request, timeout=REQUEST_SECONDS, context=context) as answer:  # noqa: S310
            return json.load(answer)


@dataclass(frozen=True)
class State:
    """What Argo CD says of an Application."""

    revision: str
    sync: str
    health: str
    message: str
    """Why the last sync failed, or why something is not healthy; empty where Argo CD gives no reason."""
    given_up: str = ""
    """The commit that Argo CD has tried to apply as often as the Application says, without success."""

    def __str__(self) -> str:
        revision = self.revision[:12] or "no commit"
        return f"{self.sync} at {revision}, {self.health}{f': {self.message}' if self.message else ''}"


@dataclass(frozen=True)
class Application:
    """One Application of Argo CD."""

    name: str
    """Namespace and name, with a slash between them."""
    cluster: Cluster

    def state(self) -> State:
        """What it says now; raises DeliveryError where it may not or cannot be read at all."""
        namespace, _, name = self.name.partition("/")
        path = f"/apis/argoproj.io/v1alpha1/namespaces/{namespace}/applications/{name}"
        try:
            return state(self.cluster.get(path).get("status") or {})
        except urllib.error.HTTPError as error:
            with error:
                if error.code in LASTING:
                    raise DeliveryError(
                        f"the API server answers {error.code} for the Application {self.name}: is it there, and may "
                        "the pod's service account get it?"
                    ) from None
                return State("", "Unknown", "Unknown", f"the API server answers {error.code}")
        except OSError as error:
            return State("", "Unknown", "Unknown", f"the API server does not answer: {error}")


def state(status: dict[str, Any]) -> State:
    """What is in an Application's `status`."""
    sync, health, operation = (status.get(key) or {} for key in ("sync", "health", "operationState"))
    failed = operation.get("phase") in ("Failed", "Error")
    conditions = [one.get("message", "") for one in status.get("conditions") or [] if "Error" in one.get("type", "")]
    reasons = [operation.get("message", "") if failed else "", *conditions, health.get("message", "")]
    return State(
        sync.get("revision") or "",
        sync.get("status") or "Unknown",
        health.get("status") or "Unknown",
        next((" ".join(reason.split()) for reason in reasons if reason), ""),
        ((operation.get("syncResult") or {}).get("revision") or "") if failed else "",
    )


def wait(
    application: Application,
    checkout: Checkout,
    commit: str,
    timeout_seconds: float,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Returns once the environment has the commit, or a later one of its branch, and is healthy.

    Raises DeliveryError with Argo CD's own words where it gives up, or takes longer than `timeout_seconds`.
    """
    deadline = time.monotonic() + timeout_seconds
    while True:
        seen = application.state()
        if (seen.sync, seen.health) == ("Synced", "Healthy") and _contains(checkout, seen.revision, commit):
            return
        if seen.given_up == commit:
            raise DeliveryError(f"Argo CD could not bring {application.name} to {commit[:12]}: {seen}")
        if time.monotonic() > deadline:
            raise DeliveryError(
                f"Argo CD has not brought {application.name} to {commit[:12]} within {timeout_seconds:g} s: {seen}"
            )
        sleep(INTERVAL_SECONDS)


def _contains(checkout: Checkout, revision: str, commit: str) -> bool:
    if revision == commit or checkout.is_ancestor(commit, revision):
        return True
    checkout.update()  # it may be a commit that somebody pushed since
    return checkout.is_ancestor(commit, revision)
