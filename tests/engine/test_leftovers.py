"""What tests call a leftover is found: one of each kind, made beside Pulumi in the AWS API of this machine."""

import json
from typing import Any

import pytest
from aws import REGION, Aws

pytestmark = pytest.mark.engine

TAG = "leftover-of-a-test"
TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})
READ = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}
RIGHTS = json.dumps({"Version": "2012-10-17", "Statement": [READ]})
ROLE = "arn:aws:iam::123456789012:role/c"


def _calls(vpc: str, subnets: list[str], key: str) -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Kind of leftover → service, operation and parameters that make one."""
    flow_log = {
        "ResourceIds": [vpc],
        "ResourceType": "VPC",
        "TrafficType": "ALL",
        "LogDestinationType": "s3",
        "LogDestination": "arn:aws:s3:::logs",
    }
    alias = {"AliasName": "alias/left", "TargetKeyId": key}
    parameters = {"DBParameterGroupName": "p", "DBParameterGroupFamily": "postgres17", "Description": "p"}
    machines = {
        "AutoScalingGroupName": "m",
        "MinSize": 0,
        "MaxSize": 0,
        "LaunchTemplate": {"LaunchTemplateName": "template"},
    }
    bucket = {"Bucket": "left", "CreateBucketConfiguration": {"LocationConstraint": REGION}}
    group = {"DBSubnetGroupName": "db", "DBSubnetGroupDescription": "db", "SubnetIds": subnets}
    database = {"DBInstanceIdentifier": "orders", "DBInstanceClass": "db.t4g.micro", "Engine": "postgres"}
    login = {"AllocatedStorage": 20, "MasterUsername": "postgres", "MasterUserPassword": "not-a-real-one"}
    return {
        "flow log": ("ec2", "create_flow_logs", flow_log),
        "vpc": ("ec2", "create_vpc", {"CidrBlock": "10.1.0.0/16"}),
        "subnet": ("ec2", "create_subnet", {"VpcId": vpc, "CidrBlock": "10.0.9.0/24"}),
        "network interface": ("ec2", "create_network_interface", {"SubnetId": subnets[0]}),
        "security group": ("ec2", "create_security_group", {"GroupName": "g", "Description": "g", "VpcId": vpc}),
        "volume": ("ec2", "create_volume", {"AvailabilityZone": f"{REGION}a", "Size": 1}),
        "address": ("ec2", "allocate_address", {"Domain": "vpc"}),
        "nat gateway": ("ec2", "create_nat_gateway", {"SubnetId": subnets[0], "ConnectivityType": "private"}),
        "internet gateway": ("ec2", "create_internet_gateway", {}),
        "route table": ("ec2", "create_route_table", {"VpcId": vpc}),
        "endpoint": ("ec2", "create_vpc_endpoint", {"VpcId": vpc, "ServiceName": f"com.amazonaws.{REGION}.s3"}),
        "launch template": (
            "ec2",
            "create_launch_template",
            {"LaunchTemplateName": "template", "LaunchTemplateData": {}},
        ),
        "elbv2": ("elbv2", "create_load_balancer", {"Name": "balancer", "Subnets": subnets, "Type": "network"}),
        "file system": ("efs", "create_file_system", {"CreationToken": "t"}),
        "role": ("iam", "create_role", {"RoleName": "of-a-pod", "AssumeRolePolicyDocument": TRUST}),
        "policy": ("iam", "create_policy", {"PolicyName": "p", "PolicyDocument": RIGHTS}),
        "instance profile": ("iam", "create_instance_profile", {"InstanceProfileName": "p"}),
        "oidc provider": ("iam", "create_open_id_connect_provider", {"Url": "https://oidc.example.org/id/1"}),
        "log group": ("logs", "create_log_group", {"logGroupName": "/aws/eks/x"}),
        "bucket": ("s3", "create_bucket", bucket),
        "key": ("kms", "create_key", {}),
        "queue": ("sqs", "create_queue", {"QueueName": "interruptions"}),
        "event rule": ("events", "put_rule", {"Name": "spot", "EventPattern": "{}"}),
        "secret": ("secretsmanager", "create_secret", {"Name": "s", "SecretString": "x"}),
        "zone": ("route53", "create_hosted_zone", {"Name": "example.org", "CallerReference": "r"}),
        "certificate": ("acm", "request_certificate", {"DomainName": "example.org"}),
        "repository": ("ecr", "create_repository", {"repositoryName": "server"}),
        "subnet group": ("rds", "create_db_subnet_group", group),
        "parameter group": ("rds", "create_db_parameter_group", parameters),
        "autoscaling": ("autoscaling", "create_auto_scaling_group", {**machines, "VPCZoneIdentifier": subnets[0]}),
        "alias": ("kms", "create_alias", alias),
        "database": ("rds", "create_db_instance", {**database, **login}),
        "cluster": ("eks", "create_cluster", {"name": "c", "roleArn": ROLE, "resourcesVpcConfig": {}}),
    }


def test_one_that_stays_is_reported_whatever_kind_it_is(aws: Aws):
    ec2 = aws.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{index}.0/24", AvailabilityZone=f"{REGION}{zone}")["Subnet"]
        for index, zone in enumerate("ab")
    ]
    aws.client("s3").create_bucket(Bucket="logs", CreateBucketConfiguration={"LocationConstraint": REGION})
    key = aws.client("kms").create_key()["KeyMetadata"]["KeyId"]
    before = set(aws.leftovers())
    for kind, (service, operation, parameters) in _calls(vpc, [one["SubnetId"] for one in subnets], key).items():
        getattr(aws.client(service), operation)(**parameters)
        after = set(aws.leftovers())
        new, before = after - before, after
        assert [one for one in new if one.startswith(f"{kind} ")], (kind, new)


def test_an_account_that_nobody_used_has_none_and_what_has_the_tag_is_reported(aws: Aws):
    assert aws.leftovers(TAG) == []
    aws.client("sns").create_topic(Name="of-no-kind-that-is-listed", Tags=[{"Key": "environment", "Value": TAG}])
    (found,) = aws.leftovers(TAG)
    assert found.startswith("tagged arn:aws:sns:")
    assert aws.leftovers("of-somebody-else") == []


def test_what_is_simulated_is_reported(aws: Aws):
    (aws.directory / "simulated.json").write_text(json.dumps({"aws:eks/addon:Addon": {"c:coredns": {}}}))

    assert aws.leftovers() == ["simulated aws:eks/addon:Addon c:coredns"]
