import json
from pathlib import Path
from typing import Any

import pytest
from pulumi_mlops.cli import import_file
from pulumi_mlops.cli.adopt import content, terraform
from pulumi_mlops.cli.adopt.buckets import marked
from pulumi_mlops.cli.adopt.expected import Expected, creates
from pulumi_mlops.cli.adopt.groups import group_name
from pulumi_mlops.cli.adopt.kinds import BY_TOKEN, KINDS
from pulumi_mlops.cli.adopt.matching import Matches, adopted, match
from pulumi_mlops.cli.adopt.survey import survey
from pulumi_mlops.cli.adopt.terraform import Found
from pulumi_mlops.cli.errors import CommandError
from pulumi_mlops.cli.import_file import Entry

from local.on_aws import adopt
from local.paths import ROOT
from local.progress import StepFailed
from standins.plugins.aws.registry import TYPES
from standins.plugins.values import UNKNOWN

STATE = ROOT / "tests" / "data" / "old-shape.tfstate"
STACK = "urn:pulumi:dev::pulumi-mlops::pulumi:pulumi:Stack::pulumi-mlops-dev"
NETWORK = "urn:pulumi:dev::pulumi-mlops::pulumi-mlops:index:Network::dev"
CLUSTER = "urn:pulumi:dev::pulumi-mlops::pulumi-mlops:index:Cluster::dev"
REMOTE = "urn:pulumi:dev::pulumi-mlops::pulumi-mlops:index:Cluster$eks:index:Cluster::dev-control-plane"
PROVIDER = "urn:pulumi:dev::pulumi-mlops::pulumi:providers:aws::default_7_51_1::" + UNKNOWN
PUBLIC = {"kubernetes.io/role/elb": "1"}


def _urn(token: str, name: str, parent: str = NETWORK) -> str:
    return f"{parent.rpartition('::')[0]}${token}::{name}"


def _expected(token: str, name: str, parent: str = NETWORK, /, **inputs: Any) -> Expected:
    """A resource of the stack; a property `xOf` names the resource that the value of `x` comes from."""
    references = {key.removesuffix("Of"): (value,) for key, value in inputs.items() if key.endswith("Of")}
    given = {key: value for key, value in inputs.items() if not key.endswith("Of")}
    known = {**given, **dict.fromkeys(references, UNKNOWN)}
    return Expected(_urn(token, name, parent), parent, True, known, references, "7.51.1")


VPC = _expected("aws:ec2/vpc:Vpc", "dev-vpc", cidrBlock="10.42.0.0/16")


def _subnet(side: str, zone: str) -> Expected:
    tags = PUBLIC if side == "public" else {}
    return _expected(
        "aws:ec2/subnet:Subnet", f"dev-{side}-{zone}", vpcIdOf=VPC.urn, availabilityZone=zone, cidrBlock="10.42.0.0/20",
        tags=tags,
    )  # fmt: skip


def _names(matches: Matches) -> dict[str, str]:
    return {found.address: one.name for one, found in matches.pairs.values()}


@pytest.fixture
def old() -> list[Found]:
    return survey(terraform.read(STATE), "dev.ml.example.org").found


def test_instances_have_terraforms_addresses_and_data_sources_are_left_out() -> None:
    addresses = {one.address for one in terraform.read(STATE)}

    assert {"module.vpc.aws_vpc.this[0]", "aws_vpc.legacy", 'aws_s3_bucket.this["artifacts"]'} <= addresses
    assert 'module.eks.module.eks_managed_node_group["gpu"].aws_eks_node_group.this[0]' in addresses
    assert not [one for one in addresses if "aws_caller_identity" in one]


def test_routes_written_inside_their_table_are_resources() -> None:
    (route,) = [one for one in terraform.read(STATE) if one.type == "aws_route"]

    assert route.address == 'module.vpc.aws_route_table.public[0].route["0.0.0.0/0"]'
    assert BY_TOKEN["aws:ec2/route:Route"].identifier_of(route) == "rtb-1_0.0.0.0/0"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "cannot be read: No such file or directory; `terraform state pull > terraform.tfstate` writes a state"),
        ("resource {}", "is not JSON"),
        ("[]", "is JSON, but no object and so no Terraform state; `terraform state pull"),
        (
            '{"format_version": "1.0", "values": {}}',
            "is what `terraform show -json` writes, which lacks what a state has",
        ),
        (
            '{"format_version": "1.2", "resource_changes": [], "planned_values": {}}',
            "is a plan, from `terraform show -json` or `terraform plan`, not a state",
        ),
        (
            '{"encrypted_data": "AAAA", "encryption_version": "v0"}',
            "is a state that OpenTofu encrypted: `tofu state pull > terraform.tfstate` writes it decrypted",
        ),
        ('{"version": 3, "deployment": {"resources": []}}', "is a state of Pulumi, from `pulumi stack export`"),
        (
            '{"version": 4, "resources": [{"mode": "managed", "type": "aws_vpc", "name": "a", '
            '"instances": [{"attributes_flat": {"id": "vpc-1"}}]}]}',
            "resources[0] has `attributes_flat` of Terraform 0.11, which `terraform refresh` updates",
        ),
        (
            '{"version": 4, "resources": [{"mode": "managed", "type": "aws_vpc", "name": "a", '
            '"instances": [{"attributes": null}]}]}',
            "resources[0] (aws_vpc.a) has an instance without `attributes`",
        ),
        ('{"version": 5, "resources": []}', "must be a Terraform state of format version 4, got 5"),
        ('{"version": 4, "resources": {"a": 1}}', "`resources` must be a list, got {'a': 1}; `terraform state pull >"),
        ('{"version": 4, "resources": ["a"]}', "resources[0] must have `type`, `name` and a list `instances`, got 'a'"),
        (
            '{"version": 4, "resources": [{"mode": "managed", "type": "aws_vpc", "name": "a", "instances": ["i"]}]}',
            "resources[0] must have `type`, `name` and a list `instances`",
        ),
        ('{"version": 3, "modules": []}', "is a state of Terraform 0.11 or older (format version 3)"),
        ('{"version": 4, "resources": []}', "is a Terraform state without resources: there is nothing to adopt"),
        (
            '{"version": 4, "resources": [{"mode": "managed", "type": "google_storage_bucket", "name": "a", '
            '"instances": [{"attributes": {}}]}]}',
            "has no resource of AWS, only of google; the foundation stacks are on AWS",
        ),
    ],
)
def test_what_is_no_state_of_aws_is_one_sentence(tmp_path: Path, text: str | None, sentence: str) -> None:
    file = tmp_path / "terraform.tfstate"
    if text is not None:
        file.write_text(text)

    with pytest.raises(CommandError) as error:
        terraform.read(file)

    assert sentence in str(error.value)
    assert str(file) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("state", "stack", "sentence"),
    [
        ("", "foundation-dev", "which state? `make adopt STATE=terraform.tfstate`"),
        ("none.tfstate", "foundation-dev", "none.tfstate cannot be read"),
        ("none.tfstate", "penguins-local", "stack penguins-local makes no network and no cluster"),
        ("none.tfstate", "platform-dev", "stack platform-dev makes no network and no cluster; a Terraform state is"),
        ("none.tfstate", "foundation-prd", "there is no stack 'foundation-prd'; there are foundation-dev"),
    ],
)
def test_what_cannot_be_adopted_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str, stack: str, sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises((StepFailed, CommandError)) as error:
        adopt([Path(state)] if state else [], stack)

    assert sentence in str(error.value)
    assert not list(tmp_path.iterdir())


def test_the_settings_of_the_environment_are_read_from_its_state() -> None:
    surveyed = survey(terraform.read(STATE), "dev.ml.example.org")

    assert surveyed.settings == {
        "cidr": "10.42.0.0/16",
        "zones": ["eu-central-1b", "eu-central-1a"],  # the NAT gateway is in the first one
        "nat": "single",
        "cluster_name": "acme-ml",
        "public_access_cidrs": ["203.0.113.0/24"],
        "node_groups": [
            {
                "name": "gpu", "instance_types": ["g5.xlarge"], "min_size": 0, "max_size": 4, "desired_size": 1,
                "spot": True, "taints": [{"key": "nvidia.com/gpu", "effect": "NO_SCHEDULE"}],
            }
        ],
        "protect_data": True,
        "zone_id": "Z1",
    }  # fmt: skip
    assert "authenticationMode=API_AND_CONFIG_MAP" in surveyed.notes[0]
    assert "aws-auth is not in the state: whoever it lets in loses access" in surveyed.notes[1]
    assert "runs Kubernetes 1.31" in surveyed.notes[2]
    assert "in sg-1, in the stack in EKS's own security group" in surveyed.notes[3]
    assert "does not encrypt its Secrets with a KMS key" in surveyed.notes[4]
    assert len(surveyed.notes) == 5


@pytest.mark.parametrize("block", ["100.64.0.0/16", "10.42.0.0/22"])
def test_a_network_that_the_component_would_not_make_is_used_as_it_is(block: str) -> None:
    found = terraform.read(STATE)
    next(one for one in found if one.get("id") == "vpc-1").attributes["cidr_block"] = block

    surveyed = survey(found, "")

    assert surveyed.settings["vpc_id"] == "vpc-1"
    assert surveyed.settings["private_subnet_ids"] == {"eu-central-1a": "subnet-1", "eu-central-1b": "subnet-2"}
    assert surveyed.settings["public_subnet_ids"] == {"eu-central-1a": "subnet-3", "eu-central-1b": "subnet-4"}
    assert [surveyed.settings[key] for key in ("cidr", "nat", "interface_endpoints")] == [None] * 3
    by_setting = {one.address for one in surveyed.found if surveyed.by_id.get(id(one)) == "vpc_id"}
    assert by_setting == {
        "module.vpc.aws_vpc.this[0]",
        *(f"module.vpc.aws_subnet.{side}[{n}]" for side in ("private", "public") for n in (0, 1))
    }  # fmt: skip


def test_a_zone_of_another_domain_is_not_the_stacks() -> None:
    assert "zone_id" not in survey(terraform.read(STATE), "ml.example.org").settings


def test_an_api_server_that_everybody_reaches_still_has_its_reason() -> None:
    (cluster,) = [one for one in terraform.read(STATE) if one.type == "aws_eks_cluster"]
    cluster.attributes["vpc_config"][0]["public_access_cidrs"] = ["0.0.0.0/0", "::/0"]

    assert survey([cluster], "").settings["public_access_cidrs"] == ["0.0.0.0/0"]

    assert survey([cluster], "").settings["public_access_reason"]


def test_subnets_are_matched_by_zone_and_side_and_those_of_databases_are_none_of_ours(old: list[Found]) -> None:
    ours = [_subnet(side, zone) for side in ("public", "private") for zone in ("eu-central-1a", "eu-central-1b")]

    matches = match([VPC, *ours], old)

    assert _names(matches) == {
        "module.vpc.aws_vpc.this[0]": "dev-vpc",
        "module.vpc.aws_subnet.private[0]": "dev-private-eu-central-1a",
        "module.vpc.aws_subnet.private[1]": "dev-private-eu-central-1b",
        "module.vpc.aws_subnet.public[0]": "dev-public-eu-central-1a",
        "module.vpc.aws_subnet.public[1]": "dev-public-eu-central-1b",
    }
    assert adopted(matches)["aws:ec2/subnet:Subnet::dev-private-eu-central-1b"] == {"cidrBlock": "10.42.2.0/24"}
    assert "aws:ec2/vpc:Vpc::dev-vpc" not in adopted(matches)


def test_references_say_which_table_and_which_address_it_is(old: list[Found]) -> None:
    subnet = _subnet("public", "eu-central-1b")
    table = _expected("aws:ec2/routeTable:RouteTable", "dev-public-routes", vpcIdOf=VPC.urn)
    routing = _expected(
        "aws:ec2/routeTableAssociation:RouteTableAssociation", "dev-public-routing",
        subnetIdOf=subnet.urn, routeTableIdOf=table.urn,
    )  # fmt: skip
    address = _expected("aws:ec2/eip:Eip", "dev-nat-address")
    gateway = _expected(
        "aws:ec2/natGateway:NatGateway", "dev-nat", subnetIdOf=subnet.urn, allocationIdOf=address.urn
    )  # fmt: skip

    names = _names(match([VPC, subnet, table, routing, address, gateway], old))

    assert names["module.vpc.aws_route_table.public[0]"] == "dev-public-routes"
    assert names["module.vpc.aws_route_table_association.public[1]"] == "dev-public-routing"
    assert names["module.vpc.aws_eip.nat[0]"] == "dev-nat-address"


def test_nothing_is_matched_where_several_fit(old: list[Found]) -> None:
    twin = Found(
        "aws_subnet.twin", "aws_subnet", {**next(one for one in old if one.get("id") == "subnet-1").attributes}
    )

    matches = match([VPC, _subnet("private", "eu-central-1a")], [*old, twin])

    assert set(_names(matches)) == {"module.vpc.aws_vpc.this[0]"}
    assert dict((one.address, why) for one, why in matches.left)["aws_subnet.twin"] == (
        "several would be dev-private-eu-central-1a"
    )


def test_every_resource_is_matched_or_listed_with_the_reason(old: list[Found]) -> None:
    matches = match([VPC], old)

    assert len(matches.pairs) + len(matches.left) == len(old)
    left = {one.address: why for one, why in matches.left}
    assert left["random_pet.suffix"] == "the stack makes none of this type"
    assert left["aws_vpc.legacy"] == "the stack has fewer of this type"


def test_a_policy_that_stays_on_an_adopted_role_is_to_be_detached(old: list[Found]) -> None:
    role = _expected("aws:iam/role:Role", "dev-eksRole-role", REMOTE)
    cluster = _expected("aws:eks/cluster:Cluster", "dev-eksCluster", REMOTE, name="acme-ml", roleArnOf=role.urn)
    policy = {"role": "acme-cluster", "policy_arn": "arn:aws:iam::aws:policy/AmazonEKSServicePolicy"}
    other = {**policy, "role": "somebody"}
    found = [*old, *(Found(f"a.{one['role']}", "aws_iam_role_policy_attachment", one) for one in (policy, other))]

    left = {one.address: why for one, why in match([role, cluster], found).left}

    assert (
        left["a.acme-cluster"]
        == "dev-eksRole-role has other policies in the stack: detach this one after the first `up`"
    )
    assert left["a.somebody"] == "the stack has fewer of this type"


def test_a_node_group_without_a_launch_template_is_none_of_ours(old: list[Found]) -> None:
    group = _expected("aws:eks/nodeGroup:NodeGroup", "dev-gpu-nodes", REMOTE, clusterName="acme-ml")
    with_one = next(one for one in old if one.type == "aws_eks_node_group")

    without = match([group], old)
    assert not without.pairs
    assert "it has no launch template, and EKS adds none" in dict(
        (one.address, why) for one, why in without.left
    )[with_one.address]  # fmt: skip
    with_one.attributes["launch_template"] = [{"id": "lt-1"}]
    assert match([group], old).pairs


def test_names_that_pulumi_would_generate_are_kept(old: list[Found]) -> None:
    generated = {"bucket": "dev-mlflow-1234567", "__defaults": ["bucket"]}
    bucket = _expected("aws:s3/bucket:Bucket", "dev-mlflow", NETWORK, **generated)

    matches = match([bucket], marked(old, {"mlflow": "acme-mlflow-artifacts"}))

    assert _names(matches) == {'aws_s3_bucket.this["artifacts"]': "dev-mlflow"}
    assert adopted(matches) == {"aws:s3/bucket:Bucket::dev-mlflow": {"bucket": "acme-mlflow-artifacts"}}


def test_a_reference_is_written_out_only_where_it_waits_for_something_new(old: list[Found]) -> None:
    subnets = [_subnet("private", "eu-central-1a"), _subnet("private", "eu-central-1b")]
    route = _expected("aws:ec2/route:Route", "dev-new-route")
    group = _expected("aws:eks/nodeGroup:NodeGroup", "dev-gpu-nodes", REMOTE, clusterName="acme-ml")
    next(one for one in old if one.type == "aws_eks_node_group").attributes["launch_template"] = [{"id": "lt-1"}]

    def kept(*urns: str) -> Any:
        waiting = Expected(group.urn, REMOTE, True, group.inputs, {"subnetIds": urns}, "7.51.1")
        return adopted(match([VPC, *subnets, waiting], old))[group.key].get("subnetIds")

    assert kept(*(one.urn for one in subnets)) is None
    assert kept(*(one.urn for one in subnets), route.urn) == ["subnet-1", "subnet-2"]
    assert kept(subnets[0].urn) == ["subnet-1", "subnet-2"]


def test_the_import_file_has_the_components_above_what_is_imported(old: list[Found]) -> None:
    cluster = _expected("aws:eks/cluster:Cluster", "dev-control-plane-eksCluster", REMOTE, name="acme-ml")
    above = [
        Expected(NETWORK, STACK, False, {}, {}, ""),
        Expected(CLUSTER, STACK, False, {}, {}, ""),
        Expected(REMOTE, CLUSTER, False, {}, {}, ""),
    ]

    written = content([*above, VPC, cluster], match([VPC, cluster], old))

    assert written["resources"] == [
        {"type": "pulumi-mlops:index:Network", "name": "dev pulumi-mlops:index:Network", "logicalName": "dev",
         "component": True},
        {"type": "aws:ec2/vpc:Vpc", "name": "dev-vpc", "parent": "dev pulumi-mlops:index:Network", "id": "vpc-1",
         "version": "7.51.1"},
        {"type": "pulumi-mlops:index:Cluster", "name": "dev pulumi-mlops:index:Cluster", "logicalName": "dev",
         "component": True},
        {"type": "eks:index:Cluster", "name": "dev-control-plane", "parent": "dev pulumi-mlops:index:Cluster",
         "component": True},
        {"type": "aws:eks/cluster:Cluster", "name": "dev-control-plane-eksCluster", "parent": "dev-control-plane",
         "id": "acme-ml", "version": "7.51.1"},
    ]  # fmt: skip


def test_the_import_file_is_what_pulumi_reads(tmp_path: Path) -> None:
    import_file.write(tmp_path / "a.json", import_file.document([Entry(VPC.urn, STACK, "vpc-1")], {}))

    assert json.loads((tmp_path / "a.json").read_text()) == {
        "nameTable": {},
        "resources": [{"type": "aws:ec2/vpc:Vpc", "name": "dev-vpc", "id": "vpc-1"}],
    }


def test_only_what_is_created_is_expected() -> None:
    state = {"urn": VPC.urn, "custom": True, "parent": NETWORK, "inputs": {}, "provider": PROVIDER}
    steps = [
        {"op": "create", "urn": STACK, "newState": {"urn": STACK}},
        {"op": "same", "urn": VPC.urn, "newState": state},
        {"op": "create", "urn": VPC.urn, "newState": {**state, "propertyDependencies": {"a": None, "b": [NETWORK]}}},
    ]

    (one,) = creates({"steps": steps})

    assert (one.key, one.version) == ("aws:ec2/vpc:Vpc::dev-vpc", "7.51.1")
    assert one.references == {"b": (NETWORK,)}


def test_every_type_that_is_matched_is_known_to_the_provider() -> None:
    assert {kind.token for kind in KINDS} <= set(TYPES)


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("general-20240102030405678900000002", "general"),
        ("general-2024010203040567890000001f", "general"),
        ("Workers_EKS", "workers-eks"),
        ("w" * 63, "w" * 30),
    ],
)
def test_a_node_group_of_terraform_has_a_name_without_the_generated_suffix(name: str, ours: str) -> None:
    assert group_name(Found("a", "aws_eks_node_group", {"node_group_name": name})) == ours
