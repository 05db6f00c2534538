from typing import Any

import pytest
from pulumi_mlops import ArgumentError
from pulumi_mlops._manifests import USER
from pulumi_mlops.foundation import SharedFiles, shared_files
from pulumi_mlops.platform import EfsStorageClass
from syrupy.assertion import SnapshotAssertion

from tests.aws import takes_tags
from tests.conftest import UNKNOWN, Build, Graph, unknown

ARGS: dict[str, Any] = {
    "vpc_id": "vpc-0c1d2e3f",
    "subnets": {"eu-central-1a": "subnet-0a1b2c3d", "eu-central-1b": "subnet-0b2c3d4e"},
    "client_security_groups": {"nodes": "sg-0d1e2f3a"},
}
FULL: dict[str, Any] = {
    **ARGS,
    "client_security_groups": {"nodes": "sg-0d1e2f3a", "bastion": "sg-0e1f2a3b"},
    "kms_key_arn": "arn:aws:kms:eu-central-1:123456789012:key/0a1b",
    "infrequent_access_days": 30,
    "backup": False,
    "base_path": "/birds/volumes",
    "protect_data": False,
    "tags": {"team": "birds"},
}


def files(build: Build, args: dict[str, Any] = ARGS, preview: bool = False, **changes: Any) -> Graph:
    return build(lambda: SharedFiles("birds", {**args, **changes}), preview=preview)  # type: ignore[typeddict-item]


def test_the_smallest_file_system_is_as_reviewed(build: Build, snapshot: SnapshotAssertion) -> None:
    assert files(build).contract() == snapshot


def test_the_fullest_file_system_is_as_reviewed(build: Build, snapshot: SnapshotAssertion) -> None:
    assert files(build, FULL).contract() == snapshot


def test_every_zone_mounts_one_encrypted_file_system(build: Build) -> None:
    graph = files(build)

    (system,) = graph.of_kind("FileSystem")
    assert system.inputs["encrypted"] is True
    assert system.inputs["throughputMode"] == "elastic"
    assert "lifecyclePolicies" not in system.inputs
    targets = {one.name: one.inputs for one in graph.of_kind("MountTarget")}
    assert {name: inputs["subnetId"] for name, inputs in targets.items()} == {
        "birds-eu-central-1a": "subnet-0a1b2c3d",
        "birds-eu-central-1b": "subnet-0b2c3d4e",
    }
    assert all(inputs["securityGroups"] == ["birds-mount-targets-id"] for inputs in targets.values())


def test_a_zone_more_leaves_the_others_as_they_are(build: Build) -> None:
    before = files(build).contract()
    after = files(build, subnets={"eu-central-1c": "subnet-0c1d2e3f", **ARGS["subnets"]}).contract()
    assert {urn for urn in after if urn not in before} == {
        urn for urn in after if urn.endswith("::birds-eu-central-1c")
    }
    kept = [urn for urn in before if "MountTarget" in urn]
    assert len(kept) == 2
    assert all(after[urn] == before[urn] for urn in kept)


def test_a_zones_mount_target_goes_before_its_successor_comes_since_a_zone_takes_one(build: Build) -> None:
    assert all(one.delete_before_replace for one in files(build).of_kind("MountTarget"))
    assert not files(build)["birds-files"].delete_before_replace


def test_the_clients_and_nobody_else_reach_the_port_of_nfs(build: Build) -> None:
    graph = files(build, FULL)

    (group,) = graph.of_kind("SecurityGroup")
    assert not {"ingress", "egress"} & set(group.inputs)
    rules = [one.inputs for one in graph.of_kind("SecurityGroupIngressRule")]
    assert {rule["referencedSecurityGroupId"] for rule in rules} == {"sg-0d1e2f3a", "sg-0e1f2a3b"}
    for rule in rules:
        assert (rule["ipProtocol"], rule["fromPort"], rule["toPort"]) == ("tcp", 2049, 2049)
        assert not {"cidrIpv4", "cidrIpv6", "prefixListId"} & set(rule)


def test_the_file_system_is_known_once_it_can_be_mounted(build: Build) -> None:
    outputs = files(build).outputs_of("birds")
    assert outputs["file_system_id"] == "birds-files-id"
    assert outputs["arn"].startswith("arn:aws:efs:")
    assert outputs["security_group_id"] == "birds-mount-targets-id"
    assert files(build, preview=True).outputs_of("birds")["storage_class_parameters"] == UNKNOWN


def test_volumes_belong_to_the_user_of_our_containers(build: Build) -> None:
    parameters = files(build, FULL).outputs_of("birds")["storage_class_parameters"]
    assert parameters == {
        "provisioningMode": "efs-ap",
        "fileSystemId": "birds-files-id",
        "directoryPerms": "0700",
        "uid": str(USER),
        "gid": str(USER),
        "basePath": "/birds/volumes",
    }


def test_a_storage_class_takes_the_parameters_as_they_are(build: Build) -> None:
    def program() -> None:
        made = SharedFiles("birds", ARGS)  # type: ignore[arg-type]
        EfsStorageClass("shared", {"parameters": made.storage_class_parameters})

    graph = build(program)
    assert graph["shared-storage-class"].inputs["parameters"]["fileSystemId"] == "birds-files-id"
    assert {one.urn for one in graph.of_kind("MountTarget")} <= graph["shared-storage-class"].dependencies
    assert build(program, preview=True)["shared-storage-class"]


def test_files_move_to_the_cheaper_class_and_back() -> None:
    assert shared_files.lifecycle(1)[0] == {"transition_to_ia": "AFTER_1_DAY"}
    assert shared_files.lifecycle(30) == [
        {"transition_to_ia": "AFTER_30_DAYS"},
        {"transition_to_primary_storage_class": "AFTER_1_ACCESS"},
    ]
    assert shared_files.lifecycle(None) is None


def test_files_are_saved_every_day_unless_told_otherwise(build: Build) -> None:
    assert files(build)["birds-backup"].inputs["backupPolicy"] == {"status": "ENABLED"}
    assert files(build, backup=False)["birds-backup"].inputs["backupPolicy"] == {"status": "DISABLED"}


def test_the_file_system_is_protected_unless_told_otherwise(build: Build) -> None:
    assert files(build)["birds-files"].protect
    assert not files(build, FULL)["birds-files"].protect


def test_every_resource_that_takes_tags_has_them_and_a_name(build: Build) -> None:
    found = [one for one in files(build, FULL) if one.type.startswith("aws:") and takes_tags(one.type)]
    assert {one.kind for one in found} == {"FileSystem", "SecurityGroup", "SecurityGroupIngressRule"}
    assert all(one.inputs["tags"] == {"Name": "birds", "team": "birds"} for one in found)


def test_two_file_systems_live_in_one_stack(build: Build) -> None:
    graph = build(lambda: [SharedFiles(name, FULL) for name in ("one", "two")])  # type: ignore[arg-type]
    assert len({one.urn for one in graph}) == len(graph.registrations)


def test_what_is_not_known_yet_is_no_obstacle(build: Build) -> None:
    def program() -> None:
        network: Any = {"vpc_id": unknown("vpc"), "subnets": {"eu-central-1a": unknown("subnet")}}
        SharedFiles("birds", {**network, "client_security_groups": {"nodes": unknown("group")}})

    assert build(program, preview=True)["birds-eu-central-1a"].inputs["subnetId"] == UNKNOWN


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"vpc_id": "vpc-main"}, "args.vpc_id must be the id of a VPC"),
        ({"vpc_id": "vpc-0123456789"}, "args.vpc_id must be the id of a VPC"),
        ({"subnets": {}}, "args.subnets must not be empty"),
        ({"subnets": {"eu-central-1a": "10.0.0.0/24"}}, "args.subnets.eu-central-1a must be the id of a subnet"),
        ({"subnets": {"Zone A": "subnet-0a1b2c3d"}}, 'args.subnets has the key "Zone A", which must be lower-case'),
        ({"client_security_groups": {}}, "args.client_security_groups must not be empty"),
        ({"client_security_groups": {"n": "0.0.0.0/0"}}, "args.client_security_groups.n must be the id of a security"),
        ({"kms_key_arn": "alias/aws/efs"}, "args.kms_key_arn must be the ARN of a KMS key"),
        ({"infrequent_access_days": 31}, "args.infrequent_access_days must be one of 1, 7, 14, 30, 60, 90, 180, 270"),
        ({"base_path": "volumes"}, "args.base_path must be an absolute path"),
        ({"base_path": "/a/b/c/d"}, "args.base_path must be an absolute path of at most three directories"),
        ({"base_path": f"/{'a' * 50}"}, "args.base_path must be an absolute path"),
        ({"protect": True}, 'did you mean "protect_data"?'),
    ],
)
def test_wrong_arguments_cost_one_line_and_no_resource(build: Build, changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ArgumentError, match='SharedFiles "birds": ') as error:
        files(build, **changes)
    assert complaint in str(error.value)


@pytest.mark.parametrize("changes", [{"base_path": f"/{'a' * 49}"}, {"infrequent_access_days": 365}])
def test_right_arguments_on_the_edge_are_taken(build: Build, changes: dict[str, Any]) -> None:
    assert files(build, **changes)["birds-files"]
