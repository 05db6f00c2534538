"""A cluster of EKS Auto Mode under the real engine, against an AWS API on this machine."""

from typing import Any

import pulumi_aws
import pytest
from aws import Aws
from pulumi_cli import PulumiEnv
from pulumi_mlops.foundation import Cluster

pytestmark = pytest.mark.engine

GROUP: Any = {"name": "general", "instance_types": ["m7i.large"], "min_size": 2, "max_size": 4}


def cluster(**args: Any):
    def run() -> None:
        vpc = pulumi_aws.ec2.Vpc("net", cidr_block="10.0.0.0/16")
        subnets = [
            pulumi_aws.ec2.Subnet(
                zone, vpc_id=vpc.id, availability_zone=f"eu-central-1{zone}", cidr_block=f"10.0.{index}.0/24"
            )
            for index, zone in enumerate("ab")
        ]
        ids: Any = {"vpc_id": vpc.id, "private_subnet_ids": [one.id for one in subnets]}
        Cluster("dev", {**ids, "protect": False, **args})

    return run


def test_auto_mode_is_made_whole_stays_without_its_argument_and_ends(aws: Aws, pulumi_env: PulumiEnv):
    stack = pulumi_env.stack(cluster(auto_mode=True))
    made = stack.up()
    assert "error:" not in made.text
    assert stack.preview().changed == {}
    state = stack.state()
    for expected in ('"nodePools"', '"general-purpose"', '"blockStorage"', '"elasticLoadBalancing"'):
        assert expected in state
    assert aws.client("eks").list_nodegroups(clusterName="dev")["nodegroups"] == []

    # The provider keeps what a program no longer says: node groups come, and Auto Mode stays until EKS is told.
    back = stack.preview(cluster(node_groups=[GROUP]))
    assert "dev-control-plane-eksCluster" not in back.steps
    assert back.steps["dev-general-nodes"]["op"] == "create"
    assert set(stack.destroy().changed) == {"delete"}
