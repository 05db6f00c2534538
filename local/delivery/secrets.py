"""The passwords and tokens of a delivery: drawn once, kept in Secrets of the cluster, given to whom they are for."""

import base64
import json
import secrets
from collections.abc import Callable, Mapping

from pulumi_mlops import conventions

from local import node
from local.cluster import Cluster
from local.delivery.installation import Manifest, apply, kubectl
from local.node.pki import Pki

FORGE, EVENTS, RUNS = "forge", "argo-events", "delivery"
"""Namespaces of the Git host and the registry, of the event bus's server, and of the runs."""
ENVIRONMENTS = ("web-staging", "web-production")
LEVELS = {
    RUNS: "privileged",
    **dict.fromkeys(ENVIRONMENTS, "restricted"),
    **dict.fromkeys((FORGE, EVENTS, conventions.ARGO_CD_NAMESPACE), "baseline"),
}
"""Every namespace of the option, and its Pod Security level: that of the runs admits rootless BuildKit."""
REGISTRY = "registry.forge.svc.cluster.local:5000"
BUS_HOST = "nats.argo-events.svc.cluster.local"
BUS_STREAM = "maxMsgs: 50000\nmaxAge: 168h\nmaxBytes: -1\nreplicas: 1\nduplicates: 300s\nretention: 0\ndiscard: 0\n"
"""As Argo Events' own default, but for the replicas."""
USER = "delivery"


def namespaces(cluster: Cluster) -> None:
    """Creates the namespaces."""
    apply(cluster, (_namespace(name, level) for name, level in LEVELS.items()))


def of_parts(cluster: Cluster) -> None:
    """The Secrets without which the registry and the event bus do not start."""
    login = _kept(cluster, FORGE, "registry-login", lambda: _login(USER))
    bus = _kept(cluster, EVENTS, "nats-login", lambda: _login("argo-events"))
    authority = Pki(node.home() / "delivery" / "pki")
    pair = authority.identity("nats", "nats", hosts=[BUS_HOST])
    certificate = {"tls.crt": pair.certificate.read_text(), "tls.key": pair.key.read_text()}
    registry = {"auths": {REGISTRY: {"auth": _base64(f"{login['username']}:{login['password']}")}}}
    apply(
        cluster,
        [
            secret(RUNS, "registry-config", {"config.json": json.dumps(registry)}),
            secret(EVENTS, "nats-certificate", certificate),
            secret(
                RUNS,
                "event-bus",
                {
                    "auth": f"username: {bus['username']}\npassword: {bus['password']}\n",
                    "ca.crt": authority.authority.certificate.read_text(),
                },
            ),
        ],
    )


def event_bus(cluster: Cluster) -> None:
    """The bus of the namespace of the runs, on the one NATS server."""
    bus = {
        "url": f"nats://{BUS_HOST}:4222",
        "accessSecret": {"name": "event-bus", "key": "auth"},
        "tls": {"caCertSecret": {"name": "event-bus", "key": "ca.crt"}},  # without it, any certificate would do
        "streamConfig": BUS_STREAM,
    }
    metadata = {"name": "default", "namespace": RUNS}
    apply(
        cluster,
        [
            {
                "apiVersion": "argoproj.io/v1alpha1",
                "kind": "EventBus",
                "metadata": metadata,
                "spec": {"jetstreamExotic": bus},
            }
        ],
    )


def kept(cluster: Cluster, namespace: str, name: str, key: str, draw: Callable[[], str]) -> str:
    """The value of a Secret with one key; drawn and stored if there is none yet."""
    return _kept(cluster, namespace, name, lambda: {key: draw()})[key]


def random_text() -> str:
    """A new password."""
    return secrets.token_urlsafe(32)


def read(cluster: Cluster, namespace: str, name: str) -> dict[str, str] | None:
    """What a Secret holds; None where there is none."""
    options = (f"--namespace={namespace}", "--ignore-not-found", "--output=json")
    found = kubectl(cluster, "get", "secret", name, *options)
    return (
        {key: base64.b64decode(value).decode() for key, value in json.loads(found)["data"].items()} if found else None
    )


def secret(namespace: str, name: str, data: Mapping[str, str], labels: Mapping[str, str] | None = None) -> Manifest:
    """The manifest of a Secret."""
    metadata = {"name": name, "namespace": namespace, "labels": {**(labels or {})}}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {**data}}


def _kept(cluster: Cluster, namespace: str, name: str, draw: Callable[[], dict[str, str]]) -> dict[str, str]:
    found = read(cluster, namespace, name)
    if found is None:
        found = draw()
        apply(cluster, [secret(namespace, name, found)])
    return found


def _login(username: str) -> dict[str, str]:
    return {"username": username, "password": random_text()}


def _namespace(name: str, level: str) -> Manifest:
    labels = {"pod-security.kubernetes.io/enforce": level}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
