"""Every resource type that the stand-in has, by its token."""

from local.providers.aws import (
    cloudwatch,
    dns,
    ec2,
    ecr,
    efs,
    eks,
    iam,
    kms,
    rds,
    s3,
    secretsmanager,
    security_groups,
    sqs,
)
from local.providers.aws.resource import Resource
from local.providers.plugin import Refused

MODULES = (ec2, security_groups, iam, cloudwatch, kms, s3, eks, efs, rds, ecr, dns, secretsmanager, sqs)

TYPES: dict[str, Resource] = {kind.token: kind() for module in MODULES for kind in module.KINDS}


def find(token: str) -> Resource:
    """A type by its token.

    Raises:
        Refused: there is none.
    """
    if token not in TYPES:
        raise Refused(f"{token} is not implemented by the AWS provider stand-in")
    return TYPES[token]
