"""Kubernetes objects, by their type token or, since custom resources have tokens of many spellings, by their kind."""

import re
from collections.abc import Iterator

from pulumi_mlops import _exceptions, conventions
from pulumi_mlops.review.json_data import mapping, strings
from pulumi_mlops.review.resource_types.facts import Fact, Holds, Inputs, Unknown, any_of, is_off, is_one_of
from pulumi_mlops.review.resource_types.resource_type import ResourceType
from pulumi_mlops.review.values import indexed, is_hidden

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
OPEN_ACCESS = f"{_exceptions.PREFIX}{_exceptions.ENDPOINT_ACCESS}"
"""Annotation of a route whose endpoint has `open_access`."""
NAME_LABEL = "app.kubernetes.io/name"
UNGUARDED = f"is {conventions.ENDPOINT_PORT}, where anybody who knows the URL gets predictions"
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


def excepted_access(inputs: Inputs) -> Iterator[Fact]:
    """A route lets everybody ask a model, by an exception."""
    if OPEN_ACCESS in mapping(mapping(inputs.get("metadata")).get("annotations")):
        yield Holds(OPEN_ACCESS, "lets anybody who knows the URL get predictions")


def unguarded_endpoint(inputs: Inputs) -> Iterator[Fact]:
    """A route leads to the port of a model endpoint where the server asks nobody who they are."""
    if mapping(mapping(inputs.get("metadata")).get("labels")).get(NAME_LABEL) != conventions.MODEL_ENDPOINT:
        return
    for rule_path, rule in indexed(mapping(inputs.get("spec")), "rules"):
        for path, backend in indexed(mapping(rule), "backendRefs"):
            port = mapping(backend).get("port")
            if port == conventions.ENDPOINT_PORT:
                yield Holds(f"spec.{rule_path}.{path}.port", UNGUARDED)
                return
            if is_hidden(port):
                yield Unknown(f"spec.{rule_path}.{path}.port")


def unencrypted_disks(inputs: Inputs) -> Iterator[Fact]:
    """A StorageClass makes EBS volumes that are not encrypted."""
    if inputs.get("provisioner") in BLOCK_DRIVERS:
        if is_hidden(inputs.get("parameters")):
            yield Unknown("parameters")
        else:
            yield from is_off("parameters.encrypted", ": what is stored there is not encrypted")(inputs)


def argo_application(inputs: Inputs) -> str:
    """An Argo CD Application deletes what it deployed if it has the finalizer for that."""
    finalizers = strings(mapping(inputs.get("metadata")).get("finalizers"))
    cascades = any(one.startswith(CASCADE_FINALIZER) for one in finalizers)
    return "application with everything it deployed" if cascades else ""


def managed_resource(inputs: Inputs) -> str:
    """A managed resource of Crossplane takes what it stands for with it, unless its policies keep that."""
    spec = mapping(inputs.get("spec"))
    policies = strings(spec.get("managementPolicies"))
    kept = spec.get("deletionPolicy") == "Orphan" or (policies and not {"*", "Delete"} & {*policies})
    return "" if kept else "managed resource with what it stands for in the cloud"


def custom(group: str, object_kind: str, inputs: Inputs) -> ResourceType | None:
    """What is known about a custom resource by its API group, its kind or its shape."""
    if CROSSPLANE_GROUP.search(group):
        return CROSSPLANE.get(object_kind, MANAGED_RESOURCE)
    if COMPOSITE_FIELDS & {*mapping(inputs.get("spec"))}:
        return COMPOSITE
    return STATEFUL if STATEFUL_KIND.search(object_kind) else None


CASCADE_FINALIZER = "resources-finalizer.argocd.argoproj.io"
CROSSPLANE_GROUP = re.compile(r"(^|\.)(crossplane|upbound)\.io$")
COMPOSITE_FIELDS = frozenset({"compositionRef", "compositionSelector", "compositionRevisionRef", "crossplane"})
"""Fields in the spec of a claim or composite resource of Crossplane, whatever its group."""
STATEFUL_KIND = re.compile(
    r"postgres|mysql|mariadb|mongo|redis|valkey|kafka|cassandra|elasticsearch|opensearch|clickhouse|cockroach|"
    r"database|bucket|objectstore|volume|^pgcluster|^cluster$",
    re.IGNORECASE,
)
"""Kinds of operators and of Crossplane's claims that hold data by their name."""
STATEFUL = ResourceType(data="custom resource that by its kind holds data")
COMPOSITE = ResourceType(data="Crossplane resource with everything it is composed of")
MANAGED_RESOURCE = ResourceType(data=managed_resource)
CROSSPLANE: dict[str, ResourceType] = {
    "CompositeResourceDefinition": ResourceType(data="definition with all resources of its kind"),
    "Provider": ResourceType(stops="nothing reconciles its resources, which stay in the cloud"),
    **dict.fromkeys(
        (
            *("ClusterProviderConfig", "Composition", "Configuration", "DeploymentRuntimeConfig", "EnvironmentConfig"),
            *("Function", "ProviderConfig", "StoreConfig", "Usage"),
        ),
        ResourceType(),
    ),
}
"""Kinds in groups of Crossplane that are no managed resources."""
no_replicas = is_one_of("spec.replicas", (0,), ", so nothing of it runs")
INGRESS = ResourceType(address="gateway", published_if=internet_facing)
ROUTE = ResourceType(
    address="route", published_if=any_of(internet_facing, excepted_access), unguarded_if=unguarded_endpoint
)

TYPES: dict[str, ResourceType] = {
    "kubernetes:helm.sh/v3:Release": ResourceType(data="release with everything in its chart"),
}
KINDS: dict[str, ResourceType] = {
    "Application": ResourceType(data=argo_application),
    "ApplicationSet": ResourceType(data="set of applications with everything they deployed"),
    "CustomResourceDefinition": ResourceType(data="definition with all resources of its kind"),
    "Deployment": ResourceType(disabled_if=no_replicas),
    "GRPCRoute": ROUTE,
    "Gateway": INGRESS,
    "HTTPRoute": ROUTE,
    "Ingress": INGRESS,
    "Namespace": ResourceType(data="namespace with everything in it"),
    "PersistentVolume": ResourceType(data="volume"),
    "PersistentVolumeClaim": ResourceType(data="volume claim"),
    "Service": ResourceType(address="name inside the cluster", published_if=public_service),
    "StatefulSet": ResourceType(data="stateful set", disabled_if=no_replicas),
    "StorageClass": ResourceType(unencrypted_if=unencrypted_disks),
    "TCPRoute": ROUTE,
    "TLSRoute": ROUTE,
    "VolumeSnapshot": ResourceType(data="snapshot"),
    "VolumeSnapshotContent": ResourceType(data="snapshot"),
}
