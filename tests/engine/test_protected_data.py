"""What would lose data is refused before anything happens, under the real engine and with AWS calls answered here."""

import re
from typing import Any

import pulumi
import pytest
from aws import Aws
from pulumi_cli import Cluster, Failed, PulumiEnv, Stack
from pulumi_mlops import PostgresDatabase
from pulumi_mlops.foundation import Cluster as EksCluster
from pulumi_mlops.foundation import S3ObjectStore, SharedFiles

from tests.contract import definitions

pytestmark = pytest.mark.engine


@pytest.fixture
def secrets(cluster: Cluster) -> None:
    """The API server takes ExternalSecrets, in their real form; nothing acts on them."""
    for definition in definitions.of_project("external-secrets"):
        cluster.apply(definition, "test")


@pytest.fixture
def stack(pulumi_env: PulumiEnv, cluster: Cluster, secrets: None) -> Stack:
    return pulumi_env.stack(lambda: None, config={"kubernetes:kubeconfig": str(cluster.kubeconfig)})


@pytest.fixture
def place(aws: Aws) -> dict[str, Any]:
    """A network, and two keys."""
    ec2, kms = aws.client("ec2"), aws.client("kms")
    subnets = {one["AvailabilityZone"]: one for one in ec2.describe_subnets()["Subnets"]}
    vpc = next(iter(subnets.values()))["VpcId"]
    (group,) = [one["GroupId"] for one in ec2.describe_security_groups()["SecurityGroups"] if one["VpcId"] == vpc]
    return {
        "vpc": vpc,
        "subnets": {zone: one["SubnetId"] for zone, one in sorted(subnets.items())[:2]},
        "group": group,
        "keys": [kms.create_key()["KeyMetadata"]["Arn"] for _ in range(2)],
    }


def data(
    place: dict[str, Any],
    key: int = 0,
    buckets: tuple[str, ...] = ("data",),
    database: str | None = "orders",
    physical: str = "",
    restore_from: Any = None,
    secret_name: str | None = None,
) -> Any:
    """A bucket, a file system and a database, protected as they are by default; `physical` is the bucket's name."""

    def renamed(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
        wanted = physical and args.type_ == "aws:s3/bucket:Bucket"
        return pulumi.ResourceTransformResult({**args.props, "bucket": physical}, args.opts) if wanted else None

    def unattended(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
        # No operator fills the Secret here.
        if not args.type_.endswith(":ExternalSecret"):
            return None
        metadata = {**args.props["metadata"], "annotations": {"pulumi.com/skipAwait": "true"}}
        return pulumi.ResourceTransformResult({**args.props, "metadata": metadata}, args.opts)

    def run() -> None:
        pulumi.runtime.register_resource_transform(unattended)
        pulumi.runtime.register_resource_transform(renamed)
        common = {"vpc_id": place["vpc"]}
        S3ObjectStore("store", {"region": "eu-central-1", "buckets": list(buckets)})
        SharedFiles(
            "files",
            {
                **common,
                "subnets": place["subnets"],
                "client_security_groups": {"nodes": place["group"]},
                "kms_key_arn": place["keys"][key],
            },
        )
        orders = PostgresDatabase(
            "orders",
            {
                "namespace": "default",
                "rds": {
                    **common,
                    "subnet_ids": list(place["subnets"].values()),
                    "client_security_group_ids": {"nodes": place["group"]},
                },
                "database": database,
                "restore_from": restore_from,
                "secret_name": secret_name,
            },
        )
        pulumi.export("database", orders.database)

    return run


def replaced(resource: str, why: str) -> str:
    """How the preview's line says what would be replaced, by which property, and that it is refused."""
    return rf"{resource}\S* replace \[diff: [^\]]*\b{why}\b[^\]]*\]; error: unable to replace"


def test_a_change_that_would_replace_data_is_refused_at_preview(stack: Stack, place: dict[str, Any], aws: Aws):
    stack.up(data(place))
    assert stack.up().changed == {}
    before = aws.leftovers()
    for change, reason in (
        ({"key": 1}, replaced("aws:efs:FileSystem files", "kmsKeyId")),
        ({"buckets": ("other",)}, "::store-data. cannot be deleted"),
        ({"physical": "acme-data"}, replaced("aws:s3:Bucket store-data", "bucket")),
        ({"database": "customers"}, replaced("aws:rds:Instance orders", "dbName")),
    ):
        for run in (stack.preview, stack.careful_up):
            with pytest.raises(Failed, match=r"protect") as refused:
                run(data(place, **change))
            assert re.search(reason, str(refused.value)), (change, str(refused.value))
    assert aws.leftovers() == before


def test_a_restored_database_stays_under_its_name_when_restore_from_goes(stack: Stack, place: dict[str, Any]):
    """The stand-in for the provider restores nothing: an instance whose database has another name is one that was."""

    def restored(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
        if args.type_ != "aws:rds/instance:Instance":
            return None
        props = {key: value for key, value in args.props.items() if key != "snapshotIdentifier"}
        return pulumi.ResourceTransformResult({**props, "dbName": "customers"}, args.opts)

    # The test before leaves its Secret in the cluster, which both share.
    other: dict[str, Any] = {"database": None, "secret_name": "restored-connection"}

    def first() -> None:
        pulumi.runtime.register_resource_transform(restored)
        data(place, restore_from={"snapshot": "kept"}, **other)()

    stack.up(first)

    again = stack.up(data(place, **other))
    assert set(again.steps) == {"orders"}, "the component's own inputs alone: it creates nothing by itself"
    assert again.outputs["database"] == "customers"


def eks_cluster(place: dict[str, Any], **changes: Any) -> Any:
    """A cluster, protected as it is by default."""
    nodes = {"name": "general", "instance_types": ["m7i.large"], "min_size": 1, "max_size": 3}
    common = {"vpc_id": place["vpc"], "private_subnet_ids": [*place["subnets"].values()], "node_groups": [nodes]}
    return lambda: EksCluster("dev", {**common, **changes})


def test_a_change_that_would_replace_a_cluster_is_refused_at_preview(
    pulumi_env: PulumiEnv, place: dict[str, Any], aws: Aws
):
    stack = pulumi_env.stack(lambda: None, config={"aws:region": "eu-central-1"})
    stack.up(eks_cluster(place, cluster_name="mlops-dev"))
    before = aws.leftovers()
    for run in (stack.preview, stack.careful_up):
        with pytest.raises(Failed, match=r"protect") as refused:
            run(eks_cluster(place, cluster_name="mlops-qa"))
        assert re.search(replaced("aws:eks:Cluster dev-", "name"), str(refused.value)), str(refused.value)
    assert aws.leftovers() == before
    tagged = stack.preview(eks_cluster(place, cluster_name="mlops-dev", tags={"team": "ml"}))
    assert set(tagged.changed) <= {"create", "update"}, tagged.changed
