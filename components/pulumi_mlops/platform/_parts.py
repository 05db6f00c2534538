"""What parts of a platform have in common: a namespace, one open port, probes, a disruption budget."""

from collections.abc import Mapping

import pulumi
import pulumi_kubernetes as k8s

from pulumi_mlops import conventions
from pulumi_mlops._manifests import RESTRICTED, Manifest, name_of


def create_namespace(
    name: str,
    wanted: pulumi.Input[str],
    parent: pulumi.Resource,
    extra_labels: Mapping[str, str] | None = None,
    instance: str | None = None,
) -> pulumi.Output[str]:
    """Creates a part's namespace, which admits only restricted pods, and returns its name.

    `name` is the component's, `instance` what its objects are called, where that is another name.
    """
    labels = conventions.labels("namespace", instance or name, {**RESTRICTED, **(extra_labels or {})})
    metadata: Manifest = {"name": wanted, "labels": labels}
    created = k8s.core.v1.Namespace(
        f"{name}-namespace",
        metadata=metadata,
        opts=pulumi.ResourceOptions(parent=parent),
    )
    return name_of(created)


def ingress_to(pods: Mapping[str, str], port: int) -> Manifest:
    """Spec of a NetworkPolicy: the pods are reachable from every pod of the cluster, at one port."""
    every_namespace: dict[str, str] = {}
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
