"""Kubernetes objects, by their type token or, since custom resources have tokens of many spellings, by their kind."""

from collections.abc import Iterator

from pulumi_mlops.review.resource_types.facts import Fact, Holds, Inputs, Unknown, is_off
from pulumi_mlops.review.resource_types.resource_type import ResourceType
from pulumi_mlops.review.values import is_hidden, mapping

INTERNAL_ANNOTATIONS = (
    ("service.beta.kubernetes.io/aws-load-balancer-scheme", "internal"),
    ("service.beta.kubernetes.io/aws-load-balancer-internal", "true"),
    ("networking.gke.io/load-balancer-type", "Internal"),
    ("service.beta.kubernetes.io/azure-load-balancer-internal", "true"),
    ("alb.ingress.kubernetes.io/scheme", "internal"),
)
PUBLIC_SCHEMES = ("service.beta.kubernetes.io/aws-load-balancer-scheme", "alb.ingress.kubernetes.io/scheme")
INTERNAL_BY_DEFAULT = "service.k8s.aws/nlb"
"""The load balancer class whose load balancers are internal unless an annotation says otherwise."""
BLOCK_DRIVERS = ("ebs.csi.aws.com", "kubernetes.io/aws-ebs")


def internet_facing(inputs: Inputs) -> Iterator[Fact]:
    """An annotation asks a controller for a load balancer that faces the internet."""
    infrastructure = mapping(mapping(inputs.get("spec")).get("infrastructure"))
    for owner in (mapping(inputs.get("metadata")), infrastructure):
        annotations = mapping(owner.get("annotations"))
        for key in PUBLIC_SCHEMES:
            if annotations.get(key) == "internet-facing":
                yield Holds(key, "asks for a load balancer that faces the internet")
                return


def public_service(inputs: Inputs) -> Iterator[Fact]:
    """A Service for which a controller makes a load balancer on the internet."""
    annotated = list(internet_facing(inputs))
    spec = mapping(inputs.get("spec"))
    annotations = mapping(mapping(inputs.get("metadata")).get("annotations"))
    internal = (
        any(annotations.get(key) == value for key, value in INTERNAL_ANNOTATIONS)
        or spec.get("loadBalancerClass") == INTERNAL_BY_DEFAULT
    )
    if annotated or spec.get("type") != "LoadBalancer" or internal:
        yield from annotated
    else:
        yield Holds("spec.type", "is LoadBalancer, which faces the internet unless the cluster has another default")


def unencrypted_disks(inputs: Inputs) -> Iterator[Fact]:
    """A StorageClass makes EBS volumes that are not encrypted."""
    if inputs.get("provisioner") in BLOCK_DRIVERS:
        if is_hidden(inputs.get("parameters")):
            yield Unknown("parameters")
        else:
            yield from is_off("parameters.encrypted", ": what is stored there is not encrypted")(inputs)


INGRESS = ResourceType(address="gateway", published_if=internet_facing)
ROUTE = ResourceType(address="route", published_if=internet_facing)

TYPES: dict[str, ResourceType] = {
    "kubernetes:helm.sh/v3:Release": ResourceType(data="release with everything in its chart"),
}
KINDS: dict[str, ResourceType] = {
    "CustomResourceDefinition": ResourceType(data="definition with all resources of its kind"),
    "GRPCRoute": ROUTE,
    "Gateway": INGRESS,
    "HTTPRoute": ROUTE,
    "Ingress": INGRESS,
    "Namespace": ResourceType(data="namespace with everything in it"),
    "PersistentVolume": ResourceType(data="volume"),
    "PersistentVolumeClaim": ResourceType(data="volume claim"),
    "Service": ResourceType(address="name inside the cluster", published_if=public_service),
    "StatefulSet": ResourceType(data="stateful set"),
    "StorageClass": ResourceType(unencrypted_if=unencrypted_disks),
    "TCPRoute": ROUTE,
    "TLSRoute": ROUTE,
}
