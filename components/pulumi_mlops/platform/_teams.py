"""What a platform publishes for its teams: an output, and the same document in a ConfigMap that everybody can read."""

from typing import cast

import pulumi
import pulumi_kubernetes as k8s

from pulumi_mlops import conventions
from pulumi_mlops.platform_outputs import PlatformOutputs

NAMESPACE = "kube-public"
"""Namespace of every cluster for what all authenticated users may read."""
DOCUMENT = "teams.json"


def publish(
    name: str, outputs: pulumi.Input[PlatformOutputs] | dict[str, object], parent: pulumi.Resource
) -> pulumi.Output[PlatformOutputs]:
    """Creates the ConfigMap `pulumi-mlops` in kube-public, and returns the document for the output `teams`."""
    k8s.core.v1.ConfigMap(
        f"{name}-teams",
        metadata={
            "name": conventions.PACKAGE,
            "namespace": NAMESPACE,
            "labels": conventions.labels("platform", name),
        },
        data={DOCUMENT: pulumi.Output.json_dumps(outputs, indent=2, sort_keys=True)},
        opts=pulumi.ResourceOptions(parent=parent),
    )
    return cast("pulumi.Output[PlatformOutputs]", pulumi.Output.from_input(cast("object", outputs)))
