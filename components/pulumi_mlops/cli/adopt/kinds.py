"""How Terraform's resource types correspond to ours: what identifies one, what it refers to, what it cannot change.

Paths on the right-hand side lead into a resource of a Terraform state, properties on the left are Pulumi's.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pulumi_mlops.cli.adopt import encryption
from pulumi_mlops.cli.adopt.buckets import same_use
from pulumi_mlops.cli.adopt.expected import Expected
from pulumi_mlops.cli.adopt.groups import group_name, not_as_it_is
from pulumi_mlops.cli.adopt.terraform import Found

PUBLIC_SUBNET = "kubernetes.io/role/elb"
"""Tag of our public subnets, which load balancer controllers look for."""


@dataclass(frozen=True)
class Kind:
    """One correspondence."""

    terraform: str
    token: str
    identifier: str = "{id}"
    """What the provider imports it by, with paths in braces."""
    same: Mapping[str, str] = field(default_factory=dict[str, str])
    """Properties that the stack gives and that must be equal."""
    anchors: Mapping[str, str] = field(default_factory=dict[str, str])
    """References that must lead to resources that are matched already."""
    leads: Mapping[str, str] = field(default_factory=dict[str, str])
    """References from which it follows what the resources at their ends are."""
    fixed: Mapping[str, str] = field(default_factory=dict[str, str])
    """What AWS cannot change: another value would replace the resource."""
    forms: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict[str, Callable[[Any], Any]])
    """How the provider writes what is fixed, where it is not as Terraform's state does."""
    fits: Callable[[Expected, Found], bool] = lambda expected, found: True
    never: Callable[[Found], str] = lambda found: ""
    """Why no stack can take this one over, whatever it declares; empty where one can."""
    by_reference: bool = False
    """Whether nothing but a reference tells which one it is."""

    def identifier_of(self, found: Found) -> str:
        """What the provider imports this resource by."""
        return re.sub(r"{([\w.]+)}", lambda place: str(found.get(place[1]) or ""), self.identifier)


def _same_side(expected: Expected, found: Found) -> bool:
    """A subnet is public or it is not; one that nodes and load balancers do not use is none of ours."""
    return not found.get("spare") and (PUBLIC_SUBNET in (expected.inputs.get("tags") or {})) == is_public(found)


def is_public(subnet: Found) -> bool:
    """Whether a subnet of the state faces the internet; `survey` has looked at its routes."""
    return bool(subnet.get("faces_internet"))


def _not_spare(expected: Expected, found: Found) -> bool:
    """The environment's own VPC and cluster."""
    return not found.get("spare")


def _same_zone(expected: Expected, found: Found) -> bool:
    """A mount target of ours is called after its zone."""
    return expected.name.endswith(f"-{found.get('availability_zone_name')}")


def _same_group(expected: Expected, found: Found) -> bool:
    """Node groups are called alike."""
    return expected.name.endswith(f"-{group_name(found)}-nodes")


def _bucket_part(terraform: str, token: str) -> Kind:
    return Kind(terraform, f"aws:s3/{token}", anchors={"bucket": "bucket"}, identifier="{bucket}")


KINDS = (
    Kind("aws_vpc", "aws:ec2/vpc:Vpc", fixed={"cidrBlock": "cidr_block"}, fits=_not_spare),
    Kind(
        "aws_default_security_group", "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", anchors={"vpcId": "vpc_id"}
    ),
    Kind("aws_internet_gateway", "aws:ec2/internetGateway:InternetGateway", anchors={"vpcId": "vpc_id"}),
    Kind(
        "aws_subnet", "aws:ec2/subnet:Subnet", same={"availabilityZone": "availability_zone"},
        anchors={"vpcId": "vpc_id"}, fixed={"cidrBlock": "cidr_block"}, fits=_same_side,
    ),
    Kind("aws_route_table", "aws:ec2/routeTable:RouteTable", by_reference=True),
    Kind(
        "aws_route_table_association", "aws:ec2/routeTableAssociation:RouteTableAssociation",
        identifier="{subnet_id}/{route_table_id}", anchors={"subnetId": "subnet_id"},
        leads={"routeTableId": "route_table_id"},
    ),
    Kind(
        "aws_route", "aws:ec2/route:Route", identifier="{route_table_id}_{destination_cidr_block}",
        same={"destinationCidrBlock": "destination_cidr_block"}, anchors={"routeTableId": "route_table_id"},
    ),
    Kind("aws_eip", "aws:ec2/eip:Eip", by_reference=True),
    Kind(
        "aws_nat_gateway", "aws:ec2/natGateway:NatGateway", anchors={"subnetId": "subnet_id"},
        leads={"allocationId": "allocation_id"},
    ),
    Kind(
        "aws_vpc_endpoint", "aws:ec2/vpcEndpoint:VpcEndpoint", same={"serviceName": "service_name"},
        anchors={"vpcId": "vpc_id"}, fixed={"vpcEndpointType": "vpc_endpoint_type"},
    ),
    Kind(
        "aws_vpc_endpoint_route_table_association",
        "aws:ec2/vpcEndpointRouteTableAssociation:VpcEndpointRouteTableAssociation",
        identifier="{vpc_endpoint_id}/{route_table_id}",
        anchors={"vpcEndpointId": "vpc_endpoint_id", "routeTableId": "route_table_id"},
    ),
    Kind(
        "aws_eks_cluster", "aws:eks/cluster:Cluster", identifier="{name}", same={"name": "name"},
        leads={"roleArn": "role_arn", "encryptionConfig": encryption.KEY},
        fixed={"roleArn": "role_arn", "version": "version", "encryptionConfig": encryption.KEY},
        forms={"encryptionConfig": encryption.encryption_config}, fits=_not_spare,
    ),
    Kind(
        "aws_eks_access_entry", "aws:eks/accessEntry:AccessEntry", identifier="{cluster_name}:{principal_arn}",
        same={"principalArn": "principal_arn"}, anchors={"clusterName": "cluster_name"}, fixed={"type": "type"},
    ),
    Kind(
        "aws_eks_access_policy_association", "aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
        identifier="{cluster_name}#{principal_arn}#{policy_arn}",
        same={"principalArn": "principal_arn", "policyArn": "policy_arn"}, anchors={"clusterName": "cluster_name"},
    ),
    Kind("aws_iam_role", "aws:iam/role:Role", identifier="{name}", fixed={"name": "name", "path": "path"},
         by_reference=True),
    Kind(
        "aws_iam_role_policy_attachment", "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        identifier="{role}/{policy_arn}", same={"policyArn": "policy_arn"}, anchors={"role": "role"},
    ),
    Kind("aws_iam_openid_connect_provider", "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
         identifier="{arn}", anchors={"url": "url"}),
    Kind("aws_kms_key", "aws:kms/key:Key", identifier="{key_id}", by_reference=True),
    Kind("aws_kms_alias", "aws:kms/alias:Alias", identifier="{name}", same={"name": "name"},
         anchors={"targetKeyId": "target_key_id"}),
    Kind("aws_cloudwatch_log_group", "aws:cloudwatch/logGroup:LogGroup", identifier="{name}", same={"name": "name"}),
    Kind(
        "aws_eks_node_group", "aws:eks/nodeGroup:NodeGroup", identifier="{cluster_name}:{node_group_name}",
        same={"clusterName": "cluster_name"},
        leads={"nodeRoleArn": "node_role_arn", "launchTemplate": "launch_template.0.id"},
        fixed={"nodeGroupName": "node_group_name", "nodeRoleArn": "node_role_arn", "subnetIds": "subnet_ids",
               "amiType": "ami_type", "capacityType": "capacity_type", "instanceTypes": "instance_types",
               "version": "version"},
        fits=_same_group, never=not_as_it_is,
    ),
    Kind("aws_launch_template", "aws:ec2/launchTemplate:LaunchTemplate", fixed={"name": "name"}, by_reference=True),
    Kind("aws_eks_addon", "aws:eks/addon:Addon", identifier="{cluster_name}:{addon_name}",
         same={"clusterName": "cluster_name", "addonName": "addon_name"}),
    Kind(
        "aws_efs_file_system", "aws:efs/fileSystem:FileSystem",
        fixed={"creationToken": "creation_token", "encrypted": "encrypted", "performanceMode": "performance_mode"},
    ),
    Kind(
        "aws_efs_mount_target", "aws:efs/mountTarget:MountTarget", anchors={"fileSystemId": "file_system_id"},
        fixed={"subnetId": "subnet_id"}, fits=_same_zone,
    ),
    Kind(
        "aws_s3_bucket", "aws:s3/bucket:Bucket", identifier="{bucket}", fixed={"bucket": "bucket"}, fits=same_use
    ),
    Kind("aws_ecr_repository", "aws:ecr/repository:Repository", identifier="{name}", same={"name": "name"}),
    _bucket_part("aws_s3_bucket_versioning", "bucketVersioning:BucketVersioning"),
    _bucket_part("aws_s3_bucket_public_access_block", "bucketPublicAccessBlock:BucketPublicAccessBlock"),
    _bucket_part("aws_s3_bucket_ownership_controls", "bucketOwnershipControls:BucketOwnershipControls"),
    _bucket_part("aws_s3_bucket_lifecycle_configuration", "bucketLifecycleConfiguration:BucketLifecycleConfiguration"),
    _bucket_part("aws_s3_bucket_policy", "bucketPolicy:BucketPolicy"),
    _bucket_part(
        "aws_s3_bucket_server_side_encryption_configuration",
        "bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    ),
)  # fmt: skip
BY_TOKEN = {kind.token: kind for kind in KINDS}
TERRAFORM_TYPES = frozenset(kind.terraform for kind in KINDS)
