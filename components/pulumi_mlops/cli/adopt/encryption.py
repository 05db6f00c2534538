"""With which key a cluster that is taken over encrypts its Secrets: EKS never goes back, nor to another key."""

from collections.abc import Iterable, Iterator

from pulumi_mlops.cli.adopt.terraform import Found

KEY = "encryption_config.0.provider.0.key_arn"
"""Where a cluster's state has the ARN of its key."""


def encryption_config(key_arn: str) -> dict[str, object]:
    """The property `encryptionConfig` of a cluster that encrypts with this key."""
    return {"provider": {"keyArn": key_arn}, "resources": ["secrets"]}


def encryption_notes(found: Iterable[Found], cluster: Found) -> Iterator[str]:
    """What becomes of the encryption."""
    key = cluster.get(KEY)
    if not key:
        yield (
            "the cluster does not encrypt its Secrets with a KMS key of the account; the first `up` makes it do so, "
            "which cannot be taken back, and Secrets that exist are encrypted when they are next written"
        )
    elif not any(one.type == "aws_kms_key" and one.get("arn") == key for one in found):
        yield (
            f"the cluster encrypts its Secrets with {key}, which is in no state: it stays with this key by the "
            "setting `adopted`, which must not be deleted; the stack's own key stays unused"
        )
