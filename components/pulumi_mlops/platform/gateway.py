"""The gateway of the cluster: one Gateway (Gateway API) to which endpoints attach their routes.

Does not own: the namespace, the implementation behind the class (Istio, Envoy Gateway, Traefik …), DNS, certificates.
"""

from typing import NotRequired, TypedDict

import pulumi
import pulumi_kubernetes as k8s

from pulumi_mlops import conventions
from pulumi_mlops._args import Argument, check_args, inputs
from pulumi_mlops._manifests import name_of
from pulumi_mlops._rules import named_by, object_name
from pulumi_mlops.contract.rules import between, dns_label, matches, not_empty


class GatewayArgs(TypedDict):
    """Arguments of `Gateway`."""

    namespace: pulumi.Input[str]
    """Namespace of the Gateway, created elsewhere."""
    gateway_class: pulumi.Input[str]
    """Name of the GatewayClass: `kubectl get gatewayclasses` lists those that the cluster offers."""
    url: pulumi.Input[str]
    """Where clients reach the Gateway, such as `https://models.example.org`. The address is given by DNS or the
    implementation, after the Gateway exists, and so cannot be read from it."""
    port: NotRequired[pulumi.Input[int]]
    """Port of the HTTP listener; default 80."""
    object_name: NotRequired[str | None]
    """Name of its objects in the cluster; default: the component's name, which is also that of its resources in the
    stack: two of them in one stack, for two clusters, can so have objects of one name."""


ARGUMENTS = {
    "namespace": Argument(rule=dns_label),
    "gateway_class": Argument(rule=not_empty),
    "url": Argument(rule=matches(r"https?://[^/\s]+", 'a URL without a path such as "https://models.example.org"')),
    "port": Argument(default=conventions.GATEWAY_PORT, rule=between(1, 65535)),
    "object_name": Argument(rule=object_name(40)),
}


class Gateway(pulumi.ComponentResource):
    """A Gateway with one HTTP listener, open to routes from every namespace.

    ```python
    from pulumi_mlops.platform import Gateway

    where = {"namespace": "gateway", "gateway_class": "istio", "url": "https://models.example.org"}
    gateway = Gateway("public", where)
    pulumi.export("url", gateway.url)
    ```
    """

    name: pulumi.Output[str]
    """Name of the Gateway, for the parent reference of a route."""
    namespace: pulumi.Output[str]
    """Namespace of the Gateway."""
    url: pulumi.Output[str]
    """Where clients reach it, without a path."""

    def __init__(self, name: str, args: GatewayArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        checked = check_args(Gateway, name, args, GatewayArgs, ARGUMENTS, name_rule=named_by(args, object_name(40)))
        super().__init__("pulumi-mlops:index:Gateway", name, inputs(args), opts)
        called = checked["object_name"] or name
        gateway = k8s.apiextensions.CustomResource(
            f"{name}-gateway",
            api_version="gateway.networking.k8s.io/v1",
            kind="Gateway",
            metadata={
                "name": called,
                "namespace": checked["namespace"],
                "labels": conventions.labels("gateway", called),
            },
            spec={
                "gatewayClassName": checked["gateway_class"],
                "listeners": [
                    {
                        "name": conventions.GATEWAY_LISTENER,
                        "port": checked["port"],
                        "protocol": "HTTP",
                        "allowedRoutes": {"namespaces": {"from": "All"}},
                    }
                ],
            },
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.name = name_of(gateway)
        self.namespace = pulumi.Output.from_input(checked["namespace"])
        self.url = pulumi.Output.from_input(checked["url"])
        self.register_outputs({"name": self.name, "namespace": self.namespace, "url": self.url})
