"""What belongs to a VPC besides its subnets: endpoints of AWS services and the log of connections."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws


@dataclass(frozen=True)
class Vpc:
    """The network that the parts belong to."""

    name: str
    """Name of the component."""
    region: str
    resource: aws.ec2.Vpc
    tags: dict[str, pulumi.Input[str]]
    component: pulumi.Resource

    @property
    def child(self) -> pulumi.ResourceOptions:
        """Options of a part."""
        return pulumi.ResourceOptions(parent=self.component)

    def named(self, role: str) -> dict[str, pulumi.Input[str]]:
        """The tags of a part that AWS's console lists by name."""
        return {"Name": f"{self.name}-{role}", **self.tags}


def create_s3_endpoint(vpc: Vpc, tables: Mapping[str, aws.ec2.RouteTable]) -> None:
    """S3 without leaving AWS's network; each zone's routing is a resource of its own."""
    endpoint = aws.ec2.VpcEndpoint(
        f"{vpc.name}-s3",
        vpc_id=vpc.resource.id,
        service_name=f"com.amazonaws.{vpc.region}.s3",
        vpc_endpoint_type="Gateway",
        tags=vpc.named("s3"),
        opts=vpc.child,
    )
    for zone, table in tables.items():
        aws.ec2.VpcEndpointRouteTableAssociation(
            f"{vpc.name}-s3-{zone}", vpc_endpoint_id=endpoint.id, route_table_id=table.id, opts=vpc.child
        )


def create_interface_endpoints(vpc: Vpc, services: Sequence[str], private: Mapping[str, pulumi.Output[str]]) -> None:
    """AWS services inside the VPC; each zone's subnet is a resource of its own."""
    if not services:
        return
    group = aws.ec2.SecurityGroup(
        f"{vpc.name}-endpoints",
        description="HTTPS from the VPC to the interface endpoints",
        vpc_id=vpc.resource.id,
        tags=vpc.named("endpoints"),
        opts=vpc.child,
    )
    aws.vpc.SecurityGroupIngressRule(
        f"{vpc.name}-endpoints-https",
        security_group_id=group.id,
        cidr_ipv4=vpc.resource.cidr_block,
        ip_protocol="tcp",
        from_port=443,
        to_port=443,
        tags=vpc.tags,
        opts=vpc.child,
    )
    for service in services:
        endpoint = aws.ec2.VpcEndpoint(
            f"{vpc.name}-{service}",
            vpc_id=vpc.resource.id,
            service_name=f"com.amazonaws.{vpc.region}.{service}",
            vpc_endpoint_type="Interface",
            private_dns_enabled=True,
            security_group_ids=[group.id],
            tags=vpc.named(service),
            opts=vpc.child,
        )
        for zone, subnet in private.items():
            aws.ec2.VpcEndpointSubnetAssociation(
                f"{vpc.name}-{service}-{zone}",
                vpc_endpoint_id=endpoint.id,
                subnet_id=subnet,
                opts=vpc.child,
            )


def create_flow_log(vpc: Vpc, days: int) -> None:
    """The log of all connections, accepted and refused."""
    group = aws.cloudwatch.LogGroup(
        f"{vpc.name}-flow-logs-group",
        retention_in_days=days,
        tags=vpc.tags,
        opts=vpc.child,
    )
    role = aws.iam.Role(
        f"{vpc.name}-flow-logs-role",
        description=f"Writes the flow logs of the network {vpc.name}",
        assume_role_policy=json.dumps(flow_log_trust()),
        tags=vpc.tags,
        opts=vpc.child,
    )
    policy = aws.iam.RolePolicy(
        f"{vpc.name}-flow-logs-policy",
        role=role.name,
        policy=group.arn.apply(lambda arn: json.dumps(flow_log_policy(arn))),
        opts=vpc.child,
    )
    aws.ec2.FlowLog(
        f"{vpc.name}-flow-log",
        vpc_id=vpc.resource.id,
        traffic_type="ALL",
        log_destination_type="cloud-watch-logs",
        log_destination=group.arn,
        iam_role_arn=role.arn,
        max_aggregation_interval=600,
        tags=vpc.named("flow-log"),
        opts=pulumi.ResourceOptions(parent=vpc.component, depends_on=[policy]),
    )


def flow_log_trust() -> dict[str, object]:
    """Only the flow log service itself may take the role."""
    principal = {"Service": "vpc-flow-logs.amazonaws.com"}
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def flow_log_policy(group_arn: str) -> dict[str, object]:
    """Writing to streams of one log group, which is created beforehand."""
    actions = ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogGroups", "logs:DescribeLogStreams"]
    statement = {"Effect": "Allow", "Action": actions, "Resource": [group_arn, f"{group_arn}:*"]}
    return {"Version": "2012-10-17", "Statement": [statement]}
