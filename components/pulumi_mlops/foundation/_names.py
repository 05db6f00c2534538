"""How AWS writes its names: ARNs, partitions, and the rules of those that users give us."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pulumi

from pulumi_mlops._args import Rule, matches

PARTITIONS = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}
"""Beginnings of the regions that are not in the partition `aws`."""

AUTONAME_SUFFIX = 8
"""Characters that Pulumi adds to the name of a child to make a physical name: a hyphen and seven random digits."""

_ARN = "arn:aws[a-z-]*"

region_name: Rule = matches(r"[a-z]{2}(-[a-z]+)+-\d", 'the name of an AWS region such as "eu-central-1"')

managed_policy_arn: Rule = matches(
    rf"{_ARN}:iam::(\d{{12}}|aws):policy/[\w+=,.@/-]+",
    'the ARN of a policy such as "arn:aws:iam::aws:policy/ReadOnlyAccess"',
)

kms_key_arn: Rule = matches(
    rf"{_ARN}:kms:[a-z0-9-]+:\d{{12}}:key/[\w-]+",
    'the ARN of a KMS key such as "arn:aws:kms:eu-central-1:123456789012:key/…"; an alias is none',
)

logical_name: Rule = matches("[a-z0-9]([-a-z0-9]*[a-z0-9])?", "lower-case letters, digits and inner hyphens")
"""Part of the names of resources."""

_BUCKET = r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
_BUCKET_TABOO = re.compile(r"\.\.|^\d+\.\d+\.\d+\.\d+$|^xn--|^sthree-|-s3alias$|--ol-s3$")


def bucket_name(value: str) -> str | None:
    """The value can be the name of an S3 bucket: Amazon's rules for general purpose buckets."""
    if re.fullmatch(_BUCKET, value) and not _BUCKET_TABOO.search(value):
        return None
    return (
        "must be a bucket name: 3 to 63 lower-case letters, digits, inner hyphens and single dots, no address of a "
        'machine, not beginning with "xn--" or "sthree-", not ending in "-s3alias" or "--ol-s3"'
    )


def partition(region: str) -> str:
    """The partition of a region, the second field of its ARNs."""
    return next((name for prefix, name in PARTITIONS.items() if region.startswith(prefix)), "aws")


def s3_endpoint(region: str) -> str:
    """URL of the S3 API of a region."""
    domain = "amazonaws.com.cn" if partition(region) == "aws-cn" else "amazonaws.com"
    return f"https://s3.{region}.{domain}"


def joined(*parts: pulumi.Input[str]) -> pulumi.Input[str]:
    """The parts as one text: a plain one, which can be checked at once, where all of them are."""
    texts = [part for part in parts if isinstance(part, str)]
    return "".join(texts) if len(texts) == len(parts) else pulumi.Output.concat(*parts)


def duplicates(values: Sequence[Any]) -> list[Any]:
    """What occurs more than once, in order; values that are not known yet are not compared."""
    seen: list[Any] = []
    twice: list[Any] = []
    for value in values:
        if isinstance(value, pulumi.Output):
            continue
        (twice if value in seen and value not in twice else seen).append(value)
    return twice


def wrong_entries(at: str, entries: Mapping[str, Any], rule: Rule, key_rule: Rule | None = None) -> Iterator[str]:
    """What is wrong with the keys and the known values of a dict of the user's own keys, as `check_args` words it."""
    for key, value in entries.items():
        if key_rule and (complaint := key_rule(key)):
            yield f'{at} has the key "{key}", which {complaint}'
        if not isinstance(value, pulumi.Output) and (complaint := rule(value)):
            yield f"{at}.{key} {complaint}, got {value!r}"
