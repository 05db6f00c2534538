"""The network policies of a workspace: nothing is allowed but the flows that the components need.

A cluster whose network plugin enforces no policies ignores them.
"""

from collections.abc import Mapping

import pulumi

from pulumi_mlops import conventions
from pulumi_mlops._manifests import NAMESPACE_NAME_LABEL, Manifest
from pulumi_mlops.contract import containers

WORKFLOW_POD = {"matchExpressions": [{"key": "workflows.argoproj.io/workflow", "operator": "Exists"}]}
ENDPOINT_POD = {"matchLabels": {"app.kubernetes.io/name": conventions.MODEL_ENDPOINT}}
EVERY_POD: dict[str, object] = {}
KUBERNETES_API_PORTS = (443, 6443)
"""A policy sees the packet before or after the Service's address translation, depending on the network plugin."""
POD_IDENTITY_AGENT = "169.254.170.23/32"
"""Where EKS's agent on each node hands out the credentials of a pod's role, at port 80; link-local, so never routed."""


def policies(
    client_namespaces: list[pulumi.Input[str]],
    egress_namespaces: list[pulumi.Input[str]],
    egress_cidrs: list[pulumi.Input[str]],
    kubernetes_api_cidrs: list[pulumi.Input[str]],
    *,
    workload_identity: bool = False,
) -> dict[str, Manifest]:
    """Name → spec of each NetworkPolicy; the arguments are those of `WorkspaceArgs`.

    With `workload_identity` pipelines reach the agent that has their role's credentials.
    """
    return {
        "default-deny": {"podSelector": EVERY_POD, "policyTypes": ["Ingress", "Egress"]},
        # To any address: a node-local DNS cache has none that a selector could name.
        "allow-dns": _egress(EVERY_POD, [{"ports": [_port(53, "UDP"), _port(53)]}]),
        "allow-same-namespace": {
            "podSelector": EVERY_POD,
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [{"from": [{"podSelector": EVERY_POD}]}],
            "egress": [{"to": [{"podSelector": EVERY_POD}]}],
        },
        "allow-predictions": {
            "podSelector": ENDPOINT_POD,
            "policyTypes": ["Ingress"],
            "ingress": [
                {"from": _clients(client_namespaces), "ports": [_port(conventions.ENDPOINT_PORT)]},
                {"from": [_namespace(conventions.GATEWAY_NAMESPACE)], "ports": [_port(containers.PUBLIC_PORT)]},
            ],
        },
        "allow-pipeline": _egress(
            WORKFLOW_POD,
            [
                _to_service(conventions.OBJECT_STORE_NAMESPACE, conventions.OBJECT_STORE_PORT),
                _to_service(conventions.MLFLOW_NAMESPACE, conventions.MLFLOW_PORT),
                *(
                    [{"to": _blocks(kubernetes_api_cidrs), "ports": [_port(port) for port in KUBERNETES_API_PORTS]}]
                    if kubernetes_api_cidrs
                    else []
                ),
                *([{"to": _blocks([POD_IDENTITY_AGENT]), "ports": [_port(80)]}] if workload_identity else []),
                *([{"to": [_namespace(name) for name in egress_namespaces]}] if egress_namespaces else []),
                *([{"to": _blocks(egress_cidrs)}] if egress_cidrs else []),
            ],
        ),
    }


def _clients(namespaces: list[pulumi.Input[str]]) -> list[dict[str, object]]:
    """Every namespace unless some are named; the gateway's always."""
    if not namespaces:
        return [{"namespaceSelector": {}}]
    return [_namespace(name) for name in (conventions.GATEWAY_NAMESPACE, *namespaces)]


def _egress(pods: Mapping[str, object], rules: list[dict[str, object]]) -> dict[str, object]:
    return {"podSelector": pods, "policyTypes": ["Egress"], "egress": rules}


def _to_service(namespace: str, port: int) -> dict[str, object]:
    return {"to": [_namespace(namespace)], "ports": [_port(port)]}


def _namespace(name: pulumi.Input[str]) -> dict[str, object]:
    return {"namespaceSelector": {"matchLabels": {NAMESPACE_NAME_LABEL: name}}}


def _blocks(cidrs: list[pulumi.Input[str]]) -> list[dict[str, object]]:
    return [{"ipBlock": {"cidr": cidr}} for cidr in cidrs]


def _port(number: int, protocol: str = "TCP") -> dict[str, object]:
    return {"port": number, "protocol": protocol}
