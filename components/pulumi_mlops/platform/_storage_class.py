"""What the storage classes of volumes that many pods write at once have in common."""

import pulumi
import pulumi_kubernetes as k8s

from pulumi_mlops import conventions
from pulumi_mlops._args import Argument
from pulumi_mlops._manifests import Manifest, name_of
from pulumi_mlops.contract.rules import matches
from pulumi_mlops.platform import _parts

CLASS_NAME = Argument(
    default=conventions.SHARED_STORAGE_CLASS,
    rule=matches(
        r"(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*",
        "the name of a storage class (lower-case letters, digits, inner hyphens and dots)",
    ),
)
"""The row of the argument `class_name`."""


def create(
    parent: pulumi.Resource,
    name: str,
    driver: str,
    parameters: pulumi.Input[dict[str, pulumi.Input[str]]],
    *,
    class_name: pulumi.Input[str],
    keep_volumes: bool,
    mount_options: list[str] | None = None,
) -> pulumi.Output[str]:
    """Creates the class for the component called `name` and returns its name."""
    metadata: Manifest = {"name": class_name, "labels": conventions.labels("storage-class", name)}
    created = k8s.storage.v1.StorageClass(
        f"{name}-storage-class",
        metadata=metadata,
        provisioner=driver,
        parameters=parameters,
        reclaim_policy="Retain" if keep_volumes else "Delete",
        volume_binding_mode="Immediate",  # the files can be reached from every zone
        mount_options=mount_options,
        opts=_parts.of_storage_class(parent),
    )
    return name_of(created)
