"""Foundation stacks from their first `up` to `destroy`, under the real engine, with AWS calls answered here."""

import re
from typing import Any

import pytest
from aws import Aws
from aws_stacks import AwsEngine, changes, updates
from pulumi_mlops import versions

pytestmark = [pytest.mark.engine, pytest.mark.timeout(1200)]

DEV, PROD = "foundation-dev", "foundation-prod"
ZONES = ["eu-central-1a", "eu-central-1b"]
NODES = {"name": "general", "instance_types": ["m7i.large", "m6i.large"], "min_size": 2, "max_size": 5, "spot": True}
START: dict[str, Any] = {"protect_data": True, "tags": {"cost-centre": "42"}}
A_ZONE_MORE = {"zones": [*ZONES, "eu-central-1c"]}
CHANGED: dict[str, Any] = {
    "node_groups": [{**NODES, "max_size": 9}],
    "addon_versions": {"coredns": f"{versions.EKS_COREDNS.rpartition('.')[0]}.99"},
    "tags": {"cost-center": "42"},
}
TAGGED = ("Vpc", "Subnet", "Cluster", "FileSystem", "Bucket", "Key", "Role", "Repository", "Zone")
UPDATED = {
    "NodeGroup": {"maxSize", "tags"},
    "Addon": {"addonVersion", "tags"},
    **{kind: {"tags"} for kind in TAGGED},
}
"""Type → properties that these settings change in place."""
REFUSED: list[tuple[dict[str, Any], list[str]]] = [
    (
        {
            "cidr": "10.99.0.0/16",
            "cluster_name": "mlops-qa",
            "existing_buckets": {"mlflow": "elsewhere"},
            "domain_name": "other.example.org",
        },
        [
            r"mlops-dev-vpc replace \[diff: ~cidrBlock\]",
            r"mlops-dev-control-plane-eksCluster replace \[diff: ~name\]",
            r"::mlops-dev-mlflow. cannot be deleted",
            r"mlops-dev-zone replace \[diff: [^\]]*\bname\b",
        ],
    ),
    ({"environment": "qa"}, [r"::mlops-dev-[\w-]+. cannot be deleted"]),
]
"""Settings, and how the preview says what would be lost by each, and by which property."""


def test_two_environments_live_side_by_side_and_end(aws_engine: AwsEngine, aws: Aws):
    aws_engine.configure(DEV, START)
    aws_engine.quiet(DEV, "up", "--yes", "--skip-preview")
    assert aws_engine.planned(DEV, **START) == {}, "a second up would change something"
    assert aws_engine.outputs(DEV)["client_security_group_id"].startswith("sg-")

    # EKS cannot move a node group to other subnets: its successor comes first, then it goes. The control plane stays
    # where it is: EKS refuses it subnets in zones that it was not created in, as the stand-in does.
    planned = aws_engine.planned(DEV, **START, **A_ZONE_MORE)
    assert set(planned) <= {"create", "update", "replace"}, planned
    assert {"Subnet", "MountTarget", "RouteTableAssociation"} <= planned["create"], planned
    assert planned["replace"] == {"NodeGroup"}
    aws_engine.configure(DEV, {**START, **CHANGED})
    steps = aws_engine.preview_json(DEV)["steps"]
    assert set(changes(steps)) <= {"create", "update"}, changes(steps)
    found = updates(steps)
    for kind, properties in UPDATED.items():
        assert properties <= found[kind], (kind, found[kind])
    for settings, reasons in REFUSED:
        said = aws_engine.said(DEV, **{**START, **settings})
        assert "marked for protection" in said or "protected" in said, said
        for reason in reasons:
            assert re.search(reason, said), (reason, said)

    aws_engine.configure(PROD, {})
    aws_engine.quiet(PROD, "up", "--yes", "--skip-preview")
    everything = {**A_ZONE_MORE, **CHANGED}
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
