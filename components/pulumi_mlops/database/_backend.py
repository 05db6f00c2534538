"""What every backend of `PostgresDatabase` has in common: what it hands on, and how its parts are called."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi

from pulumi_mlops import conventions, versions
from pulumi_mlops._manifests import Manifest
from pulumi_mlops.database._arguments import PostgresDatabaseArgs

DEFAULT_MAJOR = versions.POSTGRES.partition(".")[0]


@dataclass(frozen=True)
class Connection:
    """Outputs of a backend; resources that use one of them are created after the database answers."""

    secret: pulumi.Output[str]
    host: pulumi.Output[str]
    database: pulumi.Output[str]


@dataclass(frozen=True, kw_only=True)
class Backend:
    """One way to run a database."""

    required: tuple[str, ...] = ()
    """Keys of its own argument that it needs, from the user or from the platform."""
    refused: Mapping[str, str] = field(default_factory=dict[str, str])
    """Argument of every database that it has no use for → why."""
    hidden: tuple[str, ...] = ()
    """Arguments that are no inputs of the component. What a component shows all of its parts need."""
    problems: Callable[[str, PostgresDatabaseArgs], Iterator[str]]
    """Findings that concern several arguments of a component of this name."""
    create: Callable[[str, PostgresDatabaseArgs, pulumi.Resource], Connection]
    """Creates the database of a component's name and arguments as children of the component."""


def database_name(name: str, args: PostgresDatabaseArgs) -> pulumi.Input[str]:
    """The database's name: as asked for, else the component's with underscores."""
    return name.replace("-", "_") if args["database"] is None else args["database"]


def secret_name(name: str, args: PostgresDatabaseArgs) -> pulumi.Input[str]:
    """The connection Secret's name."""
    return f"{name}-connection" if args["secret_name"] is None else args["secret_name"]


def major(args: PostgresDatabaseArgs) -> str:
    """Major version of the server."""
    return args["version"] or DEFAULT_MAJOR


def labels(name: str, args: PostgresDatabaseArgs) -> dict[str, Any]:
    """Labels of every Kubernetes object of the database."""
    return conventions.labels(conventions.POSTGRES_DATABASE, name, args["labels"])


def metadata(name: str, args: PostgresDatabaseArgs, object_name: pulumi.Input[str] | None = None) -> Manifest:
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
    username: str, password: object, host: pulumi.Input[str], database: pulumi.Input[str], address: pulumi.Input[str]
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
