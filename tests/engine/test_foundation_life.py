"""Foundation stacks from their first `up` to `destroy`, under the real engine, with AWS calls answered here."""

import re
from typing import Any

import pytest
from aws import Aws
from aws_stacks import AwsEngine
from pulumi_mlops import versions

pytestmark = [pytest.mark.engine, pytest.mark.timeout(1200)]

DEV, PROD = "foundation-dev", "foundation-prod"
ZONES = ["eu-central-1a", "eu-central-1b"]
NODES = {"name": "general", "instance_types": ["m7i.large", "m6i.large"], "min_size": 2, "max_size": 5, "spot": True}
START: dict[str, Any] = {"protect_data": True, "tags": {"cost-centre": "42"}}
CHANGES: dict[str, tuple[dict[str, Any], dict[str, set[str]]]] = {
    "a zone more": (
        {"zones": [*ZONES, "eu-central-1c"]},
        # EKS cannot move a node group to other subnets: its successor comes first, then it goes. The control plane
        # stays where it is: EKS refuses it subnets in zones that it was not created in, as the stand-in does.
        {"create": {"Subnet", "MountTarget", "RouteTableAssociation"}, "replace": {"NodeGroup"}},
    ),
    "more nodes": ({"node_groups": [{**NODES, "max_size": 9}]}, {"update": {"NodeGroup"}}),
    "a newer add-on": (
        {"addon_versions": {"coredns": f"{versions.EKS_COREDNS.rpartition('.')[0]}.99"}},
        {"update": {"Addon"}},
    ),
    "a renamed tag": (
        {"tags": {"cost-center": "42"}},
        {"update": {"Vpc", "Subnet", "Cluster", "FileSystem", "Bucket", "Key", "Role", "Repository", "Zone"}},
    ),
}
REFUSED = {
    "another block": ({"cidr": "10.99.0.0/16"}, r"mlops-dev-vpc replace \[diff: ~cidrBlock\]"),
    "another cluster": ({"cluster_name": "mlops-qa"}, r"mlops-dev-control-plane-eksCluster replace \[diff: ~name\]"),
    "another name": ({"environment": "qa"}, r"::mlops-dev-[\w-]+. cannot be deleted"),
    "a bucket less": ({"existing_buckets": {"mlflow": "elsewhere"}}, r"::mlops-dev-mlflow. cannot be deleted"),
    "another domain": ({"domain_name": "other.example.org"}, r"mlops-dev-zone replace \[diff: [^\]]*\bname\b"),
}
"""Change → its settings, and how the preview says what would be lost, and by which property."""


def test_two_environments_live_side_by_side_and_end(aws_engine: AwsEngine, aws: Aws):
    aws_engine.configure(DEV, START)
    aws_engine.quiet(DEV, "up", "--yes", "--skip-preview")
    assert aws_engine.planned(DEV, **START) == {}, "a second up would change something"
    assert aws_engine.outputs(DEV)["client_security_group_id"].startswith("sg-")

    for change, (settings, expected) in CHANGES.items():
        planned = aws_engine.planned(DEV, **{**START, **settings})
        assert set(planned) <= {"create", "update", *expected}, (change, planned)
        assert planned.get("replace", set()) == expected.get("replace", set()), (change, planned)
        for operation, types in expected.items():
            assert types <= planned[operation], (change, planned)
    for change, (settings, reason) in REFUSED.items():
        said = aws_engine.said(DEV, **{**START, **settings})
        assert "marked for protection" in said or "protected" in said, (change, said)
        assert re.search(reason, said), (change, said)

    aws_engine.configure(PROD, {})
    aws_engine.quiet(PROD, "up", "--yes", "--skip-preview")
    everything = {key: value for settings, _ in CHANGES.values() for key, value in settings.items()}
    aws_engine.configure(DEV, {**everything, "protect_data": False})
    aws_engine.quiet(DEV, "up", "--yes", "--skip-preview")
    assert aws_engine.planned(DEV, **everything, protect_data=False) == {}
    assert subnets(aws, "mlops-dev") == (2 * len(ZONES), [len(ZONES) + 1])
    aws_engine.quiet(DEV, "destroy", "--yes", "--skip-preview")
    assert aws_engine.state(DEV) == {}

    aws_engine.quiet(PROD, "refresh", "--yes", "--skip-preview", "--expect-no-changes")
    assert aws_engine.planned(PROD) == {}
    aws_engine.configure(PROD, {"protect_data": False})
    aws_engine.quiet(PROD, "up", "--yes", "--skip-preview")
    aws_engine.quiet(PROD, "destroy", "--yes", "--skip-preview")
    assert aws.leftovers("prod") == []


def subnets(aws: Aws, cluster: str) -> tuple[int, list[int]]:
    """In how many subnets the control plane of a cluster is, public and private ones, and each of its node groups."""
    eks = aws.client("eks")
    control_plane = eks.describe_cluster(name=cluster)["cluster"]["resourcesVpcConfig"]["subnetIds"]
    groups = eks.list_nodegroups(clusterName=cluster)["nodegroups"]
    found = [eks.describe_nodegroup(clusterName=cluster, nodegroupName=one)["nodegroup"] for one in groups]
    return len(control_plane), [len(one["subnets"]) for one in found]


def test_an_up_with_a_wrong_setting_makes_nothing(aws_engine: AwsEngine, aws: Aws):
    group = {**NODES, "min_size": 5, "max_size": 2}
    said = aws_engine.said(DEV, "up", "--yes", node_groups=[group])
    assert "max_size" in said
    assert "Traceback" not in said
    assert aws.leftovers() == []
