"""Which nodes pods may run on, in the words of a pod's spec."""

from collections.abc import Mapping
from enum import StrEnum
from typing import NotRequired, TypedDict

import pulumi

from pulumi_mlops._manifests import GPU, Manifest

MAX_GPUS = 16  # of the largest EC2 machines


class TolerationOperator(StrEnum):
    """How a toleration compares itself with a taint."""

    EQUAL = "Equal"
    """Key and value are the taint's."""
    EXISTS = "Exists"
    """The key is the taint's; without a key, every taint is tolerated."""


class TolerationEffect(StrEnum):
    """The effect of the taints that are tolerated."""

    NO_SCHEDULE = "NoSchedule"
    PREFER_NO_SCHEDULE = "PreferNoSchedule"
    NO_EXECUTE = "NoExecute"


class TolerationArgs(TypedDict):
    """A taint that does not keep the pods away."""

    key: NotRequired[str | None]
    """Key of the taint; default: every key, which needs the operator Exists."""
    operator: NotRequired[TolerationOperator]
    """How key and value are compared; default Equal."""
    value: NotRequired[str | None]
    """Value of the taint; default none. Not with the operator Exists."""
    effect: NotRequired[TolerationEffect | None]
    """Effect of the taint; default: every effect."""


def toleration_problem(value: Mapping[str, object]) -> str | None:
    """Rule: the API server would accept the toleration."""
    exists = value.get("operator") == TolerationOperator.EXISTS
    if exists and value.get("value"):
        return "must not have a value with the operator Exists"
    if not exists and not value.get("key"):
        return "must have a key, or the operator Exists"
    return None


def placement(
    node_selector: dict[str, pulumi.Input[str]] | None, tolerations: list[TolerationArgs] | None, gpus: int = 0
) -> Manifest:
    """`nodeSelector` and `tolerations` of a pod's spec; nothing without either. The taint of GPUs is tolerated."""
    tolerated: list[dict[str, object]] = [
        {key: value for key, value in one.items() if value is not None} for one in tolerations or []
    ]
    if gpus:
        tolerated.append({"key": GPU, "operator": TolerationOperator.EXISTS.value, "effect": "NoSchedule"})
    return {
        **({"nodeSelector": node_selector} if node_selector else {}),
        **({"tolerations": tolerated} if tolerated else {}),
    }
