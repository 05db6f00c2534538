"""`adopt` on small states: several of them, what no stack can take over, and what must not pass without a word."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from pulumi_mlops.cli.adopt import adopt, terraform
from pulumi_mlops.cli.adopt.buckets import uses
from pulumi_mlops.cli.adopt.refusals import refuse
from pulumi_mlops.cli.adopt.survey import Survey, survey
from pulumi_mlops.cli.adopt.terraform import Found
from pulumi_mlops.cli.errors import CommandError
from pulumi_mlops.cli.project import Project
from pulumi_mlops.cli.pulumi import Pulumi

REGION = "eu-west-1"
VPC = {"id": "vpc-7", "cidr_block": "10.9.0.0/16", "arn": f"arn:aws:ec2:{REGION}:111122223333:vpc/vpc-7"}
ADMIN = "arn:aws:iam::111122223333:role/admins"
READER = "arn:aws:iam::111122223333:user/mary"
NODE = "arn:aws:iam::111122223333:role/nodes"


def resource(kind: str, name: str, attributes: Mapping[str, Any], **instance: Any) -> dict[str, Any]:
    return {"mode": "managed", "type": kind, "name": name, "instances": [{"attributes": attributes, **instance}]}


def subnet(name: str, zone: str, *, public: bool = False) -> dict[str, Any]:
    attributes = {
        "id": f"subnet-{name}",
        "vpc_id": "vpc-7",
        "availability_zone": zone,
        "map_public_ip_on_launch": public,
    }
    return resource("aws_subnet", name, attributes)


def cluster(**changes: Any) -> dict[str, Any]:
    attributes = {
        "name": "ml",
        "arn": f"arn:aws:eks:{REGION}:111122223333:cluster/ml",
        "vpc_config": [{"vpc_id": "vpc-7", "subnet_ids": ["subnet-a", "subnet-b"]}],
        "access_config": [{"authentication_mode": "API"}],
    }
    return resource("aws_eks_cluster", "this", {**attributes, **changes})


NETWORK = [resource("aws_vpc", "this", VPC), subnet("a", f"{REGION}a"), subnet("b", f"{REGION}b")]


def aws_auth(**data: Any) -> dict[str, Any]:
    mapped = {key: yaml.safe_dump(entries) for key, entries in data.items()}
    return resource("kubernetes_config_map", "aws_auth", {"metadata": [{"name": "aws-auth"}], "data": mapped})


def write(directory: Path, name: str, *resources: dict[str, Any]) -> Path:
    file = directory / f"{name}.tfstate"
    file.write_text(json.dumps({"version": 4, "resources": resources}))
    return file


def surveyed(tmp_path: Path, *resources: dict[str, Any]) -> Survey:
    return survey(terraform.read(write(tmp_path, "one", *resources)), "")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "Pulumi.yaml").write_text("name: team\nruntime: python\n")
    return Project.find(tmp_path)


def previewed(*creates: tuple[str, str, dict[str, Any]]) -> dict[str, Any]:
    """What `pulumi preview --json` says of a stack that makes these: token, name, inputs."""
    return {
        "steps": [
            {
                "op": "create",
                "urn": (urn := f"urn:pulumi:dev::team::{token}::{name}"),
                "newState": {"urn": urn, "custom": True, "inputs": inputs},
            }
            for token, name, inputs in creates
        ]
    }


def test_network_and_cluster_in_two_states_are_taken_over_together(
    tmp_path: Path, project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    states = [write(tmp_path, "cluster", cluster()), write(tmp_path, "network", *NETWORK)]
    settings: list[Mapping[str, Any]] = []

    def preview(given: Mapping[str, Any]) -> dict[str, Any]:
        settings.append(given)
        return previewed(
            ("aws:ec2/vpc:Vpc", "dev-vpc", {"cidrBlock": "10.9.0.0/16"}),
            ("aws:eks/cluster:Cluster", "dev-control-plane", {"name": "ml"}),
        )

    adopt(states, "dev", project, tmp_path, preview)

    assert settings[0]["cidr"] == "10.9.0.0/16"
    assert settings[0]["zones"] == [f"{REGION}a", f"{REGION}b"]
    assert (tmp_path / "dev.state-rm.sh").read_text().splitlines()[2:] == [
        "", f"# {states[1]}", "terraform state rm aws_vpc.this",
        "", f"# {states[0]}", "terraform state rm aws_eks_cluster.this",
    ]  # fmt: skip
    assert "2 of 4 resources are matched" in capsys.readouterr().err


def test_the_same_address_in_two_states_is_removed_from_the_one_that_is_taken_over(
    tmp_path: Path, project: Project
) -> None:
    other = resource("aws_vpc", "this", {"id": "vpc-8", "cidr_block": "10.8.0.0/16"})
    states = [write(tmp_path, "other", other), write(tmp_path, "ours", *NETWORK, cluster())]
    vpc = ("aws:ec2/vpc:Vpc", "dev-vpc", {"cidrBlock": "10.9.0.0/16"})

    adopt(states, "dev", project, tmp_path, lambda _: previewed(vpc))

    commands = (tmp_path / "dev.state-rm.sh").read_text()
    assert commands.count("terraform state rm aws_vpc.this") == 1
    assert f"# {states[0]}" not in commands


@pytest.mark.parametrize(("tracked", "written"), [(REGION, None), ("eu-central-1", REGION), (None, REGION)])
def test_the_region_is_that_of_the_state(
    tmp_path: Path, project: Project, tracked: str | None, written: str | None
) -> None:
    if tracked:
        (tmp_path / "Pulumi.dev.yaml").write_text(yaml.safe_dump({"config": {"aws:region": tracked}}))
    vpc = ("aws:ec2/vpc:Vpc", "dev-vpc", {"cidrBlock": "10.9.0.0/16"})
    asked: list[Any] = []

    def preview(settings: Mapping[str, Any]) -> dict[str, Any]:
        asked.append(settings.get("aws:region"))
        return previewed(vpc)

    adopt([write(tmp_path, "one", *NETWORK, cluster())], "dev", project, tmp_path, preview)

    assert asked == [written]
    assert yaml.safe_load((tmp_path / "dev.settings.yaml").read_text()).get("aws:region") == written


@pytest.mark.parametrize(
    ("resources", "sentence"),
    [
        (
            [cluster()],
            "aws_eks_cluster.this is in vpc-7, which is in none of the states: name the state of the network",
        ),
        (
            [cluster(vpc_config=[{"subnet_ids": ["subnet-x"]}]), *NETWORK],
            "is in the VPC of subnet-x, which is in none of the states",
        ),
        (
            [NETWORK[0], subnet("a", f"{REGION}a", public=True), subnet("b", f"{REGION}b", public=True), cluster()],
            "aws_vpc.this (vpc-7) has no private subnet; the stack needs one in each of 2 zones at least",
        ),
        ([NETWORK[0], subnet("a", f"{REGION}a"), cluster()], f"has private subnets in {REGION}a alone"),
        (
            [*NETWORK[:2], subnet("b", f"{REGION}-dub-1a"), cluster()],
            f"aws_subnet.b is in {REGION}-dub-1a, a Local or Wavelength Zone, and the cluster uses it",
        ),
        (
            [*NETWORK, cluster(kubernetes_network_config=[{"ip_family": "ipv6"}])],
            "aws_eks_cluster.this gives its pods IPv6 addresses",
        ),
        (
            [*NETWORK, cluster(arn="arn:aws-cn:eks:cn-north-1:111122223333:cluster/ml")],
            "aws_eks_cluster.this is in the partition aws-cn",
        ),
    ],
)
def test_what_no_stack_can_take_over_is_one_sentence_before_the_preview(
    tmp_path: Path, project: Project, resources: list[dict[str, Any]], sentence: str
) -> None:
    state = write(tmp_path, "one", *resources)

    with pytest.raises(CommandError) as error:
        adopt([state], "dev", project, tmp_path, lambda _: pytest.fail("it was previewed"))

    assert sentence in str(error.value)
    assert "\n" not in str(error.value)
    assert not list(tmp_path.glob("dev.*"))


def test_a_network_that_the_stack_uses_by_its_settings_need_not_be_in_a_state(tmp_path: Path) -> None:
    found = surveyed(tmp_path, cluster()).found

    refuse(found, "vpc-7")
    with pytest.raises(CommandError, match="in none of the states"):
        refuse(found, "vpc-8")


def test_a_subnet_in_a_local_zone_that_nothing_uses_is_none_of_ours(tmp_path: Path) -> None:
    found = surveyed(tmp_path, *NETWORK, subnet("edge", f"{REGION}-dub-1a"), cluster())

    refuse(found.found, "")
    assert found.settings["zones"] == [f"{REGION}a", f"{REGION}b"]


def test_a_deposed_object_is_listed_and_never_matched(
    tmp_path: Path, project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    old = {**VPC, "id": "vpc-6", "cidr_block": "10.6.0.0/16"}
    vpc = resource("aws_vpc", "this", VPC)
    vpc["instances"].append({"attributes": old, "deposed": "00ab12cd"})
    state = write(tmp_path, "one", vpc, *NETWORK[1:])

    adopt([state], "dev", project, tmp_path, lambda _: previewed(("aws:ec2/vpc:Vpc", "dev-vpc", {})))

    said = capsys.readouterr().err
    assert "aws_vpc.this -> dev-vpc" in said
    assert "NOT matched: aws_vpc.this (deposed object 00ab12cd): Terraform replaced it and has not deleted it" in said
    assert "00ab12cd" not in (tmp_path / "dev.state-rm.sh").read_text()


def test_a_tainted_resource_is_noted(tmp_path: Path) -> None:
    tainted = resource("aws_vpc", "this", VPC, status="tainted")

    notes = surveyed(tmp_path, tainted, *NETWORK[1:]).notes

    assert "aws_vpc.this is tainted: Terraform would replace it, the stack keeps it; see that it works first" in notes
    assert surveyed(tmp_path, *NETWORK).notes == []


@pytest.mark.parametrize("access", [None, [], [{"authentication_mode": "CONFIG_MAP"}]])
def test_a_cluster_from_before_access_entries_is_noted_first(tmp_path: Path, access: Any) -> None:
    notes = surveyed(tmp_path, *NETWORK, cluster(access_config=access, version="1.29")).notes

    assert "access is by the ConfigMap aws-auth" in notes[0]
    assert "authenticationMode=API_AND_CONFIG_MAP" in notes[0]
    assert "aws-auth is not in the state" in notes[1]


def test_everybody_in_aws_auth_becomes_an_administrator_or_is_named(tmp_path: Path) -> None:
    roles = [
        {"rolearn": ADMIN, "groups": ["system:masters"]},
        {
            "rolearn": NODE,
            "username": "system:node:{{EC2PrivateDNSName}}",
            "groups": ["system:bootstrappers", "system:nodes"],
        },
    ]
    both = [{"authentication_mode": "API_AND_CONFIG_MAP"}]
    auth = aws_auth(mapRoles=roles, mapUsers=[{"userarn": READER, "groups": ["readers"]}])

    result = surveyed(tmp_path, *NETWORK, cluster(access_config=both), auth)

    assert result.settings["administrators"] == [ADMIN]
    assert result.notes[:-1] == [
        f"{ADMIN} is an administrator by aws-auth and stays one by the setting `administrators`",
        f"{NODE} is a role of nodes in aws-auth: nodes of groups that the stack does not take over lose the cluster "
        "without an access entry of type EC2_LINUX for it",
        f"{READER} (readers) has access by aws-auth alone and loses it: give it an access entry",
    ]


def entry(arn: str, name: str, of: str = "ml") -> dict[str, Any]:
    attributes = {"principal_arn": arn, "cluster_name": of, "type": "STANDARD", "id": f"{of}:{arn}"}
    return resource("aws_eks_access_entry", name, attributes)


def association(arn: str, name: str, *, policy: str = "AmazonEKSClusterAdminPolicy", **scope: Any) -> dict[str, Any]:
    policy_arn = f"arn:aws:eks::aws:cluster-access-policy/{policy}"
    attributes = {
        "principal_arn": arn,
        "cluster_name": "ml",
        "policy_arn": policy_arn,
        "access_scope": [{"type": "cluster", "namespaces": [], **scope}],
        "id": f"ml#{arn}#{policy_arn}",
    }
    return resource("aws_eks_access_policy_association", name, attributes)


def test_an_access_entry_counts_before_aws_auth(tmp_path: Path) -> None:
    auth = aws_auth(mapRoles=[{"rolearn": ADMIN, "groups": ["system:masters"]}])

    assert "administrators" not in surveyed(tmp_path, *NETWORK, cluster(), auth, entry(ADMIN, "admins")).settings


def test_administrators_by_access_entries_are_those_of_the_whole_cluster(tmp_path: Path) -> None:
    resources = [
        entry(ADMIN, "admins"), association(ADMIN, "admins"),
        entry(READER, "mary"), association(READER, "mary", policy="AmazonEKSViewPolicy"),
        entry(NODE, "shop"), association(NODE, "shop", type="namespace", namespaces=["shop"]),
    ]  # fmt: skip

    assert surveyed(tmp_path, *NETWORK, cluster(), *resources).settings["administrators"] == [ADMIN]
    assert "administrators" not in surveyed(tmp_path, *NETWORK, *resources).settings, "no cluster, no administrators"


def test_the_access_entry_of_an_administrator_is_taken_over(
    tmp_path: Path, project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    resources = [entry(ADMIN, "admins"), association(ADMIN, "admins"), entry(READER, "mary")]
    policy = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
    creates = previewed(
        ("aws:eks/cluster:Cluster", "dev-cluster", {"name": "ml"}),
        ("aws:eks/accessEntry:AccessEntry", "dev-admins", {"principalArn": ADMIN}),
        ("aws:eks/accessPolicyAssociation:AccessPolicyAssociation", "dev-admins-admin",
         {"principalArn": ADMIN, "policyArn": policy}),
    )  # fmt: skip
    for step in creates["steps"][1:]:
        step["newState"]["propertyDependencies"] = {"clusterName": [creates["steps"][0]["urn"]]}
    creates["steps"][2]["newState"]["parent"] = creates["steps"][1]["urn"]

    adopt([write(tmp_path, "one", *NETWORK, cluster(), *resources)], "dev", project, tmp_path, lambda _: creates)

    imported = json.loads((tmp_path / "dev.import.json").read_text())["resources"]
    assert [one["id"] for one in imported] == ["ml", f"ml:{ADMIN}", f"ml#{ADMIN}#{policy}"]
    assert imported[2]["parent"] == imported[1]["name"]
    assert "adopted" not in (tmp_path / "dev.settings.yaml").read_text()
    assert "NOT matched: aws_eks_access_entry.mary: the stack has fewer of this type" in capsys.readouterr().err


def test_an_association_without_its_access_entry_is_left_with_terraform(tmp_path: Path, project: Project) -> None:
    creates = previewed(
        ("aws:eks/cluster:Cluster", "dev", {"name": "ml"}),
        ("aws:eks/accessEntry:AccessEntry", "dev-admins", {"principalArn": ADMIN}),
        ("aws:eks/accessPolicyAssociation:AccessPolicyAssociation", "dev-admins-admin",
         {"principalArn": ADMIN, "policyArn": association(ADMIN, "a")["instances"][0]["attributes"]["policy_arn"]}),
    )  # fmt: skip
    for step in creates["steps"][1:]:
        step["newState"]["propertyDependencies"] = {"clusterName": [creates["steps"][0]["urn"]]}
    creates["steps"][2]["newState"]["parent"] = creates["steps"][1]["urn"]
    state = write(tmp_path, "one", *NETWORK, cluster(), association(ADMIN, "admins"))

    adopt([state], "dev", project, tmp_path, lambda _: creates)

    assert [one["id"] for one in json.loads((tmp_path / "dev.import.json").read_text())["resources"]] == ["ml"]


KEY = f"arn:aws:kms:{REGION}:111122223333:key/1"


def encrypted(key: str) -> list[dict[str, Any]]:
    return [{"provider": [{"key_arn": key}], "resources": ["secrets"]}]


def test_a_cluster_without_a_key_gets_one_and_that_is_said(tmp_path: Path) -> None:
    assert "which cannot be taken back" in surveyed(tmp_path, *NETWORK, cluster()).notes[0]


@pytest.mark.parametrize("known", [True, False])
def test_a_cluster_stays_with_the_key_that_encrypts_its_secrets(tmp_path: Path, project: Project, known: bool) -> None:
    key = resource("aws_kms_key", "secrets", {"arn": KEY, "key_id": "1", "id": "1"})
    state = write(tmp_path, "one", *NETWORK, cluster(encryption_config=encrypted(KEY)), *([key] if known else []))
    creates = previewed(("aws:kms/key:Key", "dev-secrets", NOTHING), ("aws:eks/cluster:Cluster", "dev", {"name": "ml"}))
    creates["steps"][1]["newState"]["propertyDependencies"] = {"encryptionConfig": [creates["steps"][0]["urn"]]}

    adopt([state], "dev", project, tmp_path, lambda _: creates)

    settings = yaml.safe_load((tmp_path / "dev.settings.yaml").read_text())
    kept = {
        "aws:eks/cluster:Cluster::dev": {"encryptionConfig": {"provider": {"keyArn": KEY}, "resources": ["secrets"]}}
    }
    assert settings.get("team:adopted") == (None if known else kept)
    assert any(KEY in note for note in survey(terraform.read(state), "").notes) is not known


NOTHING: dict[str, Any] = {}


def bucket(name: str) -> dict[str, Any]:
    return resource("aws_s3_bucket", name.replace("-", "_"), {"id": name, "bucket": name})


def with_buckets(*uses: str) -> dict[str, Any]:
    """The preview of a stack that makes a VPC and a bucket for each use."""
    document = previewed(
        ("aws:ec2/vpc:Vpc", "dev-vpc", {}), *(("aws:s3/bucket:Bucket", f"dev-{use}", NOTHING) for use in uses)
    )
    store = "urn:pulumi:dev::team::pulumi-mlops:index:S3ObjectStore::dev"
    for step in document["steps"][1:]:
        step["newState"]["parent"] = store
    document["steps"].append({"op": "create", "urn": store, "newState": {"urn": store, "custom": False}})
    return document


def test_a_bucket_is_proposed_for_a_use_and_taken_over_only_if_a_person_says_so(
    tmp_path: Path, project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ("firm-data", "firm.data.tfstate", "firm-terraform-mlflow", "firm-attic")
    state = write(tmp_path, "one", *NETWORK, *map(bucket, names))

    adopt([state], "dev", project, tmp_path, lambda _: with_buckets("data", "mlflow"))

    said = capsys.readouterr().err
    assert "aws_s3_bucket.firm_data: by its name it could be for data: if it is, add `--bucket data=firm-data`" in said
    assert "firm.data.tfstate: by its name it holds Terraform's states, and stays with Terraform" in said
    assert "aws_s3_bucket.firm_terraform_mlflow: by its name it holds Terraform's states" in said
    assert (
        "firm_attic: only you know what it is for: if it is for data or mlflow, add `--bucket USE=firm-attic`" in said
    )
    assert "aws_s3_bucket" not in (tmp_path / "dev.state-rm.sh").read_text()

    adopt([state], "dev", project, tmp_path, lambda _: with_buckets("data", "mlflow"), named={"mlflow": "firm-data"})

    said = capsys.readouterr().err
    assert "aws_s3_bucket.firm_data -> dev-mlflow" in said
    assert yaml.safe_load((tmp_path / "dev.settings.yaml").read_text())["team:adopted"][
        "aws:s3/bucket:Bucket::dev-mlflow"
    ] == {"bucket": "firm-data"}
    assert "terraform state rm aws_s3_bucket.firm_data" in (tmp_path / "dev.state-rm.sh").read_text()


def test_a_use_of_several_words_is_that_of_one_bucket(tmp_path: Path, project: Project) -> None:
    state = write(tmp_path, "one", *NETWORK, bucket("firm"))

    adopt([state], "dev", project, tmp_path, lambda _: with_buckets("data", "raw-data"), named={"raw-data": "firm"})

    settings = yaml.safe_load((tmp_path / "dev.settings.yaml").read_text())
    assert [key for key in settings["team:adopted"] if "Bucket" in key] == ["aws:s3/bucket:Bucket::dev-raw-data"]


def test_a_bucket_that_the_stack_uses_by_its_settings_needs_no_import(
    tmp_path: Path, project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "Pulumi.dev.yaml").write_text(
        yaml.safe_dump({"config": {"team:existing_buckets": {"data": "firm-data"}}})
    )
    state = write(tmp_path, "one", *NETWORK, bucket("firm-data"))

    adopt([state], "dev", project, tmp_path, lambda _: with_buckets("mlflow"))

    assert "aws_s3_bucket.firm_data: by the setting existing_buckets, no import" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (["firm-data"], "--bucket must be USE=NAME, such as data=acme-training-data, got 'firm-data'"),
        (["data="], "--bucket must be USE=NAME, such as data=acme-training-data, got 'data='"),
        (["=firm-data"], "--bucket must be USE=NAME, such as data=acme-training-data, got '=firm-data'"),
        (["data=firm-data", "data=firm-attic"], "--bucket data must be one bucket, got firm-data and firm-attic"),
        (
            ["data=firm-data", "mlflow=firm-data"],
            "--bucket mlflow=firm-data: this bucket is the one for data already; one has one use",
        ),
        (["data=frim-data"], "--bucket data=frim-data: no state has this bucket; they have firm-attic, firm-data"),
        (["logs=firm-data"], "--bucket logs=firm-data: the stack makes buckets for data, mlflow alone; it must be"),
    ],
)
def test_a_bucket_that_cannot_be_taken_over_as_it_was_said_is_one_sentence(
    tmp_path: Path, project: Project, given: list[str], sentence: str
) -> None:
    state = write(tmp_path, "one", *NETWORK, bucket("firm-data"), bucket("firm-attic"))

    with pytest.raises(CommandError) as error:
        adopt([state], "dev", project, tmp_path, lambda _: with_buckets("data", "mlflow"), named=uses(given))

    assert sentence in str(error.value)
    assert "\n" not in str(error.value)
    assert not list(tmp_path.glob("dev.*"))


def group(name: str, *machines: str, of: str = "ml", **changes: Any) -> dict[str, Any]:
    attributes = {
        "id": f"{of}:{name}",
        "cluster_name": of,
        "node_group_name": name,
        "instance_types": machines,
        "launch_template": [{"id": f"lt-{name}"}],
        "scaling_config": [{"min_size": 1, "max_size": 2, "desired_size": 1}],
    }
    return resource("aws_eks_node_group", name, {**attributes, **changes})


@pytest.mark.parametrize(
    ("machine", "image", "why"),
    [
        ("m7i.large", "AL2023_x86_64_STANDARD", ""),
        ("m7i.large", "AL2_x86_64", ""),
        ("m7i.large", None, ""),
        ("g6.xlarge", "BOTTLEROCKET_x86_64_NVIDIA", ""),
        ("m7i.large", "CUSTOM", "its image is CUSTOM, the stack's for these machines AL2023_x86_64_STANDARD"),
        ("m7i.large", "WINDOWS_CORE_2022_x86_64", "its image is WINDOWS_CORE_2022_x86_64"),
        ("m7i.large", "BOTTLEROCKET_x86_64", "its image is BOTTLEROCKET_x86_64"),
        ("g6.xlarge", "AL2023_x86_64_NVIDIA", "the stack's for these machines BOTTLEROCKET_x86_64_NVIDIA"),
        ("trn1.2xlarge", "AL2023_x86_64_NEURON", "the stack has no image for trn1.2xlarge: it stays with Terraform"),
    ],
)
def test_a_group_whose_image_needs_another_template_is_named_and_not_matched(
    tmp_path: Path, project: Project, capsys: pytest.CaptureFixture[str], machine: str, image: str | None, why: str
) -> None:
    state = write(tmp_path, "one", *NETWORK, cluster(), group("odd", machine, ami_type=image))
    made = ("aws:eks/nodeGroup:NodeGroup", "dev-odd-nodes", {"clusterName": "ml"})
    asked: list[Any] = []

    def preview(settings: Mapping[str, Any]) -> dict[str, Any]:
        asked.append([one["name"] for one in settings.get("node_groups", ())])
        return previewed(("aws:ec2/vpc:Vpc", "dev-vpc", {}), made)

    adopt([state], "dev", project, tmp_path, preview)

    said = next(line for line in capsys.readouterr().err.splitlines() if "aws_eks_node_group.odd" in line)
    assert why in said
    assert said.startswith("NOT matched") == bool(why)
    assert asked == [[] if "trn1" in machine else ["odd"]]


def test_of_several_clusters_one_is_taken_over_with_its_own_groups_and_network(tmp_path: Path) -> None:
    blue = resource("aws_vpc", "blue", {**VPC, "id": "vpc-9", "cidr_block": "10.5.0.0/16"})
    apart = resource("aws_subnet", "apart", {"id": "subnet-z", "vpc_id": "vpc-9", "availability_zone": f"{REGION}c"})
    second = resource(
        "aws_eks_cluster", "blue", {"name": "blue", "vpc_config": [{"vpc_id": "vpc-9", "subnet_ids": ["subnet-z"]}]}
    )
    state = write(
        tmp_path, "one", *NETWORK, cluster(), group("green", "m7i.large"),
        blue, apart, second, group("navy", "c7i.large", of="blue"),
    )  # fmt: skip
    found = terraform.read(state)

    first, other = survey(found, ""), survey(found, "", cluster_name="blue")

    assert first.settings["cluster_name"] == "ml"
    assert [one["name"] for one in first.settings["node_groups"]] == ["green"]
    assert first.notes[0] == (
        "the states have the clusters ml, blue, and the stack takes over ml alone: its setting `cluster_name` picks "
        "another"
    )
    refuse(first.found, "")
    assert other.settings["cluster_name"] == "blue"
    assert [one["name"] for one in other.settings["node_groups"]] == ["navy"]
    with pytest.raises(CommandError, match=r"aws_vpc\.blue .* has private subnets in eu-west-1c alone"):
        refuse(other.found, "")


def test_accounts_in_aws_auth_are_named(tmp_path: Path) -> None:
    both = [{"authentication_mode": "API_AND_CONFIG_MAP"}]

    notes = surveyed(tmp_path, *NETWORK, cluster(access_config=both), aws_auth(mapAccounts=["444455556666"])).notes

    assert notes[:-1] == [
        "everybody of the account 444455556666 has access by aws-auth alone and loses it: access entries name single "
        "roles and users"
    ]


def test_a_preview_that_the_program_refuses_is_its_sentence_and_no_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sentence = 'Cluster "dev": args.node_groups[0].instance_types must have one image in common'
    preview = {
        "steps": [],
        "diagnostics": [{"message": f"<{{%reset%}}>{sentence}<{{%reset%}}>\n", "severity": "error"}],
    }
    script = tmp_path / "pulumi"
    script.write_text(f"#!/bin/sh\ncat <<'END'\n{json.dumps(preview)}\nEND\nexit 1\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    with pytest.raises(CommandError) as error:
        Pulumi(tmp_path).run("preview", "--json")

    assert str(error.value) == f"`pulumi preview --json` failed: {sentence}"


def test_found_knows_its_state(tmp_path: Path) -> None:
    found: list[Found] = surveyed(tmp_path, *NETWORK).found

    assert {one.state for one in found} == {str(tmp_path / "one.tfstate")}
