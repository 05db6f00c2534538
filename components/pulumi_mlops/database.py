"""A Postgres database for one application, and the Secret by which it is reached.

Does not own: the namespace, the network, the keys, the secret store, nor copies of the backups elsewhere.
"""

import math
import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, NotRequired, TypedDict, cast

import pulumi

from pulumi_mlops import _aws, _database, conventions
from pulumi_mlops._args import ArgumentError, Rule, at_least, between, check_args, dns_label, matches, quantity

MIN_RDS_STORAGE_GIB = 20  # RDS: least size of a gp3 volume for Postgres
MAX_RDS_STORAGE_GIB = 65536  # RDS: greatest size of a gp3 volume for Postgres
MIN_WINDOW_MINUTES = 30  # RDS: shortest maintenance window
MIN_SUBNETS = 2  # RDS: a subnet group covers two availability zones
RESERVED_NAMES = ("db", "postgres", "rdsadmin", "template0", "template1")


class DatabaseBackend(StrEnum):
    """What runs a database."""

    RDS = "RDS"
    """Amazon RDS, beside the cluster."""
    IN_CLUSTER = "IN_CLUSTER"
    """One pod in the cluster: for machines without a cloud, without replica, backups and TLS."""


class PostgresDatabaseArgs(TypedDict):
    """Arguments of `PostgresDatabase`. Those that name a backend belong to it alone."""

    namespace: pulumi.Input[str]
    """Namespace of the connection Secret and, in the cluster, of the server; created elsewhere."""
    backend: DatabaseBackend
    """What runs the database. Plain, because it decides which resources exist."""
    database: NotRequired[pulumi.Input[str]]
    """Name of the database; default: the component's, with underscores. At most 63 characters (Postgres). Another name
    means another, empty database: RDS replaces the instance, which `protect_data` refuses."""
    secret_name: NotRequired[pulumi.Input[str]]
    """Name of the connection Secret; default `<name>-connection`."""
    engine_version: NotRequired[str]
    """Major version of Postgres, such as "17"; default: that of the library's release. Set it where data matters: then
    RDS may be upgraded by raising it, while without it RDS refuses another major. In the cluster, no server reads the
    files of another major: dump the data and load it anew. Plain: the parameter group's family follows from it."""
    storage_gib: NotRequired[int]
    """Size of the volume in GiB; default 20. RDS: from 20 to 65536 (limits of gp3). It cannot be made smaller. RDS
    grows it by a tenth at least: a smaller step becomes one, which the next refresh shows."""
    max_storage_gib: NotRequired[int]
    """RDS: size in GiB up to which the volume grows by itself; default: it doesn't. At least a tenth more than
    `storage_gib` (RDS), at most 65536. With it, changes of `storage_gib` are ignored."""
    instance_class: NotRequired[pulumi.Input[str]]
    """RDS: size of the server; default `db.t4g.small` (2 vCPU, 2 GiB)."""
    apply_immediately: NotRequired[bool]
    """RDS: whether changes of class, storage, version and standby are made while `up` runs, with the restart that they
    need; default true. When false they wait for `maintenance_window`: `up` ends at once, and a refresh shows the old
    values until then. Leave it true to raise `engine_version`: RDS cannot delete the old major version's parameter
    group while the instance has it, and such an `up` fails until the window has passed."""
    maintenance_window: NotRequired[str]
    """RDS: weekly time, in UTC, of minor upgrades and of changes that wait; default `sun:03:00-sun:04:00`. From 30
    minutes to a day, not in the hour of the backup, 01:00 to 02:00 (RDS)."""
    extended_support: NotRequired[bool]
    """RDS: whether a major version stays after its standard support ended, at a price for each vCPU and hour; default
    false: RDS then upgrades it by itself. RDS takes it at creation alone, so a change has no effect."""
    high_availability: NotRequired[pulumi.Input[bool]]
    """RDS: whether a standby in another zone takes over; default false. It doubles the price."""
    backup_days: NotRequired[int]
    """RDS: days for which the database can be restored to any moment, from 1 to 35 (RDS); default 7."""
    password_rotation_days: NotRequired[int]
    """RDS: days after which RDS changes the password, from 1 to 1000 (Secrets Manager); default 365, where RDS's own is
    7. The Secret follows within 5 minutes; a pod that has the password in its environment needs a restart then."""
    vpc_id: NotRequired[pulumi.Input[str]]
    """RDS, required: the VPC of the subnets."""
    subnet_ids: NotRequired[pulumi.Input[list[pulumi.Input[str]]]]
    """RDS, required: private subnets in at least two zones."""
    client_security_group_ids: NotRequired[dict[str, pulumi.Input[str]]]
    """RDS, required: name of a client, of your choice → its security group, say `{"nodes": …}`. Nothing else can
    connect. The names are plain: each makes a rule, which they tell apart."""
    kms_key_arn: NotRequired[pulumi.Input[str]]
    """RDS: key that encrypts the volume, the backups and the password; default: AWS's own key of the account. Another
    key replaces the instance, which `protect_data` refuses."""
    secret_store: NotRequired[pulumi.Input[str]]
    """RDS: name of the ClusterSecretStore of External Secrets that reads Secrets Manager; default
    `aws-secrets-manager`. Its role needs to read `rds!db-*`."""
    protect_data: NotRequired[bool]
    """Whether the data outlives mistakes; default true: Pulumi refuses to delete the instance or volume. RDS refuses as
    well, and makes a last snapshot and keeps its backups where an instance goes nevertheless. When false, `destroy`
    deletes every row and every backup."""
    storage_class: NotRequired[pulumi.Input[str]]
    """In the cluster: storage class of the volume, ReadWriteOnce and no NFS; default: the cluster's default class."""
    image_registry: NotRequired[pulumi.Input[str]]
    """In the cluster: registry with a mirror of the image `library/postgres`; default `docker.io`."""
    cpu: NotRequired[pulumi.Input[str]]
    """In the cluster: CPU requested by the server; default 100m. There is no CPU limit."""
    memory: NotRequired[pulumi.Input[str]]
    """In the cluster: memory of the server, request and limit; default 512Mi."""
    client_namespaces: NotRequired[list[pulumi.Input[str]]]
    """In the cluster: namespaces whose pods may connect, besides the database's own; default none."""
    labels: NotRequired[dict[str, pulumi.Input[str]]]
    """Labels of every Kubernetes object, besides the standard ones."""
    tags: NotRequired[dict[str, pulumi.Input[str]]]
    """RDS: tags of every AWS resource, besides `Name`."""


def _name_of_database(value: str) -> str | None:
    if value in RESERVED_NAMES:
        return f"must be none of the server's own names ({', '.join(RESERVED_NAMES)})"
    return matches(
        "[a-z][a-z0-9_]{0,62}",
        "a name of lower-case letters, digits and underscores that starts with a letter, at most 63 characters",
    )(value)


_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WINDOW = re.compile(rf"({'|'.join(_DAYS)}):([01]\d|2[0-3]):([0-5]\d)-({'|'.join(_DAYS)}):([01]\d|2[0-3]):([0-5]\d)")
_DAY, _WEEK = 24 * 60, 7 * 24 * 60  # minutes


def _window(value: str) -> str | None:
    if not (found := _WINDOW.fullmatch(value)):
        return 'must be a weekly time in UTC such as "sun:03:00-sun:04:00"'
    first, last = (
        (_DAYS.index(day) * 24 + int(hour)) * 60 + int(minute)
        for day, hour, minute in (found.groups()[:3], found.groups()[3:])
    )
    minutes = (last - first) % _WEEK
    if not MIN_WINDOW_MINUTES <= minutes <= _DAY:
        return f"must last from {MIN_WINDOW_MINUTES} minutes to a day"
    backup = next(start for start in range(60, 3 * _WEEK, _DAY) if start + 60 > first)
    return f"must not overlap the backup, {_database.BACKUP_WINDOW} UTC" if backup < first + minutes else None


RULES: dict[str, Rule] = {
    "namespace": dns_label,
    "database": _name_of_database,
    "secret_name": dns_label,
    "engine_version": matches("[1-9][0-9]", 'a major version such as "17"'),
    "storage_gib": at_least(1, "GiB"),
    "instance_class": matches(r"db\.[a-z0-9-]+\.[a-z0-9]+", 'an instance class such as "db.m7g.large"'),
    "backup_days": between(1, 35, "days"),
    "password_rotation_days": between(1, 1000, "days"),
    "maintenance_window": _window,
    "vpc_id": _aws.vpc_id,
    "subnet_ids": _aws.subnet_id,
    "kms_key_arn": _aws.kms_key_arn,
    "secret_store": dns_label,
    "cpu": quantity,
    "memory": quantity,
    "client_namespaces": dns_label,
}
NAME = matches(
    "[a-z](?=.{0,39}$)(-?[a-z0-9])*",
    "a name of lower-case letters, digits and single inner hyphens that starts with a letter, at most 40 characters",
)
"""Objects of the cluster are called after it, and so is the RDS instance, which allows no two hyphens in a row."""

BACKEND_FIELDS = {
    DatabaseBackend.RDS: (
        ("vpc_id", "subnet_ids", "client_security_group_ids"),
        (
            "max_storage_gib",
            "instance_class",
            "high_availability",
            "apply_immediately",
            "maintenance_window",
            "extended_support",
            "backup_days",
            "password_rotation_days",
            "kms_key_arn",
            "secret_store",
            "tags",
        ),
    ),
    DatabaseBackend.IN_CLUSTER: ((), ("storage_class", "image_registry", "cpu", "memory", "client_namespaces")),
}
"""Required and optional arguments that belong to one backend."""


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
        checked = check_args(
            PostgresDatabase, name, args, PostgresDatabaseArgs, RULES, problems=_problems(name, args), name_rule=NAME
        )
        create = _backend(name, checked["backend"])
        super().__init__("pulumi-mlops:index:PostgresDatabase", name, _shown(checked), opts)
        connection = create(name, checked, self)
        self.connection_secret = connection.secret
        self.host = connection.host
        self.port = pulumi.Output.from_input(conventions.DATABASE_PORT)
        self.database = pulumi.Output.from_input(_database.database_name(name, checked))
        self.register_outputs(
            {
                "connection_secret": self.connection_secret,
                "host": self.host,
                "port": self.port,
                "database": self.database,
            }
        )


def _shown(args: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs that the component shows, without what the connection alone needs where the server is RDS's.

    What a component shows all of its parts need: a server would wait for the cluster's namespace and secret store, and
    these would stay with one that is protected.
    """
    of_the_connection = ("namespace", "secret_store") if args["backend"] == DatabaseBackend.RDS else ()
    return {key: value for key, value in args.items() if key not in of_the_connection}


def _backend(name: str, backend: str) -> Any:
    """The backend's builder. Imported only when asked for: AWS's SDK is an optional dependency."""
    if backend == DatabaseBackend.IN_CLUSTER:
        from pulumi_mlops import _database_in_cluster  # noqa: PLC0415

        return _database_in_cluster.create
    try:
        from pulumi_mlops import _database_rds  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if error.name != "pulumi_aws":
            raise
        raise ArgumentError(
            f'PostgresDatabase "{name}": args.backend RDS needs the package pulumi-aws: pip install pulumi-mlops[aws]'
        ) from error
    return _database_rds.create


def _problems(name: str, args: Mapping[str, Any]) -> Iterator[str]:
    if args.get("database") is None and name in RESERVED_NAMES:
        yield f"args.database is required by a component called {name}, which is one of the server's own names"
    backend = DatabaseBackend(args["backend"])
    required, _ = BACKEND_FIELDS[backend]
    for field in required:
        if args.get(field) is None:
            yield f"args.{field} is required by the backend {backend.value}"
    for other, (needed, optional) in BACKEND_FIELDS.items():
        for field in (*needed, *optional):
            if other != backend and args.get(field) is not None:
                yield f"args.{field} does not belong to the backend {backend.value}, got {args[field]!r}"
    if backend == DatabaseBackend.RDS:
        yield from _storage_problems(args)
        yield from _network_problems(args)


def _storage_problems(args: Mapping[str, Any]) -> Iterator[str]:
    storage, limit = args.get("storage_gib"), args.get("max_storage_gib")
    storage = _database.DEFAULT_STORAGE_GIB if storage is None else storage
    rds_size = between(MIN_RDS_STORAGE_GIB, MAX_RDS_STORAGE_GIB, "GiB")
    if complaint := rds_size(storage):
        yield f"args.storage_gib {complaint} on RDS, got {storage}"
    elif limit is not None and not least_limit(storage) <= limit <= MAX_RDS_STORAGE_GIB:
        yield (
            f"args.max_storage_gib must be between {least_limit(storage)} GiB, a tenth more than args.storage_gib, "
            f"and {MAX_RDS_STORAGE_GIB} GiB, got {limit}"
        )


def least_limit(storage_gib: int) -> int:
    """The smallest `max_storage_gib` that RDS accepts beside a `storage_gib`."""
    return math.ceil(storage_gib * 11 / 10)


def _network_problems(args: Mapping[str, Any]) -> Iterator[str]:
    subnets = args.get("subnet_ids")
    clients: Mapping[str, Any] | None = args.get("client_security_group_ids")
    if isinstance(subnets, list) and len(cast("list[Any]", subnets)) < MIN_SUBNETS:
        yield f"args.subnet_ids must be at least {MIN_SUBNETS} subnets in different zones, got {subnets!r}"
    if clients is not None and not clients:
        yield "args.client_security_group_ids must not be empty: nothing could connect, got {}"
    for client, group in (clients or {}).items():
        if complaint := dns_label(client):
            yield f'args.client_security_group_ids has the client "{client}", which {complaint}'
        if isinstance(group, str) and (complaint := _aws.security_group_id(group)):
            yield f"args.client_security_group_ids.{client} {complaint}, got {group!r}"
