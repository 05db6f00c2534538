"""A Postgres database for one application, and the Secret by which it is reached.

Does not own: the namespace, the network, the keys, the secret store, nor copies of the backups elsewhere.

Another backend is a value of `DatabaseBackend` with the arguments that it needs (`_arguments`), a module with its
`Backend`, and a line in `_backend_of` below.
"""

from collections.abc import Iterator

import pulumi

from pulumi_mlops import conventions
from pulumi_mlops._args import check_args, inputs, renamed
from pulumi_mlops.contract.rules import matches
from pulumi_mlops.database._arguments import ARGUMENTS, RESERVED_NAMES, DatabaseBackend, PostgresDatabaseArgs
from pulumi_mlops.database._backend import Backend, database_name

__all__ = ["DatabaseBackend", "PostgresDatabase", "PostgresDatabaseArgs"]

NAME = matches(
    "[a-z](?=.{0,39}$)(-?[a-z0-9])*",
    "a name of lower-case letters, digits and single inner hyphens that starts with a letter, at most 40 characters",
)
"""Objects of the cluster are called after it, and so is the RDS instance, which allows no two hyphens in a row."""
COMMON = {
    "namespace",
    "backend",
    "database",
    "secret_name",
    "engine_version",
    "storage_gib",
    "protect_data",
    "labels",
}
"""Arguments of every backend."""


class PostgresDatabase(pulumi.ComponentResource):
    """A private database that a namespace reaches by one Secret, the same whatever runs it.

    The Secret's keys are host, port, username, password, database and uri (`postgresql://…`). On RDS the connection is
    encrypted, and the password passes through no Pulumi state. What would replace a protected database, the preview
    shows and `up` refuses.

    ```python
    from pulumi_mlops import DatabaseBackend, PostgresDatabase

    network = {"vpc_id": "vpc-0123456789abcdef0", "subnet_ids": [f"subnet-0123456789abcdef{n}" for n in "01"]}
    access = {"backend": DatabaseBackend.RDS, "client_security_group_ids": {"nodes": "sg-0123456789abcdef0"}, **network}
    orders = PostgresDatabase("orders", {"namespace": "shop", "storage_gib": 50, **access})
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
        args = renamed(f'PostgresDatabase "{name}"', args)
        checked = check_args(
            PostgresDatabase,
            name,
            args,
            PostgresDatabaseArgs,
            ARGUMENTS,
            problems=lambda checked: _problems(name, args, checked),
            name_rule=NAME,
        )
        backend = _backend_of(checked["backend"])
        shown = {key: value for key, value in inputs(args).items() if key not in backend.hidden}
        super().__init__("pulumi-mlops:index:PostgresDatabase", name, shown, opts)
        connection = backend.create(name, checked, self)
        self.connection_secret = connection.secret
        self.host = connection.host
        self.port = pulumi.Output.from_input(conventions.DATABASE_PORT)
        self.database = pulumi.Output.from_input(database_name(name, checked))
        self.register_outputs(
            {
                "connection_secret": self.connection_secret,
                "host": self.host,
                "port": self.port,
                "database": self.database,
            }
        )


def _backend_of(backend: str) -> Backend:
    """Imported only when asked for: the SDK of a cloud is an optional dependency."""
    if backend == DatabaseBackend.RDS:
        from pulumi_mlops.database._rds import RDS  # noqa: PLC0415

        return RDS
    from pulumi_mlops.database._in_cluster import IN_CLUSTER  # noqa: PLC0415

    return IN_CLUSTER


def _problems(name: str, given: PostgresDatabaseArgs, checked: PostgresDatabaseArgs) -> Iterator[str]:
    """Findings that concern several arguments; `given` are those of the user, without defaults."""
    if checked["database"] is None and name in RESERVED_NAMES:
        yield f"args.database is required by a component called {name}, which is one of the server's own names"
    kind = str(checked["backend"])
    try:
        backend = _backend_of(kind)
    except ModuleNotFoundError as error:
        if error.name != "pulumi_aws":
            raise
        yield f"args.backend {kind} needs the package pulumi-aws: pip install pulumi-mlops[aws]"
        return
    own = inputs(given)
    for field in backend.required:
        if field not in own:
            yield f"args.{field} is required by the backend {kind}"
    for field, value in own.items():
        if field not in COMMON and field not in backend.required and field not in backend.optional:
            yield f"args.{field} does not belong to the backend {kind}, got {value!r}"
    yield from backend.problems(checked)
