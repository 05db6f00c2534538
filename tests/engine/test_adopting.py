"""`make adopt` under the real engine: what Terraform made is taken over without a replacement."""

import json
from pathlib import Path
from typing import Any

import pytest
import terraform_shape
import yaml
from aws import Aws
from checkout import Checkout, checkout

pytestmark = pytest.mark.engine

DEV = "foundation-dev"


def _import(place: Checkout, said: str) -> None:
    """Does what the report says: settings, then the import command as it stands there."""
    settings = yaml.safe_load((place.directory / f"{DEV}.settings.yaml").read_text())
    place.configure(DEV, **{key.removeprefix("pulumi-mlops:"): value for key, value in settings.items()})
    command = next(line for line in said.splitlines() if "pulumi import" in line).partition("pulumi import ")[2]
    place.pulumi("import", *command.split(), "--yes", "--skip-preview")


def test_an_environment_of_terraform_modules_is_taken_over_and_ends(tmp_path: Path, pulumi_home: Path, aws: Aws):
    shape = terraform_shape.make(aws)
    before = set(aws.leftovers())
    place = checkout(tmp_path / "mine", pulumi_home, aws, DEV)
    (place.directory / "terraform.tfstate").write_text(shape.state())

    buckets = ("--bucket", "mlflow=acme-mlflow-artifacts", "--bucket", "data=acme-training-data")
    said = place.local("adopt", "terraform.tfstate", *buckets)

    assert "34 of 36 resources are matched" in said
    assert "NOT matched: aws_dynamodb_table.locks: the stack makes none of this type" in said
    assert 'this["AmazonEC2ContainerRegistryReadOnly"]: mlops-dev-nodes-role has other policies in the stack' in said
    _import(place, said)
    assert set(aws.leftovers()) == before, "an import makes and deletes nothing"
    content = json.loads((place.directory / f"{DEV}.import.json").read_text())
    imported = {one["id"] for one in content["resources"] if "id" in one}
    assert {terraform_shape.CLUSTER, "acme-mlflow-artifacts", "acme-ml-cluster-2023"} <= imported

    planned = place.planned(DEV)

    assert set(planned) <= {"same", "create", "update"}, planned
    for kind in ("eks/accessEntry:AccessEntry", "eks/accessPolicyAssociation:AccessPolicyAssociation", "kms/key:Key",
                 "ec2/vpc:Vpc", "ec2/subnet:Subnet", "eks/cluster:Cluster", "eks/nodeGroup:NodeGroup",
                 "efs/fileSystem:FileSystem", "efs/mountTarget:MountTarget", "ec2/natGateway:NatGateway"):  # fmt: skip
        assert not [one for one in planned["create"] if one.startswith(f"aws:{kind}::")], kind

    place.up(DEV)

    assert set(place.planned(DEV)) == {"same"}
    assert before <= set(aws.leftovers())

    policy = "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryReadOnly"  # as the report says
    aws.client("iam").detach_role_policy(RoleName=terraform_shape.NODES, PolicyArn=policy)
    place.local("destroy", DEV, "--keep-data", "--yes")
    left = {one.partition(" ")[0] for one in aws.leftovers()}
    assert {"cluster", "vpc", "subnet", "nat", "file", "bucket", "key"} <= left
    assert aws.client("eks").list_nodegroups(clusterName=terraform_shape.CLUSTER)["nodegroups"] == []
    place.configure(DEV, protect_data=False)
    place.up(DEV)
    place.local("destroy", DEV, "--yes")
    assert aws.leftovers() == []


def test_a_resource_that_pulumi_has_under_another_name_keeps_its_identity(tmp_path: Path, pulumi_home: Path, aws: Aws):
    place = checkout(tmp_path / "mine", pulumi_home, aws, DEV)
    aws.client("s3").create_bucket(
        Bucket="acme-data", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )  # fmt: skip
    place.pulumi(
        "import", "aws:s3/bucket:Bucket", "raw", "acme-data", "--stack", DEV, "--protect=false",
        "--generate-code=false", "--yes", "--skip-preview",
    )  # fmt: skip
    bucket = "aws:s3/bucket:Bucket::mlops-dev-data"
    old = f"urn:pulumi:{DEV}::pulumi-mlops::aws:s3/bucket:Bucket::raw"
    kept: dict[str, Any] = {bucket: {"bucket": "acme-data"}}

    place.configure(DEV, adopted=kept)
    assert bucket in place.planned(DEV)["create"]
    place.configure(DEV, aliases={bucket: old})
    planned = place.planned(DEV)

    assert bucket in planned["update"] | planned.get("same", set())
    assert not {"delete", "replace"} & set(planned)
