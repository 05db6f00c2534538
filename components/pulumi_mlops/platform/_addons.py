"""What the add-ons of a cluster have in common: a namespace, several replicas apart from each other, permissions.

Permissions are data. `statement` makes one entry of what `WorkloadIdentity` takes; no add-on makes a role itself.
"""

from collections.abc import Mapping, Sequence
from typing import NotRequired, TypeAlias, TypedDict

import pulumi
import pulumi_kubernetes as k8s

from pulumi_mlops import conventions
from pulumi_mlops._args import Rule, matches
from pulumi_mlops._manifests import RESTRICTED, Manifest, name_of

DEFAULT_REPLICAS = 2
"""One replica goes with its node; two survive that, and every controller here elects a leader."""
MAX_REPLICAS = 10
PRIORITY_CLASS = "system-cluster-critical"
"""Of controllers without which nothing else in the cluster gets an address, a certificate, a secret or a node."""

domain: Rule = matches(
    r"(?=.{1,253}$)([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\.)+[a-z]([-a-z0-9]{0,61}[a-z0-9])?",
    'a domain name such as "example.org", in lower case and without a dot at its end',
)


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


def namespace(
    name: str,
    wanted: pulumi.Input[str],
    parent: pulumi.Resource,
    extra_labels: Mapping[str, str] | None = None,
    instance: str | None = None,
) -> pulumi.Output[str]:
    """Creates an add-on's namespace, which admits only restricted pods, and returns its name.

    `name` is the component's, `instance` what its objects are called, where that is another name.
    """
    labels = conventions.labels("namespace", instance or name, {**RESTRICTED, **(extra_labels or {})})
    metadata: Manifest = {"name": wanted, "labels": labels}
    created = k8s.core.v1.Namespace(
        f"{name}-namespace",
        metadata=metadata,
        opts=pulumi.ResourceOptions(parent=parent),
    )
    return name_of(created)


def when_ready(release: k8s.helm.v3.Release, name: str) -> pulumi.Output[str]:
    """Name of a release, known once its workloads are ready: resources that use it come after."""
    return release.id.apply(lambda _: name)


def spread(labels: Mapping[str, str] | None = None) -> list[Manifest]:
    """Topology spread constraints: the pods with these labels are on different nodes in different zones, if possible.

    ScheduleAnyway, since a controller that waits for a second zone while one is down helps nobody. Without labels the
    constraints have no selector, for charts that add their own.
    """
    selector = {} if labels is None else {"labelSelector": {"matchLabels": dict(labels)}}
    return [
        {"maxSkew": 1, "topologyKey": key, "whenUnsatisfiable": "ScheduleAnyway", **selector}
        for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
    ]


def budget(replicas: int) -> Manifest:
    """A disruption budget that lets nodes be drained one pod at a time; none for a single pod, which it would block."""
    return {"enabled": True, "maxUnavailable": 1} if replicas > 1 else {"enabled": False}


def mirrored(mirror: pulumi.Input[str] | None, registry: str, image: str) -> pulumi.Input[str]:
    """An image's name, at its own registry or at a mirror, where it has the same path."""
    return text("{0}/" + image, registry if mirror is None else mirror)


def text(pattern: str, *parts: pulumi.Input[str]) -> pulumi.Input[str]:
    """A text with parts that may not be known yet; a plain string where all of them are."""
    if all(isinstance(part, str) for part in parts):
        return pattern.format(*parts)
    return pulumi.Output.format(pattern, *parts)


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
    return [text("arn:" + partition + ":route53:::hostedzone/{0}", zone) for zone in zone_ids]
