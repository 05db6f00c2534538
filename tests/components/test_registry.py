import json
from typing import Any

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws
from pulumi_mlops import ArgumentError
from pulumi_mlops.foundation import Registry
from pulumi_mlops.foundation.registry import lifecycle_policy
from syrupy.assertion import SnapshotAssertion

from tests.aws import takes_tags
from tests.conftest import UNKNOWN, Build, Graph, unknown

HOST = "123456789012.dkr.ecr.eu-central-1.amazonaws.com"
KEY = "arn:aws:kms:eu-central-1:123456789012:key/0a1b"
ARGS: dict[str, Any] = {"repositories": ["ml-pipeline", "ml-server"]}
FULL: dict[str, Any] = {
    "repositories": ["ml/pipeline", "ml/server"],
    "prefix": "acme/birds/",
    "keep_tagged": 20,
    "untagged_days": 1,
    "kms_key_arn": KEY,
    "protect_data": False,
    "tags": {"team": "birds"},
}


def registry(build: Build, args: dict[str, Any] = ARGS, preview: bool = False, **changes: Any) -> Graph:
    return build(lambda: Registry("birds", {**args, **changes}), preview=preview)  # type: ignore[typeddict-item]


def test_the_smallest_registry_is_as_reviewed(build: Build, snapshot: SnapshotAssertion) -> None:
    assert registry(build).contract() == snapshot


def test_the_fullest_registry_is_as_reviewed(build: Build, snapshot: SnapshotAssertion) -> None:
    assert registry(build, FULL).contract() == snapshot


def test_repositories_of_a_registry_that_scans_ask_for_no_scan_themselves(build: Build) -> None:
    assert len(repositories := registry(build, scan_on_push=False).of_kind("Repository")) > 0
    assert not [one.name for one in repositories if "imageScanningConfiguration" in one.inputs]


def test_one_registry_may_own_the_scans_of_the_account_and_its_repositories_ask_for_none(build: Build) -> None:
    graph = registry(build, scan_whole_registry=True)
    (scans,) = graph.of_kind("RegistryScanningConfiguration")
    assert scans.inputs == {
        "scanType": "BASIC",
        "rules": [{"scanFrequency": "SCAN_ON_PUSH", "repositoryFilters": [{"filter": "*", "filterType": "WILDCARD"}]}],
    }
    assert not [one.name for one in graph.of_kind("Repository") if "imageScanningConfiguration" in one.inputs]
    assert registry(build).of_kind("RegistryScanningConfiguration") == []


def test_tags_never_move_and_images_are_scanned(build: Build) -> None:
    repositories = registry(build).of_kind("Repository")
    assert len(repositories) == 2
    for one in repositories:
        assert one.inputs["imageTagMutability"] == "IMMUTABLE"
        assert one.inputs["imageScanningConfiguration"] == {"scanOnPush": True}


def test_the_outputs_make_the_names_of_images(build: Build) -> None:
    outputs = registry(build, FULL).outputs_of("birds")
    assert outputs == {
        "url": HOST,
        "repository_urls": {
            "ml/pipeline": f"{HOST}/acme/birds/ml/pipeline",
            "ml/server": f"{HOST}/acme/birds/ml/server",
        },
        "repository_arns": {
            "ml/pipeline": "arn:aws:ecr:eu-central-1:123456789012:repository/acme/birds/ml/pipeline",
            "ml/server": "arn:aws:ecr:eu-central-1:123456789012:repository/acme/birds/ml/server",
        },
    }
    assert registry(build, preview=True).outputs_of("birds")["url"] == UNKNOWN


def test_two_environments_share_an_account(build: Build) -> None:
    def names(component: str) -> set[str]:
        graph = build(lambda: Registry(component, ARGS))  # type: ignore[arg-type]
        return {one.inputs["name"] for one in graph.of_kind("Repository")}

    assert names("birds-dev") == {"birds-dev/ml-pipeline", "birds-dev/ml-server"}
    assert names("birds-dev").isdisjoint(names("birds-prod"))


def test_images_are_encrypted_with_ecrs_keys_or_with_the_given_one(build: Build) -> None:
    own = registry(build)["birds-ml-server"].inputs["encryptionConfigurations"]
    given_key = registry(build, kms_key_arn=KEY)["birds-ml-server"].inputs["encryptionConfigurations"]
    assert own == [{"encryptionType": "AES256"}]
    assert given_key == [{"encryptionType": "KMS", "kmsKey": KEY}]


def test_repositories_are_protected_unless_told_otherwise(build: Build) -> None:
    for one in registry(build).of_kind("Repository"):
        assert one.protect
        assert one.inputs["forceDelete"] is False
    for one in registry(build, FULL).of_kind("Repository"):
        assert not one.protect
        assert one.inputs["forceDelete"] is True


@given(keep=st.integers(1, 1000), days=st.integers(1, 1000))
def test_the_life_cycle_keeps_what_was_asked_for(keep: int, days: int) -> None:
    untagged, tagged = json.loads(lifecycle_policy(keep, days))["rules"]
    assert untagged["selection"]["countNumber"] == days
    assert tagged["selection"]["countNumber"] == keep
    assert untagged["rulePriority"] < tagged["rulePriority"]


@mock_aws
def test_ecr_takes_the_life_cycle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    ecr = boto3.client("ecr", aws_access_key_id="test", aws_secret_access_key="test")
    ecr.create_repository(repositoryName="birds/server")
    policy = lifecycle_policy(100, 7)
    assert ecr.put_lifecycle_policy(repositoryName="birds/server", lifecyclePolicyText=policy)["lifecyclePolicyText"]
    with pytest.raises(ecr.exceptions.InvalidParameterException):
        ecr.put_lifecycle_policy(
            repositoryName="birds/server", lifecyclePolicyText=policy.replace("sinceImagePushed", "since", 1)
        )


def test_every_resource_that_takes_tags_has_them(build: Build) -> None:
    found = [one for one in registry(build, FULL) if one.type.startswith("aws:") and takes_tags(one.type)]
    assert len(found) == 2
    assert all(one.inputs["tags"] == {"team": "birds"} for one in found)


def test_two_registries_live_in_one_stack(build: Build) -> None:
    graph = build(lambda: [Registry(name, FULL) for name in ("one", "two")])  # type: ignore[arg-type]
    assert len({one.urn for one in graph}) == len(graph.registrations)


def test_a_key_that_is_not_known_yet_is_no_obstacle(build: Build) -> None:
    graph = build(lambda: Registry("birds", {"repositories": ["a1"], "kms_key_arn": unknown("key")}), preview=True)
    assert graph["birds-a1"]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"repositories": []}, "args.repositories must not be empty"),
        ({"repositories": ["ML"]}, "args.repositories[0] must be the name of a repository"),
        ({"repositories": ["ml--server", "ml/"]}, "args.repositories[1] must be the name of a repository"),
        ({"repositories": ["ml...server"]}, "args.repositories[0] must be the name of a repository"),
        ({"repositories": ["ml/server", "ml-server"]}, 'args.repositories has "ml-server" twice'),
        ({"repositories": ["a"], "prefix": ""}, 'args.repositories: "a" must have 2 to 256 characters'),
        ({"repositories": ["a" * 251]}, "must have 2 to 256 characters"),
        ({"prefix": "birds"}, "args.prefix must be a path that ends with a slash"),
        ({"keep_tagged": 0}, "args.keep_tagged must be at least 1 image, got 0"),
        ({"untagged_days": 0}, "args.untagged_days must be at least 1 day, got 0"),
        ({"kms_key_arn": "birds"}, "args.kms_key_arn must be the ARN of a KMS key"),
    ],
)
def test_wrong_arguments_cost_one_line_and_no_resource(build: Build, changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ArgumentError, match='Registry "birds": ') as error:
        registry(build, **changes)
    assert complaint in str(error.value)


@pytest.mark.parametrize("repository", ["a.b", "a__b", "a--b", "a/b/c-d", "0", "a" * 250])
def test_names_that_ecr_takes_are_taken(build: Build, repository: str) -> None:
    assert registry(build, repositories=[repository]).of_kind("Repository")
