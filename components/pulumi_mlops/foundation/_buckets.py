"""What a bucket of `S3ObjectStore` is set to: life cycle, encryption, policies."""

import pulumi
from pulumi_aws.s3 import (
    BucketLifecycleConfigurationRuleArgsDict,
    BucketLifecycleConfigurationRuleFilterArgsDict,
    BucketServerSideEncryptionConfigurationRuleArgsDict,
)

from pulumi_mlops.foundation._policies import ResourceStatementArgs

DEFAULT_LOG_DAYS = 90
UPLOAD_DAYS = 7
"""A multipart upload that has not ended by then was given up; its parts are paid for and visible nowhere."""
LOGS = "access-logs"
"""Logical name of the bucket that holds the access logs."""

EVERYTHING: BucketLifecycleConfigurationRuleFilterArgsDict = {"prefix": ""}


def data_lifecycle(noncurrent_days: int, expire_days: int | None) -> list[BucketLifecycleConfigurationRuleArgsDict]:
    """Rules of a bucket whose objects have versions."""
    rules: list[BucketLifecycleConfigurationRuleArgsDict] = [
        _unfinished_uploads(),
        {**_rule("old-versions"), "noncurrent_version_expiration": {"noncurrent_days": noncurrent_days}},
        # The mark of a deleted object goes once its last version is gone.
        {**_rule("delete-marks"), "expiration": {"expired_object_delete_marker": True}},
    ]
    return [*rules, _expiration(expire_days)] if expire_days else rules


def log_lifecycle(days: int) -> list[BucketLifecycleConfigurationRuleArgsDict]:
    """Rules of the bucket of access logs, which has no versions."""
    return [_unfinished_uploads(), _expiration(days)]


def encryption(kms_key_arn: pulumi.Input[str] | None) -> BucketServerSideEncryptionConfigurationRuleArgsDict:
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


def _unfinished_uploads() -> BucketLifecycleConfigurationRuleArgsDict:
    return {
        **_rule("incomplete-uploads"),
        "abort_incomplete_multipart_upload": {"days_after_initiation": UPLOAD_DAYS},
    }


def _expiration(days: int) -> BucketLifecycleConfigurationRuleArgsDict:
    return {**_rule("expiration"), "expiration": {"days": days}}


def _rule(name: str) -> BucketLifecycleConfigurationRuleArgsDict:
    return {"id": name, "status": "Enabled", "filter": EVERYTHING}
