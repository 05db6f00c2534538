"""What has to outlive what, for tests of both orders: that of registrations, and that of a real destroy."""

from collections.abc import Mapping

from tests.conftest import Graph, Registration

CONTROLLERS: Mapping[str, frozenset[str]] = {
    "argoproj.io/EventBus": frozenset({"argo-events-release"}),
    "external-secrets.io": frozenset({"external-secrets-release"}),
    "pkg.crossplane.io": frozenset({"crossplane-release"}),
    "apiextensions.crossplane.io": frozenset({"crossplane-release"}),
    "aws.m.upbound.io": frozenset({"crossplane-release", "crossplane-provider-family-aws"}),
    "karpenter.sh": frozenset({"karpenter-release", "karpenter-definitions"}),
    "karpenter.k8s.aws": frozenset({"karpenter-release", "karpenter-definitions"}),
    # The gateway's address is a load balancer, its routes are records: all three work on what they are asked for here.
    "gateway.networking.k8s.io": frozenset(
        {"istio-release", "external-dns-release", "aws-load-balancer-controller-release", "gateway-api-gateways"}
    ),
}
"""Group, or group and kind, of a custom resource → what serves its kind and has to be there to delete it."""
BUILT_IN = ("core", "apps", "batch", "policy", "autoscaling")
"""Groups of Kubernetes itself that do not end in `.k8s.io`."""


def outliving(type_token: str) -> frozenset[str]:
    """Names of the resources of a platform that have to outlive one of this type; none for what is built in.

    Raises:
        KeyError: the table lacks a kind that is not built in.
    """
    package, version, kind = type_token.split(":")
    group = version.rpartition("/")[0]
    ours = group in BUILT_IN or (group.endswith(".k8s.io") and group != "gateway.networking.k8s.io")
    if package != "kubernetes" or ours or group == "helm.sh":
        return frozenset()
    found = CONTROLLERS.get(f"{group}/{kind}") or CONTROLLERS.get(group)
    if found is None:
        raise KeyError(f"{type_token}: say in CONTROLLERS whose controller deletes it")
    return found


def before(graph: Graph, name: str) -> set[str]:
    """Names of everything that is there before the resource, and so goes after it: what it and its parents need."""
    return ahead_of(graph, graph[name])


def ahead_of(graph: Graph, resource: Registration) -> set[str]:
    """`before`, where several resources share a name."""
    by_urn = {one.urn: one for one in graph}
    found: set[str] = set()
    ahead = [resource.urn]
    while ahead:
        one = by_urn.get(ahead.pop())
        if one and one.urn not in found:
            found.add(one.urn)
            ahead += [*one.dependencies, one.parent]
    return {by_urn[urn].name for urn in found} - {resource.name}
