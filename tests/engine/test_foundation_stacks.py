"""The foundation stacks of this repository under the real engine, with AWS calls answered on this machine."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from aws_stacks import AwsEngine

from local.paths import ROOT
from tests import iam
from tests.aws import takes_tags

pytestmark = pytest.mark.engine

DEV, PROD = "foundation-dev", "foundation-prod"


@pytest.mark.parametrize("stack", [DEV, PROD])
def test_the_whole_environment_can_be_previewed(aws_engine: AwsEngine, stack: str):
    said = aws_engine.said(stack)
    assert "error:" not in said
    assert "warning:" not in said
    planned = aws_engine.planned(stack)
    assert set(planned) == {"create"}
    assert {"Network", "Cluster", "S3ObjectStore", "SharedFiles", "Registry", "Domain"} <= planned["create"]
    assert {"WorkloadIdentity", "NodeGroup", "PodIdentityAssociation", "Certificate", "FileSystem"} <= planned["create"]


def test_what_pulumi_eks_makes_is_tagged_and_trusts_one_service_as_well(aws_engine: AwsEngine):
    aws_engine.configure(DEV, {"tags": {"cost-center": "42"}})
    steps = aws_engine.preview_json(DEV)["steps"]
    made = [step["newState"] for step in steps if step["newState"]["type"].startswith("aws:")]

    inside = [one for one in made if "eks:index:" in one["urn"]]
    assert {"Cluster", "Role", "NodeGroup"} <= {one["type"].rpartition(":")[2] for one in inside}
    tags = {"environment": "dev", "cost-center": "42"}.items()
    taggable = [one for one in made if takes_tags(one["type"])]
    bare = [one for one in taggable if not tags <= one["inputs"].get("tags", {}).items()]
    # pulumi-eks has no tags for the identity provider that it makes; the setting aws:defaultTags would reach it.
    assert [one["type"].rpartition(":")[2] for one in bare] == ["OpenIdConnectProvider"]
    assert len(taggable) > 40
    trusts = [json.loads(text) for one in inside if (text := one["inputs"].get("assumeRolePolicy"))]
    assert trusts
    for trust in trusts:
        (statement,) = iam.statements(trust)
        assert iam.listed(statement["Principal"]["Service"]) == ["eks.amazonaws.com"]


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"zones": ["eu-central-1a"]}, "zones"),
        ({"zones": ["eu-central-1a", "us-east-1b"]}, "us-east-1b"),
        ({"cidr": "10.0.0.0/24"}, "cidr"),
        ({"nat": "triple"}, "nat"),
        ({"environment": "Dev"}, "setting pulumi-mlops:environment must be 1 to 16 lower-case letters"),
        (
            {"certificate_arn": "arn:aws:acm:us-east-1:123456789012:certificate/1"},
            "setting pulumi-mlops:certificate_arn must be a certificate of eu-central-1",
        ),
        ({"zone": ["x"]}, 'pulumi-mlops:zone is unknown; did you mean "zones"?'),
        ({"adopted": {"Vpc": {}}}, "adopted must have `type::name` of a resource as keys"),
    ],
)
def test_a_wrong_setting_is_one_line_before_the_first_resource(aws_engine: AwsEngine, settings: Any, sentence: str):
    said = aws_engine.said(DEV, **settings)
    (error, *_) = [line for line in said.splitlines() if "error: " in line]
    assert sentence in error
    assert "Traceback" not in said
    assert "+  aws:" not in said  # no resource on AWS is even planned


@pytest.mark.parametrize(
    ("region", "sentence"),
    [
        ("mars-1", "setting aws:region must be a region of AWS, got 'mars-1'; `pulumi config set aws:region"),
        ("eu-centrl-1", """must be a region of AWS, got 'eu-centrl-1'; did you mean "eu-central-1"?"""),
        ("us-gov-west-1", 'setting aws:region must be a region of the partition "aws"'),
        ("cn-north-1", 'setting aws:region must be a region of the partition "aws"'),
        ("", "setting aws:region is required"),
        ("eu-west-1", 'args.zones must be zones of eu-west-1 such as "eu-west-1a", got "eu-central-1a"'),
    ],
)
def test_a_wrong_region_is_one_line_before_the_first_resource(aws_engine: AwsEngine, region: str, sentence: str):
    said = aws_engine.said(DEV, "preview", "--config", f"aws:region={region}")
    assert sentence in "".join(said.splitlines(keepends=True)[:12])
    assert "Traceback" not in said
    assert "aws:" not in said.replace("aws:region", "").replace('"arn:aws:"', "")


def test_what_is_to_be_kept_of_a_resource_that_the_stack_does_not_make_is_named(aws_engine: AwsEngine):
    right, wrong = "aws:s3/bucket:Bucket::mlops-dev-data", "aws:s3/bucket:Bucket::mlops-dev-dta"
    inside = "aws:eks/cluster:Cluster::mlops-dev-control-plane-eksCluster"  # of a remote component
    kept = {right: {"bucket": "acme-data"}, inside: {"deletionProtection": False}, wrong: {"bucket": "acme-data"}}
    said = aws_engine.said(DEV, adopted=kept)
    assert f'setting pulumi-mlops:adopted has {wrong}, which the stack does not make; did you mean "{right}"?' in said
    assert f"adopted has {inside}" not in said
    assert "Traceback" not in said


def test_wrong_nodes_are_one_line(aws_engine: AwsEngine):
    group = {"name": "a", "instance_types": ["m7i.large"], "min_size": 5, "max_size": 2}
    said = aws_engine.said(DEV, node_groups=[group])
    assert len({line.strip() for line in said.splitlines() if "error: " in line and "max_size" in line}) >= 1
    assert "Traceback" not in said


def test_the_plan_of_a_stack_needs_no_account():
    done = subprocess.run(
        ["make", "--no-print-directory", "plan", f"STACK={PROD}"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin:/usr/local/bin", "HOME": str(Path.home())},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "stand-in: AWS provider" in done.stdout + done.stderr
    assert "eks:index:Cluster" in done.stdout
    assert "error:" not in done.stdout


def test_a_stack_that_does_not_exist_is_answered_with_those_that_do():
    done = subprocess.run(
        ["make", "--no-print-directory", "plan", "STACK=foundation-prd"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "there is no stack 'foundation-prd'; there are foundation-dev, foundation-prod, penguins-local" in (
        done.stdout + done.stderr
    )
