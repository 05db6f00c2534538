"""Statements for the needs that the platform has; each function gives those for one `WorkloadIdentity`.

`WorkloadIdentityArgs.statements` takes their sum: `[*read_write(bucket), *use_key(key, "s3")]`.
"""

import pulumi

from pulumi_mlops._args import ArgumentError
from pulumi_mlops.foundation._names import joined
from pulumi_mlops.foundation._statement_rules import StatementArgs

__all__ = ["dns_challenges", "dns_records", "read_only", "read_write", "secrets_of", "use_key"]

SEPARATORS = ("/", "-", "_", "!", ".")
"""What ends the prefix of a secret's name, so that `birds` does not open the secrets of `birds-of-prey`."""


def read_only(bucket_arn: pulumi.Input[str], prefix: str = "") -> list[StatementArgs]:
    """List and read the objects of a bucket, say the training data; with a prefix, those of that directory alone."""
    return [*_listing(bucket_arn, prefix), _objects(["s3:GetObject"], bucket_arn, prefix)]


def read_write(bucket_arn: pulumi.Input[str], prefix: str = "") -> list[StatementArgs]:
    """List, read, write and delete objects: MLflow's artifacts, the logs and artifacts of workflows.

    Old versions stay: a delete can be undone until the bucket's life cycle drops them. With a prefix, everything
    holds for that directory alone.
    """
    actions = [
        "s3:GetObject",
        "s3:PutObject",
        "s3:DeleteObject",
        "s3:AbortMultipartUpload",
        "s3:ListMultipartUploadParts",
    ]
    return [*_listing(bucket_arn, prefix), _objects(actions, bucket_arn, prefix)]


def use_key(key_arn: pulumi.Input[str], service: str) -> list[StatementArgs]:
    """Use a KMS key through one service, say `s3` for a bucket that is encrypted with it, or `secretsmanager`."""
    hosts = [f"{service}.*.amazonaws.com", f"{service}.*.amazonaws.com.cn"]
    return [
        {
            "actions": ["kms:Decrypt", "kms:GenerateDataKey"],
            "resources": [key_arn],
            "conditions": {"StringLike": {"kms:ViaService": [*hosts]}},
        }
    ]


def secrets_of(prefix_arn: pulumi.Input[str]) -> list[StatementArgs]:
    """Read the secrets whose ARN begins so, for External Secrets: `arn:aws:secretsmanager:…:secret:birds/`.

    Raises:
        ArgumentError: the prefix ends inside a name, so that it would open a neighbour's secrets as well.
    """
    resource = (
        _secrets(prefix_arn) if isinstance(prefix_arn, str) else pulumi.Output.from_input(prefix_arn).apply(_secrets)
    )
    return [
        {
            "actions": [
                "secretsmanager:GetSecretValue",
                "secretsmanager:DescribeSecret",
                "secretsmanager:ListSecretVersionIds",
                "secretsmanager:GetResourcePolicy",
            ],
            "resources": [resource],
        }
    ]


def dns_records(zone_id: pulumi.Input[str], partition: str = "aws") -> list[StatementArgs]:
    """Keep the records of one Route 53 zone, for external-dns."""
    return [
        {
            "actions": [
                "route53:ChangeResourceRecordSets",
                "route53:ListResourceRecordSets",
                "route53:ListTagsForResources",
            ],
            "resources": [_zone(zone_id, partition)],
        },
        {
            "actions": ["route53:ListHostedZones"],
            "resources": ["*"],
            "reason": "external-dns finds its zone by listing all; the call knows no resource",
        },
    ]


def dns_challenges(zone_id: pulumi.Input[str], partition: str = "aws") -> list[StatementArgs]:
    """Answer ACME's DNS01 challenges in one Route 53 zone, for cert-manager; no other record can be changed."""
    return [
        {
            "actions": ["route53:ChangeResourceRecordSets"],
            "resources": [_zone(zone_id, partition)],
            "conditions": {
                "ForAllValues:StringEquals": {"route53:ChangeResourceRecordSetsRecordTypes": ["TXT"]},
                "ForAllValues:StringLike": {
                    "route53:ChangeResourceRecordSetsNormalizedRecordNames": ["_acme-challenge.*"]
                },
            },
        },
        {"actions": ["route53:ListResourceRecordSets"], "resources": [_zone(zone_id, partition)]},
        {"actions": ["route53:GetChange"], "resources": [f"arn:{partition}:route53:::change/*"]},
        {
            "actions": ["route53:ListHostedZonesByName"],
            "resources": ["*"],
            "reason": "cert-manager finds its zone by name; the call knows no resource",
        },
    ]


def _listing(bucket_arn: pulumi.Input[str], prefix: str) -> list[StatementArgs]:
    listing: StatementArgs = {
        "actions": ["s3:ListBucket", "s3:ListBucketMultipartUploads"],
        "resources": [bucket_arn],
    }
    if prefix:
        listing["conditions"] = {"StringLike": {"s3:prefix": [_below(prefix)]}}
    return [listing, {"actions": ["s3:GetBucketLocation"], "resources": [bucket_arn]}]


def _objects(actions: list[str], bucket_arn: pulumi.Input[str], prefix: str) -> StatementArgs:
    return {"actions": actions, "resources": [joined(bucket_arn, "/", _below(prefix))]}


def _below(prefix: str) -> str:
    """A pattern of the keys in a directory: `artifacts` and `artifacts/` mean the same."""
    directory = prefix.strip("/")
    return f"{directory}/*" if directory else "*"


def _zone(zone_id: pulumi.Input[str], partition: str) -> pulumi.Input[str]:
    return joined(f"arn:{partition}:route53:::hostedzone/", zone_id)


def _secrets(prefix_arn: str) -> str:
    prefix = prefix_arn.rstrip("*")
    if not prefix.endswith(SEPARATORS):
        raise ArgumentError(
            f"secrets_of: prefix_arn must end with one of {' '.join(SEPARATORS)}, so that it opens no secret whose "
            f"name only begins the same, got {prefix_arn!r}"
        )
    return f"{prefix}*"
