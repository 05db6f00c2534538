"""Which actions of S3 concern a bucket and which its objects.

A statement that mixes them up is accepted by IAM and allows nothing: the ARN of a bucket names none of its objects.
"""

import re
from fnmatch import fnmatchcase

BUCKET = "bucket"
OBJECT = "object"

_CONFIGURATIONS = (
    "Accelerate", "Analytics", "Encryption", "IntelligentTiering", "Inventory", "Lifecycle", "Metrics", "Replication",
)  # fmt: skip
_BUCKET_PARTS = (
    "Acl", "CORS", "Logging", "Notification", "ObjectLockConfiguration", "OwnershipControls", "Policy",
    "PublicAccessBlock", "RequestPayment", "Tagging", "Versioning", "Website",
)  # fmt: skip
_OBJECT_PARTS = ("", "Acl", "LegalHold", "Retention", "Tagging", "VersionAcl", "VersionTagging")
BUCKET_ACTIONS = frozenset(
    f"s3:{name}"
    for name in (
        "CreateBucket", "DeleteBucket", "DeleteBucketPolicy", "DeleteBucketWebsite", "GetBucketLocation",
        "GetBucketPolicyStatus", "ListBucket", "ListBucketMultipartUploads", "ListBucketVersions",
        *(f"{verb}Bucket{part}" for verb in ("Get", "Put") for part in _BUCKET_PARTS),
        *(f"{verb}{kind}Configuration" for verb in ("Get", "Put") for kind in _CONFIGURATIONS),
    )
)  # fmt: skip
OBJECT_ACTIONS = frozenset(
    f"s3:{name}"
    for name in (
        "AbortMultipartUpload", "BypassGovernanceRetention", "DeleteObject", "DeleteObjectTagging",
        "DeleteObjectVersion", "DeleteObjectVersionTagging", "GetObjectAttributes", "GetObjectTorrent",
        "GetObjectVersion", "GetObjectVersionAttributes", "GetObjectVersionForReplication", "GetObjectVersionTorrent",
        "InitiateReplication", "ListMultipartUploadParts", "ObjectOwnerOverrideToBucketOwner", "ReplicateDelete",
        "ReplicateObject", "ReplicateTags", "RestoreObject",
        *(f"{verb}Object{part}" for verb in ("Get", "Put") for part in _OBJECT_PARTS),
    )
)  # fmt: skip


def kinds_of_action(action: str) -> frozenset[str]:
    """What an action concerns; nothing for other services and for actions of S3 that name neither."""
    pattern = action.lower()

    def among(actions: frozenset[str]) -> bool:
        return any(fnmatchcase(known.lower(), pattern) for known in actions)

    if not pattern.startswith("s3:"):
        return frozenset()
    return frozenset(kind for kind, actions in ((BUCKET, BUCKET_ACTIONS), (OBJECT, OBJECT_ACTIONS)) if among(actions))


def kinds_of_resource(arn: str) -> frozenset[str] | None:
    """What an ARN names; None where it is not that of a bucket or of objects, such as `*` or an access point."""
    match = re.fullmatch(r"arn:[^:]*:s3:::(.+)", arn)
    if not match:
        return None
    bucket, slash, key = match[1].partition("/")
    if slash:
        return frozenset({OBJECT} if key else ())
    return frozenset({BUCKET, OBJECT} if set("*?") & set(bucket) else {BUCKET})
