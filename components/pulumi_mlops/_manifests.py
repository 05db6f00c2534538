"""What every Kubernetes object of the library has in common: its notation, who its pods run as, what they may use.

Manifests are written in Kubernetes' own notation (camelCase), the same for typed and custom resources: what a reader
sees in the program is what `kubectl get -o yaml` shows.
"""

from enum import StrEnum
from typing import Any, TypeAlias

import pulumi

from pulumi_mlops.contract.containers import USER

Manifest: TypeAlias = Any
"""A manifest or a part of one. Any, because the SDK's own dict types know only the snake_case notation; the API
server checks the fields, in the preview and in the engine tests."""

RESTRICTED = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn", "audit")}
"""Labels of a namespace that admits only pods of the restricted Pod Security Standard."""

NAMESPACE_NAME_LABEL = "kubernetes.io/metadata.name"  # set on every namespace by the API server


class ImagePullPolicy(StrEnum):
    """When the node pulls an image."""

    ALWAYS = "Always"
    IF_NOT_PRESENT = "IfNotPresent"
    NEVER = "Never"


def pod_security() -> dict[str, Any]:
    """Security context of a pod that the restricted Pod Security Standard admits."""
    return {
        "runAsNonRoot": True,
        "runAsUser": USER,
        "runAsGroup": USER,
        "fsGroup": USER,
        "fsGroupChangePolicy": "OnRootMismatch",  # a recursive chown of the model store would delay every start
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def container_security() -> dict[str, Any]:
    """Security context of a container that the restricted Pod Security Standard admits, with a read-only root."""
    return {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


GPU = "nvidia.com/gpu"
"""Resource that NVIDIA's device plugin offers on a node, and key of the taint that keeps other pods away from it."""


def resources(cpu: object, memory: object, gpus: int = 0) -> dict[str, Any]:
    """`cpu` is requested, without a limit, since throttling helps nobody; `memory` is both request and limit.

    GPUs are a limit alone, which Kubernetes takes for the request as well.
    """
    devices = {GPU: str(gpus)} if gpus else {}
    return {"requests": {"cpu": cpu, "memory": memory}, "limits": {"memory": memory, **devices}}


def gib(amount: pulumi.Input[int]) -> pulumi.Output[str]:
    """An amount in GiB as a Kubernetes quantity."""
    return pulumi.Output.concat(number(amount), "Gi")


def number(value: pulumi.Input[float]) -> pulumi.Output[str]:
    """A count or an amount as a Kubernetes quantity."""
    return pulumi.Output.from_input(value).apply(quantity_text)


def quantity_text(value: float) -> str:
    """The shortest text of a number, to the thousandth: finer amounts Kubernetes rounds up itself."""
    return f"{value:.3f}".rstrip("0").rstrip(".")


def annotated(metadata: Manifest, key: str, value: str) -> Manifest:
    """The metadata with one annotation."""
    return {**metadata, "annotations": {key: value}}


def name_of(resource: Any) -> pulumi.Output[str]:
    """Name of a Kubernetes object, known once the object is registered; resources that use it depend on the object."""
    return resource.metadata["name"]  # known in a preview even where another part of the metadata is not


def after(workload: pulumi.Resource, parent: pulumi.Resource) -> pulumi.ResourceOptions:
    """Options of the Service in front of a workload.

    A Service is ready when pods answer. If the workload came beside it and something else failed first, the engine
    would start no workload any more, and the run would wait ten minutes for pods that cannot come.
    """
    return pulumi.ResourceOptions(parent=parent, depends_on=[workload])
