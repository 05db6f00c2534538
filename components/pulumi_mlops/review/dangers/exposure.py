"""What can be reached from everywhere after a change, and could not be before."""

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any

from pulumi_mlops.review._data import items, mapping, words
from pulumi_mlops.review.dangers.danger import Danger, DangerKind
from pulumi_mlops.review.dangers.losses import kind_of
from pulumi_mlops.review.preview import Operation, State, Step

MAX_PRIVATE_PREFIX = 8
"""A range of addresses with fewer bits fixed than the largest private network, 10.0.0.0/8, is open to the Internet."""

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

BLOCKS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
PUBLIC_ACLS = frozenset({"public-read", "public-read-write", "authenticated-read"})
OPEN_EKS = ("0.0.0.0/0",)
"""Who reaches a public EKS endpoint that does not say who may."""


def exposures(step: Step, stack: str, gone: frozenset[str]) -> Iterator[Danger]:
    """What the step opens. `gone` are the names of buckets that are deleted in the same preview."""
    new = step.new
    if step.operation == Operation.DELETE:
        old = step.old or State()
        if step.type.startswith("aws:s3/bucketPublicAccessBlock:") and old.inputs.get("bucket") not in gone:
            yield Danger(DangerKind.EXPOSURE, stack, step.urn, "is deleted: its bucket may become public")
        return
    if new is None or not new.custom or new.external:
        return
    before = _open(step, step.old) if step.old else frozenset[str]()
    for meaning in sorted(_open(step, new) - before):
        yield Danger(DangerKind.EXPOSURE, stack, step.urn, meaning)


def _open(step: Step, state: State) -> frozenset[str]:
    """What of the resource is open, one clause each."""
    inputs = state.inputs
    match step.type:
        case "aws:ec2/securityGroup:SecurityGroup":
            found = [_ports(one) for one in items(inputs.get("ingress")) if _everywhere(mapping(one))]
        case "aws:ec2/securityGroupRule:SecurityGroupRule":
            found = [_ports(inputs)] if inputs.get("type") == "ingress" and _everywhere(inputs) else []
        case "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule":
            found = [_ports(inputs)] if _everywhere(inputs) else []
        case "aws:rds/instance:Instance" | "aws:rds/clusterInstance:ClusterInstance":
            found = (
                ["gets a public address: publiclyAccessible is true"]
                if inputs.get("publiclyAccessible") is True
                else []
            )
        case "aws:eks/cluster:Cluster":
            found = _endpoint(mapping(inputs.get("vpcConfig")))
        case (
            "aws:lb/loadBalancer:LoadBalancer"
            | "aws:alb/loadBalancer:LoadBalancer"
            | "aws:elb/loadBalancer:LoadBalancer"
        ):
            found = [] if inputs.get("internal") is True else ["is a load balancer that faces the Internet"]
        case "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock":
            found = [
                f"lets its bucket become public: {key} is not true" for key in BLOCKS if inputs.get(key) is not True
            ]
        case "aws:s3/bucket:Bucket" | "aws:s3/bucketAclV2:BucketAclV2" | "aws:s3/bucketAcl:BucketAcl":
            found = [f"is public by its ACL {inputs['acl']}"] if inputs.get("acl") in PUBLIC_ACLS else []
        case _:
            found = _published(kind_of(step, state), inputs)
    return frozenset(found)


def _endpoint(config: Mapping[str, Any]) -> list[str]:
    if config.get("endpointPublicAccess") is not True:
        return []
    allowed = [one for one in words(config.get("publicAccessCidrs")) or OPEN_EKS if open_range(one)]
    return [f"answers its Kubernetes API to {', '.join(allowed)}"] if allowed else []


def _published(kind: str, inputs: Mapping[str, Any]) -> list[str]:
    """Kubernetes objects for which a controller makes a load balancer."""
    metadata, spec = mapping(inputs.get("metadata")), mapping(inputs.get("spec"))
    annotations = {
        **mapping(metadata.get("annotations")),
        **mapping(mapping(spec.get("infrastructure")).get("annotations")),
    }
    if any(annotations.get(key) == "internet-facing" for key in PUBLIC_SCHEMES):
        return ["asks for a load balancer that faces the Internet"]
    if kind != "Service" or spec.get("type") != "LoadBalancer":
        return []
    if any(annotations.get(key) == value for key, value in INTERNAL_ANNOTATIONS):
        return []
    if spec.get("loadBalancerClass") == INTERNAL_BY_DEFAULT:
        return []
    return ["asks for a load balancer, which faces the Internet unless the cluster has another default"]


def _everywhere(rule: Mapping[str, Any]) -> bool:
    ranges = [*words(rule.get("cidrBlocks")), *words(rule.get("ipv6CidrBlocks"))]
    return any(open_range(one) for one in [*ranges, *words(rule.get("cidrIpv4")), *words(rule.get("cidrIpv6"))])


def open_range(text: str) -> bool:
    """Whether so many addresses are in the range that it is no network of somebody's own."""
    try:
        return ipaddress.ip_network(text, strict=False).prefixlen < MAX_PRIVATE_PREFIX
    except ValueError:
        return False


def _ports(rule: Any) -> str:
    first, last = mapping(rule).get("fromPort"), mapping(rule).get("toPort")
    if first is None or first == -1 or mapping(rule).get("protocol", mapping(rule).get("ipProtocol")) in ("-1", "all"):
        return "lets everybody in, at every port"
    return f"lets everybody in, at port {_number(first)}" + ("" if first == last else f" to {_number(last)}")


def _number(port: Any) -> str:
    return str(int(port)) if isinstance(port, int | float) else str(port)
