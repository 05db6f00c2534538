"""Permissions of add-ons, as data: `statement` makes one entry of what `WorkloadIdentity` takes.

No add-on creates a role itself.
"""

from collections.abc import Mapping, Sequence
from typing import NotRequired, TypeAlias, TypedDict

import pulumi

from pulumi_mlops._text import formatted

ConditionValues: TypeAlias = pulumi.Input[str] | list[str] | list[pulumi.Input[str]]
"""A single value needs no list."""
Conditions: TypeAlias = Mapping[str, Mapping[str, ConditionValues]]
"""Operator → key → values of a statement."""


class Statement(TypedDict):
    """One permission, as `WorkloadIdentity` takes it."""

    actions: list[str]
    resources: list[pulumi.Input[str]]
    conditions: NotRequired[dict[str, dict[str, list[pulumi.Input[str]]]]]
    """Operator → key → values."""
    reason: NotRequired[str]
    """Why a bare `*` cannot be avoided."""


def statement(
    actions: Sequence[str],
    resources: Sequence[pulumi.Input[str]],
    *,
    conditions: Conditions | None = None,
    reason: str = "",
) -> Statement:
    """One permission."""
    found = Statement(actions=list(actions), resources=list(resources))
    if conditions:
        found["conditions"] = {
            operator: {key: [*value] if isinstance(value, list) else [value] for key, value in keys.items()}
            for operator, keys in conditions.items()
        }
    if reason:
        found["reason"] = reason
    return found


def hosted_zones(zone_ids: Sequence[pulumi.Input[str]], partition: str) -> list[pulumi.Input[str]]:
    """ARNs of Route 53 hosted zones."""
    return [formatted("arn:" + partition + ":route53:::hostedzone/{0}", zone) for zone in zone_ids]
