"""What a review knows about types of resources: one entry a type, which rules, dangers and costs read.

To add a type, add an entry to the module of its service.
"""

from collections.abc import Mapping

from pulumi_mlops.review.cost.billing import FREE, Billing
from pulumi_mlops.review.json_data import JsonObject
from pulumi_mlops.review.resource_types import aws_compute, aws_databases, aws_network, aws_storage, kubernetes
from pulumi_mlops.review.resource_types.resource_type import ResourceType
from pulumi_mlops.review.resources import api_group, kind

TYPES: Mapping[str, ResourceType] = {
    **aws_compute.TYPES,
    **aws_databases.TYPES,
    **aws_network.TYPES,
    **aws_storage.TYPES,
    **kubernetes.TYPES,
}
"""Type token → what is known about it."""
KINDS: Mapping[str, ResourceType] = kubernetes.KINDS
"""Kind of a Kubernetes object → the same."""
FREE_PACKAGES = frozenset({"kubernetes", "pulumi", "pulumi-mlops", "random"})
"""Packages whose resources make nothing on AWS by themselves."""
JUDGED_PACKAGES = FREE_PACKAGES | {token.partition(":")[0] for token in TYPES}
"""Packages whose types stand in the table; resources of others are counted, and nothing is said about them."""
NOTHING_KNOWN = ResourceType()


def describe(type_token: str, inputs: JsonObject) -> ResourceType:
    """What is known about the type of a resource."""
    found = TYPES.get(type_token)
    if found is None and type_token.startswith("kubernetes:"):
        object_kind = kind(type_token, inputs)
        found = KINDS.get(object_kind)
        if found is None:
            group = api_group(type_token, inputs)
            if "." in group and not group.endswith(".k8s.io"):
                found = kubernetes.custom(group, object_kind, inputs)
    return found or NOTHING_KNOWN


def billing(type_token: str) -> Billing | None:
    """How AWS bills resources of the type; None where that is not known."""
    if type_token.partition(":")[0] in FREE_PACKAGES:
        return FREE
    return TYPES.get(type_token, NOTHING_KNOWN).billing
