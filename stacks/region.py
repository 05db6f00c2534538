"""The region of a stack on AWS."""

import difflib

import pulumi
from pulumi_aws import Region
from pulumi_mlops._aws import partition_problem

from stacks.configuration import SettingsError

KNOWN = frozenset(one.value for one in Region)
"""The regions that the AWS provider of this version accepts; a newer one needs a newer provider."""


def read() -> str:
    """The region of the stack's AWS provider.

    Raises:
        SettingsError: none is set, AWS has none of this name, or its partition is not supported.
    """
    region = pulumi.Config("aws").get("region")
    if region in KNOWN:
        if problem := partition_problem(region):
            raise SettingsError(f'stack "{pulumi.get_stack()}": setting aws:region {problem}, got {region!r}')
        return region
    near = difflib.get_close_matches(region, sorted(KNOWN), n=1) if region else []
    wrong = f"must be a region of AWS, got {region!r}" if region else "is required: the region, such as eu-central-1"
    hint = f'; did you mean "{near[0]}"?' if near else "; `pulumi config set aws:region …` sets it"
    raise SettingsError(f'stack "{pulumi.get_stack()}": setting aws:region {wrong}{hint}')
