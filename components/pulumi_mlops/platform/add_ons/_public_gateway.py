"""What the public gateway consists of: its proxies, the NLB in front of them, listeners and redirect."""

from collections.abc import Mapping

import pulumi

from pulumi_mlops import conventions, versions
from pulumi_mlops._manifests import Manifest, resources
from pulumi_mlops.platform._chart_values import spread
from pulumi_mlops.platform._charts import Chart, HelmValues
from pulumi_mlops.platform.add_ons import istio
from pulumi_mlops.platform.add_ons._public_gateway_args import PublicGatewayArgs, scaling
from pulumi_mlops.platform.add_ons.external_dns import HOSTNAME_ANNOTATION

CHART = Chart("gateway", istio.REPOSITORY, versions.ISTIO)

HTTPS_PORT = 443
HTTP_PORT = 80
TRAFFIC_PORT = 8080
"""Port of the proxies for what came by HTTPS or from inside; above 1024, where no right is needed to listen."""
REDIRECT_PORT = 8081
"""Port of the proxies for what came by HTTP."""
HEALTH_PORT = 15021
HEALTH_PATH = "/healthz/ready"
REDIRECT_LISTENER = "redirect"

NLB = "service.beta.kubernetes.io/aws-load-balancer-"
"""Prefix of the annotations that the AWS Load Balancer Controller reads, and EKS Auto Mode."""
TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-2021-06"
"""TLS 1.3 and 1.2, with forward secrecy alone."""

PROXY_SUFFIX = "-proxy"
CPU_REQUEST = "100m"
DRAIN_SECONDS = 30
"""How long an ending proxy keeps serving: the NLB needs that long to stop sending it new connections."""


def proxies(name: str) -> str:
    """Name of the proxies' release, Deployment and service account."""
    return f"{name}{PROXY_SUFFIX}"


def selector(name: str) -> dict[str, str]:
    """Labels that the chart puts on the proxies, by the release's name."""
    return {"app": proxies(name), "istio": proxies(name).removeprefix("istio-")}


def values(name: str, args: PublicGatewayArgs) -> HelmValues:
    """Values of Istio's gateway chart. The Service is ours: the preview shows it, and what depends on it can say so."""
    least, most = scaling(args)
    return {
        "service": {"type": "None"},
        "serviceAccount": {"create": True, "name": proxies(name)},
        "rbac": {"enabled": False},  # for certificates in Secrets; here the NLB has the certificate
        "autoscaling": {
            "enabled": True,
            "minReplicas": least,
            "maxReplicas": most,
            "targetCPUUtilizationPercentage": 70,
        },
        "podDisruptionBudget": {"minAvailable": 1} if least > 1 else {},
        "topologySpreadConstraints": spread(selector(name)),
        "resources": resources(CPU_REQUEST, args["memory"]),
        "strategy": {"rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
        "lifecycle": {"preStop": {"sleep": {"seconds": DRAIN_SECONDS}}},
        "terminationGracePeriodSeconds": 2 * DRAIN_SECONDS,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
    }


def annotations(args: PublicGatewayArgs) -> Manifest:
    """Annotations of the Service that becomes the NLB: its listeners, its checks, its name in DNS."""
    tags = args["tags"]
    return {
        f"{NLB}scheme": "internal" if args["internal"] else "internet-facing",
        f"{NLB}nlb-target-type": "ip",
        f"{NLB}ssl-cert": args["certificate_arn"],
        f"{NLB}ssl-ports": str(HTTPS_PORT),
        f"{NLB}ssl-negotiation-policy": TLS_POLICY,
        f"{NLB}backend-protocol": "tcp",
        f"{NLB}healthcheck-protocol": "http",
        f"{NLB}healthcheck-port": str(HEALTH_PORT),
        f"{NLB}healthcheck-path": HEALTH_PATH,
        f"{NLB}attributes": "load_balancing.cross_zone.enabled=true",
        f"{NLB}target-group-attributes": f"deregistration_delay.timeout_seconds={DRAIN_SECONDS}",
        **({f"{NLB}additional-resource-tags": pulumi.Output.all(**tags).apply(_tags)} if tags else {}),
        HOSTNAME_ANNOTATION: pulumi.Output.all(*args["hostnames"]).apply(",".join),
    }


def _tags(tags: Mapping[str, str]) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted(tags.items()))


def load_balancer(name: str, args: PublicGatewayArgs) -> Manifest:
    """Spec of the Service that becomes the NLB."""
    return {
        "type": "LoadBalancer",
        "loadBalancerClass": args["load_balancer_class"],
        "allocateLoadBalancerNodePorts": False,  # the NLB reaches the pods themselves
        "selector": selector(name),
        "ports": [port("https", HTTPS_PORT, TRAFFIC_PORT), port("http", HTTP_PORT, REDIRECT_PORT)],
        **({"loadBalancerSourceRanges": args["source_ranges"]} if args["source_ranges"] is not None else {}),
    }


def inside(name: str) -> Manifest:
    """Spec of the Service for clients inside the cluster, which speak plain HTTP and are not redirected."""
    return {
        "type": "ClusterIP",
        "selector": selector(name),
        "ports": [port("http", conventions.GATEWAY_PORT, TRAFFIC_PORT)],
    }


def port(name: str, number: int, target: int) -> Manifest:
    """One port of a Service."""
    return {"name": name, "port": number, "targetPort": target, "protocol": "TCP"}


def listeners() -> Manifest:
    """Listeners of the Gateway; their ports are the load balancer's, from which Istio finds the proxies' own."""
    return [
        {
            "name": conventions.GATEWAY_LISTENER,
            "port": HTTPS_PORT,
            "protocol": "HTTP",  # TLS has ended at the NLB
            "allowedRoutes": {"namespaces": {"from": "All"}},
        },
        {
            "name": REDIRECT_LISTENER,
            "port": HTTP_PORT,
            "protocol": "HTTP",
            "allowedRoutes": {"namespaces": {"from": "Same"}},  # nobody else's route may answer in plain
        },
    ]


def redirect(gateway: pulumi.Input[str]) -> Manifest:
    """Spec of the route that answers every request in plain HTTP."""
    return {
        "parentRefs": [{"name": gateway, "sectionName": REDIRECT_LISTENER}],
        "rules": [
            {
                "filters": [
                    {
                        "type": "RequestRedirect",
                        # 308, with which a client repeats a POST as a POST
                        "requestRedirect": {"scheme": "https", "port": HTTPS_PORT, "statusCode": 308},
                    }
                ]
            }
        ],
    }
