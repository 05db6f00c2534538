"""Postgres by Amazon RDS: private, encrypted, backed up, with a password that only RDS and its Secret know."""

import math
from collections.abc import Iterator, Sequence
from typing import Any, cast

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s
import pulumi_random as random

from pulumi_mlops import conventions
from pulumi_mlops._args import between, dns_label
from pulumi_mlops._manifests import Manifest, name_of
from pulumi_mlops.database import _backend
from pulumi_mlops.database._arguments import PostgresDatabaseArgs
from pulumi_mlops.database._backend import Backend, Connection
from pulumi_mlops.database._windows import BACKUP_WINDOW

MIN_STORAGE_GIB = 20  # RDS: least size of a gp3 volume for Postgres
MAX_STORAGE_GIB = 65536  # RDS: greatest size of a gp3 volume for Postgres
MIN_SUBNETS = 2  # RDS: a subnet group covers two availability zones
EXTENDED_SUPPORT = "open-source-rds-extended-support"  # AWS's default, which it bills
LOG_EXPORTS = ("postgresql", "upgrade")
LOG_RETENTION_DAYS = 90
INSIGHTS_RETENTION_DAYS = 7  # the part that costs nothing

REFRESH_INTERVAL = "5m"
"""How soon a rotated password is in the Secret; at this pace AWS asks some 0.05 USD a month for the reading."""
ENCODED_CREDENTIALS = "{{ .username | urlquery }}:{{ .password | urlquery }}"
"""RDS's passwords hold any printable character but / @ " and blanks; `urlquery` is one of Go templates' own."""


def create(name: str, args: PostgresDatabaseArgs, parent: pulumi.Resource) -> Connection:
    """Creates the instance with its network rules, and the ExternalSecret that makes the connection Secret."""
    child = pulumi.ResourceOptions(parent=parent)
    tags = {**args["tags"], "Name": name}
    database = _backend.database_name(name, args)
    # What replaces the instance gives it another name: the new one stands beside the old, whose last snapshot keeps
    # its name for ever. Two environments in one account have different names as well.
    suffix = random.RandomId(
        f"{name}-suffix",
        byte_length=4,
        keepers={"database": database, "kms_key": "" if args["kms_key_arn"] is None else args["kms_key_arn"]},
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
        db_name=database,
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
        rotation_rules={"automatically_after_days": args["password_rotation_days"]},
        # Deleting it would end the rotation of an instance that stays.
        opts=pulumi.ResourceOptions(parent=parent, retain_on_delete=args["protect_data"]),
    )
    external = k8s.apiextensions.CustomResource(
        f"{name}-connection",
        api_version="external-secrets.io/v1",
        kind="ExternalSecret",
        metadata={
            **_backend.metadata(name, args, _backend.secret_name(name, args)),
            "annotations": {"pulumi.com/waitFor": "condition=Ready"},  # then the Secret is there
        },
        spec=external_secret(name, args, master_secret, instance.address),
        opts=child,
    )
    return Connection(secret=name_of(external), host=instance.address)


def settings(args: PostgresDatabaseArgs) -> dict[str, Any]:
    """Properties of the instance that follow from the arguments alone."""
    protected = args["protect_data"]
    key = args["kms_key_arn"]
    return {
        "engine": "postgres",
        "engine_version": _backend.major(args),  # a major alone: the provider accepts every minor that AWS moves it to
        "allow_major_version_upgrade": args["engine_version"] is not None,
        "auto_minor_version_upgrade": True,
        "engine_lifecycle_support": EXTENDED_SUPPORT if args["extended_support"] else f"{EXTENDED_SUPPORT}-disabled",
        "apply_immediately": args["apply_immediately"],
        "maintenance_window": args["maintenance_window"],
        "backup_window": BACKUP_WINDOW,
        "instance_class": args["instance_class"],
        "multi_az": args["high_availability"],
        "storage_type": "gp3",
        "allocated_storage": args["storage_gib"],
        **({"max_allocated_storage": args["max_storage_gib"]} if args["max_storage_gib"] is not None else {}),
        "storage_encrypted": True,
        "port": conventions.DATABASE_PORT,
        "publicly_accessible": False,
        "username": conventions.DATABASE_USER,
        "manage_master_user_password": True,
        "backup_retention_period": args["backup_days"],
        "copy_tags_to_snapshot": True,
        "deletion_protection": protected,
        "skip_final_snapshot": not protected,
        "delete_automated_backups": not protected,
        "enabled_cloudwatch_logs_exports": list(LOG_EXPORTS),
        "database_insights_mode": "standard",  # what Performance Insights has become; the settings kept their names
        "performance_insights_enabled": True,
        "performance_insights_retention_period": INSIGHTS_RETENTION_DAYS,
        **(
            {"kms_key_id": key, "master_user_secret_kms_key_id": key, "performance_insights_kms_key_id": key}
            if key
            else {}
        ),
    }


def _instance_options(
    args: PostgresDatabaseArgs, parent: pulumi.Resource, needs: Sequence[pulumi.Resource]
) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions(
        parent=parent,
        depends_on=needs,
        protect=args["protect_data"],
        # RDS takes this at creation alone. With autoscaling it moves the size by itself, and a volume cannot shrink.
        ignore_changes=[
            "engineLifecycleSupport",
            *(["allocatedStorage"] if args["max_storage_gib"] is not None else []),
        ],
        # RDS would rename in place where another instance is needed, such as one without a key that was taken away.
        replace_on_changes=["identifier"],
    )


def _subnet_group(
    name: str, args: PostgresDatabaseArgs, tags: dict[str, Any], child: pulumi.ResourceOptions
) -> pulumi.Output[str]:
    group = aws.rds.SubnetGroup(
        f"{name}-subnets", description="Postgres database", subnet_ids=args["subnet_ids"], tags=tags, opts=child
    )
    return group.name


def _security_group(
    name: str, args: PostgresDatabaseArgs, tags: dict[str, Any], child: pulumi.ResourceOptions
) -> pulumi.Output[str]:
    """Admits the clients on the one port, and lets nothing out."""
    group = aws.ec2.SecurityGroup(
        f"{name}-security-group", description="Postgres database", vpc_id=args["vpc_id"], tags=tags, opts=child
    )
    for client, client_group in args["client_security_group_ids"].items():
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


def external_secret(
    name: str, args: PostgresDatabaseArgs, master_secret: pulumi.Input[str], host: pulumi.Input[str]
) -> Manifest:
    """Spec of the ExternalSecret: user and password from RDS's own secret, the rest written into the template."""
    database = _backend.database_name(name, args)
    return {
        "refreshInterval": REFRESH_INTERVAL,
        "secretStoreRef": {"kind": "ClusterSecretStore", "name": args["secret_store"]},
        "data": [
            {"secretKey": key, "remoteRef": {"key": master_secret, "property": key}} for key in ("username", "password")
        ],
        "target": {
            "name": _backend.secret_name(name, args),
            "creationPolicy": "Owner",
            "deletionPolicy": "Retain",
            "template": {
                "engineVersion": "v2",
                "metadata": {"labels": _backend.labels(name, args)},
                "data": _backend.secret_content(
                    "{{ .username }}",
                    "{{ .password }}",
                    host,
                    database,
                    _backend.uri(ENCODED_CREDENTIALS, host, database, query="?sslmode=require"),
                ),
            },
        },
    }


def problems(args: PostgresDatabaseArgs) -> Iterator[str]:
    """What RDS would refuse."""
    yield from _storage_problems(args["storage_gib"], args["max_storage_gib"])
    subnets, clients = args["subnet_ids"], args["client_security_group_ids"]
    if isinstance(subnets, list) and len(subnets) < MIN_SUBNETS:
        yield f"args.subnet_ids must be at least {MIN_SUBNETS} subnets in different zones, got {subnets!r}"
    if clients == {}:
        yield "args.client_security_group_ids must not be empty: nothing could connect, got {}"
    for client in clients or {}:
        if complaint := dns_label(client):
            yield f'args.client_security_group_ids has the client "{client}", which {complaint}'


def _storage_problems(storage_gib: int, limit: int | None) -> Iterator[str]:
    if complaint := between(MIN_STORAGE_GIB, MAX_STORAGE_GIB, "GiB")(storage_gib):
        yield f"args.storage_gib {complaint} on RDS, got {storage_gib}"
    elif limit is not None and not least_limit(storage_gib) <= limit <= MAX_STORAGE_GIB:
        yield (
            f"args.max_storage_gib must be between {least_limit(storage_gib)} GiB, a tenth more than args.storage_gib, "
            f"and {MAX_STORAGE_GIB} GiB, got {limit}"
        )


def least_limit(storage_gib: int) -> int:
    """The smallest `max_storage_gib` that RDS accepts beside a `storage_gib`."""
    return math.ceil(storage_gib * 11 / 10)


RDS = Backend(
    required=("vpc_id", "subnet_ids", "client_security_group_ids"),
    optional=(
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
    # The connection alone needs them: a server would wait for the cluster's namespace and secret store, and these
    # would stay with one that is protected.
    hidden=("namespace", "secret_store"),
    problems=problems,
    create=create,
)
