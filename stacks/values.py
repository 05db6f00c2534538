"""What a setting of a stack on AWS may be that no component sees as the person wrote it: names, tags, uses, places."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pulumi_mlops import conventions
from pulumi_mlops._aws import arn_region, certificate_arn

BUCKETS = (conventions.DATA_BUCKET, conventions.MLFLOW_BUCKET, conventions.WORKFLOWS_BUCKET)
"""The uses that a foundation has buckets for."""

LONGEST_ENVIRONMENT = 16
"""`mlops-<environment>-aws-load-balancer-controller` is a role's name with Pulumi's ending: 64 characters (IAM)."""
ENVIRONMENT = re.compile(rf"[a-z](?=.{{0,{LONGEST_ENVIRONMENT - 1}}}$)([-a-z0-9]*[a-z0-9])?")

LONGEST_TAG, LONGEST_TAG_VALUE = 128, 256  # of every service (Tagging AWS resources)
TAG = re.compile(r"[\w .:/=+@-]*")
"""Characters that all services take in keys and values; some take more."""


def tenants_prefix(environment: str) -> str:
    """Beginning of the names of what Crossplane makes on AWS; the platform's own stay out of its reach."""
    return f"mlops-{environment}-team-"


def problems(settings: Any) -> Iterator[tuple[str, str]]:
    """What is wrong with single settings of a layer on AWS: (setting, sentence)."""
    if not ENVIRONMENT.fullmatch(settings.environment):
        yield (
            "environment",
            f"must be 1 to {LONGEST_ENVIRONMENT} lower-case letters, digits and inner hyphens, the first a letter: it "
            f"is part of names on AWS; got {settings.environment!r}",
        )
    yield from (("tags", sentence) for sentence in _tag_problems(settings.tags or {}))


def bucket_problems(settings: Any) -> Iterator[tuple[str, str]]:
    """What is wrong with the uses of buckets that exist: (setting, sentence)."""
    given: Mapping[str, Any] = settings.existing_buckets or {}
    for use in given:
        if use not in BUCKETS:
            yield "existing_buckets", f"must have uses among {', '.join(BUCKETS)} as keys, got {use!r}"


def certificate_problem(arn: str | None, region: str) -> str:
    """What is wrong with the place of a certificate, in whose region the load balancer must be; empty for nothing."""
    if not arn or certificate_arn(arn) or arn_region(arn) == region:  # Domain says what is wrong with the ARN
        return ""
    return f"must be a certificate of {region}, where the load balancer is; request or import one there, got {arn!r}"


def _tag_problems(tags: Mapping[str, Any]) -> Iterator[str]:
    for key, value in tags.items():
        if not isinstance(value, str):
            yield f"must have texts as values: put that of {key} in quotes, got {value!r}"
        elif len(value) > LONGEST_TAG_VALUE or not TAG.fullmatch(value):
            yield (
                f"must have values of at most {LONGEST_TAG_VALUE} letters, digits, spaces and characters of .:/=+@_-, "
                f"got {value!r} for {key}"
            )
        if key.lower().startswith("aws:"):
            yield f"must not have keys that begin with aws:, which are AWS's own, got {key!r}"
        elif not 0 < len(key) <= LONGEST_TAG or not TAG.fullmatch(key):
            yield (
                f"must have keys of 1 to {LONGEST_TAG} letters, digits, spaces and characters of .:/=+@_-, got {key!r}"
            )
