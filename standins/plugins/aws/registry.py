"""Every resource type that the stand-in has, by its token."""

from standins.plugins.aws import (
    cloudwatch,
    dns,
    ec2,
    ecr,
    efs,
    eks,
    eks_simulated,
    endpoints,
    iam,
    kms,
    rds,
    routes,
    s3,
    secretsmanager,
    security_groups,
    sqs,
)
from standins.plugins.aws.resource import Resource
from standins.plugins.plugin import Refused

MODULES = (
    cloudwatch,
    dns,
    ec2,
    ecr,
    efs,
    eks,
    eks_simulated,
    endpoints,
    iam,
    kms,
    rds,
    routes,
    s3,
    secretsmanager,
    security_groups,
    sqs,
)

TYPES: dict[str, Resource] = {kind.token: kind() for module in MODULES for kind in module.KINDS}


def find(token: str) -> Resource:
    """A type by its token.

    Raises:
        Refused: there is none.
    """
    if token not in TYPES:
        raise Refused(f"{token} is not implemented by the AWS provider stand-in")
    return TYPES[token]
