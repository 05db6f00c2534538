"""What a bucket of `S3ObjectStore` is set to: life cycle, encryption, policies."""

from collections.abc import Iterator, Mapping
from typing import Any

import pulumi

from pulumi_mlops._args import at_least
from pulumi_mlops._aws import bucket_name
from pulumi_mlops.foundation._names import AUTONAME_SUFFIX, duplicates, logical_name, wrong_entries
from pulumi_mlops.foundation._policies import ResourceStatementArgs

MAX_BUCKET_NAME = 63  # S3's limit
MAX_NAME = MAX_BUCKET_NAME - AUTONAME_SUFFIX
DEFAULT_NONCURRENT_DAYS = 30
DEFAULT_LOG_DAYS = 90
UPLOAD_DAYS = 7
"""A multipart upload that has not ended by then was given up; its parts are paid for and visible nowhere."""
LOGS = "access-logs"
"""Logical name of the bucket that holds the access logs."""

EVERYTHING = {"prefix": ""}


def data_lifecycle(noncurrent_days: int, expire_days: int | None) -> list[dict[str, Any]]:
    """Rules of a bucket whose objects have versions."""
    rules: list[dict[str, Any]] = [
        _rule("incomplete-uploads", abort_incomplete_multipart_upload={"days_after_initiation": UPLOAD_DAYS}),
        _rule("old-versions", noncurrent_version_expiration={"noncurrent_days": noncurrent_days}),
        # The mark of a deleted object goes once its last version is gone.
        _rule("delete-marks", expiration={"expired_object_delete_marker": True}),
    ]
    return [*rules, _rule("expiration", expiration={"days": expire_days})] if expire_days else rules


def log_lifecycle(days: int) -> list[dict[str, Any]]:
    """Rules of the bucket of access logs, which has no versions."""
    return [
        _rule("incomplete-uploads", abort_incomplete_multipart_upload={"days_after_initiation": UPLOAD_DAYS}),
        _rule("expiration", expiration={"days": days}),
    ]


def encryption(kms_key_arn: pulumi.Input[str] | None) -> dict[str, Any]:
    """S3's own keys, or a KMS key, which S3 then asks once a bucket and not once an object."""
    if kms_key_arn is None:
        return {"apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"}}
    return {
        "apply_server_side_encryption_by_default": {"sse_algorithm": "aws:kms", "kms_master_key_id": kms_key_arn},
        "bucket_key_enabled": True,
    }


def tls_only(bucket_arn: str) -> ResourceStatementArgs:
    """Nobody, whatever else he may do, gets at the bucket without TLS."""
    return {
        "principals": {"AWS": ["*"]},
        "actions": ["s3:*"],
        "resources": [bucket_arn, f"{bucket_arn}/*"],
        "conditions": {"Bool": {"aws:SecureTransport": ["false"]}},
        "deny": True,
    }


def log_delivery(logs_arn: str, bucket_arns: list[str]) -> ResourceStatementArgs:
    """S3 may write the access logs of these buckets."""
    return {
        "principals": {"Service": ["logging.s3.amazonaws.com"]},
        "actions": ["s3:PutObject"],
        "resources": [f"{logs_arn}/*"],
        "conditions": {"ArnLike": {"aws:SourceArn": [*bucket_arns]}},
    }


def problems(name: str, args: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with the arguments as a whole."""
    buckets: list[str] = args["buckets"]
    existing: dict[str, Any] = args.get("existing_buckets") or {}
    expire_days: dict[str, Any] = args.get("expire_days") or {}
    logs: bool = args.get("access_logs") or False
    if not buckets and not existing:
        yield "args.buckets must not be empty without args.existing_buckets"
    for one in duplicates(buckets):
        yield f'args.buckets has "{one}" twice'
    yield from wrong_entries("args.existing_buckets", existing, bucket_name, logical_name)
    yield from wrong_entries("args.expire_days", expire_days, at_least(1, "day"))
    for one in existing:
        if one in buckets:
            yield f'args.existing_buckets has "{one}", which args.buckets would create'
    for one in expire_days:
        if one not in buckets:
            yield f'args.expire_days has "{one}", which must be one of args.buckets ({", ".join(buckets)})'
    if logs and not buckets:
        yield "args.access_logs is for the buckets that are created: args.buckets is empty"
    if logs and LOGS in [*buckets, *existing]:
        yield f'args.buckets must have no bucket "{LOGS}" with args.access_logs, which creates it'
    if not logs and args.get("access_log_days") is not None:
        yield "args.access_log_days is for args.access_logs only: leave it out"
    for one in [*buckets, *([LOGS] if logs else [])]:
        if len(f"{name}-{one}") > MAX_NAME:
            yield (
                f'args.buckets: "{name}-{one}" must be at most {MAX_NAME} characters, since Pulumi adds '
                f"{AUTONAME_SUFFIX} and S3 takes {MAX_BUCKET_NAME}"
            )


def _rule(name: str, **what: Any) -> dict[str, Any]:
    return {"id": name, "status": "Enabled", "filter": EVERYTHING, **what}
