"""The foundation stacks of this repository under the real engine, with AWS calls answered on this machine."""

import json
import subprocess
from typing import Any

import pytest
from aws_stacks import AwsEngine, changes
from first_previews import FirstPreviews

from local.paths import ROOT
from tests import iam
from tests.aws import takes_tags

pytestmark = pytest.mark.engine

DEV, PROD = "foundation-dev", "foundation-prod"


@pytest.mark.parametrize("stack", [DEV, PROD])
def test_the_whole_environment_can_be_previewed(first_previews: FirstPreviews, stack: str):
    planned = changes(first_previews.of(stack)["steps"])
    assert first_previews.complaints(stack) == []
    assert set(planned) == {"create"}
    assert {"Network", "Cluster", "S3ObjectStore", "SharedFiles", "Registry", "Domain"} <= planned["create"]
    assert {"WorkloadIdentity", "NodeGroup", "PodIdentityAssociation", "Certificate", "FileSystem"} <= planned["create"]


def test_what_pulumi_eks_makes_is_tagged_and_trusts_one_service_as_well(first_previews: FirstPreviews):
    steps = first_previews.of(DEV)["steps"]
    made = [step["newState"] for step in steps if step["newState"]["type"].startswith("aws:")]

    inside = [one for one in made if "eks:index:" in one["urn"]]
    assert {"Cluster", "Role", "NodeGroup"} <= {one["type"].rpartition(":")[2] for one in inside}
    tags = {"environment": "dev", "managed-by": "pulumi-mlops"}.items()
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
    ("options", "settings", "sentence"),
    [
        ([], {"zone": ["x"]}, 'pulumi-mlops:zone is unknown; did you mean "zones"?'),
        (["--config", "aws:region=mars-1"], {}, "setting aws:region must be a region of AWS, got 'mars-1'; `pulumi co"),
    ],
)
def test_a_wrong_setting_is_one_line_before_the_first_resource(
    aws_engine: AwsEngine, options: list[str], settings: Any, sentence: str
):
    """Other settings: tests/components/test_wrong_settings_of_stacks.py."""
    said = aws_engine.said(DEV, "preview", *options, **settings)
    (error, *_) = [line for line in said.splitlines() if "error: " in line]
    assert sentence in error
    assert "Traceback" not in said
    assert "+  aws:" not in said  # no resource on AWS is even planned


def test_what_is_to_be_kept_of_a_resource_that_the_stack_does_not_make_is_named(aws_engine: AwsEngine):
    right, wrong = "aws:s3/bucket:Bucket::mlops-dev-data", "aws:s3/bucket:Bucket::mlops-dev-dta"
    inside = "aws:eks/cluster:Cluster::mlops-dev-control-plane-eksCluster"  # of a remote component
    kept = {right: {"bucket": "acme-data"}, inside: {"deletionProtection": False}, wrong: {"bucket": "acme-data"}}
    said = aws_engine.said(DEV, adopted=kept)
    assert f'setting pulumi-mlops:adopted has {wrong}, which the stack does not make; did you mean "{right}"?' in said
    assert f"adopted has {inside}" not in said
    assert "Traceback" not in said


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
