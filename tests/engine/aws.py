"""An AWS API on this machine for engine tests, and what is left in it."""

import functools
import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

REGION = "eu-central-1"
_SERVER = """
import sys, threading
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
"""


@dataclass(frozen=True)
class Aws:
    """The API's address, and the environment that leads the Pulumi CLI to it."""

    address: str
    directory: Path

    @property
    def environment(self) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": self.address,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "PULUMI_MLOPS_AWS_STATE": str(self.directory),
        }

    def client(self, service: str, region: str = REGION) -> Any:
        """A boto3 client of the API, to look and to cause drift beside Pulumi."""
        return _client(self.address, service, region)

    def reset(self) -> None:
        """Empties the API and what is simulated."""
        request = urllib.request.Request(f"{self.address}/moto-api/reset", method="POST")
        urllib.request.urlopen(request, timeout=120).read()  # it reads all policies of AWS again
        (self.directory / "simulated.json").unlink(missing_ok=True)

    def leftovers(self, tag: str = "") -> list[str]:
        """Everything that somebody made and nobody deleted; with a tag's value, what carries it as well as the rest.

        What every account has from the start (default VPCs and all in them, AWS' own keys and policies) is not listed.
        """
        return sorted({*self._networks(), *self._others(), *(self._tagged(tag) if tag else ())})

    def _networks(self) -> Iterator[str]:
        ec2 = self.client("ec2")
        vpcs = {one["VpcId"]: one for one in ec2.describe_vpcs()["Vpcs"]}
        ours = {name for name, one in vpcs.items() if not one.get("IsDefault")}
        yield from (f"vpc {name}" for name in ours)
        yield from (f"subnet {one['SubnetId']}" for one in ec2.describe_subnets()["Subnets"] if one["VpcId"] in ours)
        for one in ec2.describe_security_groups()["SecurityGroups"]:
            if one["GroupName"] != "default":
                yield f"security group {one['GroupId']}"
        for one in ec2.describe_route_tables()["RouteTables"]:
            if one["VpcId"] in ours:
                yield f"route table {one['RouteTableId']}"
        yield from (f"address {one['AllocationId']}" for one in ec2.describe_addresses()["Addresses"])
        yield from (f"internet gateway {o['InternetGatewayId']}" for o in _all(ec2.describe_internet_gateways))
        for one in _all(ec2.describe_nat_gateways):
            if one["State"] not in ("deleted", "deleting"):
                yield f"nat gateway {one['NatGatewayId']}"
        yield from (
            f"endpoint {o['VpcEndpointId']}" for o in _all(ec2.describe_vpc_endpoints) if o["State"] != "deleted"
        )
        yield from (f"flow log {one['FlowLogId']}" for one in _all(ec2.describe_flow_logs))
        yield from (f"launch template {o['LaunchTemplateName']}" for o in _all(ec2.describe_launch_templates))
        yield from (f"network interface {o['NetworkInterfaceId']}" for o in _all(ec2.describe_network_interfaces))
        yield from (f"volume {one['VolumeId']}" for one in _all(ec2.describe_volumes))

    def _others(self) -> Iterator[str]:
        iam = self.client("iam")
        yield from (f"role {one['RoleName']}" for one in iam.list_roles()["Roles"])
        yield from (f"policy {one['PolicyName']}" for one in iam.list_policies(Scope="Local")["Policies"])
        yield from (f"instance profile {o['InstanceProfileName']}" for o in _all(iam.list_instance_profiles))
        yield from (f"oidc provider {one['Arn']}" for one in _all(iam.list_open_id_connect_providers))
        kms = self.client("kms")
        aliases = kms.list_aliases()["Aliases"]
        of_aws = {one.get("TargetKeyId") for one in aliases if one["AliasName"].startswith("alias/aws/")}
        for one in kms.list_keys()["Keys"]:
            key = kms.describe_key(KeyId=one["KeyId"])["KeyMetadata"]
            if key["KeyState"] != "PendingDeletion" and one["KeyId"] not in of_aws:
                yield f"key {one['KeyId']}"
        yield from (f"alias {o['AliasName']}" for o in aliases if not o["AliasName"].startswith("alias/aws/"))
        yield from (f"log group {one['logGroupName']}" for one in _all(self.client("logs").describe_log_groups))
        yield from (f"bucket {one['Name']}" for one in self.client("s3").list_buckets()["Buckets"])
        yield from (f"file system {o['FileSystemId']}" for o in _all(self.client("efs").describe_file_systems))
        yield from (f"cluster {name}" for name in self.client("eks").list_clusters()["clusters"])
        rds = self.client("rds")
        yield from (f"database {one['DBInstanceIdentifier']}" for one in _all(rds.describe_db_instances))
        yield from (f"subnet group {one['DBSubnetGroupName']}" for one in _all(rds.describe_db_subnet_groups))
        for one in _all(rds.describe_db_parameter_groups):
            if not one["DBParameterGroupName"].startswith("default."):
                yield f"parameter group {one['DBParameterGroupName']}"
        yield from (f"repository {o['repositoryName']}" for o in _all(self.client("ecr").describe_repositories))
        yield from (f"zone {one['Name']}" for one in self.client("route53").list_hosted_zones()["HostedZones"])
        certificates = self.client("acm").list_certificates()["CertificateSummaryList"]
        yield from (f"certificate {one['DomainName']}" for one in certificates)
        yield from (f"secret {one['Name']}" for one in self.client("secretsmanager").list_secrets()["SecretList"])
        yield from (f"queue {url}" for url in self.client("sqs").list_queues().get("QueueUrls") or [])
        yield from (f"event rule {one['Name']}" for one in self.client("events").list_rules()["Rules"])
        for service, listing in (("elbv2", "describe_load_balancers"), ("autoscaling", "describe_auto_scaling_groups")):
            yield from (f"{service} {one}" for one in _all(getattr(self.client(service), listing)))
        simulated = self.directory / "simulated.json"
        if simulated.exists():
            for kind, found in json.loads(simulated.read_text()).items():
                yield from (f"simulated {kind} {name}" for name in found)

    def _tagged(self, tag: str) -> Iterator[str]:
        pages = self.client("resourcegroupstaggingapi").get_paginator("get_resources").paginate()
        for page in pages:
            for one in page["ResourceTagMappingList"]:
                lingers = re.search(":kms:|:natgateway/", one["ResourceARN"])  # deleted ones stay listed for a while
                if not lingers and any(tag == item["Value"] for item in one["Tags"]):
                    yield f"tagged {one['ResourceARN']}"


@functools.cache  # a client takes long to make, and a look at what is left needs twenty
def _client(address: str, service: str, region: str) -> Any:
    return boto3.client(
        service, region_name=region, endpoint_url=address, aws_access_key_id="test", aws_secret_access_key="test"
    )


def _all(listing: Any) -> list[Any]:
    """The one list in an answer."""
    return next(value for key, value in listing().items() if isinstance(value, list) and key != "ResponseMetadata")


@contextmanager
def aws_api(directory: Path) -> Iterator[Aws]:
    """Runs the API in a process of its own."""
    environment = {key: value for key, value in os.environ.items() if not re.match(r"AWS_|MOTO_", key)}
    environment |= {"MOTO_ACM_VALIDATION_WAIT": "1", "MOTO_IAM_LOAD_MANAGED_POLICIES": "true"}
    with (directory / "moto.log").open("w") as log, subprocess.Popen(
        [sys.executable, "-c", _SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=log, text=True, env=environment,
    ) as server:  # fmt: skip
        assert server.stdout is not None
        assert server.stdin is not None
        try:
            port = int(server.stdout.readline())
            yield Aws(f"http://127.0.0.1:{port}", directory)
        finally:
            server.terminate()
