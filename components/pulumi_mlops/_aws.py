"""AWS's identifiers: what each looks like, as rules of arguments, and what a region's name says.

The one place for them: an identifier's rule is the same in every component and setting.
"""

import re

from pulumi_mlops.contract.rules import Rule, matches

PARTITIONS = {
    "cn-": "aws-cn",
    "us-gov-": "aws-us-gov",
    "us-iso-": "aws-iso",
    "us-isob-": "aws-iso-b",
    "us-isof-": "aws-iso-f",
    "eu-isoe-": "aws-iso-e",
    "eusc-": "aws-eusc",
}
"""Beginnings of the regions that are not in the partition `aws`."""

REGION = r"[a-z]{2}(-[a-z]+)+-[1-9]"
_ARN = "arn:aws[a-z-]*"
_ACCOUNT = r"\d{12}"
_ID = "([0-9a-f]{8}|[0-9a-f]{17})"
"""Ids of EC2 resources end in 17 hexadecimal digits, those from before 2018 in 8."""

region: Rule = matches(REGION, 'the name of an AWS region such as "eu-central-1"')
account_id: Rule = matches(_ACCOUNT, "an AWS account id of 12 digits")

vpc_id: Rule = matches(f"vpc-{_ID}", 'the id of a VPC such as "vpc-0123456789abcdef0"')
subnet_id: Rule = matches(f"subnet-{_ID}", 'the id of a subnet such as "subnet-0123456789abcdef0"')
security_group_id: Rule = matches(f"sg-{_ID}", 'the id of a security group such as "sg-0123456789abcdef0"')

hosted_zone_id: Rule = matches("Z[A-Z0-9]{1,31}", 'the id of a Route 53 hosted zone such as "Z0123456789ABCDEFGHIJ"')

cluster_name: Rule = matches(
    "[A-Za-z0-9][A-Za-z0-9_-]{0,99}",
    "a name of an EKS cluster: 1 to 100 letters, digits, hyphens and underscores, the first a letter or digit",
)
"""What EKS accepts as a cluster's name (CreateCluster)."""

certificate_arn: Rule = matches(
    rf"{_ARN}:acm:{REGION}:{_ACCOUNT}:certificate/[\w-]+",
    'the ARN of an ACM certificate such as "arn:aws:acm:eu-central-1:123456789012:certificate/…"',
)
cluster_arn: Rule = matches(
    rf"{_ARN}:eks:{REGION}:{_ACCOUNT}:cluster/[\w-]+",
    'the ARN of an EKS cluster such as "arn:aws:eks:eu-central-1:123456789012:cluster/…"',
)
kms_key_arn: Rule = matches(
    rf"{_ARN}:kms:{REGION}:{_ACCOUNT}:key/[\w-]+",
    'the ARN of a KMS key such as "arn:aws:kms:eu-central-1:123456789012:key/…"; an alias is none',
)
managed_policy_arn: Rule = matches(
    rf"{_ARN}:iam::({_ACCOUNT}|aws):policy/[\w+=,.@/-]+",
    'the ARN of a policy such as "arn:aws:iam::aws:policy/ReadOnlyAccess"',
)
oidc_provider_arn: Rule = matches(
    rf"{_ARN}:iam::{_ACCOUNT}:oidc-provider/\S+", "the ARN of an identity provider in IAM"
)
role_or_user_arn: Rule = matches(
    rf"{_ARN}:iam::{_ACCOUNT}:(role|user)/.+",
    'the ARN of an IAM role or user such as "arn:aws:iam::123456789012:role/platform": no session, no root',
)
statement_resource: Rule = matches(
    r"\*|arn:(aws[a-z-]*|\*):[^:\s]+:[^:\s]*:[^:\s]*:\S+", 'an ARN such as "arn:aws:s3:::models/*"'
)
"""What a statement of a policy can name: in its ARNs nearly everything may be a wildcard."""

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_BUCKET_TABOO = re.compile(r"\.\.|^\d+\.\d+\.\d+\.\d+$|^xn--|^sthree-|-s3alias$|--ol-s3$")


def bucket_name(value: str) -> str | None:
    """The value can be the name of an S3 bucket: Amazon's rules for general purpose buckets."""
    if _BUCKET.fullmatch(value) and not _BUCKET_TABOO.search(value):
        return None
    return (
        "must be a bucket name: 3 to 63 lower-case letters, digits, inner hyphens and single dots, no address of a "
        'machine, not beginning with "xn--" or "sthree-", not ending in "-s3alias" or "--ol-s3"'
    )


def partition(region: str) -> str:
    """The partition of a region, the second field of its ARNs."""
    return next((name for prefix, name in PARTITIONS.items() if region.startswith(prefix)), "aws")


def partition_problem(region: str) -> str | None:
    """Why a foundation cannot be in a region: the ARNs in its policies, roles and trusts start with `arn:aws:`."""
    if (found := partition(region)) == "aws":
        return None
    return f'must be a region of the partition "aws", not of {found}: the ARNs of the library start with "arn:aws:"'


def supported_region(value: str) -> str | None:
    """The region of a foundation."""
    return region(value) or partition_problem(value)


def is_arn(name: str) -> bool:
    """Whether a resource is named by its ARN."""
    return name.startswith("arn:")


def arn_region(arn: str) -> str:
    """The region in an ARN; empty for a global resource."""
    return arn.split(":")[3]


def s3_endpoint(region: str) -> str:
    """URL of the S3 API of a region."""
    domain = "amazonaws.com.cn" if partition(region) == "aws-cn" else "amazonaws.com"
    return f"https://s3.{region}.{domain}"
