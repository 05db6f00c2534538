import json
from typing import Any

import pulumi
import pytest
from pulumi_mlops import ArgumentError, ObjectStoreAccess, Workspace, _aws
from pulumi_mlops.foundation import S3ObjectStore, WorkloadIdentity, _buckets, permissions
from pulumi_mlops.platform import MLflow
from syrupy.assertion import SnapshotAssertion

from tests.aws import takes_tags
from tests.conftest import UNKNOWN, Build, Graph, unknown
from tests.iam import allowed

KEY = "arn:aws:kms:eu-central-1:123456789012:key/0a1b"
ARGS: dict[str, Any] = {"region": "eu-central-1", "buckets": ["data", "mlflow"]}
FULL: dict[str, Any] = {
    **ARGS,
    "existing_buckets": {"workflows": "acme-workflows"},
    "kms_key_arn": KEY,
    "noncurrent_days": 90,
    "expire_days": {"data": 365},
    "access_logs": True,
    "access_log_days": 30,
    "protect_data": False,
    "tags": {"team": "birds"},
}
DATA = "arn:aws:s3:::birds-data-1a2b3c4"
READER = ("AWS", "arn:aws:iam::123456789012:role/reader")


def store(build: Build, args: dict[str, Any] = ARGS, preview: bool = False, **changes: Any) -> Graph:
    return build(lambda: S3ObjectStore("birds", {**args, **changes}), preview=preview)  # type: ignore[typeddict-item]


def test_the_smallest_store_is_as_reviewed(build: Build, snapshot: SnapshotAssertion) -> None:
    assert store(build).contract() == snapshot


def test_the_fullest_store_is_as_reviewed(build: Build, snapshot: SnapshotAssertion) -> None:
    assert store(build, FULL).contract() == snapshot


def test_every_bucket_gets_every_setting(build: Build) -> None:
    graph = store(build, FULL)

    for bucket in ("data", "mlflow", "access-logs"):
        access = graph[f"birds-{bucket}-public-access"].inputs
        assert [access[key] for key in ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls")] == [True] * 3
        assert access["restrictPublicBuckets"] is True
        assert graph[f"birds-{bucket}-ownership"].inputs["rule"] == {"objectOwnership": "BucketOwnerEnforced"}
        assert graph[f"birds-{bucket}-encryption"].inputs["rules"]
        assert graph[f"birds-{bucket}-policy"].inputs["policy"]
    for bucket in ("data", "mlflow"):
        versioning = graph[f"birds-{bucket}-versioning"].inputs["versioningConfiguration"]
        assert versioning == {"status": "Enabled"}
        assert graph[f"birds-{bucket}-logging"].inputs["targetBucket"] == "birds-access-logs-1a2b3c4"


def test_the_physical_names_are_pulumis(build: Build) -> None:
    assert all("bucket" not in one.inputs for one in store(build, FULL).of_kind("Bucket"))


def test_the_outputs_are_those_that_everything_downstream_takes(build: Build) -> None:
    outputs = store(build, FULL).outputs_of("birds")

    assert outputs == {
        "endpoint": "https://s3.eu-central-1.amazonaws.com",
        "region": "eu-central-1",
        "bucket_names": {
            "data": "birds-data-1a2b3c4",
            "mlflow": "birds-mlflow-1a2b3c4",
            "workflows": "acme-workflows",
        },
        "bucket_arns": {
            "data": DATA,
            "mlflow": "arn:aws:s3:::birds-mlflow-1a2b3c4",
            "workflows": "arn:aws:s3:::acme-workflows",
        },
    }


@pytest.mark.parametrize(
    ("region", "endpoint", "arn"),
    [
        ("us-east-1", "https://s3.us-east-1.amazonaws.com", "arn:aws:s3:::old"),
        ("cn-north-1", "https://s3.cn-north-1.amazonaws.com.cn", "arn:aws-cn:s3:::old"),
        ("us-gov-west-1", "https://s3.us-gov-west-1.amazonaws.com", "arn:aws-us-gov:s3:::old"),
    ],
)
def test_every_partition_has_its_endpoint_and_arns(build: Build, region: str, endpoint: str, arn: str) -> None:
    outputs = store(build, region=region, buckets=[], existing_buckets={"old": "old"}).outputs_of("birds")
    assert outputs["endpoint"] == endpoint
    assert outputs["bucket_arns"] == {"old": arn}


def test_what_exists_is_left_as_it_is(build: Build) -> None:
    graph = store(build, buckets=[], existing_buckets={"mlflow": "acme-mlflow"})
    assert [one.name for one in graph] == ["birds"]


def test_mlflow_and_a_workspace_take_the_store_as_they_take_the_one_in_the_cluster(build: Build) -> None:
    def program() -> None:
        store = S3ObjectStore("birds", {"region": "eu-central-1", "buckets": ["mlflow", "workflows"]})
        uri = pulumi.Output.format("s3://{0}/artifacts", store.bucket_names["mlflow"])
        artifacts: Any = {"uri": uri, "endpoint": store.endpoint, "region": store.region}
        MLflow("mlflow", {"namespace": "mlflow", "artifact_store": artifacts})
        Workspace(
            "penguins",
            {
                "object_store_access": ObjectStoreAccess.WORKLOAD_IDENTITY,
                "object_store_endpoint": store.endpoint,
                "object_store_region": store.region,
                "workflows_bucket": store.bucket_names["workflows"],
            },
        )

    graph = build(program)
    (container,) = graph["mlflow-server"].inputs["spec"]["template"]["spec"]["containers"]
    environment = {one["name"]: one.get("value") for one in container["env"]}
    assert environment["MLFLOW_ARTIFACTS_DESTINATION"] == "s3://birds-mlflow-1a2b3c4/artifacts"
    assert environment["MLFLOW_S3_ENDPOINT_URL"] == "https://s3.eu-central-1.amazonaws.com"
    repository = graph["penguins-artifact-repositories"].inputs["data"]["object-store"]
    assert '"bucket": "birds-workflows-1a2b3c4"' in repository
    assert '"endpoint": "s3.eu-central-1.amazonaws.com"' in repository
    assert '"useSDKCreds": true' in repository
    assert {"StatefulSet"}.isdisjoint(graph.kinds())


def test_a_role_for_one_bucket_does_not_open_the_other(build: Build) -> None:
    def program() -> None:
        store = S3ObjectStore("birds", {"region": "eu-central-1", "buckets": ["data", "mlflow"]})
        account: Any = {"cluster_name": "birds", "namespace": "mlflow", "service_account": "mlflow"}
        statements = permissions.read_write(store.bucket_arns["mlflow"])
        WorkloadIdentity("mlflow", {**account, "statements": statements})

    document = build(program)["mlflow-policy"].inputs["policy"]
    assert allowed(document, "s3:PutObject", "arn:aws:s3:::birds-mlflow-1a2b3c4/artifacts/a")
    assert allowed(document, "s3:ListBucket", "arn:aws:s3:::birds-mlflow-1a2b3c4")
    assert not allowed(document, "s3:GetObject", f"{DATA}/a")
    assert not allowed(document, "s3:ListBucket", DATA)
    assert build(program, preview=True)["mlflow-policy"].inputs["policy"] == UNKNOWN


@pytest.mark.parametrize(("resource", "action"), [(DATA, "s3:ListBucket"), (f"{DATA}/a", "s3:GetObject")])
def test_nobody_gets_in_without_tls(build: Build, resource: str, action: str) -> None:
    document = json.loads(store(build)["birds-data-policy"].inputs["policy"])
    everything = {"Effect": "Allow", "Principal": {"AWS": ["*"]}, "Action": ["s3:*"], "Resource": ["*"]}
    generous = {**document, "Statement": [*document["Statement"], everything]}

    assert not allowed(generous, action, resource, {"aws:SecureTransport": "false"}, READER)
    assert allowed(generous, action, resource, {"aws:SecureTransport": "true"}, READER)
    assert not allowed(document, action, resource, {"aws:SecureTransport": "true"}, READER)


def test_s3_delivers_the_logs_of_these_buckets_and_of_no_other(build: Build) -> None:
    document = store(build, FULL)["birds-access-logs-policy"].inputs["policy"]
    target = "arn:aws:s3:::birds-access-logs-1a2b3c4/data/2026"
    service = ("Service", "logging.s3.amazonaws.com")
    secure = {"aws:SecureTransport": "true"}

    assert allowed(document, "s3:PutObject", target, {**secure, "aws:SourceArn": DATA}, service)
    assert not allowed(document, "s3:PutObject", target, {**secure, "aws:SourceArn": f"{DATA}5"}, service)
    assert not allowed(document, "s3:GetObject", target, {**secure, "aws:SourceArn": DATA}, service)
    assert not allowed(document, "s3:PutObject", target, {**secure, "aws:SourceArn": DATA}, READER)


def test_logs_are_delivered_once_s3_may_write_them(build: Build) -> None:
    graph = store(build, FULL)
    assert graph["birds-access-logs-policy"].urn in graph["birds-data-logging"].dependencies


def test_access_to_a_bucket_is_changed_one_step_at_a_time(build: Build) -> None:
    graph = store(build)
    assert graph["birds-data-public-access"].urn in graph["birds-data-policy"].dependencies
    assert graph["birds-data-versioning"].urn in graph["birds-data-lifecycle"].dependencies


def test_objects_are_encrypted_with_s3s_keys_or_with_the_given_one(build: Build) -> None:
    (own,) = store(build)["birds-data-encryption"].inputs["rules"]
    assert own == {"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}
    (given,) = store(build, FULL)["birds-data-encryption"].inputs["rules"]
    assert given["applyServerSideEncryptionByDefault"] == {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": KEY}
    (logs,) = store(build, FULL)["birds-access-logs-encryption"].inputs["rules"]
    assert logs == own


def test_the_life_cycle_ends_what_nobody_sees_and_what_is_told(build: Build) -> None:
    rules = {one["id"]: one for one in _buckets.data_lifecycle(30, None)}
    assert rules["incomplete-uploads"]["abort_incomplete_multipart_upload"] == {"days_after_initiation": 7}
    assert rules["old-versions"]["noncurrent_version_expiration"] == {"noncurrent_days": 30}
    assert "expiration" not in rules
    expiring = {one["id"]: one for one in _buckets.data_lifecycle(30, 365)}
    assert expiring["expiration"]["expiration"] == {"days": 365}

    graph = store(build, FULL)
    assert len(graph["birds-data-lifecycle"].inputs["rules"]) == 4
    assert len(graph["birds-mlflow-lifecycle"].inputs["rules"]) == 3
    assert all(one["status"] == "Enabled" for one in graph["birds-data-lifecycle"].inputs["rules"])


def test_buckets_are_protected_unless_told_otherwise(build: Build) -> None:
    for one in store(build, access_logs=True).of_kind("Bucket"):
        assert one.protect
        assert one.inputs["forceDestroy"] is False
    for one in store(build, FULL).of_kind("Bucket"):
        assert not one.protect
        assert one.inputs["forceDestroy"] is True


def test_every_resource_that_takes_tags_has_them(build: Build) -> None:
    found = [one for one in store(build, FULL) if one.type.startswith("aws:") and takes_tags(one.type)]
    assert len(found) == 3
    assert all(one.inputs["tags"] == {"team": "birds"} for one in found)


def test_every_resource_is_in_the_stores_region(build: Build) -> None:
    found = [one for one in store(build, FULL) if one.type.startswith("aws:")]
    assert len(found) > 15
    assert all(one.inputs["region"] == "eu-central-1" for one in found)


def test_two_stores_live_in_one_stack(build: Build) -> None:
    graph = build(lambda: [S3ObjectStore(name, FULL) for name in ("one", "two")])  # type: ignore[arg-type]
    assert len({one.urn for one in graph}) == len(graph.registrations)


def test_what_is_not_known_yet_is_no_obstacle(build: Build) -> None:
    def program() -> None:
        late: Any = {"region": unknown("region"), "kms_key_arn": unknown("key")}
        existing = {"workflows": unknown("bucket")}
        S3ObjectStore("birds", {"buckets": ["data"], "existing_buckets": existing, **late})

    assert build(program, preview=True).outputs_of("birds")["endpoint"] == UNKNOWN
    assert build(program).outputs_of("birds")["bucket_names"]["workflows"] == "bucket-id"


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"region": "Frankfurt"}, "args.region must be the name of an AWS region"),
        ({"region": None}, "args.region is required"),
        ({"buckets": []}, "args.buckets must not be empty without args.existing_buckets"),
        ({"buckets": ["No_Bucket"]}, "args.buckets[0] must be lower-case letters"),
        ({"buckets": ["a", "b", "a"]}, 'args.buckets has "a" twice'),
        ({"buckets": ["a" * 50]}, "must be at most 55 characters"),
        ({"existing_buckets": {"data": "acme"}}, 'args.existing_buckets has "data", which args.buckets would create'),
        ({"existing_buckets": {"old": "ac"}}, "args.existing_buckets.old must be a bucket name"),
        ({"existing_buckets": {"Old": "acme"}}, 'args.existing_buckets has the key "Old", which must be lower-case'),
        ({"kms_key_arn": "alias/birds"}, "args.kms_key_arn must be the ARN of a KMS key"),
        ({"noncurrent_days": 0}, "args.noncurrent_days must be at least 1 day, got 0"),
        ({"expire_days": {"data": 0}}, "args.expire_days.data must be at least 1 day, got 0"),
        ({"expire_days": {"dta": 5}}, 'args.expire_days has "dta", which must be one of args.buckets (data, mlflow)'),
        ({"access_log_days": 5}, "args.access_log_days is for args.access_logs only"),
        ({"access_logs": True, "access_log_days": 0}, "args.access_log_days must be at least 1 day, got 0"),
        ({"access_logs": True, "buckets": ["access-logs"]}, 'must have no bucket "access-logs"'),
        ({"access_logs": True, "buckets": [], "existing_buckets": {"a": "acme"}}, "args.buckets is empty"),
        ({"versioned": False}, 'args has no argument "versioned"'),
    ],
)
def test_wrong_arguments_cost_one_line_and_no_resource(build: Build, changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ArgumentError, match='S3ObjectStore "birds": ') as error:
        store(build, **changes)
    assert complaint in str(error.value)


def test_the_longest_name_that_fits_is_taken(build: Build) -> None:
    assert store(build, buckets=["a" * (55 - len("birds-"))]).of_kind("Bucket")


@pytest.mark.parametrize("name", ["abc", "a.b-c", "1-2", "a" * 63])
def test_bucket_names_that_s3_takes_are_taken(name: str) -> None:
    assert _aws.bucket_name(name) is None


@pytest.mark.parametrize(
    "name",
    [
        "ab",
        "a" * 64,
        "Abc",
        "a_b",
        "-abc",
        "abc-",
        "a..b",
        "10.0.0.1",
        "xn--abc",
        "abc-s3alias",
        "abc--ol-s3",
        "sthree-a",
    ],
)
def test_bucket_names_that_s3_refuses_are_refused(name: str) -> None:
    assert _aws.bucket_name(name)
