"""`make destroy` under the real engine: what is protected stays, and nothing is lost by surprise."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from aws import REGION, Aws
from checkout import Checkout, checkout

from local.paths import ROOT

pytestmark = pytest.mark.engine

DEV = "foundation-dev"
ZONES = [f"{REGION}a", f"{REGION}b"]
OF_WHAT_EXISTS = ("cidr", "node_groups")
"""Settings of the stack that a network and a cluster of somebody else make wrong."""
DATA = {
    "aws:s3/bucket:Bucket::mlops-dev-mlflow",
    "aws:efs/fileSystem:FileSystem::mlops-dev-files",
    "aws:ecr/repository:Repository::mlops-dev-ml-server",
    "aws:route53/zone:Zone::mlops-dev-zone",
}


def _theirs(aws: Aws) -> dict[str, Any]:
    """Settings that name a network and a cluster, which are made here."""
    ec2 = aws.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = {
        zone: ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{index}.0/24", AvailabilityZone=zone)["Subnet"]["SubnetId"]
        for index, zone in enumerate(ZONES)
    }
    group = ec2.create_security_group(GroupName="nodes", Description="nodes", VpcId=vpc)["GroupId"]
    role = "arn:aws:iam::123456789012:role/cluster"
    cluster = aws.client("eks").create_cluster(
        name="theirs", roleArn=role, resourcesVpcConfig={"subnetIds": [*subnets.values()]}
    )["cluster"]
    given = {"arn": cluster["arn"], "node_security_group_id": group, "kubeconfig": {"kind": "Config"}}
    return {"vpc_id": vpc, "private_subnet_ids": subnets, "existing_cluster": given}


def _only_changes_or_makes(place: Checkout) -> set[str]:
    """What a preview makes; it replaces and deletes nothing."""
    planned = place.planned(DEV)
    assert set(planned) <= {"same", "create", "update"}
    return planned["create"]


def test_data_stays_is_taken_up_again_and_goes_when_it_is_no_longer_protected(
    tmp_path: Path, pulumi_home: Path, aws: Aws
):
    settings = _theirs(aws)
    theirs = set(aws.leftovers())
    mine = checkout(tmp_path / "mine", pulumi_home, aws, DEV)
    mine.configure(DEV, OF_WHAT_EXISTS, **settings, protect_data=True)
    mine.up(DEV)
    made = set(aws.leftovers()) - theirs
    assert {one.partition(" ")[0] for one in made} >= {"bucket", "role", "file", "repository", "zone", "security"}

    refused = mine.local("destroy", DEV, "--yes", fails=True)
    assert "nothing was deleted" in refused
    for one in DATA:
        kind, _, name = one.partition("::")
        assert f"- {name} ({kind})" in refused
    assert f"`pulumi-mlops destroy {DEV} --keep-data`" in refused
    assert "protect_data: false in the stack's settings" in refused
    assert set(aws.leftovers()) - theirs == made

    said = mine.local("destroy", DEV, "--keep-data", "--yes")
    left = set(aws.leftovers()) - theirs
    holds_data = ("bucket", "file system", "repository", "zone", "simulated aws:efs/fileSystem")
    assert left == {one for one in made if one.startswith(holds_data)}
    assert "stays: mlops-dev-mlflow (mlops-dev-mlflow-" in said
    kept = mine.directory / f"{DEV}.kept.import.json"
    assert kept.read_text() in said
    assert not DATA & _only_changes_or_makes(mine)

    # Somebody whose state knows nothing of it.
    other = checkout(tmp_path / "other", pulumi_home, aws, DEV)
    names = yaml.safe_load((mine.directory / f"{DEV}.kept.settings.yaml").read_text())["pulumi-mlops:adopted"]
    other.configure(DEV, OF_WHAT_EXISTS, **settings, protect_data=True, adopted=names)
    command = next(line for line in said.splitlines() if "pulumi import" in line).partition("pulumi import ")[2]
    other.pulumi("import", *command.split(), "--yes", "--skip-preview")
    assert not DATA & _only_changes_or_makes(other)

    other.configure(DEV, protect_data=False)
    other.up(DEV)
    other.local("destroy", DEV, "--yes")
    assert set(aws.leftovers()) == theirs


def test_what_exists_is_used_and_not_made(tmp_path: Path, pulumi_home: Path, aws: Aws):
    place = checkout(tmp_path / "mine", pulumi_home, aws, DEV)
    settings = _theirs(aws)
    place.configure(DEV, OF_WHAT_EXISTS, **settings)
    made = {one.partition("::")[0] for one in place.planned(DEV)["create"]}
    assert not made & {"aws:ec2/vpc:Vpc", "aws:ec2/subnet:Subnet", "aws:eks/cluster:Cluster", "eks:index:Cluster"}
    assert {"aws:efs/mountTarget:MountTarget", "aws:eks/podIdentityAssociation:PodIdentityAssociation"} <= made

    place.up(DEV)
    outputs = json.loads(place.pulumi("stack", "output", "--stack", DEV, "--json", "--show-secrets"))
    assert outputs["cluster_name"] == "theirs"
    assert outputs["vpc_id"] == settings["vpc_id"]
    assert outputs["private_subnet_ids"] == [*settings["private_subnet_ids"].values()]
    assert json.loads(outputs["kubeconfig"]) == {"kind": "Config"}
    targets = aws.client("efs").describe_mount_targets(
        FileSystemId=outputs["storage_class_parameters"]["fileSystemId"]
    )["MountTargets"]
    assert {one["SubnetId"] for one in targets} == {*settings["private_subnet_ids"].values()}


def test_wrong_combinations_are_one_line_before_the_first_resource(tmp_path: Path, pulumi_home: Path, aws: Aws):
    place = checkout(tmp_path / "mine", pulumi_home, aws, DEV)
    place.configure(DEV, ("node_groups",), vpc_id="vpc-1")
    with pytest.raises(AssertionError) as failure:
        place.pulumi("preview", "--stack", DEV)
    said = str(failure.value)
    assert 'stack "foundation-dev": setting pulumi-mlops:cidr is for a VPC that is made' in said
    assert "setting pulumi-mlops:private_subnet_ids is required with vpc_id" in said
    assert "setting pulumi-mlops:node_groups is required unless auto_mode or existing_cluster is set" in said
    assert "Traceback" not in said
    assert "aws:" not in said


@pytest.mark.parametrize(
    ("stack", "sentence"),
    [
        ("penguins-local", "stack penguins-local is of this machine, not on AWS: `make down` removes it"),
        ("foundation-prd", "there is no stack 'foundation-prd'; there are foundation-dev"),
        ("", "which stack? `make destroy STACK=foundation-dev`"),
    ],
)
def test_only_stacks_on_aws_are_destroyed(stack: str, sentence: str):
    done = subprocess.run(
        ["make", "--no-print-directory", "destroy", f"STACK={stack}"], cwd=ROOT, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert sentence in done.stdout + done.stderr


def test_without_a_login_it_says_how_to_log_in(tmp_path: Path):
    unset = ("PULUMI_ACCESS_TOKEN", "PULUMI_BACKEND_URL")
    done = subprocess.run(
        ["make", "--no-print-directory", "destroy", "STACK=foundation-dev"], cwd=ROOT, capture_output=True, text=True,
        check=False, env={**{k: v for k, v in os.environ.items() if k not in unset}, "PULUMI_HOME": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode != 0
    assert "log in to where the states of the stacks are first, by `pulumi login`" in done.stdout + done.stderr
