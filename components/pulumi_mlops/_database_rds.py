"""Postgres by Amazon RDS: private, encrypted, backed up, with a password that only RDS and its Secret know."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s
import pulumi_random as random

from pulumi_mlops import _database, conventions
from pulumi_mlops._database import Connection
from pulumi_mlops._manifests import Manifest, name_of

DEFAULT_INSTANCE_CLASS = "db.t4g.small"
DEFAULT_BACKUP_DAYS = 7
DEFAULT_ROTATION_DAYS = 365
DEFAULT_MAINTENANCE_WINDOW = "sun:03:00-sun:04:00"
EXTENDED_SUPPORT = "open-source-rds-extended-support"  # AWS's default, which it bills
LOG_EXPORTS = ("postgresql", "upgrade")
LOG_RETENTION_DAYS = 90
INSIGHTS_RETENTION_DAYS = 7  # the part that costs nothing

REFRESH_INTERVAL = "5m"
"""How soon a rotated password is in the Secret; at this pace AWS asks some 0.05 USD a month for the reading."""
ENCODED_CREDENTIALS = "{{ .username | urlquery }}:{{ .password | urlquery }}"
"""RDS's passwords hold any printable character but / @ " and blanks; `urlquery` is one of Go templates' own."""


def create(name: str, args: Mapping[str, Any], parent: pulumi.Resource) -> Connection:
    """Creates the instance with its network rules, and the ExternalSecret that makes the connection Secret."""
    child = pulumi.ResourceOptions(parent=parent)
    tags = {**args.get("tags", {}), "Name": name}
    database = _database.database_name(name, args)
    # What replaces the instance gives it another name: the new one stands beside the old, whose last snapshot keeps
    # its name for ever. Two environments in one account have different names as well.
    suffix = random.RandomId(
        f"{name}-suffix",
        byte_length=4,
        keepers={"database": database, "kms_key": args.get("kms_key_arn", "")},
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
        rotation_rules={"automatically_after_days": args.get("password_rotation_days", DEFAULT_ROTATION_DAYS)},
        # Deleting it would end the rotation of an instance that stays.
        opts=pulumi.ResourceOptions(parent=parent, retain_on_delete=args.get("protect_data", True)),
    )
    external = k8s.apiextensions.CustomResource(
        f"{name}-connection",
        api_version="external-secrets.io/v1",
        kind="ExternalSecret",
        metadata={
            **_database.metadata(name, args, _database.secret_name(name, args)),
            "annotations": {"pulumi.com/waitFor": "condition=Ready"},  # then the Secret is there
        },
        spec=external_secret(name, args, master_secret, instance.address),
        opts=child,
    )
    return Connection(secret=name_of(external), host=instance.address)


def settings(args: Mapping[str, Any]) -> dict[str, Any]:
    """Properties of the instance that follow from the arguments alone."""
    protected = args.get("protect_data", True)
    key = args.get("kms_key_arn")
    return {
        "engine": "postgres",
        "engine_version": _database.major(args),  # a major alone: the provider accepts every minor that AWS moves it to
        "allow_major_version_upgrade": "engine_version" in args,
        "auto_minor_version_upgrade": True,
        "engine_lifecycle_support": EXTENDED_SUPPORT
        if args.get("extended_support", False)
        else f"{EXTENDED_SUPPORT}-disabled",
        "apply_immediately": args.get("apply_immediately", True),
        "maintenance_window": args.get("maintenance_window", DEFAULT_MAINTENANCE_WINDOW),
        "backup_window": _database.BACKUP_WINDOW,
        "instance_class": args.get("instance_class", DEFAULT_INSTANCE_CLASS),
        "multi_az": args.get("high_availability", False),
        "storage_type": "gp3",
        "allocated_storage": args.get("storage_gib", _database.DEFAULT_STORAGE_GIB),
        **({"max_allocated_storage": args["max_storage_gib"]} if "max_storage_gib" in args else {}),
        "storage_encrypted": True,
        "port": conventions.DATABASE_PORT,
        "publicly_accessible": False,
        "username": conventions.DATABASE_USER,
        "manage_master_user_password": True,
        "backup_retention_period": args.get("backup_days", DEFAULT_BACKUP_DAYS),
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
    args: Mapping[str, Any], parent: pulumi.Resource, needs: Sequence[pulumi.Resource]
) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions(
        parent=parent,
        depends_on=needs,
        protect=args.get("protect_data", True),
        # RDS takes this at creation alone. With autoscaling it moves the size by itself, and a volume cannot shrink.
        ignore_changes=["engineLifecycleSupport", *(["allocatedStorage"] if "max_storage_gib" in args else [])],
        # RDS would rename in place where another instance is needed, such as one without a key that was taken away.
        replace_on_changes=["identifier"],
    )


def _subnet_group(
    name: str, args: Mapping[str, Any], tags: dict[str, Any], child: pulumi.ResourceOptions
) -> pulumi.Output[str]:
    group = aws.rds.SubnetGroup(
        f"{name}-subnets", description="Postgres database", subnet_ids=args["subnet_ids"], tags=tags, opts=child
    )
    return group.name


def _security_group(
    name: str, args: Mapping[str, Any], tags: dict[str, Any], child: pulumi.ResourceOptions
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
    name: str, args: Mapping[str, Any], tags: dict[str, Any], child: pulumi.ResourceOptions
) -> pulumi.Output[str]:
    group = aws.rds.ParameterGroup(
        f"{name}-parameters",
        description="Postgres database",
        family=f"postgres{_database.major(args)}",
        parameters=[{"name": "rds.force_ssl", "value": "1"}],
        tags=tags,
        opts=child,
    )
    return group.name


def external_secret(
    name: str, args: Mapping[str, Any], master_secret: pulumi.Input[str], host: pulumi.Input[str]
) -> Manifest:
    """Spec of the ExternalSecret: user and password from RDS's own secret, the rest written into the template."""
    database = _database.database_name(name, args)
    return {
        "refreshInterval": REFRESH_INTERVAL,
        "secretStoreRef": {"kind": "ClusterSecretStore", "name": args.get("secret_store", conventions.SECRET_STORE)},
        "data": [
            {"secretKey": key, "remoteRef": {"key": master_secret, "property": key}} for key in ("username", "password")
        ],
        "target": {
            "name": _database.secret_name(name, args),
            "creationPolicy": "Owner",
            "deletionPolicy": "Retain",
            "template": {
                "engineVersion": "v2",
                "metadata": {"labels": _database.labels(name, args)},
                "data": _database.secret_content(
                    "{{ .username }}",
                    "{{ .password }}",
                    host,
                    database,
                    _database.uri(ENCODED_CREDENTIALS, host, database, query="?sslmode=require"),
                ),
            },
        },
    }
