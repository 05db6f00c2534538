"""Arguments of `PostgresDatabase`, and what `environment` stands for."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, NotRequired, TypedDict, cast

import pulumi

from pulumi_mlops import _aws
from pulumi_mlops._args import Argument, Arguments
from pulumi_mlops._rules import image_registry, quantity
from pulumi_mlops.contract.rules import at_least, between, dns_label, matches
from pulumi_mlops.database._moments import moment
from pulumi_mlops.database._windows import maintenance_window

RESERVED_NAMES = ("db", "postgres", "rdsadmin", "template0", "template1")
INSTANCE_CLASSES = {"small": "db.t4g.small", "medium": "db.m7g.large", "large": "db.m7g.2xlarge"}
"""Size → instance class on RDS, where the platform has no table of its own; the first one is the default."""


class DatabaseBackend(StrEnum):
    """What runs a database. Deprecated: `rds` and `single_pod` of `PostgresDatabase` choose it."""

    RDS = "RDS"
    """Amazon RDS, beside the cluster."""
    IN_CLUSTER = "IN_CLUSTER"
    """One pod in the cluster: for machines without a cloud, without replica, backups and TLS."""


class DatabaseEnvironment(StrEnum):
    """What a database is for."""

    PRODUCTION = "production"
    """The data outlives mistakes, and can be restored to any moment of seven days where there are backups."""
    DEVELOPMENT = "development"
    """`destroy` deletes the data; on RDS there is a day of backups, in the cluster none."""


class DatabaseBackupsArgs(TypedDict):
    """How long a database can be restored."""

    days: NotRequired[int]
    """RDS: days for which the database can be restored to any moment, from 1 to 35 (RDS); default: 7 in production, 1
    in development. Databases by manifest have what their platform sets."""


class DatabaseRestoreArgs(TypedDict):
    """What a new database starts from.

    It counts at creation alone: on RDS it may go afterwards, by manifest it must stay as it is.
    """

    database: NotRequired[pulumi.Input[str] | None]
    """The database to restore: RDS's identifier, such as `orders-0a1b2c3d`; in the cluster the name of its Cluster,
    which is also its directory in the bucket. It may be gone already."""
    snapshot: NotRequired[pulumi.Input[str] | None]
    """RDS: name or ARN of a snapshot to restore, instead of `database`."""
    moment: NotRequired[str | None]
    """The moment whose rows the new database has, with its offset from UTC, such as "2026-11-30T13:35:30Z"; default:
    the last one that was backed up."""


class RdsArgs(TypedDict):
    """What only databases on Amazon RDS have.

    The network is the platform's where it is left out; a VPC of your own needs subnets and clients of your own.
    """

    vpc_id: NotRequired[pulumi.Input[str] | None]
    """The VPC of the subnets; default: the platform's."""
    subnet_ids: NotRequired[pulumi.Input[list[pulumi.Input[str]]] | None]
    """Private subnets in at least two zones; default: the platform's."""
    client_security_group_ids: NotRequired[dict[str, pulumi.Input[str]] | None]
    """Name of a client, of your choice → its security group, say `{"nodes": …}`; default: that of the platform's pods.
    Nothing else can connect. The names are plain: each makes a rule, which they tell apart."""
    secret_store: NotRequired[pulumi.Input[str] | None]
    """Name of the ClusterSecretStore of External Secrets that reads Secrets Manager; default: the platform's, which is
    `aws-secrets-manager`. Its role needs to read `rds!db-*`."""
    instance_class: NotRequired[pulumi.Input[str] | None]
    """Instance class of the server, instead of that of `size`."""
    max_storage_gib: NotRequired[int | None]
    """Size in GiB up to which the volume grows by itself; default: it doesn't. At least a tenth more than `storage_gib`
    (RDS), at most 65536. With it, changes of `storage_gib` are ignored."""
    apply_immediately: NotRequired[bool]
    """Whether changes of class, storage, version and standby are made while `up` runs, with the restart that they need;
    default true. When false they wait for `maintenance_window`: `up` ends at once, and a refresh shows the old values
    until then. Leave it true to raise `version`: RDS cannot delete the old major version's parameter group while the
    instance has it, and such an `up` fails until the window has passed."""
    maintenance_window: NotRequired[str]
    """Weekly time, in UTC, of minor upgrades and of changes that wait; default `sun:03:00-sun:04:00`. From 30 minutes
    to a day, not in the hour of the backup, 01:00 to 02:00 (RDS)."""
    extended_support: NotRequired[bool]
    """Whether a major version stays after its standard support ended, at a price for each vCPU and hour; default false:
    RDS then upgrades it by itself. RDS takes it at creation alone, so a change has no effect."""
    password_rotation_days: NotRequired[int]
    """Days after which RDS changes the password, from 1 to 1000 (Secrets Manager); default 365, where RDS's own is 7.
    The Secret follows within 5 minutes; a pod that has the password in its environment needs a restart then."""
    kms_key_arn: NotRequired[pulumi.Input[str] | None]
    """Key that encrypts the volume, the backups and the password; default: AWS's own key of the account. Another key
    replaces the instance, which `protect_data` refuses."""
    tags: NotRequired[dict[str, pulumi.Input[str]]]
    """Tags of every AWS resource, besides `Name`; default none."""


class DatabaseManifestArgs(TypedDict):
    """A database by the platform's own manifests (`DatabaseApi`, `LocalDatabaseApi`)."""

    provider: NotRequired[pulumi.Input[str] | None]
    """Who provides it, `local` or `aws`; default: the platform's, else `local`."""
    group: NotRequired[str | None]
    """API group of the manifests; default: the platform's, which is `database.example.org`. Plain: it is part of the
    resource's type."""


class SinglePodArgs(TypedDict):
    """One pod with one volume, without replica, backups and TLS: for trials on machines without a cloud."""

    storage_class: NotRequired[pulumi.Input[str] | None]
    """Storage class of the volume, ReadWriteOnce and no NFS; default: the cluster's default class."""
    image_mirror: NotRequired[pulumi.Input[str]]
    """Registry with a mirror of the image `library/postgres`; default `docker.io`."""
    cpu: NotRequired[pulumi.Input[str]]
    """CPU requested by the server; default 100m. There is no CPU limit."""
    memory: NotRequired[pulumi.Input[str]]
    """Memory of the server, request and limit; default 512Mi."""
    client_namespaces: NotRequired[list[pulumi.Input[str]]]
    """Namespaces whose pods may connect, besides the database's own; default none."""


class PostgresDatabaseArgs(TypedDict):
    """Arguments of `PostgresDatabase`.

    Where the database runs is the platform's matter: on RDS where the platform has a network for it, else by the
    platform's manifests. One of `rds`, `manifest` and `single_pod` chooses instead.
    """

    namespace: pulumi.Input[str]
    """Namespace of the connection Secret and, in the cluster, of the server; created elsewhere."""
    size: NotRequired[str | None]
    """Size of the server: `small`, `medium` or `large`, or one of the platform's own names; default: the platform's
    first, which is `small`. On RDS: db.t4g.small, db.m7g.large and db.m7g.2xlarge."""
    storage_gib: NotRequired[int]
    """Size of the volume in GiB; default 20, which is the least on RDS and by manifest; at most 65536 (gp3). It cannot
    be made smaller. RDS grows it by a tenth at least: a smaller step becomes one, which the next refresh shows."""
    version: NotRequired[str | None]
    """Major version of Postgres, such as "17"; default: that of the library's release, by manifest the platform's. Set
    it where data matters: then RDS may be upgraded by raising it, while without it RDS refuses another major. In the
    cluster, no server reads the files of another major: dump the data and load it anew. Plain: the parameter group's
    family follows from it."""
    environment: NotRequired[DatabaseEnvironment]
    """What the database is for; default `production`. Plain: it decides what is protected."""
    high_availability: NotRequired[pulumi.Input[bool]]
    """Whether a standby takes over, on RDS one in another zone; default false. It doubles the price."""
    backups: NotRequired[DatabaseBackupsArgs]
    """How long the database can be restored."""
    restore_from: NotRequired[DatabaseRestoreArgs | None]
    """Backup that the new database starts from; default: it starts empty."""
    database: NotRequired[pulumi.Input[str] | None]
    """Name of the database; default: the component's, with underscores. At most 63 characters (Postgres). Another name
    means another, empty database: RDS replaces the instance, which `protect_data` refuses. Refused beside
    `restore_from`: a restored one keeps the name that it had, also when `restore_from` goes. One by manifest is called
    after the component."""
    secret_name: NotRequired[pulumi.Input[str] | None]
    """Name of the connection Secret; default: `<name>-connection`."""
    protect_data: NotRequired[bool | None]
    """Whether the data outlives mistakes; default: true in production. Pulumi then refuses to delete the instance,
    volume or manifest. RDS refuses as well, and makes a last snapshot and keeps its backups where an instance goes
    nevertheless. When false, `destroy` deletes every row and, on RDS, every backup."""
    labels: NotRequired[dict[str, pulumi.Input[str]]]
    """Labels of every Kubernetes object, besides the standard ones; default none."""
    rds: NotRequired[RdsArgs | None]
    """Puts the database on Amazon RDS, and says what only RDS has. Plain, like each that chooses what runs it."""
    manifest: NotRequired[DatabaseManifestArgs | None]
    """Asks for the database by a manifest of the platform's: in the cluster a server of CloudNativePG, with TLS."""
    single_pod: NotRequired[SinglePodArgs | None]
    """Puts the database into one pod, without replica, backups and TLS."""
    backend: NotRequired[DatabaseBackend | None]
    """Deprecated: write `rds` or `single_pod`."""
    engine_version: NotRequired[str | None]
    """Deprecated: write `version`."""
    backup_days: NotRequired[int | None]
    """Deprecated: write `backups.days`."""
    max_storage_gib: NotRequired[int | None]
    """Deprecated: write `rds.max_storage_gib`."""
    instance_class: NotRequired[pulumi.Input[str] | None]
    """Deprecated: write `size`, or `rds.instance_class`."""
    apply_immediately: NotRequired[bool | None]
    """Deprecated: write `rds.apply_immediately`."""
    maintenance_window: NotRequired[str | None]
    """Deprecated: write `rds.maintenance_window`."""
    extended_support: NotRequired[bool | None]
    """Deprecated: write `rds.extended_support`."""
    password_rotation_days: NotRequired[int | None]
    """Deprecated: write `rds.password_rotation_days`."""
    vpc_id: NotRequired[pulumi.Input[str] | None]
    """Deprecated: write `rds.vpc_id`."""
    subnet_ids: NotRequired[pulumi.Input[list[pulumi.Input[str]]] | None]
    """Deprecated: write `rds.subnet_ids`."""
    client_security_group_ids: NotRequired[dict[str, pulumi.Input[str]] | None]
    """Deprecated: write `rds.client_security_group_ids`."""
    kms_key_arn: NotRequired[pulumi.Input[str] | None]
    """Deprecated: write `rds.kms_key_arn`."""
    secret_store: NotRequired[pulumi.Input[str] | None]
    """Deprecated: write `rds.secret_store`."""
    tags: NotRequired[dict[str, pulumi.Input[str]] | None]
    """Deprecated: write `rds.tags`."""
    storage_class: NotRequired[pulumi.Input[str] | None]
    """Deprecated: write `single_pod.storage_class`."""
    image_mirror: NotRequired[pulumi.Input[str] | None]
    """Deprecated: write `single_pod.image_mirror`."""
    cpu: NotRequired[pulumi.Input[str] | None]
    """Deprecated: write `single_pod.cpu`."""
    memory: NotRequired[pulumi.Input[str] | None]
    """Deprecated: write `single_pod.memory`."""
    client_namespaces: NotRequired[list[pulumi.Input[str]] | None]
    """Deprecated: write `single_pod.client_namespaces`."""


def _name_of_database(value: str) -> str | None:
    if value in RESERVED_NAMES:
        return f"must be none of the server's own names ({', '.join(RESERVED_NAMES)})"
    return matches(
        "[a-z][a-z0-9_]{0,62}",
        "a name of lower-case letters, digits and underscores that starts with a letter, at most 63 characters",
    )(value)


ARGUMENTS: Arguments = {
    "namespace": Argument(rule=dns_label),
    "size": Argument(rule=dns_label),
    "storage_gib": Argument(default=20, rule=at_least(1, "GiB")),
    "version": Argument(rule=matches("[1-9][0-9]", 'a major version such as "17"')),
    "environment": Argument(default=DatabaseEnvironment.PRODUCTION),
    "high_availability": Argument(default=False),
    "backups": Argument(default={}),
    "backups.days": Argument(rule=between(1, 35, "days")),
    "restore_from.moment": Argument(rule=moment),
    "database": Argument(rule=_name_of_database),
    "secret_name": Argument(rule=dns_label),
    "labels": Argument(default={}),
    "rds.vpc_id": Argument(rule=_aws.vpc_id),
    "rds.subnet_ids": Argument(rule=_aws.subnet_id),
    "rds.client_security_group_ids.*": Argument(rule=_aws.security_group_id),
    "rds.secret_store": Argument(rule=dns_label),
    "rds.instance_class": Argument(
        rule=matches(r"db\.[a-z0-9-]+\.[a-z0-9]+", 'an instance class such as "db.m7g.large"')
    ),
    "rds.apply_immediately": Argument(default=True),
    "rds.maintenance_window": Argument(default="sun:03:00-sun:04:00", rule=maintenance_window),
    "rds.extended_support": Argument(default=False),
    "rds.password_rotation_days": Argument(default=365, rule=between(1, 1000, "days")),
    "rds.kms_key_arn": Argument(rule=_aws.kms_key_arn),
    "rds.tags": Argument(default={}),
    "manifest.provider": Argument(rule=dns_label),
    "manifest.group": Argument(
        rule=matches(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+", "a DNS name with a dot")
    ),
    "single_pod.image_mirror": Argument(default="docker.io", rule=image_registry),
    "single_pod.cpu": Argument(default="100m", rule=quantity),
    # 128 MiB of shared buffers, and sessions of some 10 MiB
    "single_pod.memory": Argument(default="512Mi", rule=quantity),
    "single_pod.client_namespaces": Argument(default=[], rule=dns_label),
}

BACKUP_DAYS: Mapping[str, int] = {DatabaseEnvironment.PRODUCTION: 7, DatabaseEnvironment.DEVELOPMENT: 1}
"""Environment → days for which its databases can be restored."""


def restore_problems(source: DatabaseRestoreArgs) -> Iterator[str]:
    """What is wrong with `restore_from` on every backend."""
    database, snapshot, at = (source[key] for key in ("database", "snapshot", "moment"))
    if (database is None) == (snapshot is None):
        received = "neither" if database is None else "both"
        yield f"args.restore_from must have either database or snapshot, got {received}"
    elif snapshot is not None and at is not None:
        yield f"args.restore_from.moment belongs to a database: a snapshot is of one moment, got {at!r}"


def with_environment(args: PostgresDatabaseArgs) -> PostgresDatabaseArgs:
    """The checked arguments with what follows from `environment` where it was left out."""
    environment = args.get("environment", DatabaseEnvironment.PRODUCTION)
    days = args["backups"].get("days") or BACKUP_DAYS[environment]
    protected = args.get("protect_data")
    filled: dict[str, Any] = {
        **args,
        "environment": environment,
        "backups": {"days": days},
        "protect_data": environment == DatabaseEnvironment.PRODUCTION if protected is None else protected,
    }
    return cast("PostgresDatabaseArgs", filled)
