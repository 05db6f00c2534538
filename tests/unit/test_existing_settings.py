import json
from collections.abc import Iterator
from typing import Any

import pulumi
import pytest
from pulumi_mlops import ArgumentError
from pulumi_mlops.foundation import adoption

from stacks import configuration, existing, settings

NEEDED = {
    "environment": "dev",
    "zones": ["eu-central-1a", "eu-central-1b"],
    "domain_name": "ml.example.org",
    "node_groups": [{"name": "a"}],
}
PRIVATE = {"eu-central-1a": "subnet-1", "eu-central-1b": "subnet-2"}
NETWORK = {"vpc_id": "vpc-1", "private_subnet_ids": PRIVATE}
ARN = "arn:aws:eks:eu-central-1:123456789012:cluster/theirs"
CLUSTER = {"arn": ARN, "node_security_group_id": "sg-1", "kubeconfig": {"kind": "Config"}}
WITHOUT_NODES = {key: value for key, value in NEEDED.items() if key != "node_groups"}
BUCKET = "aws:s3/bucket:Bucket::mlops-dev-data"


@pytest.fixture
def read() -> Iterator[Any]:
    """`read(key=value)` reads the foundation layer's settings as `pulumi config set` would set them."""

    def _read(**values: Any) -> settings.FoundationSettings:
        texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}
        pulumi.runtime.set_all_config({f"pulumi-mlops:{key}": text for key, text in texts.items()})
        return configuration.read(settings.FoundationSettings)

    yield _read
    pulumi.runtime.set_all_config({})


def test_a_network_that_exists_has_its_subnets_in_the_order_of_the_zones(read: Any) -> None:
    reversed_zones = {**NEEDED, "zones": ["eu-central-1b", "eu-central-1a"]}

    network = existing.network(read(**reversed_zones, **NETWORK, public_subnet_ids=PRIVATE))

    assert (network.vpc_id, network.private_subnet_ids) == ("vpc-1", ["subnet-2", "subnet-1"])
    assert network.public_subnet_ids == ["subnet-2", "subnet-1"]
    assert existing.network(read(**NEEDED, **NETWORK)).public_subnet_ids == []


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({**NEEDED, "private_subnet_ids": PRIVATE}, "private_subnet_ids is for a VPC that exists: give vpc_id"),
        ({**NEEDED, "public_subnet_ids": PRIVATE}, "public_subnet_ids is for a VPC that exists: give vpc_id"),
        ({**NEEDED, "vpc_id": "vpc-1"}, "private_subnet_ids is required with vpc_id"),
        ({**NEEDED, **NETWORK, "cidr": "10.0.0.0/16"}, "cidr is for a VPC that is made, and vpc_id names one that"),
        ({**NEEDED, **NETWORK, "nat": "single"}, "nat is for a VPC that is made"),
        ({**NEEDED, **NETWORK, "interface_endpoints": ["sts"]}, "interface_endpoints is for a VPC that is made"),
        (
            {**NEEDED, "vpc_id": "vpc-1", "private_subnet_ids": {"eu-central-1a": "subnet-1"}},
            "private_subnet_ids must have a subnet for each of zones (eu-central-1a, eu-central-1b), got eu-central-1a",
        ),
        ({**NEEDED, **NETWORK, "public_subnet_ids": {}}, "public_subnet_ids must have a subnet for each of zones"),
        (WITHOUT_NODES, "node_groups is required unless auto_mode or existing_cluster is set"),
        ({**NEEDED, **NETWORK, "existing_cluster": CLUSTER}, "node_groups is for a cluster that is made"),
        (
            {**WITHOUT_NODES, **NETWORK, "existing_cluster": CLUSTER, "auto_mode": "true"},
            "auto_mode is for a cluster that is made",
        ),
        ({**WITHOUT_NODES, "auto_mode": "true", "karpenter": "true"}, "karpenter is not for a cluster with auto_mode"),
        (
            {**WITHOUT_NODES, **NETWORK, "existing_cluster": CLUSTER, "cluster_name": "x"},
            "cluster_name is for a cluster that is made",
        ),
        ({**WITHOUT_NODES, "existing_cluster": CLUSTER}, "vpc_id is required with existing_cluster"),
        (
            {**WITHOUT_NODES, **NETWORK, "existing_cluster": {"arn": ARN}},
            "existing_cluster must have arn, node_security_group_id, kubeconfig, got arn",
        ),
        (
            {**WITHOUT_NODES, **NETWORK, "existing_cluster": {**CLUSTER, "arn": "theirs"}},
            "existing_cluster arn must be the ARN of an EKS cluster",
        ),
        (
            {**WITHOUT_NODES, **NETWORK, "existing_cluster": {**CLUSTER, "kubeconfig": "text"}},
            "existing_cluster must have as kubeconfig",
        ),
        ({**NEEDED, "adopted": {"mlops-dev-data": {}}}, "adopted must have `type::name` of a resource as keys"),
        (
            {**NEEDED, "adopted": {BUCKET: "acme"}},
            f"adopted must have a mapping of properties for {BUCKET}, got 'acme'",
        ),
        ({**NEEDED, "aliases": {"data": "urn:pulumi:x"}}, "aliases must have `type::name` of a resource as keys"),
        ({**NEEDED, "aliases": {BUCKET: "raw"}}, f"aliases must have a URN for {BUCKET}"),
    ],
)
def test_settings_that_do_not_go_together_are_one_line(read: Any, values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(configuration.SettingsError) as error:
        read(**values)

    assert f"setting pulumi-mlops:{sentence}" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "values",
    [
        NEEDED,
        {**NEEDED, "cidr": "10.0.0.0/16", "nat": "single"},
        {**NEEDED, **NETWORK},
        {**WITHOUT_NODES, **NETWORK, "existing_cluster": CLUSTER},
        {**WITHOUT_NODES, "auto_mode": "true"},
        {**NEEDED, "adopted": {BUCKET: {"bucket": "acme"}}, "aliases": {BUCKET: "urn:pulumi:dev::p::t::raw"}},
    ],
)
def test_settings_that_go_together_are_read(read: Any, values: dict[str, Any]) -> None:
    assert read(**values).environment == "dev"


def test_a_key_of_what_is_kept_is_that_of_a_resource() -> None:
    seen = {"aws:ec2/vpc:Vpc::mlops-dev-vpc", "aws:s3/bucket:Bucket::mlops-dev-data"}
    adoption.check({"adopted": seen, "aliases": [*seen][:1]}, seen)
    adoption.check({"adopted": {}, "aliases": {}}, seen)


def test_every_key_of_what_is_kept_that_is_no_resources_is_named() -> None:
    wanted = {
        "setting pulumi-mlops:adopted": ["aws:ec2/vpc:Vpc::mlops-dev-vcp"],
        "setting pulumi-mlops:aliases": ["aws:ec2/vpc:Vpc::mlops-dev-vpc", "x::y"],
    }
    with pytest.raises(ArgumentError) as error:
        adoption.check(wanted, {"aws:ec2/vpc:Vpc::mlops-dev-vpc"})
    assert [part.strip() for part in str(error.value).removeprefix("setting ").split("; setting ")] == [
        "pulumi-mlops:adopted has aws:ec2/vpc:Vpc::mlops-dev-vcp, which the stack does not make; did you mean "
        '"aws:ec2/vpc:Vpc::mlops-dev-vpc"?',
        "pulumi-mlops:aliases has x::y, which the stack does not make; leave it out",
    ]
