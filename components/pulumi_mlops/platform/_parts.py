"""What the platform's own servers have in common: a volume that outlives mistakes, one open port, probes."""

from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from pulumi_mlops._manifests import Manifest, gib, name_of


def volume_claim(
    resource_name: str, metadata: Manifest, args: Mapping[str, Any], default_gib: int, parent: pulumi.Resource
) -> pulumi.Output[str]:
    """Creates a ReadWriteOnce volume claim and returns its name.

    `args` are a component's, with the optional `storage_gib`, `storage_class` and `protect_data`.
    """
    spec: dict[str, Any] = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": gib(args.get("storage_gib", default_gib))}},
        **({"storageClassName": args["storage_class"]} if "storage_class" in args else {}),
    }
    claim = k8s.core.v1.PersistentVolumeClaim(
        resource_name,
        # A class that binds on first use binds when the server's pod is there: waiting for it here would wait forever.
        metadata=annotated(metadata, "pulumi.com/skipAwait", "true"),
        spec=manifest(spec),
        opts=pulumi.ResourceOptions(parent=parent, protect=args.get("protect_data", True)),
    )
    return name_of(claim)


def manifest(content: dict[str, Any]) -> Manifest:
    """The same, of the type that the SDK's resources accept in Kubernetes' own notation."""
    return content


def annotated(metadata: Manifest, key: str, value: str) -> Manifest:
    """The metadata with one annotation."""
    return {**metadata, "annotations": {key: value}}


def ingress_to(pods: Mapping[str, str], port: int) -> Manifest:
    """Spec of a NetworkPolicy: the pods are reachable from every pod of the cluster, at one port."""
    every_namespace: dict[str, Any] = {}
    return {
        "podSelector": {"matchLabels": pods},
        "policyTypes": ["Ingress"],
        "ingress": [{"from": [{"namespaceSelector": every_namespace}], "ports": [{"port": port, "protocol": "TCP"}]}],
    }


def http_probe(path: str, port: int, period_seconds: int, failures: int) -> Manifest:
    """A probe that expects an answer within 5 seconds."""
    return {
        "httpGet": {"path": path, "port": port},
        "periodSeconds": period_seconds,
        "timeoutSeconds": 5,
        "failureThreshold": failures,
    }


def disruption_budget(pods: Mapping[str, str]) -> Manifest:
    """Spec of a PodDisruptionBudget for several replicas: a drained node takes one of them at a time."""
    return {
        "maxUnavailable": 1,
        "selector": {"matchLabels": dict(pods)},
        "unhealthyPodEvictionPolicy": "AlwaysAllow",  # else a broken version blocks every drain
    }


def of_storage_class(parent: pulumi.Resource) -> pulumi.ResourceOptions:
    """Options of a StorageClass: no update changes its reclaim policy, and its fixed name has one owner at a time.

    Volumes that exist keep the policy with which they were made.
    """
    return pulumi.ResourceOptions(parent=parent, replace_on_changes=["reclaimPolicy"], delete_before_replace=True)
