"""Postgres in one pod with one volume, for clusters without a cloud: no replica, no backups, no TLS."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

import pulumi
import pulumi_kubernetes as k8s
import pulumi_random as random

from pulumi_mlops import conventions, versions
from pulumi_mlops._manifests import (
    NAMESPACE_NAME_LABEL,
    Manifest,
    after,
    container_security,
    name_of,
    pod_security,
    resources,
)
from pulumi_mlops._volumes import volume_claim
from pulumi_mlops.database import _backend
from pulumi_mlops.database._arguments import PostgresDatabaseArgs, SinglePodArgs
from pulumi_mlops.database._backend import Backend, Connection

REPOSITORY = "library/postgres"
USER = 999  # the image's user `postgres`: initdb wants one that /etc/passwd knows
DATA_PATH = "/data"
"""Not the image's own place, which lies elsewhere from version 18 on."""

SHARED_MEMORY = "128Mi"
"""Of parallel queries, and a part of `memory`; a container's own /dev/shm would be 64 MiB whatever it needs."""
STARTUP_SECONDS = 600
"""Time for the first start and for the recovery after a crash, which must not be cut short."""


def create(name: str, args: PostgresDatabaseArgs, parent: pulumi.Resource) -> Connection:
    """Creates the server with its volume, password, Service and policy, and the connection Secret."""
    child = pulumi.ResourceOptions(parent=parent)
    # Letters and digits: it stands in a URI as it is. 40 of them are 238 bits.
    password = random.RandomPassword(f"{name}-password", length=40, special=False, opts=child)
    host = pulumi.Output.from_input(args["namespace"]).apply(lambda known: conventions.service_host(name, known))
    database = _backend.database_name(name, args)
    user = conventions.DATABASE_USER
    secret = k8s.core.v1.Secret(
        f"{name}-connection",
        metadata=_backend.metadata(name, args, _backend.secret_name(name, args)),
        string_data=_backend.secret_content(
            user,
            password.result,
            host,
            database,
            _backend.uri(pulumi.Output.concat(user, ":", password.result), host, database),
        ),
        opts=child,
    )
    volume = volume_claim(
        f"{name}-data",
        _backend.metadata(name, args, f"{name}-data"),
        parent,
        storage_gib=args["storage_gib"],
        storage_class=_own(args)["storage_class"],
        protect=bool(args["protect_data"]),
    )
    server = k8s.apps.v1.StatefulSet(
        f"{name}-server",
        metadata=_backend.metadata(name, args),
        spec=stateful_set(name, args, volume, name_of(secret)),
        opts=child,
    )
    pods = conventions.selector(conventions.POSTGRES_DATABASE, name)
    k8s.networking.v1.NetworkPolicy(
        f"{name}-ingress",
        metadata=_backend.metadata(name, args),
        spec=ingress(pods, _own(args)["client_namespaces"]),
        opts=child,
    )
    service = k8s.core.v1.Service(
        f"{name}-service",
        metadata=_backend.metadata(name, args),
        spec={"selector": pods, "ports": [{"name": "postgres", "port": conventions.DATABASE_PORT}]},
        opts=after(server, parent),
    )
    return Connection(
        secret=_first(name_of(secret), name_of(service)),
        host=_first(host, name_of(service)),
        database=pulumi.Output.from_input(database),
    )


def _own(args: PostgresDatabaseArgs) -> SinglePodArgs:
    return cast("SinglePodArgs", args["single_pod"])


def _first(value: pulumi.Output[str], needs: pulumi.Output[str]) -> pulumi.Output[str]:
    """The value, which now also waits for what else is needed."""
    return pulumi.Output.all(value, needs).apply(lambda known: known[0])


def stateful_set(
    name: str, args: PostgresDatabaseArgs, volume: pulumi.Input[str], secret: pulumi.Input[str]
) -> Manifest:
    """Spec of the StatefulSet: never two servers on one volume."""
    return {
        "serviceName": name,
        "replicas": 1,
        "selector": {"matchLabels": conventions.selector(conventions.POSTGRES_DATABASE, name)},
        "template": {
            "metadata": {"labels": _backend.labels(name, args)},
            "spec": pod(args, _backend.database_name(name, args), volume, secret),
        },
    }


def pod(
    args: PostgresDatabaseArgs, database: pulumi.Input[str], volume: pulumi.Input[str], secret: pulumi.Input[str]
) -> Manifest:
    """Spec of the server's pod. The password of a database that exists is in its volume, whatever the Secret says."""
    tag = image_tag(_backend.major(args))
    return {
        "securityContext": {**pod_security(), "runAsUser": USER, "runAsGroup": USER, "fsGroup": USER},
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 60,
        "containers": [
            {
                "name": "postgres",
                "image": pulumi.Output.from_input(_own(args)["image_mirror"]).apply(
                    lambda registry: conventions.image(registry, REPOSITORY, tag)
                ),
                "env": [
                    {"name": "PGDATA", "value": f"{DATA_PATH}/pgdata"},  # beside the volume's own lost+found
                    {"name": "POSTGRES_DB", "value": database},
                    {"name": "POSTGRES_USER", "value": conventions.DATABASE_USER},
                    {
                        "name": "POSTGRES_PASSWORD",
                        "valueFrom": {"secretKeyRef": {"name": secret, "key": conventions.DATABASE_PASSWORD_KEY}},
                    },
                    {"name": "POSTGRES_INITDB_ARGS", "value": "--data-checksums"},
                ],
                "ports": [{"name": "postgres", "containerPort": conventions.DATABASE_PORT}],
                "startupProbe": ready_probe(period_seconds=2, failures=STARTUP_SECONDS // 2),
                "readinessProbe": ready_probe(period_seconds=10, failures=3),
                "livenessProbe": ready_probe(period_seconds=20, failures=6),
                "resources": resources(_own(args)["cpu"], _own(args)["memory"]),
                "securityContext": container_security(),
                "volumeMounts": [
                    {"name": "data", "mountPath": DATA_PATH},
                    {"name": "run", "mountPath": "/var/run/postgresql"},
                    {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - a volume of the pod's own
                    {"name": "shared-memory", "mountPath": "/dev/shm"},  # noqa: S108 - likewise
                ],
            }
        ],
        "volumes": [
            {"name": "data", "persistentVolumeClaim": {"claimName": volume}},
            {"name": "run", "emptyDir": {"sizeLimit": "1Mi"}},
            {"name": "tmp", "emptyDir": {"sizeLimit": "16Mi"}},
            {"name": "shared-memory", "emptyDir": {"medium": "Memory", "sizeLimit": SHARED_MEMORY}},
        ],
    }


def image_tag(major: str) -> str:
    """The pinned version, or of another major the newest: a volume can only be read by the major that wrote it."""
    return versions.POSTGRES if major == _backend.DEFAULT_MAJOR else major


def ready_probe(period_seconds: int, failures: int) -> Manifest:
    """Asks over TCP: on its socket the server also answers while it is being set up."""
    return {
        "exec": {"command": ["pg_isready", "--quiet", "--host", "127.0.0.1", "--username", conventions.DATABASE_USER]},
        "periodSeconds": period_seconds,
        "timeoutSeconds": 5,
        "failureThreshold": failures,
    }


def ingress(pods: Mapping[str, str], client_namespaces: list[pulumi.Input[str]]) -> Manifest:
    """Spec of the NetworkPolicy: the namespace's own pods, and those of the namespaces given."""
    own: dict[str, Any] = {}
    others = [{"namespaceSelector": {"matchLabels": {NAMESPACE_NAME_LABEL: name}}} for name in client_namespaces]
    return {
        "podSelector": {"matchLabels": pods},
        "policyTypes": ["Ingress"],
        "ingress": [
            {"from": [{"podSelector": own}, *others], "ports": [{"port": conventions.DATABASE_PORT, "protocol": "TCP"}]}
        ],
    }


def problems(_: str, args: PostgresDatabaseArgs) -> Iterator[str]:
    """Nothing beyond the rules of the single arguments."""
    yield from ()


SINGLE_POD = Backend(
    refused={
        "backups": "a single pod has none: leave out args.single_pod on a platform with databases",
        "restore_from": "a single pod has no backups to restore: load a dump instead",
        "high_availability": "a single pod has no standby",
        "size": "a single pod has args.single_pod.memory instead",
    },
    problems=problems,
    create=create,
)
