"""The Kubernetes objects of a model endpoint, around its pods.

A server is one Deployment and its Service. An endpoint has one; with a canary, two that differ in name and version.
"""

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pulumi

from pulumi_mlops import conventions
from pulumi_mlops._derived import derived
from pulumi_mlops._manifests import Manifest
from pulumi_mlops.contract.containers import MODEL_VERSION_ANNOTATION
from pulumi_mlops.model_endpoint._pod import PORT_NAME, labels, pod, ports, selector

if TYPE_CHECKING:
    from pulumi_mlops.model_endpoint._access import JwtArgs
    from pulumi_mlops.model_endpoint._arguments import AutoscalingArgs, ModelEndpointArgs

HTTPS_PORT = 443
PROGRESS_SECONDS = 300
"""A version that is not ready by then is a failed rollout."""


def most_replicas(args: "ModelEndpointArgs") -> int:
    """The number of replicas that the endpoint can grow to."""
    if args["autoscaling"] is not None:
        return args["autoscaling"]["max_replicas"]
    return args["replicas"]


def least_replicas(args: "ModelEndpointArgs") -> int:
    """The number of replicas that the endpoint starts with: left out, Kubernetes would start one."""
    if args["autoscaling"] is not None:
        return args["autoscaling"]["min_replicas"]
    return args["replicas"]


def deployment(endpoint: str, server: str, args: "ModelEndpointArgs", version: object, replicas: int) -> Manifest:
    """Spec of a server's Deployment."""
    return {
        "replicas": replicas,
        "selector": {"matchLabels": selector(server)},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
        "minReadySeconds": 1,
        "progressDeadlineSeconds": PROGRESS_SECONDS,
        "revisionHistoryLimit": 3,
        "template": {
            "metadata": {
                "labels": labels(server, args["labels"]),
                "annotations": {MODEL_VERSION_ANNOTATION: version},
            },
            "spec": pod(endpoint, server, args, spread=most_replicas(args) > 1),
        },
    }


def service(server: str, args: "ModelEndpointArgs") -> Manifest:
    """Spec of a server's Service."""
    return {
        "type": "ClusterIP",
        "selector": selector(server),
        "ports": [
            {"name": name, "port": port, "targetPort": name, "protocol": "TCP", "appProtocol": "http"}
            for name, port in ports(args).items()
        ],
    }


def autoscaler(server: str, autoscaling: "AutoscalingArgs") -> Manifest:
    """Spec of the HorizontalPodAutoscaler."""
    target = {"type": "Utilization", "averageUtilization": autoscaling["cpu_percent"]}
    return {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": server},
        "minReplicas": autoscaling["min_replicas"],
        "maxReplicas": autoscaling["max_replicas"],
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
    }


def disruption_budget(server: str) -> Manifest:
    """Spec of the PodDisruptionBudget: a drained node takes one replica at a time."""
    return {
        "maxUnavailable": 1,
        "selector": {"matchLabels": selector(server)},
        "unhealthyPodEvictionPolicy": "AlwaysAllow",  # else a broken version blocks every drain
    }


def issuer_policy(servers: list[str], jwt: "JwtArgs") -> Manifest:
    """Spec of the NetworkPolicy by which servers reach the issuer of tokens: HTTPS to any address but link-local ones.

    Policies know no host names, and the keys may be at another host than the discovery document.
    """
    ports = pulumi.Output.from_input(jwt["issuer"]).apply(
        lambda issuer: [{"port": urlsplit(issuer).port or HTTPS_PORT, "protocol": "TCP"}]
    )
    return {
        "podSelector": {
            "matchLabels": {"app.kubernetes.io/name": conventions.MODEL_ENDPOINT},
            "matchExpressions": [{"key": "app.kubernetes.io/instance", "operator": "In", "values": servers}],
        },
        "policyTypes": ["Egress"],
        "egress": [
            {
                "to": [
                    {"ipBlock": {"cidr": "0.0.0.0/0", "except": ["169.254.0.0/16"]}},
                    {"ipBlock": {"cidr": "::/0", "except": ["fe80::/10", "fd00:ec2::/32"]}},
                ],
                "ports": ports,
            }
        ],
    }


def service_monitor(server: str) -> Manifest:
    """Spec of the Prometheus operator's ServiceMonitor."""
    return {
        "selector": {"matchLabels": selector(server)},
        "endpoints": [{"port": PORT_NAME, "path": "/metrics", "interval": "30s"}],
    }


def route(prefix: pulumi.Input[str], endpoint: str, args: "ModelEndpointArgs", canary: str | None) -> Manifest:
    """Spec of the HTTPRoute: both protocols under the path `prefix`; health and metrics stay inside.

    `canary` is the name of the canary's server, if there is one.
    """
    port = list(ports(args).values())[-1]
    backends: list[dict[str, object]] = [{"name": endpoint, "port": port}]
    if canary and args["canary"] is not None:
        weight = args["canary"]["weight_percent"]
        backends[0]["weight"] = 100 - weight
        backends.append({"name": canary, "port": port, "weight": weight})
    spec: dict[str, object] = {
        "parentRefs": [
            {
                "name": args["gateway_name"],
                "namespace": args["gateway_namespace"],
            }
        ],
        "rules": [
            {
                "matches": [{"path": {"type": "PathPrefix", "value": _under(prefix, protocol)}}],
                "filters": [
                    {
                        "type": "URLRewrite",
                        "urlRewrite": {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": protocol}},
                    }
                ],
                "backendRefs": backends,
            }
            for protocol in ("/api", "/v2")
        ],
    }
    if hosts := args["hosts"]:
        spec["hostnames"] = hosts
    return spec


def _under(prefix: pulumi.Input[str], path: str) -> pulumi.Input[str]:
    return derived(prefix, lambda known: f"{known}{path}")
