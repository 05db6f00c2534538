"""The foundation stacks of this repository under the real engine, with AWS calls answered on this machine."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
from aws_stacks import AwsEngine

from local.paths import ROOT

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


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"zones": ["eu-central-1a"]}, "zones"),
        ({"zones": ["eu-central-1a", "us-east-1b"]}, "us-east-1b"),
        ({"cidr": "10.0.0.0/24"}, "cidr"),
        ({"nat": "triple"}, "nat"),
        ({"zone": ["x"]}, 'pulumi-mlops:zone is unknown; did you mean "zones"?'),
    ],
)
def test_a_wrong_setting_is_one_line_before_the_first_resource(aws_engine: AwsEngine, settings: Any, sentence: str):
    said = aws_engine.said(DEV, **settings)
    (error, *_) = [line for line in said.splitlines() if "error: " in line]
    assert sentence in error
    assert "Traceback" not in said
    assert "aws:" not in said


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
