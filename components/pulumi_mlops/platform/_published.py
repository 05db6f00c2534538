"""How a web interface of the platform is published: a host name of its own at the cluster's Gateway."""

from typing import NotRequired, TypedDict

import pulumi
import pulumi_kubernetes as k8s

from pulumi_mlops import conventions
from pulumi_mlops._args import Argument, Arguments
from pulumi_mlops._manifests import Manifest
from pulumi_mlops._rules import domain_name
from pulumi_mlops.contract.rules import Rule, dns_label, matches


class PublishedArgs(TypedDict):
    """Arguments that say where a web interface is published."""

    host: pulumi.Input[str]
    """Host name of the web interface; it must reach the cluster's Gateway and be used for nothing else."""
    gateway_name: NotRequired[pulumi.Input[str]]
    """Name of the Gateway; default `public`, the platform's."""
    gateway_namespace: NotRequired[pulumi.Input[str]]
    """Namespace of the Gateway; default `gateway`, the platform's."""


ARGUMENTS: Arguments = {
    "host": Argument(rule=domain_name),
    "gateway_name": Argument(default=conventions.GATEWAY_NAME, rule=dns_label),
    "gateway_namespace": Argument(default=conventions.GATEWAY_NAMESPACE, rule=dns_label),
}
https_url: Rule = matches(r"https://\S*[^/\s]", "a URL that begins with https:// and does not end with a slash")


def route(
    resource_name: str,
    metadata: Manifest,
    args: PublishedArgs,
    *,
    service: str,
    port: int,
    opts: pulumi.ResourceOptions,
) -> k8s.apiextensions.CustomResource:
    """Creates the HTTPRoute from `args["host"]` to a Service."""
    return k8s.apiextensions.CustomResource(
        resource_name,
        api_version="gateway.networking.k8s.io/v1",
        kind="HTTPRoute",
        metadata=metadata,
        spec=route_spec(args, service, port),
        opts=opts,
    )


def route_spec(args: PublishedArgs, service: str, port: int) -> Manifest:
    """Every path of one host: these interfaces break under a prefix, and logins call back to the root."""
    return {
        "parentRefs": [{"name": args["gateway_name"], "namespace": args["gateway_namespace"]}],
        "hostnames": [args["host"]],
        "rules": [
            {
                "matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
                "backendRefs": [{"name": service, "port": port}],
            }
        ],
    }
