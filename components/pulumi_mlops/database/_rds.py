"""Postgres by Amazon RDS: private, encrypted, backed up, with a password that only RDS and its Secret know."""

import math
from collections.abc import Iterator, Sequence
from typing import Any, cast

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s
import pulumi_random as random

from pulumi_mlops import _aws, conventions
from pulumi_mlops._manifests import name_of
from pulumi_mlops.contract.rules import between, dns_label
from pulumi_mlops.database import _backend
from pulumi_mlops.database._arguments import DatabaseRestoreArgs, PostgresDatabaseArgs, restore_problems
from pulumi_mlops.database._backend import Backend, Connection
from pulumi_mlops.database._moments import in_utc
from pulumi_mlops.database._rds_settings import (
    LOG_EXPORTS,
    LOG_RETENTION_DAYS,
    MAX_STORAGE_GIB,
    MIN_STORAGE_GIB,
    MIN_SUBNETS,
    external_secret,
    own,
    settings,
)

RESTORED = ("snapshotIdentifier", "restoreToPointInTime")
"""What only the creation reads; without `restore_from`, the data stays."""


def create(name: str, args: PostgresDatabaseArgs, parent: pulumi.Resource) -> Connection:
    """Creates the instance with its network rules, and the ExternalSecret that makes the connection Secret."""
    child = pulumi.ResourceOptions(parent=parent)
    tags = {**own(args)["tags"], "Name": name}
    database = _backend.database_name(name, args)
    # What replaces the instance gives it another name: the new one stands beside the old, whose last snapshot keeps
    # its name for ever. Two environments in one account have different names as well.
    suffix = random.RandomId(
        f"{name}-suffix",
        byte_length=4,
        keepers={"database": database, "kms_key": "" if (key := own(args)["kms_key_arn"]) is None else key},
        opts=child,
    )
    identifier = pulumi.Output.concat(name, "-", suffix.hex)
    # Made by RDS itself they would keep logs for ever, and stay when the database goes.
    logs = [
        aws.cloudwatch.LogGroup(
            f"{name}-log-{export}",
            name=pulumi.Output.concat("/aws/rds/instance/", identifier, "/", export),
            retention_in_days=LOG_RETENTION_DAYS,
            tags=tags,
            opts=child,
        )
        for export in LOG_EXPORTS
    ]
    instance = aws.rds.Instance(
        f"{name}-instance",
        identifier=identifier,
        db_subnet_group_name=_subnet_group(name, args, tags, child),
        vpc_security_group_ids=[_security_group(name, args, tags, child)],
        parameter_group_name=_parameter_group(name, args, tags, child),
        **({"db_name": database} if args["restore_from"] is None else _restored(args["restore_from"])),
        **settings(args),
        final_snapshot_identifier=pulumi.Output.concat(identifier, "-final"),
        tags=tags,
        opts=_instance_options(args, parent, logs),
    )
    master_secret = instance.master_user_secrets.apply(lambda secrets: cast("str", secrets[0].secret_arn))
    aws.secretsmanager.SecretRotation(
        f"{name}-rotation",
        secret_id=master_secret,
        rotate_immediately=False,
        rotation_rules={"automatically_after_days": own(args)["password_rotation_days"]},
        # Deleting it would end the rotation of an instance that stays.
        opts=pulumi.ResourceOptions(parent=parent, retain_on_delete=args["protect_data"]),
    )
    # Of a restored one, RDS alone knows the name: also after `restore_from` has gone.
    found = instance.db_name if args["database"] is None else pulumi.Output.from_input(database)
    external = k8s.apiextensions.CustomResource(
        f"{name}-connection",
        api_version="external-secrets.io/v1",
        kind="ExternalSecret",
        metadata={
            **_backend.metadata(name, args, _backend.secret_name(name, args)),
            "annotations": {"pulumi.com/waitFor": "condition=Ready"},  # then the Secret is there
        },
        spec=external_secret(name, args, master_secret, instance.address, found),
        opts=child,
    )
    return Connection(secret=name_of(external), host=instance.address, database=found)


def _restored(source: DatabaseRestoreArgs) -> dict[str, object]:
    """What makes the instance from a backup. Its database has the name that it had."""
    if source["snapshot"] is not None:
        return {"snapshot_identifier": source["snapshot"]}
    database, at = source["database"], source["moment"]
    kept = isinstance(database, str) and _aws.is_arn(database)
    return {
        "restore_to_point_in_time": {
            "source_db_instance_automated_backups_arn" if kept else "source_db_instance_identifier": database,
            **({"use_latest_restorable_time": True} if at is None else {"restore_time": in_utc(at)}),
        }
    }


def _instance_options(
    args: PostgresDatabaseArgs, parent: pulumi.Resource, needs: Sequence[pulumi.Resource]
) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions(
        parent=parent,
        depends_on=needs,
        protect=args["protect_data"],
        # RDS takes these at creation alone. With autoscaling it moves the size by itself, and a volume cannot shrink.
        ignore_changes=[
            "engineLifecycleSupport",
            *RESTORED,
            # A restored database has the name that it had, where the component's own would replace the instance.
            *(["dbName"] if args["database"] is None else []),
            *(["allocatedStorage"] if own(args)["max_storage_gib"] is not None else []),
        ],
        # RDS would rename in place where another instance is needed, such as one without a key that was taken away.
        replace_on_changes=["identifier"],
    )


def _subnet_group(
    name: str, args: PostgresDatabaseArgs, tags: dict[str, Any], child: pulumi.ResourceOptions
) -> pulumi.Output[str]:
    group = aws.rds.SubnetGroup(
        f"{name}-subnets", description="Postgres database", subnet_ids=own(args)["subnet_ids"], tags=tags, opts=child
    )
    return group.name


def _security_group(
    name: str, args: PostgresDatabaseArgs, tags: dict[str, Any], child: pulumi.ResourceOptions
) -> pulumi.Output[str]:
    """Admits the clients on the one port, and lets nothing out."""
    group = aws.ec2.SecurityGroup(
        f"{name}-security-group", description="Postgres database", vpc_id=own(args)["vpc_id"], tags=tags, opts=child
    )
    for client, client_group in (own(args)["client_security_group_ids"] or {}).items():
        aws.vpc.SecurityGroupIngressRule(
            f"{name}-client-{client}",
            description=f"Postgres from {client}",
            security_group_id=group.id,
            referenced_security_group_id=client_group,
            ip_protocol="tcp",
            from_port=conventions.DATABASE_PORT,
            to_port=conventions.DATABASE_PORT,
            tags={**tags, "Name": f"{name}-{client}"},
            opts=child,
        )
    return group.id


def _parameter_group(
    name: str, args: PostgresDatabaseArgs, tags: dict[str, Any], child: pulumi.ResourceOptions
) -> pulumi.Output[str]:
    group = aws.rds.ParameterGroup(
        f"{name}-parameters",
        description="Postgres database",
        family=f"postgres{_backend.major(args)}",
        parameters=[{"name": "rds.force_ssl", "value": "1"}],
        tags=tags,
        opts=child,
    )
    return group.name


def problems(_: str, args: PostgresDatabaseArgs) -> Iterator[str]:
    """What RDS would refuse."""
    if args["restore_from"] is not None:
        yield from restore_problems(args["restore_from"])
        if args["database"] is not None:
            yield "args.database is given, but a database from args.restore_from has the name that it had: leave it out"
    yield from _storage_problems(args["storage_gib"], own(args)["max_storage_gib"])
    subnets, clients = own(args)["subnet_ids"], own(args)["client_security_group_ids"]
    if isinstance(subnets, list) and len(subnets) < MIN_SUBNETS:
        yield f"args.rds.subnet_ids must be at least {MIN_SUBNETS} subnets in different zones, got {subnets!r}"
    if clients == {}:
        yield "args.rds.client_security_group_ids must not be empty: nothing could connect, got {}"
    for client in clients or {}:
        if complaint := dns_label(client):
            yield f'args.rds.client_security_group_ids has the client "{client}", which {complaint}'


def _storage_problems(storage_gib: int, limit: int | None) -> Iterator[str]:
    if complaint := between(MIN_STORAGE_GIB, MAX_STORAGE_GIB, "GiB")(storage_gib):
        yield f"args.storage_gib {complaint} on RDS, got {storage_gib}"
    elif limit is not None and not least_limit(storage_gib) <= limit <= MAX_STORAGE_GIB:
        yield (
            f"args.rds.max_storage_gib must be between {least_limit(storage_gib)} GiB, a tenth more than "
            f"args.storage_gib, and {MAX_STORAGE_GIB} GiB, got {limit}"
        )


def least_limit(storage_gib: int) -> int:
    """The smallest `max_storage_gib` that RDS accepts beside a `storage_gib`."""
    return math.ceil(storage_gib * 11 / 10)


RDS = Backend(
    required=("vpc_id", "subnet_ids", "client_security_group_ids"),
    # The connection alone needs them: a server would wait for the cluster's namespace and secret store, and these
    # would stay with one that is protected.
    hidden=("namespace", "secret_store", "rds.secret_store"),
    problems=problems,
    create=create,
)
