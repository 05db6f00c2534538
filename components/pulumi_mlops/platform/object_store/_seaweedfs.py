"""How SeaweedFS is run as an object store: one process, one open port, users of limited rights."""

import hashlib
import json
from collections.abc import Mapping

import pulumi

from pulumi_mlops import _quantities, conventions, versions
from pulumi_mlops._manifests import Manifest, container_security, pod_security, resources
from pulumi_mlops.contract.containers import ANNOTATION_PREFIX
from pulumi_mlops.platform import _parts
from pulumi_mlops.platform.object_store._args import ObjectStoreArgs, ObjectStoreUser

UPSTREAM_REGISTRY = "docker.io"
REPOSITORY = "chrislusf/seaweedfs"

CPU_REQUEST = "50m"
UPLOADS_MIB = 32
"""Bodies of uploads that are in memory at once; further uploads wait. The server holds each several times over: without
this limit, sixteen parts of 8 MiB at a time took 1.2 GiB, and a database's first backup ended the pod."""

CREATE_BUCKETS = r"""
until
  said=$(printf 's3.bucket.create -name %s\n' "$@" | weed shell -master=127.0.0.1:9333 2>&1)
  missing=
  for bucket; do
    case " $said " in
      *"created bucket $bucket"[!a-z0-9-]*|*"bucket $bucket already exists"*) ;;
      *) missing=$bucket ;;
    esac
  done
  [ -z "$missing" ]
do sleep 0.5; done
"""
"""Runs in the server's own container while it starts: the administrative ports have no authentication, so they are
bound to loopback, where no other pod reaches them."""


def stateful_set(
    name: str,
    args: ObjectStoreArgs,
    volume: pulumi.Output[str],
    secret: pulumi.Output[str],
    identities: pulumi.Output[str],
) -> Manifest:
    """Spec of the StatefulSet. The server reads its users once, hence their hash: other users, another pod."""
    # Not a secret, though made of some: one secret value would hide the whole spec from the preview.
    digest = pulumi.Output.unsecret(identities.apply(lambda text: hashlib.sha256(text.encode()).hexdigest()))
    return {
        "serviceName": name,
        "replicas": 1,
        "selector": {"matchLabels": conventions.selector("object-store", name)},
        "template": {
            "metadata": {
                "labels": conventions.labels("object-store", name),
                "annotations": {f"{ANNOTATION_PREFIX}/identities": digest},
            },
            "spec": pod(args, volume, secret),
        },
    }


def pod(args: ObjectStoreArgs, volume: pulumi.Input[str], identities: pulumi.Input[str]) -> Manifest:
    """Spec of the server's pod."""
    registry = UPSTREAM_REGISTRY if args["image_mirror"] is None else args["image_mirror"]
    port = conventions.OBJECT_STORE_PORT
    return {
        "securityContext": pod_security(),
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 30,  # it flushes for up to 20 s
        "containers": [
            {
                "name": "seaweedfs",
                "image": pulumi.Output.from_input(registry).apply(
                    lambda known: conventions.image(known, REPOSITORY, versions.SEAWEEDFS)
                ),
                "command": ["weed"],
                "args": server_flags(args["storage_gib"]),
                "env": go_environment(args["memory"]),
                "lifecycle": {
                    "postStart": {"exec": {"command": ["/bin/sh", "-c", CREATE_BUCKETS, "buckets", *args["buckets"]]}}
                },
                "ports": [{"name": "s3", "containerPort": port}],
                "startupProbe": _parts.http_probe("/healthz", port, period_seconds=1, failures=180),
                "readinessProbe": _parts.http_probe("/healthz", port, period_seconds=5, failures=3),
                "livenessProbe": _parts.http_probe("/healthz", port, period_seconds=20, failures=3),
                "resources": resources(CPU_REQUEST, args["memory"]),
                "securityContext": container_security(),
                "volumeMounts": [
                    {"name": "data", "mountPath": "/data"},
                    {"name": "identities", "mountPath": "/etc/seaweedfs", "readOnly": True},
                    {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - a volume of the pod's own
                ],
            }
        ],
        "volumes": [
            {"name": "data", "persistentVolumeClaim": {"claimName": volume}},
            {"name": "identities", "secret": {"secretName": identities}},
            {"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}},
        ],
    }


def server_flags(storage_gib: int) -> list[str]:
    """Flags of `weed`: everything in one process, nothing but the S3 port reachable from other pods."""
    return [
        "-logtostderr=true",
        "server",
        "-dir=/data",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        "-master.telemetry=false",
        f"-master.volumeSizeLimitMB={volume_size_mib(storage_gib)}",
        "-volume.max=0",  # as many as fit; the default of 8 is used up by the first bucket
        "-volume.preStopSeconds=1",
        "-filer",
        "-s3",
        "-s3.ip.bind=0.0.0.0",
        f"-s3.port={conventions.OBJECT_STORE_PORT}",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-s3.config=/etc/seaweedfs/identities.json",
        "-s3.iam=false",
        "-s3.autoCreateBucket=false",
        "-s3.allowDeleteBucketNotEmpty=false",
        "-s3.readerCacheSizeMB=64",
        f"-s3.concurrentUploadLimitMB={UPLOADS_MIB}",
    ]


def go_environment(memory: pulumi.Input[str]) -> list[Manifest]:
    """Variables that make Go collect garbage early, and often when it has three quarters of the memory."""
    limit = pulumi.Output.from_input(memory).apply(lambda known: str(int((_quantities.parse(known) or 0) * 3 // 4)))
    return [{"name": "GOGC", "value": "50"}, {"name": "GOMEMLIMIT", "value": limit}]


def volume_size_mib(storage_gib: int) -> int:
    """Size limit of one SeaweedFS volume: a bucket reserves seven, so that a hundred of them must fit on the disk."""
    return max(64, min(1024, storage_gib * 1024 // 100))


def identities_file(users: Mapping[str, ObjectStoreUser], credentials: Mapping[str, Mapping[str, str]]) -> str:
    """SeaweedFS's users file (`-s3.config`)."""
    identities = [
        {
            "name": user,
            "credentials": [
                {
                    "accessKey": credentials[user][conventions.ACCESS_KEY_ID_KEY],
                    "secretKey": credentials[user][conventions.SECRET_ACCESS_KEY_KEY],
                }
            ],
            "actions": actions(rights),
        }
        for user, rights in sorted(users.items())
    ]
    return json.dumps({"identities": identities}, sort_keys=True)


def actions(rights: ObjectStoreUser) -> list[str]:
    """SeaweedFS's names of what a user may do, one a bucket."""
    writable = rights["write"]
    readable = [bucket for bucket in rights["read"] if bucket not in writable]
    return [f"{action}:{bucket}" for bucket in readable for action in ("Read", "List")] + [
        f"{action}:{bucket}" for bucket in writable for action in ("Read", "List", "Write", "Tagging")
    ]
