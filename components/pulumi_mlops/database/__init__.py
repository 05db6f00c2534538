"""A Postgres database for one application, and the Secret by which it is reached.

Does not own: the namespace, the network, the keys, the secret store, nor copies of the backups elsewhere.

Another backend is an argument of its own in `_arguments`, a module with its `Backend`, and a name in `_choice`.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import pulumi

from pulumi_mlops import conventions, platform_outputs
from pulumi_mlops._args import check_args, check_is_dict, inputs, renamed
from pulumi_mlops.contract.rules import matches
from pulumi_mlops.database import _choice, _old_arguments
from pulumi_mlops.database._arguments import (
    ARGUMENTS,
    RESERVED_NAMES,
    DatabaseBackend,
    DatabaseBackupsArgs,
    DatabaseEnvironment,
    DatabaseManifestArgs,
    DatabaseRestoreArgs,
    PostgresDatabaseArgs,
    RdsArgs,
    SinglePodArgs,
    with_environment,
)
from pulumi_mlops.database._backend import Backend

__all__ = [
    "DatabaseBackend",
    "DatabaseBackupsArgs",
    "DatabaseEnvironment",
    "DatabaseManifestArgs",
    "DatabaseRestoreArgs",
    "PostgresDatabase",
    "PostgresDatabaseArgs",
    "RdsArgs",
    "SinglePodArgs",
]

NAME = matches(
    "[a-z](?=.{0,39}$)(-?[a-z0-9])*",
    "a name of lower-case letters, digits and single inner hyphens that starts with a letter, at most 40 characters",
)
"""Objects of the cluster are called after it, and so is the RDS instance, which allows no two hyphens in a row."""


class PostgresDatabase(pulumi.ComponentResource):
    """A private database that a namespace reaches by one Secret, the same whatever runs it.

    The Secret's keys are host, port, username, password, database and uri (`postgresql://…`), and by manifest in the
    cluster ca, the authority of the server's certificate. What would replace a protected database, the preview shows
    and `up` refuses.

    ```python
    from pulumi_mlops import PostgresDatabase

    orders = PostgresDatabase("orders", {"namespace": "shop", "size": "small", "storage_gib": 50})
    pulumi.export("secret", orders.connection_secret)
    ```
    """

    connection_secret: pulumi.Output[str]
    """Name of the Secret in the namespace; who uses this output comes after the database answers."""
    host: pulumi.Output[str]
    """DNS name of the server."""
    port: pulumi.Output[int]
    """Port of the server."""
    database: pulumi.Output[str]
    """Name of the database."""

    def __init__(self, name: str, args: PostgresDatabaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        owner = f'PostgresDatabase "{name}"'
        check_is_dict(owner, args)
        complete: Any = _old_arguments.translated(owner, renamed(owner, args))
        chosen, complete = _choice.chosen(owner, complete, lambda: platform_outputs.read("PostgresDatabase", name))
        checked = check_args(
            PostgresDatabase,
            name,
            complete,
            PostgresDatabaseArgs,
            ARGUMENTS,
            problems=lambda checked: _problems(name, chosen, complete, with_environment(checked)),
            name_rule=NAME,
        )
        checked = with_environment(checked)
        backend = _choice.backend_of(chosen)
        super().__init__("pulumi-mlops:index:PostgresDatabase", name, _shown(args, backend), opts)
        connection = backend.create(name, checked, self)
        self.connection_secret = connection.secret
        self.host = connection.host
        self.port = pulumi.Output.from_input(conventions.DATABASE_PORT)
        self.database = connection.database
        self.register_outputs(
            {
                "connection_secret": self.connection_secret,
                "host": self.host,
                "port": self.port,
                "database": self.database,
            }
        )


def _shown(args: PostgresDatabaseArgs, backend: Backend) -> dict[str, object]:
    """The component's inputs: what the user wrote, without what the backend hides."""
    shown = {key: value for key, value in inputs(args).items() if key not in backend.hidden}
    for path in backend.hidden:
        outer, _, key = path.rpartition(".")
        if outer in shown:
            shown[outer] = {inner: value for inner, value in shown[outer].items() if inner != key}
    return shown


def _problems(name: str, chosen: str, given: Mapping[str, Any], checked: PostgresDatabaseArgs) -> Iterator[str]:
    """Findings that concern several arguments; `given` are those of user and platform, without defaults."""
    if checked["database"] is None and checked["restore_from"] is None and name in RESERVED_NAMES:
        yield f"args.database is required by a component called {name}, which is one of the server's own names"
    try:
        backend = _choice.backend_of(chosen)
    except ModuleNotFoundError as error:
        if error.name != "pulumi_aws":
            raise
        yield f"args.{chosen} needs the package pulumi-aws: pip install pulumi-mlops[aws]"
        return
    missing = [key for key in backend.required if given[chosen].get(key) is None]
    for key in missing:
        yield f"args.{chosen}.{key} is required: the stack's platform has no network for databases"
    for key, why in backend.refused.items():
        if given.get(key):
            yield f"args.{key} is given, but {why}"
    if not missing:
        yield from backend.problems(name, checked)
