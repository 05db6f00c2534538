"""What the add-ons of a cluster have in common: a namespace, several replicas apart from each other, permissions.

Permissions are data. `statement` makes one entry of what `WorkloadIdentity` takes; no add-on makes a role itself.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from pulumi_mlops import _aws, conventions
from pulumi_mlops._args import Rule, between, dns_label, matches, not_empty
from pulumi_mlops._manifests import RESTRICTED, Manifest, name_of

DEFAULT_REPLICAS = 2
"""One replica goes with its node; two survive that, and every controller here elects a leader."""
MAX_REPLICAS = 10
PRIORITY_CLASS = "system-cluster-critical"
"""Of controllers without which nothing else in the cluster gets an address, a certificate, a secret or a node."""

RULES: dict[str, Rule] = {
    "namespace": dns_label,
    "chart_repository": not_empty,
    "replicas": between(1, MAX_REPLICAS, "replicas"),
}
"""Of the arguments that every add-on has; a rule for an argument that an add-on lacks does nothing."""

region, account, zone_id, certificate_arn = _aws.region, _aws.account_id, _aws.hosted_zone_id, _aws.certificate_arn
domain: Rule = matches(
    r"(?=.{1,253}$)([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\.)+[a-z]([-a-z0-9]{0,61}[a-z0-9])?",
    'a domain name such as "example.org", in lower case and without a dot at its end',
)


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
    created = k8s.core.v1.Namespace(
        f"{name}-namespace",
        metadata=_metadata({"name": wanted, "labels": _namespace_labels(instance or name, extra_labels)}),
        opts=pulumi.ResourceOptions(parent=parent),
    )
    return name_of(created)


def _namespace_labels(name: str, extra: Mapping[str, str] | None) -> dict[str, Any]:
    return conventions.labels("namespace", name, {**RESTRICTED, **(extra or {})})


def _metadata(content: dict[str, Any]) -> Manifest:
    return content


def when_ready(release: k8s.helm.v3.Release, name: str) -> pulumi.Output[str]:
    """Name of a release, known once its workloads are ready: whoever uses it comes after."""
    return release.id.apply(lambda _: name)


def spread(labels: Mapping[str, str]) -> list[dict[str, Any]]:
    """Topology spread constraints: the pods with these labels are on different nodes in different zones, if possible.

    ScheduleAnyway, since a controller that waits for a second zone while one is down helps nobody.
    """
    return [
        {
            "maxSkew": 1,
            "topologyKey": key,
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": dict(labels)},
        }
        for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
    ]


def budget(replicas: int) -> dict[str, Any]:
    """A disruption budget that lets nodes be drained one pod at a time; none for a single pod, which it would block."""
    return {"enabled": True, "maxUnavailable": 1} if replicas > 1 else {"enabled": False}


def mirrored(registry: pulumi.Input[str], repository: str) -> pulumi.Input[str]:
    """An image's name without its tag, from the registry or a mirror that keeps the repository's path."""
    return text("{0}/" + repository, registry)


def text(pattern: str, *parts: pulumi.Input[str]) -> pulumi.Input[str]:
    """A text with parts that may not be known yet; a plain string where all of them are."""
    if all(isinstance(part, str) for part in parts):
        return pattern.format(*parts)
    return pulumi.Output.format(pattern, *parts)


def statement(
    actions: Sequence[str],
    resources: Sequence[pulumi.Input[str]],
    *,
    conditions: Mapping[str, Mapping[str, Any]] | None = None,
    reason: str = "",
) -> dict[str, Any]:
    """One permission as `WorkloadIdentity` takes it; `reason` says why a bare `*` cannot be avoided."""
    found: dict[str, Any] = {"actions": list(actions), "resources": list(resources)}
    if conditions:
        found["conditions"] = {
            operator: {key: value if isinstance(value, list) else [value] for key, value in keys.items()}
            for operator, keys in conditions.items()
        }
    if reason:
        found["reason"] = reason
    return found


def hosted_zones(zone_ids: Sequence[pulumi.Input[str]], partition: str) -> list[pulumi.Input[str]]:
    """ARNs of Route 53 hosted zones."""
    return [text("arn:" + partition + ":route53:::hostedzone/{0}", zone) for zone in zone_ids]
