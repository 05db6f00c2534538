"""`eks:index:Addon`: one EKS add-on of a Cluster component."""

from typing import Any

import pulumi
import pulumi_aws as aws

from standins.plugins.eks.inputs import Inputs, Problems, as_json
from standins.plugins.eks.node_group import aws_cluster

IMPLEMENTED = ("addonName", "addonVersion", "cluster", "configurationValues", "preserve", "resolveConflictsOnCreate",
               "resolveConflictsOnUpdate", "serviceAccountRoleArn", "tags")  # fmt: skip


def check(inputs: Inputs) -> None:
    """Refuses what cannot be built.

    Raises:
        InputPropertiesError: with one sentence a property.
    """
    problems = Problems("eks:index:Addon")
    problems.refuse_others(inputs, IMPLEMENTED)
    problems.need(inputs, ("addonName", "cluster"))
    problems.end()


def one_map(tags: Any) -> Any:
    """The SDK's type of an add-on's tags is a list of maps; the API wants one map."""
    merged: dict[str, str] = {}
    for part in [tags] if isinstance(tags, dict) else tags:
        merged |= part
    return merged


class Addon(pulumi.ComponentResource):
    """Software that EKS installs and updates in the cluster."""

    def __init__(self, name: str, inputs: Inputs, opts: pulumi.ResourceOptions) -> None:
        check(inputs)
        # The published component stands below its cluster, whatever the program says.
        cluster = inputs["cluster"]
        parent = cluster if isinstance(cluster, pulumi.Resource) else opts.parent
        super().__init__(
            "eks:index:Addon", name, None, pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(parent=parent))
        )
        tags = inputs.get("tags")
        aws.eks.Addon(
            name,
            cluster_name=aws_cluster(cluster).apply(lambda known: known.name),
            addon_name=inputs["addonName"],
            addon_version=inputs.get("addonVersion"),
            configuration_values=as_json(inputs.get("configurationValues")),
            preserve=inputs.get("preserve"),
            resolve_conflicts_on_create=inputs.get("resolveConflictsOnCreate"),
            resolve_conflicts_on_update=inputs.get("resolveConflictsOnUpdate"),
            service_account_role_arn=inputs.get("serviceAccountRoleArn"),
            tags=None if tags is None else pulumi.Output.from_input(tags).apply(one_map),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.outputs: dict[str, Any] = {}
        self.register_outputs({})
