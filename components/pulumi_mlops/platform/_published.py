"""How a web interface of the platform is published: a host name of its own at the cluster's Gateway."""

from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from pulumi_mlops import conventions
from pulumi_mlops._args import Rule, dns_label, matches
from pulumi_mlops.platform import _addons

RULES: dict[str, Rule] = {
    "host": _addons.domain,
    "gateway_name": dns_label,
    "gateway_namespace": dns_label,
}
https_url: Rule = matches(r"https://[^\s]+[^/\s]", "a URL that begins with https:// and does not end with a slash")


def route(
    resource_name: str,
    metadata: Mapping[str, Any],
    args: Mapping[str, Any],
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
        metadata={**metadata},  # pyright: ignore[reportArgumentType] - Kubernetes' own notation
        spec=route_spec(args, service, port),
        opts=opts,
    )


def route_spec(args: Mapping[str, Any], service: str, port: int) -> dict[str, Any]:
    """Every path of one host: these interfaces break under a prefix, and logins call back to the root."""
    return {
        "parentRefs": [
            {
                "name": args.get("gateway_name", conventions.GATEWAY_NAME),
                "namespace": args.get("gateway_namespace", conventions.GATEWAY_NAMESPACE),
            }
        ],
        "hostnames": [args["host"]],
        "rules": [
            {
                "matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
                "backendRefs": [{"name": service, "port": port}],
            }
        ],
    }
