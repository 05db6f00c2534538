"""HTTPS into the cluster on AWS: an NLB, DNS names, Istio's proxies, and the Gateway behind them.

Owns the namespace, the proxies, the load balancer's Service, the Gateway and the redirect from HTTP. Does not own: the
certificate, the hosted zone, Istio itself. Comes after `Istio`, `LoadBalancerController` and `ExternalDns`.

The proxies are deployed by Istio's gateway chart, and the Gateway names their Service as its address. Istio could
deploy them by itself from the Gateway; but then each listener has the port of its Service, so that what the NLB
decrypted and what came in plain could not be told apart and the redirect would run in circles, and the proxies' number,
disruption budget and spread would hang on a ConfigMap that no schema checks.

    NLB 443 (TLS ends here) ─→ 8080  listener `http`      the endpoints' routes
    NLB  80                 ─→ 8081  listener `redirect`  308 to https
    Service <name> 80       ─→ 8080  in-cluster clients: plain HTTP, no redirect
"""

import dataclasses

import pulumi
import pulumi_kubernetes as k8s

from pulumi_mlops import conventions
from pulumi_mlops._manifests import Manifest, after, name_of
from pulumi_mlops.platform.add_on import (
    AddOn,
    ChartRelease,
    HelmValues,
    add_on_inputs,
    check_add_on,
)
from pulumi_mlops.platform.add_ons import _closed_door, _public_gateway
from pulumi_mlops.platform.add_ons._public_gateway import CHART
from pulumi_mlops.platform.add_ons._public_gateway_args import ARGUMENTS, READINESS_GATES, PublicGatewayArgs, problems
from pulumi_mlops.platform.add_ons.istio import GATEWAY_CLASS


class PublicGateway(pulumi.ComponentResource):
    """HTTPS from the internet to the routes of every namespace.

    ```python
    from pulumi_mlops.platform import PublicGateway

    certificate = "arn:aws:acm:eu-central-1:123456789012:certificate/12345678-1234-1234-1234-123456789012"
    gateway = PublicGateway("public", {"hostnames": ["models.example.org"], "certificate_arn": certificate})
    pulumi.export("url", gateway.url)
    ```
    """

    name: pulumi.Output[str]
    """Name of the Gateway, for the parent reference of a route."""
    namespace: pulumi.Output[str]
    """Namespace of the Gateway."""
    url: pulumi.Output[str]
    """Where clients outside reach it, without a path."""
    internal_url: pulumi.Output[str]
    """Where pods of the cluster reach it, in plain HTTP."""
    release: pulumi.Output[str]
    """Name of the proxies' Helm release, known once they run."""

    def __init__(self, name: str, args: PublicGatewayArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        checked = check_add_on(PublicGateway, name, args, PublicGatewayArgs, ARGUMENTS, problems=problems)
        super().__init__("pulumi-mlops:index:PublicGateway", name, add_on_inputs(args), opts)
        self._name = name
        self._called = checked["object_name"] or name
        gate = {READINESS_GATES[checked["load_balancer_class"]]: "enabled"}
        installed = dataclasses.replace(ADD_ON, namespace_labels=gate).install(self, name, checked)
        self.namespace = installed.namespace
        proxies = installed.main
        balancer = self._create_service(
            "load-balancer",
            f"{self._called}-load-balancer",
            _public_gateway.load_balancer(self._called, checked),
            proxies,
            annotations=_public_gateway.annotations(checked),
        )
        inside = self._create_service("service", self._called, _public_gateway.inside(self._called), proxies)
        gateway = self._create_gateway(balancer)
        if not checked["internal"]:
            own = pulumi.ResourceOptions(parent=self)
            _closed_door.close(name, self._called, checked["namespace"], own)

        self.name = name_of(gateway)
        self.url = pulumi.Output.concat("https://", checked["hostnames"][0])
        host = pulumi.Output.all(name_of(inside), self.namespace).apply(lambda of: conventions.service_host(*of))
        self.internal_url = pulumi.Output.concat("http://", host)
        self.release = installed.release
        self.register_outputs(
            {
                "name": self.name,
                "namespace": self.namespace,
                "url": self.url,
                "internal_url": self.internal_url,
                "release": self.release,
            }
        )

    def _create_service(
        self, role: str, service: str, spec: Manifest, proxies: pulumi.Resource, annotations: Manifest = None
    ) -> k8s.core.v1.Service:
        metadata: Manifest = self._metadata(service) | ({"annotations": annotations} if annotations else {})
        return k8s.core.v1.Service(
            f"{self._name}-{role}",
            metadata=metadata,
            spec=spec,
            opts=after(proxies, self),
        )

    def _create_gateway(self, balancer: k8s.core.v1.Service) -> k8s.apiextensions.CustomResource:
        address = pulumi.Output.all(name_of(balancer), self.namespace).apply(lambda of: conventions.service_host(*of))
        gateway = k8s.apiextensions.CustomResource(
            f"{self._name}-gateway",
            api_version="gateway.networking.k8s.io/v1",
            kind="Gateway",
            metadata=self._metadata(self._called),
            spec={
                "gatewayClassName": GATEWAY_CLASS,
                "addresses": [{"type": "Hostname", "value": address}],
                "listeners": _public_gateway.listeners(),
            },
            opts=pulumi.ResourceOptions(parent=self, depends_on=[balancer]),
        )
        k8s.apiextensions.CustomResource(
            f"{self._name}-redirect",
            api_version="gateway.networking.k8s.io/v1",
            kind="HTTPRoute",
            metadata=self._metadata(f"{self._called}-redirect"),
            spec=_public_gateway.redirect(name_of(gateway)),
            opts=pulumi.ResourceOptions(parent=self),
        )
        return gateway

    def _metadata(self, name: str) -> Manifest:
        return {"name": name, "namespace": self.namespace, "labels": conventions.labels("gateway", self._called)}


def values(name: str, args: PublicGatewayArgs) -> HelmValues:
    """Values of Istio's gateway chart."""
    return _public_gateway.values(name, args)


ADD_ON = AddOn(
    component=PublicGateway,
    needs=("istio", "load_balancer_controller", "external_dns"),
    main=ChartRelease(chart=CHART, values=values, suffix=_public_gateway.PROXY_SUFFIX),
    namespace=conventions.GATEWAY_NAMESPACE,
)
