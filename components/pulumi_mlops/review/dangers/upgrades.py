"""Changes that cannot be undone or that move a stack elsewhere: upgrades of versions, targets of providers."""

import re
from collections.abc import Iterator

from pulumi_mlops.review.danger import Danger, DangerKind
from pulumi_mlops.review.preview import Step
from pulumi_mlops.review.resource_types import describe
from pulumi_mlops.review.values import is_hidden

CLUSTER = "pulumi-mlops:index:Cluster"
PROVIDER = "pulumi:providers:"
TARGETS = frozenset(
    {
        "allowedAccountIds",
        "assumeRole",
        "assumeRoles",
        "cluster",
        "context",
        "endpoint",
        "host",
        "kubeconfig",
        "profile",
    }
    | {"project", "region", "subscriptionId", "tenantId", "zone"}
)
"""Inputs of a provider that say where its resources are."""


def upgrades(step: Step, stack: str) -> Iterator[Danger]:
    """A version that goes up, which cannot be undone; that skips one, or goes down, which the cloud refuses."""
    version = describe(step.type, step.state.inputs).version
    if not version or not step.old or not step.new:
        return
    old, new = step.old.inputs.get(version.path), step.new.inputs.get(version.path)
    if not old or not new or is_hidden(old) or is_hidden(new):
        return
    before, after = (tuple(map(int, re.findall(r"\d+", str(one))[: version.parts])) for one in (old, new))
    if not before or before == after:
        return
    goes = f"goes from {version.path} {old} to {new}"
    if after < before:
        meaning = f"{goes}: it cannot go back, so `up` fails or replaces it"
    elif version.one_by_one and (after[:-1] != before[:-1] or after[-1] - before[-1] > 1):
        meaning = f"{goes}: it goes up by one version at a time, so `up` fails"
    else:
        meaning = f"{goes}, and cannot go back"
    yield Danger(DangerKind.AVAILABILITY, stack, step.urn, meaning)


def auto_mode(step: Step, stack: str) -> Iterator[Danger]:
    """A running `Cluster` whose argument `auto_mode` changes, of which the provider does one half."""
    if step.type != CLUSTER or not step.old or not step.new:
        return
    before, after = (bool(side.inputs.get("auto_mode")) for side in (step.old, step.new))
    if after and not before:
        meaning = "goes to EKS Auto Mode while it runs: its nodes go, and new ones attach no volumes of the EBS driver"
    elif before and not after:
        meaning = (
            "leaves EKS Auto Mode, which stays on at EKS and loses its roles: end it there first, with `aws eks "
            "update-cluster-config`"
        )
    else:
        return
    yield Danger(DangerKind.AVAILABILITY, stack, step.urn, meaning)


def moved_providers(step: Step, stack: str) -> Iterator[Danger]:
    """A provider that points at another account, region or cluster: everything of it may be made there anew."""
    if not step.type.startswith(PROVIDER) or not step.old or not step.new:
        return
    old, new = step.old.inputs, step.new.inputs
    changed = sorted(
        key
        for key in TARGETS & {*old, *new}
        if old.get(key) != new.get(key) or key in step.changed_keys or any(one.path == key for one in step.changes)
    )
    if changed:
        meaning = f"points elsewhere, because {', '.join(changed)} changes: what it manages may be made there anew"
        yield Danger(DangerKind.DATA, stack, step.urn, meaning)
