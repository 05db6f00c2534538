"""The network policies of a delivery's pods. A cluster whose network plugin enforces no policies ignores them."""

from collections.abc import Mapping

import pulumi

from pulumi_mlops._manifests import NAMESPACE_NAME_LABEL, Manifest
from pulumi_mlops.delivery_pipeline._arguments import DeliveryPipelineArgs
from pulumi_mlops.delivery_pipeline._events import PORT, source_name

BUS_PODS = {"matchLabels": {"controller": "eventbus-controller"}}
BUS_PORT = 4222
KUBERNETES_API_PORTS = (443, 6443)
"""A policy sees the packet before or after the Service's address translation, depending on the network plugin."""
NODE_CREDENTIALS = "169.254.0.0/16"
"""Link-local: where clouds hand a node's own credentials to whoever asks."""


def policies(name: str, args: DeliveryPipelineArgs, instance: dict[str, str]) -> dict[str, Manifest]:
    """Role → spec of each NetworkPolicy; `instance` are the labels that all pods of the pipeline have."""
    source = {"matchLabels": {**instance, "eventsource-name": source_name(name)}}
    sensor = {"matchLabels": {**instance, "sensor-name": source_name(name)}}
    runs = {
        "matchLabels": instance,
        "matchExpressions": [{"key": "workflows.argoproj.io/workflow", "operator": "Exists"}],
    }
    bus = {"to": [{"podSelector": BUS_PODS}], "ports": [_port(BUS_PORT)]}
    api = {"to": [_anywhere()], "ports": [_port(port) for port in KUBERNETES_API_PORTS]}
    return {
        "webhook": _policy(
            source,
            [{"from": [_namespace(args["gateway_namespace"])], "ports": [_port(PORT)]}],
            [_DNS, bus],
        ),
        "sensor": _policy(sensor, [], [_DNS, bus, api]),
        # A build downloads from where its Dockerfile says; the tests call what was deployed.
        "runs": _policy(runs, [], [_DNS, {"to": [_anywhere(), _namespace(args["staging"]["namespace"])]}]),
    }


def _policy(pods: Mapping[str, object], ingress: list[Manifest], egress: list[Manifest]) -> Manifest:
    return {"podSelector": pods, "policyTypes": ["Ingress", "Egress"], "ingress": ingress, "egress": egress}


def _anywhere() -> Manifest:
    return {"ipBlock": {"cidr": "0.0.0.0/0", "except": [NODE_CREDENTIALS]}}


def _namespace(name: pulumi.Input[str]) -> Manifest:
    return {"namespaceSelector": {"matchLabels": {NAMESPACE_NAME_LABEL: name}}}


def _port(number: int, protocol: str = "TCP") -> Manifest:
    return {"port": number, "protocol": protocol}


_DNS: Manifest = {"ports": [_port(53, "UDP"), _port(53)]}
