"""Arguments of `PostgresDatabase`. Those whose description names a backend are for that backend only."""

from enum import StrEnum
from typing import NotRequired, TypedDict

import pulumi

from pulumi_mlops import _aws, conventions
from pulumi_mlops._args import Argument, Arguments
from pulumi_mlops._rules import image_registry, quantity
from pulumi_mlops.contract.rules import at_least, between, dns_label, matches
from pulumi_mlops.database._windows import maintenance_window

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
    database: NotRequired[pulumi.Input[str] | None]
    """Name of the database; default: the component's, with underscores. At most 63 characters (Postgres). Another name
    means another, empty database: RDS replaces the instance, which `protect_data` refuses."""
    secret_name: NotRequired[pulumi.Input[str] | None]
    """Name of the connection Secret; default: `<name>-connection`."""
    engine_version: NotRequired[str | None]
    """Major version of Postgres, such as "17"; default: that of the library's release. Set it where data matters: then
    RDS may be upgraded by raising it, while without it RDS refuses another major. In the cluster, no server reads the
    files of another major: dump the data and load it anew. Plain: the parameter group's family follows from it."""
    storage_gib: NotRequired[int]
    """Size of the volume in GiB; default 20. RDS: from 20 to 65536 (limits of gp3). It cannot be made smaller. RDS
    grows it by a tenth at least: a smaller step becomes one, which the next refresh shows."""
    max_storage_gib: NotRequired[int | None]
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
    kms_key_arn: NotRequired[pulumi.Input[str] | None]
    """RDS: key that encrypts the volume, the backups and the password; default: AWS's own key of the account. Another
    key replaces the instance, which `protect_data` refuses."""
    secret_store: NotRequired[pulumi.Input[str]]
    """RDS: name of the ClusterSecretStore of External Secrets that reads Secrets Manager; default
    `aws-secrets-manager`. Its role needs to read `rds!db-*`."""
    protect_data: NotRequired[bool]
    """Whether the data outlives mistakes; default true: Pulumi refuses to delete the instance or volume. RDS refuses as
    well, and makes a last snapshot and keeps its backups where an instance goes nevertheless. When false, `destroy`
    deletes every row and every backup."""
    storage_class: NotRequired[pulumi.Input[str] | None]
    """In the cluster: storage class of the volume, ReadWriteOnce and no NFS; default: the cluster's default class."""
    image_mirror: NotRequired[pulumi.Input[str]]
    """In the cluster: registry with a mirror of the image `library/postgres`; default `docker.io`."""
    cpu: NotRequired[pulumi.Input[str]]
    """In the cluster: CPU requested by the server; default 100m. There is no CPU limit."""
    memory: NotRequired[pulumi.Input[str]]
    """In the cluster: memory of the server, request and limit; default 512Mi."""
    client_namespaces: NotRequired[list[pulumi.Input[str]]]
    """In the cluster: namespaces whose pods may connect, besides the database's own; default none."""
    labels: NotRequired[dict[str, pulumi.Input[str]]]
    """Labels of every Kubernetes object, besides the standard ones; default none."""
    tags: NotRequired[dict[str, pulumi.Input[str]]]
    """RDS: tags of every AWS resource, besides `Name`; default none."""


def _name_of_database(value: str) -> str | None:
    if value in RESERVED_NAMES:
        return f"must be none of the server's own names ({', '.join(RESERVED_NAMES)})"
    return matches(
        "[a-z][a-z0-9_]{0,62}",
        "a name of lower-case letters, digits and underscores that starts with a letter, at most 63 characters",
    )(value)


ARGUMENTS: Arguments = {
    "namespace": Argument(rule=dns_label),
    "database": Argument(rule=_name_of_database),
    "secret_name": Argument(rule=dns_label),
    "engine_version": Argument(rule=matches("[1-9][0-9]", 'a major version such as "17"')),
    "storage_gib": Argument(default=20, rule=at_least(1, "GiB")),
    "instance_class": Argument(
        default="db.t4g.small",
        rule=matches(r"db\.[a-z0-9-]+\.[a-z0-9]+", 'an instance class such as "db.m7g.large"'),
    ),
    "high_availability": Argument(default=False),
    "apply_immediately": Argument(default=True),
    "maintenance_window": Argument(default="sun:03:00-sun:04:00", rule=maintenance_window),
    "extended_support": Argument(default=False),
    "backup_days": Argument(default=7, rule=between(1, 35, "days")),
    "password_rotation_days": Argument(default=365, rule=between(1, 1000, "days")),
    "vpc_id": Argument(rule=_aws.vpc_id),
    "subnet_ids": Argument(rule=_aws.subnet_id),
    "client_security_group_ids.*": Argument(rule=_aws.security_group_id),
    "kms_key_arn": Argument(rule=_aws.kms_key_arn),
    "secret_store": Argument(default=conventions.SECRET_STORE, rule=dns_label),
    "protect_data": Argument(default=True),
    "image_mirror": Argument(default="docker.io", rule=image_registry),
    "cpu": Argument(default="100m", rule=quantity),
    # 128 MiB of shared buffers, and sessions of some 10 MiB
    "memory": Argument(default="512Mi", rule=quantity),
    "client_namespaces": Argument(default=[], rule=dns_label),
    "labels": Argument(default={}),
    "tags": Argument(default={}),
}
