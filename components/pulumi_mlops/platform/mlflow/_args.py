"""Arguments of `MLflow`, and what is wrong with them."""

from collections.abc import Iterator
from typing import NotRequired, TypedDict

import pulumi

from pulumi_mlops import conventions
from pulumi_mlops._args import Argument
from pulumi_mlops._rules import image_registry, object_name, quantity
from pulumi_mlops.contract.rules import at_least, dns_label, matches, not_empty


class MLflowArtifactStore(TypedDict):
    """Where the server keeps artifacts. Clients reach them through the server and need no keys of the store."""

    uri: pulumi.Input[str]
    """Bucket and prefix, such as `s3://mlflow/artifacts`."""
    credentials: NotRequired[pulumi.Input[dict[str, pulumi.Input[str]]] | None]
    """`AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`; default none: the service account's cloud identity."""
    endpoint: NotRequired[pulumi.Input[str] | None]
    """URL of the S3 API; default: that of AWS."""
    region: NotRequired[pulumi.Input[str]]
    """Region of the bucket; default `us-east-1`."""


class MLflowArgs(TypedDict):
    """Arguments of `MLflow`."""

    namespace: pulumi.Input[str]
    """Namespace of the server, created elsewhere, and of nothing else: its service accounts administrate MLflow."""
    artifact_store: MLflowArtifactStore
    """Where artifacts are kept."""
    database_secret: NotRequired[pulumi.Input[str] | None]
    """Name of a Secret in the namespace whose key `uri` is a Postgres URI (`postgresql://…`), such as the
    `connection_secret` of a `PostgresDatabase`; default none: a SQLite file on a volume, for one replica and a handful
    of users. Whether it is given decides whether there is a volume."""
    replicas: NotRequired[int]
    """Number of servers; default 1. More than one needs `database_secret`. Plain: several get a disruption budget."""
    workers: NotRequired[pulumi.Input[int]]
    """Processes that answer requests in each server; default 1, which takes about 400 MiB."""
    allowed_hosts: NotRequired[list[pulumi.Input[str]]]
    """Host names, besides the Service's and localhost, by which clients address the server; default none. Requests
    with another one get 403."""
    image_mirror: NotRequired[pulumi.Input[str] | None]
    """Registry with a mirror of the image `mlflow/mlflow`; default: `ghcr.io`, its own."""
    storage_gib: NotRequired[int | None]
    """Size of the SQLite file's volume in GiB, at least 1; default: 5 without `database_secret`, no volume with it."""
    storage_class: NotRequired[pulumi.Input[str] | None]
    """Storage class of that volume, ReadWriteOnce and no NFS; default: the cluster's default class."""
    memory: NotRequired[pulumi.Input[str]]
    """Memory of a server, request and limit; default "1Gi"."""
    object_name: NotRequired[str | None]
    """Name of its objects in the cluster; default: the component's name, which is also that of its resources in the
    stack: two of them in one stack, for two clusters, can so have objects of one name."""
    protect_data: NotRequired[bool]
    """Whether Pulumi refuses to delete the volume; default true. When false, `destroy` deletes every run and model
    version recorded in the SQLite file."""


ARGUMENTS = {
    "namespace": Argument(rule=dns_label),
    "artifact_store.uri": Argument(rule=matches("s3://.+", 'a bucket and prefix such as "s3://mlflow/artifacts"')),
    "artifact_store.endpoint": Argument(rule=matches("https?://.+", 'a URL such as "http://store.example.org:8333"')),
    "artifact_store.region": Argument(default=conventions.OBJECT_STORE_REGION),
    "database_secret": Argument(rule=dns_label),
    "replicas": Argument(default=1, rule=at_least(1, "server")),
    "workers": Argument(default=1, rule=at_least(1, "process")),
    "allowed_hosts": Argument(default=[], rule=not_empty),
    "image_mirror": Argument(rule=image_registry),
    "storage_gib": Argument(rule=at_least(1, "GiB")),
    "memory": Argument(default="1Gi", rule=quantity),  # measured: 420 MiB at rest with one worker
    "object_name": Argument(rule=object_name(40)),
    "protect_data": Argument(default=True),
}


def problems(args: MLflowArgs) -> Iterator[str]:
    """Findings that concern several fields."""
    replicas = args["replicas"]
    if args["database_secret"] is None and replicas > 1:
        yield f"args.replicas must be 1 without args.database_secret, since SQLite has one writer, got {replicas}"
    if args["database_secret"] is not None and args["storage_gib"] is not None:
        yield (
            "args.storage_gib is the size of the SQLite file's volume: leave it out with args.database_secret, "
            f"got {args['storage_gib']}"
        )
