"""A database by the platform's manifests: what a developer would apply, made by a component.

The platform's composition decides what it becomes, and its schema refuses what it does not offer: at the preview
already, which asks the API server.
"""

from collections.abc import Iterator
from typing import Any, cast

import pulumi
import pulumi_kubernetes as k8s

from pulumi_mlops._manifests import name_of
from pulumi_mlops.database import _backend
from pulumi_mlops.database._arguments import (
    INSTANCE_CLASSES,
    RESERVED_NAMES,
    DatabaseManifestArgs,
    PostgresDatabaseArgs,
    restore_problems,
)
from pulumi_mlops.database._backend import Backend, Connection
from pulumi_mlops.database._moments import in_utc
from pulumi_mlops.database._rds_settings import MIN_STORAGE_GIB

KIND = "PostgreSQLDatabase"
API_VERSION = "v1alpha1"
READY = {"pulumi.com/waitFor": "condition=Ready"}


def create(name: str, args: PostgresDatabaseArgs, parent: pulumi.Resource) -> Connection:
    """Creates the manifest, and returns what is known once its database is ready."""
    own = cast("DatabaseManifestArgs", args["manifest"])
    secret = pulumi.Output.from_input(_backend.secret_name(name, args))
    if args["size"] is not None and args["size"] not in INSTANCE_CLASSES:
        usual = ", ".join(INSTANCE_CLASSES)
        pulumi.log.info(
            f'PostgresDatabase "{name}": args.size is {args["size"]!r}, none of the usual {usual}: whether the '
            "platform offers it, the API server says when it sees the manifest, in a preview if it is reachable",
            parent,
        )
    made = k8s.apiextensions.CustomResource(
        f"{name}-manifest",
        api_version=f"{own['group']}/{API_VERSION}",
        kind=KIND,
        metadata={**_backend.metadata(name, args), "annotations": READY},
        spec=spec(args, own["provider"] or "", secret),
        opts=pulumi.ResourceOptions(parent=parent, protect=args["protect_data"], transformations=[_with_status]),
    )
    status: pulumi.Output[dict[str, str] | None] = cast("Any", pulumi.get)(made, "status")
    return Connection(
        secret=pulumi.Output.all(secret, name_of(made)).apply(lambda known: known[0]),
        host=status.apply(lambda known: (known or {}).get("address", "")),
        database=status.apply(lambda known: (known or {}).get("database", "")),
    )


def _with_status(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult:
    """Asks the engine for the object's status as well, which the SDK's class leaves out."""
    return pulumi.ResourceTransformationResult({**args.props, "status": None}, args.opts)


def spec(args: PostgresDatabaseArgs, provider: pulumi.Input[str], secret: pulumi.Input[str]) -> dict[str, object]:
    """Spec of the manifest; what the platform has defaults for is left out."""
    source = args["restore_from"]
    restored: dict[str, object] = {
        **({} if source is None else {key: source[key] for key in ("database", "snapshot") if source[key] is not None}),
        **({} if source is None or source["moment"] is None else {"moment": in_utc(source["moment"])}),
    }
    optional = {"version": args["version"], "size": args["size"], "restoreFrom": restored or None}
    return {
        "parameters": {
            "storageGB": args["storage_gib"],
            "highAvailability": args["high_availability"],
            **{key: value for key, value in optional.items() if value is not None},
        },
        "crossplane": {
            "compositionSelector": {"matchLabels": {"provider": provider, "environment": args["environment"]}}
        },
        "writeConnectionSecretToRef": {"name": secret},
    }


def problems(name: str, args: PostgresDatabaseArgs) -> Iterator[str]:
    """What the manifest's schema would refuse, where the API server cannot be asked."""
    if name in RESERVED_NAMES:
        yield f"name must be none of the server's own names ({', '.join(RESERVED_NAMES)}), got {name!r}"
    if args["storage_gib"] < MIN_STORAGE_GIB:
        yield f"args.storage_gib must be at least {MIN_STORAGE_GIB} GiB by manifest, got {args['storage_gib']}"
    if (source := args["restore_from"]) is not None:
        yield from restore_problems(source)


MANIFEST = Backend(
    required=("provider", "group"),
    refused={
        "backups": "the platform's setting database_api says how long databases by manifest can be restored",
        "database": "a database by manifest has the component's name",
    },
    problems=problems,
    create=create,
)
