"""What a database on RDS is set to, by the names that Terraform's provider and its descendants share.

Without an SDK of a cloud: compositions are made of it as well.
"""

from typing import Any, cast

import pulumi

from pulumi_mlops import conventions
from pulumi_mlops._manifests import Manifest
from pulumi_mlops.database import _backend
from pulumi_mlops.database._arguments import PostgresDatabaseArgs, RdsArgs
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


def own(args: PostgresDatabaseArgs) -> RdsArgs:
    """What only databases on RDS have."""
    return cast("RdsArgs", args["rds"])


def settings(args: PostgresDatabaseArgs) -> dict[str, Any]:
    """Properties of the instance that follow from the arguments alone."""
    protected = args["protect_data"]
    key = own(args)["kms_key_arn"]
    return {
        "engine": "postgres",
        "engine_version": _backend.major(args),  # a major alone: the provider accepts every minor that AWS moves it to
        "allow_major_version_upgrade": args["version"] is not None,
        "auto_minor_version_upgrade": True,
        "engine_lifecycle_support": EXTENDED_SUPPORT
        if own(args)["extended_support"]
        else f"{EXTENDED_SUPPORT}-disabled",
        "apply_immediately": own(args)["apply_immediately"],
        "maintenance_window": own(args)["maintenance_window"],
        "backup_window": BACKUP_WINDOW,
        "instance_class": own(args)["instance_class"],
        "multi_az": args["high_availability"],
        "storage_type": "gp3",
        "allocated_storage": args["storage_gib"],
        **({"max_allocated_storage": own(args)["max_storage_gib"]} if own(args)["max_storage_gib"] is not None else {}),
        "storage_encrypted": True,
        "port": conventions.DATABASE_PORT,
        "publicly_accessible": False,
        "username": conventions.DATABASE_USER,
        "manage_master_user_password": True,
        "backup_retention_period": args["backups"]["days"],
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


def external_secret(
    name: str,
    args: PostgresDatabaseArgs,
    master_secret: pulumi.Input[str],
    host: pulumi.Input[str],
    database: pulumi.Input[str],
) -> Manifest:
    """Spec of the ExternalSecret: user and password from RDS's own secret, the rest written into the template."""
    return {
        "refreshInterval": REFRESH_INTERVAL,
        "secretStoreRef": {"kind": "ClusterSecretStore", "name": own(args)["secret_store"]},
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
