"""A volume that outlives mistakes, for servers that keep their data in the cluster."""

import pulumi
import pulumi_kubernetes as k8s

from pulumi_mlops._manifests import Manifest, annotated, gib, name_of


def volume_claim(
    resource_name: str,
    metadata: Manifest,
    parent: pulumi.Resource,
    *,
    storage_gib: pulumi.Input[int],
    storage_class: pulumi.Input[str] | None,
    protect: bool,
) -> pulumi.Output[str]:
    """Creates a ReadWriteOnce volume claim and returns its name; without a class it has the cluster's default one."""
    spec: Manifest = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": gib(storage_gib)}},
        **({} if storage_class is None else {"storageClassName": storage_class}),
    }
    claim = k8s.core.v1.PersistentVolumeClaim(
        resource_name,
        # A class that binds on first use binds when the server's pod is there: waiting for it here would wait forever.
        metadata=annotated(metadata, "pulumi.com/skipAwait", "true"),
        spec=spec,
        opts=pulumi.ResourceOptions(parent=parent, protect=protect),
    )
    return name_of(claim)
