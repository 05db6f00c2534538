"""`eks:index:ManagedNodeGroup`: a node group, and the launch template that some of its settings need."""

import re
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_eks

from standins.plugins.eks.inputs import Inputs, Problems, given

PLAIN = ("enableIMDSv2", "ignoreScalingChanges")
OTHERS = ("amiType", "capacityType", "cluster", "clusterName", "diskSize", "forceUpdateVersion", "instanceTypes",
          "labels", "launchTemplate", "nodeGroupName", "nodeGroupNamePrefix", "nodeRole", "nodeRoleArn",
          "releaseVersion", "remoteAccess", "scalingConfig", "subnetIds", "tags", "taints", "version")  # fmt: skip
SCALING = {"desiredSize": 2, "minSize": 1, "maxSize": 2}
GRAVITON = re.compile(r"^[a-z]+\d+g[a-z]*\.")
"""Instance types with ARM processors: family, generation, `g` (m7g.large, c7gn.xlarge)."""
ROOT_DEVICE = "/dev/xvda"
METADATA_HOPS = 2
"""Pods on the pod network are two hops away from the node's metadata service."""


def check(inputs: Inputs) -> None:
    """Refuses what cannot be built.

    Raises:
        InputPropertiesError: with one sentence a property.
    """
    problems = Problems("eks:index:ManagedNodeGroup")
    problems.refuse_others(inputs, (*PLAIN, *OTHERS))
    problems.need_plain(inputs, PLAIN)
    problems.need(inputs, ("cluster",))
    if (inputs.get("nodeRole") is None) == (inputs.get("nodeRoleArn") is None):
        problems.add("nodeRole", "one of nodeRole and nodeRoleArn must be given, not both")
    if inputs.get("launchTemplate") is not None:
        for key in ("diskSize", "enableIMDSv2"):
            if inputs.get(key):
                problems.add(key, f"{key} excludes launchTemplate: set it in the launch template")
    if inputs.get("nodeGroupName") is not None and inputs.get("nodeGroupNamePrefix") is not None:
        problems.add("nodeGroupNamePrefix", "nodeGroupNamePrefix excludes nodeGroupName: give one of them")
    problems.end()


def ami_type(instance_types: list[str] | None) -> str:
    """The default image: Amazon Linux 2023 for the processor of the first instance type."""
    arm = bool(instance_types) and bool(GRAVITON.match(instance_types[0]))
    return "AL2023_ARM_64_STANDARD" if arm else "AL2023_x86_64_STANDARD"


def aws_cluster(cluster: Any) -> pulumi.Output[aws.eks.Cluster]:
    """The EKS cluster inside of a Cluster component or of its `core`."""
    if isinstance(cluster, pulumi_eks.Cluster):
        return cluster.eks_cluster
    return pulumi.Output.from_input(cluster).apply(
        lambda known: known.eks_cluster if isinstance(known, pulumi_eks.Cluster) else known["cluster"]
    )


def cluster_subnets(cluster: Any) -> pulumi.Output[list[str]]:
    """The subnets that the cluster was given."""
    if isinstance(cluster, pulumi_eks.Cluster):
        return cluster.core.apply(lambda core: core.subnet_ids)
    return pulumi.Output.from_input(cluster).apply(
        lambda known: (
            known.core.apply(lambda core: core.subnet_ids)
            if isinstance(known, pulumi_eks.Cluster)
            else known["subnetIds"]
        )
    )


class ManagedNodeGroup(pulumi.ComponentResource):
    """Nodes that EKS starts and updates."""

    def __init__(self, name: str, inputs: Inputs, opts: pulumi.ResourceOptions) -> None:
        check(inputs)
        super().__init__("eks:index:ManagedNodeGroup", name, None, opts)
        role = inputs.get("nodeRole")
        subnets = inputs.get("subnetIds")
        image = inputs.get("amiType")
        cluster_name = inputs.get("clusterName")
        template = inputs.get("launchTemplate")
        if template is None and (inputs.get("enableIMDSv2") or inputs.get("diskSize") is not None):
            made = self._create_launch_template(name, inputs)
            template = {"id": made.id, "version": made.latest_version.apply(lambda number: str(int(number)))}
        group = aws.eks.NodeGroup(
            name,
            cluster_name=cluster_name
            if cluster_name is not None
            else aws_cluster(inputs["cluster"]).apply(lambda known: known.name),
            node_role_arn=inputs.get("nodeRoleArn")
            if role is None
            else pulumi.Output.from_input(role).apply(lambda known: known.arn),
            subnet_ids=cluster_subnets(inputs["cluster"]) if subnets is None else subnets,
            scaling_config=inputs.get("scalingConfig") or SCALING,
            ami_type=pulumi.Output.from_input(inputs.get("instanceTypes")).apply(ami_type) if image is None else image,
            capacity_type=inputs.get("capacityType"),
            force_update_version=inputs.get("forceUpdateVersion"),
            instance_types=inputs.get("instanceTypes"),
            labels=inputs.get("labels"),
            launch_template=template,
            node_group_name=inputs.get("nodeGroupName"),
            node_group_name_prefix=inputs.get("nodeGroupNamePrefix"),
            release_version=inputs.get("releaseVersion"),
            remote_access=inputs.get("remoteAccess"),
            tags=inputs.get("tags"),
            taints=inputs.get("taints"),
            version=inputs.get("version"),
            opts=pulumi.ResourceOptions(
                parent=self,
                ignore_changes=["scalingConfig.desiredSize"] if inputs.get("ignoreScalingChanges") else None,
            ),
        )
        self.outputs = {"nodeGroup": group, "placementGroupName": ""}
        self.register_outputs(self.outputs)

    def _create_launch_template(self, name: str, inputs: Inputs) -> aws.ec2.LaunchTemplate:
        size = inputs.get("diskSize")
        metadata = {"httpEndpoint": "enabled", "httpPutResponseHopLimit": METADATA_HOPS, "httpTokens": "required"}
        settings = {
            "metadata_options": metadata if inputs.get("enableIMDSv2") else None,
            "block_device_mappings": [{"deviceName": ROOT_DEVICE, "ebs": {"volumeSize": size}}]
            if size is not None
            else None,
            "tags": inputs.get("tags"),
        }
        return aws.ec2.LaunchTemplate(
            f"{name}-launchTemplate", opts=pulumi.ResourceOptions(parent=self), **given(settings)
        )
