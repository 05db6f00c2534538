"""Arguments of `PublicGateway`, and what is wrong with them."""

from collections.abc import Iterator, Mapping
from typing import NotRequired

import pulumi

from pulumi_mlops import _aws, conventions
from pulumi_mlops._args import Argument
from pulumi_mlops._rules import cidr, domain_name, quantity
from pulumi_mlops.contract.rules import Rule, between, dns_label
from pulumi_mlops.platform._chart_values import DEFAULT_REPLICAS
from pulumi_mlops.platform.add_on import ReleaseArgs
from pulumi_mlops.platform.add_ons.load_balancer_controller import LOAD_BALANCER_CLASS

DEFAULT_MAX_REPLICAS = 10
MAX_PROXIES = 100
AUTO_MODE_CLASS = "eks.amazonaws.com/nlb"
"""`loadBalancerClass` of a Service that gets an NLB from EKS Auto Mode."""
READINESS_GATES = {
    LOAD_BALANCER_CLASS: "elbv2.k8s.aws/pod-readiness-gate-inject",
    AUTO_MODE_CLASS: "eks.amazonaws.com/pod-readiness-gate-inject",
}
"""Class → label of a namespace whose new pods are ready only when the NLB sends them traffic."""


class PublicGatewayArgs(ReleaseArgs):
    """Arguments of `PublicGateway`. The proxies' image is the one that `Istio` was given."""

    hostnames: list[pulumi.Input[str]]
    """Public names, at least one; the first is that of `url`. external-dns leads them to the load balancer."""
    certificate_arn: pulumi.Input[str]
    """ARN of an ACM certificate for all the names, in the cluster's region."""
    internal: NotRequired[bool]
    """Whether the load balancer is reachable from the VPC alone; default false. A change replaces it."""
    source_ranges: NotRequired[list[pulumi.Input[str]] | None]
    """Blocks of addresses that may connect; default: every address."""
    load_balancer_class: NotRequired[str]
    """Class of the Service, which says who makes the load balancer: that of `LoadBalancerController`, or
    "eks.amazonaws.com/nlb", that of EKS Auto Mode; default "service.k8s.aws/nlb". Kubernetes refuses to change it.
    Plain: it is checked."""
    namespace: NotRequired[pulumi.Input[str]]
    """Namespace, created here; default "gateway", where endpoints look for the Gateway."""
    replicas: NotRequired[int]
    """Least number of proxies, from 1 to 100; default 2."""
    max_replicas: NotRequired[int | None]
    """Greatest number of proxies, to which they scale with their CPU use, at most 100; default: 10, or `replicas` where
    those are more."""
    memory: NotRequired[pulumi.Input[str]]
    """Memory of a proxy, request and limit; default "512Mi"."""
    tags: NotRequired[dict[str, pulumi.Input[str]]]
    """Tags of the load balancer and of what belongs to it; default none. Neither "," nor "=" may stand in them. EKS
    Auto Mode sets them only where the role of the cluster may."""


def _taggable(tags: Mapping[str, object]) -> str | None:
    texts = [part for pair in tags.items() for part in pair if isinstance(part, str)]
    return 'must not contain "," or "="' if any(set(part) & {",", "="} for part in texts) else None


def _known_class(load_balancer_class: str) -> str | None:
    known = ", ".join(READINESS_GATES)
    return None if load_balancer_class in READINESS_GATES else f"must be one of {known}"


_proxies: Rule = between(1, MAX_PROXIES, "proxies")
ARGUMENTS = {
    "hostnames": Argument(rule=domain_name),
    "certificate_arn": Argument(rule=_aws.certificate_arn),
    "internal": Argument(default=False),
    "source_ranges": Argument(rule=cidr),
    "load_balancer_class": Argument(default=LOAD_BALANCER_CLASS, rule=_known_class),
    "namespace": Argument(default=conventions.GATEWAY_NAMESPACE, rule=dns_label),
    "replicas": Argument(default=DEFAULT_REPLICAS, rule=_proxies),
    "max_replicas": Argument(rule=_proxies),
    "memory": Argument(default="512Mi", rule=quantity),
    "tags": Argument(default={}, rule=_taggable),
}


def scaling(args: PublicGatewayArgs) -> tuple[int, int]:
    """Least and greatest number of proxies; greater than the default only where the least is."""
    least, most = args["replicas"], args["max_replicas"]
    return least, max(DEFAULT_MAX_REPLICAS, least) if most is None else most


def problems(args: PublicGatewayArgs) -> Iterator[str]:
    """Findings that no rule of a single field shows."""
    for field in ("hostnames", "source_ranges"):
        if args[field] == []:
            yield f"args.{field} must not be empty, got []"
    least, most = scaling(args)
    if least > most:
        yield f"args.replicas must be at most args.max_replicas ({most}), got {least}"
