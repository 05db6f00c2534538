"""Stored data is encrypted. What is not is in resource_types (`unencrypted_if`)."""

from collections.abc import Iterator

from pulumi_mlops.review.findings import Level
from pulumi_mlops.review.resource_types import describe
from pulumi_mlops.review.resources import Resource, Resources
from pulumi_mlops.review.rules._rule import Rule, Verdict, verdicts


def _unencrypted(resource: Resource, resources: Resources) -> Iterator[Verdict]:
    if condition := describe(resource.type, resource.inputs).unencrypted_if:
        yield from verdicts(condition(resource.inputs))


RULES = (
    Rule(
        id="encryption",
        level=Level.BLOCKING,
        title="databases, file systems, volumes and a cluster's Secrets must be encrypted",
        why="encryption cannot be enabled later without copying the data, and anybody can read a "
        "leaked snapshot or disk",
        fix="enable it at creation: storageEncrypted, encrypted, or a cluster's encryptionConfig",
        unknown="not judged, nor is what is created from a snapshot or as a replica, which is "
        "encrypted like its source",
        check=_unencrypted,
    ),
)
