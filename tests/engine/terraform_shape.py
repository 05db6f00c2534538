"""An environment as terraform-aws-modules/vpc and /eks make it, in the AWS API of a test, and its Terraform state."""

import json
from dataclasses import dataclass, field
from typing import Any

from aws import REGION, Aws

from standins.plugins.aws import eks as stand_in
from standins.plugins.aws.eks_simulated import AccessEntry, AccessPolicyAssociation
from standins.plugins.aws.simulated import Store

ZONES = (f"{REGION}a", f"{REGION}b")
PROVIDER = 'provider["registry.terraform.io/hashicorp/aws"]'
CLUSTER = "acme-ml"
NODES = "workers-eks-node-group-2023"
OPEN = "0.0.0.0/0"
ADMIN = "arn:aws:iam::123456789012:role/acme-admins"
ADMIN_POLICY = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"


@dataclass
class Shape:
    """Makes resources one by one and keeps a state of them."""

    aws: Aws
    resources: list[dict[str, Any]] = field(default_factory=list)

    def keep(self, address: str, attributes: dict[str, Any], key: Any = None, module: str = "") -> None:
        """Adds an instance to the state."""
        kind, name = address.split(".")
        known = next(
            (r for r in self.resources if (r.get("module", ""), r["type"], r["name"]) == (module, kind, name)), None
        )
        if known is None:
            known = {"mode": "managed", "type": kind, "name": name, "provider": PROVIDER, "instances": []}
            self.resources.append({"module": module, **known} if module else known)
            known = self.resources[-1]
        known["instances"].append({**({} if key is None else {"index_key": key}), "attributes": attributes})

    def state(self) -> str:
        """The state's text."""
        return json.dumps({"version": 4, "terraform_version": "1.5.7", "serial": 9, "resources": self.resources})


def make(aws: Aws) -> Shape:
    """Makes all of it."""
    shape = Shape(aws)
    private = _network(shape)
    _cluster(shape, private)
    _files(shape, private)
    _buckets(shape)
    return shape


def _named(name: str) -> list[dict[str, str]]:
    return [{"Key": "Name", "Value": name}]


def _network(shape: Shape) -> list[str]:
    """One NAT gateway, and hence one table for all private subnets; blocks that are not those of `Network`."""
    ec2, at = shape.aws.client("ec2"), "module.vpc"
    vpc = ec2.create_vpc(CidrBlock="10.42.0.0/16")["Vpc"]["VpcId"]
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    shape.keep("aws_vpc.this", {"id": vpc, "cidr_block": "10.42.0.0/16"}, 0, at)
    internet = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=internet, VpcId=vpc)
    shape.keep("aws_internet_gateway.this", {"id": internet, "vpc_id": vpc}, 0, at)
    subnets: dict[str, list[str]] = {"private": [], "public": []}
    tables = {}
    for side, first in (("private", 1), ("public", 101)):
        tables[side] = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
        shape.keep(f"aws_route_table.{side}", {"id": tables[side], "vpc_id": vpc}, 0, at)
        for index, zone in enumerate(ZONES):
            block = f"10.42.{first + index}.0/24"
            subnet = ec2.create_subnet(VpcId=vpc, CidrBlock=block, AvailabilityZone=zone)["Subnet"]["SubnetId"]
            subnets[side].append(subnet)
            attributes = {"id": subnet, "vpc_id": vpc, "cidr_block": block, "availability_zone": zone}
            shape.keep(f"aws_subnet.{side}", attributes, index, at)
            routing = ec2.associate_route_table(RouteTableId=tables[side], SubnetId=subnet)["AssociationId"]
            attributes = {"id": routing, "subnet_id": subnet, "route_table_id": tables[side]}
            shape.keep(f"aws_route_table_association.{side}", attributes, index, at)
    address = ec2.allocate_address(Domain="vpc")
    shape.keep("aws_eip.nat", {"id": address["AllocationId"], "allocation_id": address["AllocationId"]}, 0, at)
    gateway = ec2.create_nat_gateway(SubnetId=subnets["public"][0], AllocationId=address["AllocationId"])
    nat = gateway["NatGateway"]["NatGatewayId"]
    attributes = {"id": nat, "subnet_id": subnets["public"][0], "allocation_id": address["AllocationId"]}
    shape.keep("aws_nat_gateway.this", attributes, 0, at)
    ec2.create_route(RouteTableId=tables["public"], DestinationCidrBlock=OPEN, GatewayId=internet)
    attributes = {"route_table_id": tables["public"], "destination_cidr_block": OPEN, "gateway_id": internet}
    shape.keep("aws_route.public_internet_gateway", {"id": "r-1", **attributes}, 0, at)
    ec2.create_route(RouteTableId=tables["private"], DestinationCidrBlock=OPEN, NatGatewayId=nat)
    attributes = {"route_table_id": tables["private"], "destination_cidr_block": OPEN, "nat_gateway_id": nat}
    shape.keep("aws_route.private_nat_gateway", {"id": "r-2", **attributes}, 0, at)
    return subnets["private"]


def _role(shape: Shape, name: str, service: str, policies: list[str], module: str, address: str) -> str:
    iam = shape.aws.client("iam")
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    shape.keep(f"aws_iam_role.{address}", {"id": name, "name": name, "arn": arn, "path": "/"}, 0, module)
    for policy in policies:
        policy_arn = f"arn:aws:iam::aws:policy/{policy}"
        iam.attach_role_policy(RoleName=name, PolicyArn=policy_arn)
        attributes = {"id": f"{name}-2023", "role": name, "policy_arn": policy_arn}
        shape.keep(f"aws_iam_role_policy_attachment.{address}", attributes, policy, module)
    return arn


def _cluster(shape: Shape, private: list[str]) -> None:
    eks, at = shape.aws.client("eks"), "module.eks"
    nodes_at = f'{at}.module.eks_managed_node_group["workers"]'
    role = _role(shape, "acme-ml-cluster-2023", "eks.amazonaws.com", ["AmazonEKSClusterPolicy"], at, "this")
    network = {"subnetIds": private, "endpointPublicAccess": True, "endpointPrivateAccess": True}
    made = eks.create_cluster(name=CLUSTER, version="1.36", roleArn=role, resourcesVpcConfig=network)["cluster"]
    # What EKS gives a cluster and the API here does not, as the provider's stand-in has it.
    issuer = stand_in._issuer(made)
    vpc_id = shape.resources[0]["instances"][0]["attributes"]["id"]
    shape.aws.client("ec2").create_security_group(
        GroupName=stand_in._group_name(CLUSTER), Description="made by EKS", VpcId=vpc_id
    )
    vpc = {
        "subnet_ids": private,
        "endpoint_public_access": True,
        "public_access_cidrs": [OPEN],
        "vpc_id": vpc_id,
    }
    attributes = {
        "id": CLUSTER, "name": CLUSTER, "arn": made["arn"], "version": "1.36", "role_arn": role, "vpc_config": [vpc],
        "identity": [{"oidc": [{"issuer": issuer}]}], "access_config": [{"authentication_mode": "API"}],
        "encryption_config": [{"provider": [{"key_arn": _key(shape, at)}], "resources": ["secrets"]}],
    }  # fmt: skip
    shape.keep("aws_eks_cluster.this", attributes, 0, at)
    _access(shape, at)
    iam = shape.aws.client("iam")
    provider = iam.create_open_id_connect_provider(
        Url=issuer, ClientIDList=["sts.amazonaws.com"], ThumbprintList=["9" * 40]
    )["OpenIDConnectProviderArn"]
    attributes = {"id": provider, "arn": provider, "url": issuer.removeprefix("https://")}
    shape.keep("aws_iam_openid_connect_provider.oidc_provider", attributes, 0, at)
    policies = ["AmazonEKSWorkerNodePolicy", "AmazonEKS_CNI_Policy", "AmazonEC2ContainerRegistryReadOnly"]
    node_role = _role(shape, NODES, "ec2.amazonaws.com", policies, nodes_at, "this")
    template = shape.aws.client("ec2").create_launch_template(
        LaunchTemplateName="workers-2023", LaunchTemplateData={"MetadataOptions": {"HttpTokens": "required"}}
    )["LaunchTemplate"]["LaunchTemplateId"]
    shape.keep("aws_launch_template.this", {"id": template, "name": "workers-2023"}, 0, nodes_at)
    group = "workers-20230102030405060700000001"
    eks.create_nodegroup(
        clusterName=CLUSTER, nodegroupName=group, nodeRole=node_role, subnets=private, instanceTypes=["m6i.large"],
        scalingConfig={"minSize": 1, "maxSize": 3, "desiredSize": 2}, amiType="AL2023_x86_64_STANDARD",
        capacityType="ON_DEMAND", launchTemplate={"id": template, "version": "1"},
    )  # fmt: skip
    attributes = {
        "id": f"{CLUSTER}:{group}", "cluster_name": CLUSTER, "node_group_name": group, "node_role_arn": node_role,
        "subnet_ids": private, "instance_types": ["m6i.large"], "ami_type": "AL2023_x86_64_STANDARD",
        "capacity_type": "ON_DEMAND", "launch_template": [{"id": template, "version": "1"}],
        "scaling_config": [{"min_size": 1, "max_size": 3, "desired_size": 2}], "version": "1.36",
    }  # fmt: skip
    shape.keep("aws_eks_node_group.this", attributes, 0, nodes_at)


def _key(shape: Shape, at: str) -> str:
    kms = shape.aws.client("kms")
    key = kms.create_key(Description="acme-ml cluster encryption key")["KeyMetadata"]
    kms.create_alias(AliasName=f"alias/eks/{CLUSTER}", TargetKeyId=key["KeyId"])
    shape.keep(
        "aws_kms_key.this", {"id": key["KeyId"], "key_id": key["KeyId"], "arn": key["Arn"]}, 0, f"{at}.module.kms"
    )
    alias = {"id": f"alias/eks/{CLUSTER}", "name": f"alias/eks/{CLUSTER}", "target_key_id": key["KeyId"]}
    shape.keep("aws_kms_alias.this", alias, "cluster", f"{at}.module.kms")
    return key["Arn"]


def _access(shape: Shape, at: str) -> None:
    """An administrator by an access entry, in the stand-in's file: the API here has no access entries."""
    store = Store(shape.aws.directory)
    ours = {"clusterName": CLUSTER, "principalArn": ADMIN}
    entry = {**ours, "type": "STANDARD", "userName": ADMIN}
    store.put(AccessEntry.token, f"{CLUSTER}:{ADMIN}", {"values": entry, "tags": {}})
    association = {**ours, "policyArn": ADMIN_POLICY, "accessScope": {"type": "cluster"}}
    store.put(AccessPolicyAssociation.token, f"{CLUSTER}#{ADMIN}#{ADMIN_POLICY}", {"values": association, "tags": {}})
    attributes = {"cluster_name": CLUSTER, "principal_arn": ADMIN}
    shape.keep("aws_eks_access_entry.this", {**attributes, "type": "STANDARD"}, "admins", at)
    attributes |= {"policy_arn": ADMIN_POLICY, "access_scope": [{"type": "cluster", "namespaces": []}]}
    shape.keep("aws_eks_access_policy_association.this", attributes, "admins_admin", at)


def _files(shape: Shape, private: list[str]) -> None:
    efs = shape.aws.client("efs")
    system = efs.create_file_system(CreationToken="acme-models", Encrypted=True, PerformanceMode="generalPurpose")
    identifier = system["FileSystemId"]
    attributes = {"id": identifier, "creation_token": "acme-models", "encrypted": True,
                  "performance_mode": "generalPurpose", "arn": system["FileSystemArn"]}  # fmt: skip
    shape.keep("aws_efs_file_system.models", attributes)
    for zone, subnet in zip(ZONES, private, strict=True):
        target = efs.create_mount_target(FileSystemId=identifier, SubnetId=subnet)["MountTargetId"]
        attributes = {"id": target, "file_system_id": identifier, "subnet_id": subnet, "availability_zone_name": zone}
        shape.keep("aws_efs_mount_target.models", attributes, zone)


def _buckets(shape: Shape) -> None:
    s3 = shape.aws.client("s3")
    for key, bucket in (("artifacts", "acme-mlflow-artifacts"), ("data", "acme-training-data")):
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        shape.keep("aws_s3_bucket.this", {"id": bucket, "bucket": bucket, "arn": f"arn:aws:s3:::{bucket}"}, key)
    shape.keep("aws_dynamodb_table.locks", {"id": "locks", "name": "locks"})
