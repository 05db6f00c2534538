"""What every backend of `PostgresDatabase` has in common: what it hands on, and how its parts are called."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from pulumi_mlops import conventions, versions
from pulumi_mlops._manifests import Manifest

DEFAULT_STORAGE_GIB = 20
DEFAULT_MAJOR = versions.POSTGRES.partition(".")[0]
BACKUP_WINDOW = "01:00-02:00"
"""Time of RDS's daily backup, UTC; the maintenance window must not overlap it."""


@dataclass(frozen=True)
class Connection:
    """What a backend hands on; whoever uses a part of it comes after the database answers."""

    secret: pulumi.Output[str]
    host: pulumi.Output[str]


def database_name(name: str, args: Mapping[str, Any]) -> pulumi.Input[str]:
    """The database's name: as asked for, else the component's with underscores."""
    return args.get("database", name.replace("-", "_"))


def secret_name(name: str, args: Mapping[str, Any]) -> pulumi.Input[str]:
    """The connection Secret's name."""
    return args.get("secret_name", f"{name}-connection")


def major(args: Mapping[str, Any]) -> str:
    """Major version of the server."""
    return args.get("engine_version", DEFAULT_MAJOR)


def labels(name: str, args: Mapping[str, Any]) -> dict[str, Any]:
    """Labels of every Kubernetes object of the database."""
    return conventions.labels(conventions.POSTGRES_DATABASE, name, args.get("labels"))


def metadata(name: str, args: Mapping[str, Any], object_name: pulumi.Input[str] | None = None) -> Manifest:
    """Metadata of a Kubernetes object, which is called like the component unless it needs a name of its own."""
    return {"name": object_name or name, "namespace": args["namespace"], "labels": labels(name, args)}


def uri(
    credentials: pulumi.Input[str], host: pulumi.Input[str], database: pulumi.Input[str], query: str = ""
) -> pulumi.Output[str]:
    """The whole address; `credentials` are user and password in a URI's encoding."""
    return pulumi.Output.concat(
        "postgresql://", credentials, "@", host, f":{conventions.DATABASE_PORT}/", database, query
    )


def secret_content(
    username: str, password: Any, host: pulumi.Input[str], database: pulumi.Input[str], address: pulumi.Input[str]
) -> dict[str, Any]:
    """The one shape of the connection Secret; `address` is the `uri`."""
    return {
        conventions.DATABASE_HOST_KEY: host,
        conventions.DATABASE_PORT_KEY: str(conventions.DATABASE_PORT),
        conventions.DATABASE_USERNAME_KEY: username,
        conventions.DATABASE_PASSWORD_KEY: password,
        conventions.DATABASE_NAME_KEY: database,
        conventions.DATABASE_URI_KEY: address,
    }
