import json
from typing import Any

import boto3
import pulumi
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws
from pulumi_mlops import ArgumentError
from pulumi_mlops.foundation import _policies, permissions, policy_document, resource_policy_document
from pulumi_mlops.foundation._s3_actions import BUCKET, BUCKET_ACTIONS, OBJECT, OBJECT_ACTIONS, kinds_of_action
from pulumi_mlops.foundation._statement_rules import statement_problems

from tests.conftest import Build, unknown
from tests.iam import allowed

BUCKET_ARN = "arn:aws:s3:::birds-mlflow"
NEIGHBOUR = "arn:aws:s3:::birds-mlflow-2"
KEY = "arn:aws:kms:eu-central-1:123456789012:key/0a1b"
SECRETS = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:"
ZONE = "arn:aws:route53:::hostedzone/"


def statement(actions: Any, resources: Any, **more: Any) -> Any:
    return {"actions": actions, "resources": resources, **more}


def problems(*statements: Any) -> list[str]:
    return list(statement_problems(statements, "args.statements"))


def test_the_same_statements_give_the_same_text_whatever_the_order_inside() -> None:
    one = statement(["s3:PutObject", "s3:GetObject"], [f"{BUCKET_ARN}/b", f"{BUCKET_ARN}/a"])
    other = statement(["s3:GetObject", "s3:PutObject", "s3:GetObject"], [f"{BUCKET_ARN}/a", f"{BUCKET_ARN}/b"])
    assert _policies.text([one]) == _policies.text([other])
    assert _policies.text([one]) == (
        '{"Statement":[{"Action":["s3:GetObject","s3:PutObject"],"Effect":"Allow",'
        '"Resource":["arn:aws:s3:::birds-mlflow/a","arn:aws:s3:::birds-mlflow/b"]}],"Version":"2012-10-17"}'
    )


@given(st.permutations(["ec2:DescribeVpcs", "s3:GetObject", "s3:PutObject", "kms:Decrypt"]))
def test_no_order_of_actions_changes_the_document(actions: list[str]) -> None:
    assert _policies.text([statement(actions, ["*"])]) == _policies.text([statement(sorted(actions), ["*"])])


def test_the_reason_is_for_the_reader_and_not_for_aws() -> None:
    text = _policies.text([statement(["ec2:DescribeVpcs"], ["*"], reason="the call knows no resource")])
    assert "reason" not in text
    assert 'resource"' not in text.lower().replace('"resource":', "")


def test_an_empty_condition_is_left_out() -> None:
    assert "Condition" not in _policies.text([statement(["s3:GetObject"], [f"{BUCKET_ARN}/*"], conditions={})])


@pytest.mark.parametrize(
    ("actions", "resources", "field"),
    [
        (["*"], [f"{BUCKET_ARN}/*"], "actions[0]"),
        (["s3:*"], [BUCKET_ARN, f"{BUCKET_ARN}/*"], "actions[0]"),
        (["s3:GetObject", "s3:?*"], [f"{BUCKET_ARN}/*"], "actions[1]"),
        (["ec2:DescribeVpcs"], ["*"], "resources[0]"),
        (["s3:GetObject"], ["arn:aws:s3:::*"], "resources[0]"),
        (["s3:GetObject"], ["arn:aws:s3:::*/*"], "resources[0]"),
        (["ec2:StartInstances"], ["arn:aws:ec2:*:*:*"], "resources[0]"),
    ],
)
def test_a_statement_about_everything_needs_a_written_reason(actions: Any, resources: Any, field: str) -> None:
    (problem,) = problems(statement(actions, resources))
    assert problem.startswith(f"args.statements[0].{field} allows all {field.partition('[')[0]}: ")
    assert "args.statements[0].reason" in problem
    assert problems(statement(actions, resources, reason="the call knows no resource")) == []


@pytest.mark.parametrize(
    ("actions", "resources"),
    [
        (["ec2:Describe*"], ["arn:aws:ec2:eu-central-1:123456789012:vpc/*"]),
        (["s3:Get*"], [BUCKET_ARN, f"{BUCKET_ARN}/*"]),
        (["route53:GetChange"], ["arn:aws:route53:::change/*"]),
    ],
)
def test_a_pattern_that_leaves_something_out_needs_no_reason(actions: Any, resources: Any) -> None:
    assert problems(statement(actions, resources)) == []


@pytest.mark.parametrize("reason", ["", "   ", "because", " x " * 3])
def test_a_reason_that_says_nothing_is_none(reason: str) -> None:
    (problem,) = problems(statement(["ec2:DescribeVpcs"], ["*"], reason=reason))
    assert "reason must say why, in at least 10 characters" in problem


@pytest.mark.parametrize(
    "action", ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:GetObject*", "s3:RestoreObject"]
)
def test_old_defect_object_actions_without_a_pattern_of_objects_are_refused(action: str) -> None:
    (problem,) = problems(statement([action], [BUCKET_ARN]))
    assert problem == (
        f'args.statements[0].resources[0] must name objects, such as "{BUCKET_ARN}/*", for {action}, '
        f"got '{BUCKET_ARN}'"
    )
    assert problems(statement([action], [f"{BUCKET_ARN}/*"])) == []
    assert problems(statement([action], [f"{BUCKET_ARN}/models/*"])) == []
    assert problems(statement([action], [f"{BUCKET_ARN}/"])) != []


@pytest.mark.parametrize("action", ["s3:ListBucket", "s3:GetBucketLocation", "s3:PutLifecycleConfiguration"])
def test_bucket_actions_on_objects_are_refused(action: str) -> None:
    (problem,) = problems(statement([action], [f"{BUCKET_ARN}/*"]))
    assert problem == (
        f'args.statements[0].resources[0] must be a bucket, such as "{BUCKET_ARN}", for {action}, '
        f"got '{BUCKET_ARN}/*'"
    )
    assert problems(statement([action], [BUCKET_ARN])) == []


def test_actions_of_both_kinds_need_resources_of_both_kinds() -> None:
    both = ["s3:ListBucket", "s3:GetObject"]
    assert problems(statement(both, [BUCKET_ARN, f"{BUCKET_ARN}/*"])) == []
    (problem,) = problems(statement(both, [BUCKET_ARN]))
    assert "s3:GetObject, which is for objects" in problem
    (problem,) = problems(statement(both, [f"{BUCKET_ARN}/*"]))
    assert "s3:ListBucket, which is for buckets" in problem


def test_a_pattern_in_the_buckets_name_can_be_either() -> None:
    assert problems(statement(["s3:GetObject"], ["arn:aws:s3:::birds-*"])) == []
    assert problems(statement(["s3:ListBucket"], ["arn:aws:s3:::birds-*"])) == []


def test_what_is_not_s3_is_not_touched_by_the_rules_of_s3() -> None:
    access_point = "arn:aws:s3:eu-central-1:123456789012:accesspoint/birds/object/*"
    assert problems(statement(["s3:GetObject"], [access_point])) == []
    assert problems(statement(["kms:Decrypt"], [KEY])) == []


def test_no_action_of_s3_is_for_buckets_and_objects() -> None:
    assert not BUCKET_ACTIONS & OBJECT_ACTIONS
    assert kinds_of_action("s3:getobject") == {OBJECT}
    assert kinds_of_action("s3:ListBucket*") == {BUCKET}
    assert kinds_of_action("s3:*") == {BUCKET, OBJECT}
    assert kinds_of_action("s3:ListAllMyBuckets") == kinds_of_action("ec2:DescribeVpcs") == frozenset()


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        (statement([], [KEY]), ".actions must not be empty"),
        (statement(["kms:Decrypt"], []), ".resources must not be empty"),
        (statement(["Decrypt"], [KEY]), ".actions[0] must be an action such as"),
        (statement(["*:*"], [KEY]), ".actions[0] must be an action such as"),
        (statement(["kms:Decrypt"], ["alias/birds"]), ".resources[0] must be an ARN such as"),
    ],
)
def test_a_malformed_statement_is_named(wrong: Any, complaint: str) -> None:
    (problem,) = problems(wrong)
    assert problem.startswith(f"args.statements[0]{complaint}")


def test_the_public_builder_refuses_at_once_what_is_known() -> None:
    with pytest.raises(ArgumentError, match=r"policy_document: statements\[0\]\.resources\[0\] must name objects"):
        policy_document([statement(["s3:GetObject"], [BUCKET_ARN])])


@pytest.mark.parametrize("principals", [{"AWS": ["*"]}, {"Federated": ["arn:aws:iam::123456789012:oidc-provider/x"]}])
@pytest.mark.parametrize("conditions", [None, {}, {"StringEquals": {}}, {"StringEquals": {"aws:x": []}}])
def test_nobody_opens_a_resource_to_everybody_by_accident(principals: Any, conditions: Any) -> None:
    openly: Any = {"principals": principals, "actions": ["sts:AssumeRoleWithWebIdentity"]}
    if conditions is not None:
        openly["conditions"] = conditions
    with pytest.raises(ArgumentError, match=r"resource_policy_document: statements\[0\]\.conditions is required"):
        resource_policy_document([openly])


def test_a_resource_is_opened_to_services_and_under_conditions_to_everybody(build: Build) -> None:
    service: Any = {"principals": {"Service": ["vpc-flow-logs.amazonaws.com"]}, "actions": ["sts:AssumeRole"]}
    everybody: Any = {**service, "principals": {"AWS": ["*"]}, "conditions": {"Bool": {"aws:x": ["true"]}}}
    document = _text(build, lambda: resource_policy_document([service, everybody]))
    assert allowed(document, "sts:AssumeRole", principal=("Service", "vpc-flow-logs.amazonaws.com"))
    assert not allowed(document, "sts:AssumeRole", principal=("AWS", "arn:aws:iam::123456789012:root"))
    assert allowed(document, "sts:AssumeRole", None, {"aws:x": "true"}, ("AWS", "arn:aws:iam::123456789012:root"))


def test_a_key_policy_is_a_resource_policy(build: Build) -> None:
    def program() -> Any:
        root = pulumi.Output.concat("arn:aws:iam::123456789012:", unknown("root"))
        return resource_policy_document([{"principals": {"AWS": [root]}, "actions": ["kms:*"], "resources": ["*"]}])

    document = _text(build, program)
    assert allowed(document, "kms:Decrypt", KEY, principal=("AWS", "arn:aws:iam::123456789012:root-id"))


def test_a_value_that_is_known_late_is_checked_when_it_is_known(build: Build) -> None:
    def program(suffix: str) -> Any:
        return policy_document([statement(["s3:GetObject"], [pulumi.Output.concat(BUCKET_ARN, unknown("x"), suffix)])])

    assert allowed(_text(build, lambda: program("/*")), "s3:GetObject", f"{BUCKET_ARN}x-id/a")
    with pytest.raises(ArgumentError, match=r"policy_document: statements\[0\]\.resources\[0\] must name objects"):
        _text(build, lambda: program(""))


def test_a_prefix_of_secrets_that_is_known_late_is_checked_as_well(build: Build) -> None:
    def program(suffix: str) -> Any:
        return policy_document(permissions.secrets_of(pulumi.Output.concat(SECRETS, unknown("x"), suffix)))

    assert allowed(_text(build, lambda: program("/")), "secretsmanager:GetSecretValue", f"{SECRETS}x-id/a")
    with pytest.raises(ArgumentError, match="secrets_of: prefix_arn must end with one of"):
        _text(build, lambda: program(""))


def _text(build: Build, document: Any) -> str:
    return build(lambda: pulumi.export("document", document())).outputs["stack"]["document"]


def test_old_defect_a_trust_without_conditions_does_not_come_from_here() -> None:
    provider = "arn:aws:iam::123456789012:oidc-provider/oidc.example.org/id/A"
    for trust in (
        _policies.pod_identity_trust("birds", "mlflow", "server"),
        _policies.web_identity_trust(provider, "oidc.example.org/id/A", "mlflow", "server"),
    ):
        (found,) = json.loads(_policies.text([trust]))["Statement"]
        assert found["Condition"]["StringEquals"]
        assert all(len(values) == 1 for values in found["Condition"]["StringEquals"].values())


def test_old_defect_the_subject_of_a_trust_says_that_it_is_a_service_account() -> None:
    trust = _policies.web_identity_trust("arn", "https://oidc.example.org/id/A/", "mlflow", "server")
    assert trust.get("conditions") == {
        "StringEquals": {
            "oidc.example.org/id/A:sub": ["system:serviceaccount:mlflow:server"],
            "oidc.example.org/id/A:aud": ["sts.amazonaws.com"],
        }
    }


READ = ["s3:GetObject"]
WRITE = ["s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]


def test_read_write_opens_the_bucket_and_not_its_neighbour() -> None:
    document = _policies.text(permissions.read_write(BUCKET_ARN))
    for action in READ + WRITE:
        assert allowed(document, action, f"{BUCKET_ARN}/a/b")
        assert not allowed(document, action, f"{NEIGHBOUR}/a/b")
    assert allowed(document, "s3:ListBucket", BUCKET_ARN)
    assert not allowed(document, "s3:ListBucket", NEIGHBOUR)
    for action in ("s3:DeleteBucket", "s3:PutBucketPolicy", "s3:PutLifecycleConfiguration"):
        assert not allowed(document, action, BUCKET_ARN)
    assert not allowed(document, "s3:DeleteObjectVersion", f"{BUCKET_ARN}/a")


def test_read_only_writes_nothing() -> None:
    document = _policies.text(permissions.read_only(BUCKET_ARN))
    assert allowed(document, "s3:GetObject", f"{BUCKET_ARN}/a")
    assert allowed(document, "s3:ListBucket", BUCKET_ARN)
    for action in WRITE:
        assert not allowed(document, action, f"{BUCKET_ARN}/a")


@pytest.mark.parametrize("prefix", ["artifacts", "artifacts/", "/artifacts/"])
@pytest.mark.parametrize("grant", [permissions.read_only, permissions.read_write])
def test_a_prefix_is_a_directory(grant: Any, prefix: str) -> None:
    document = _policies.text(grant(BUCKET_ARN, prefix))
    assert allowed(document, "s3:GetObject", f"{BUCKET_ARN}/artifacts/1/model")
    assert not allowed(document, "s3:GetObject", f"{BUCKET_ARN}/artifacts2/1/model")
    assert not allowed(document, "s3:GetObject", f"{BUCKET_ARN}/other")
    assert allowed(document, "s3:ListBucket", BUCKET_ARN, {"s3:prefix": "artifacts/1/"})
    assert not allowed(document, "s3:ListBucket", BUCKET_ARN, {"s3:prefix": "artifacts2/"})
    assert not allowed(document, "s3:ListBucket", BUCKET_ARN)
    assert allowed(document, "s3:GetBucketLocation", BUCKET_ARN)


def test_a_key_is_used_through_its_service_alone() -> None:
    document = _policies.text(permissions.use_key(KEY, "s3"))
    through_s3 = {"kms:ViaService": "s3.eu-central-1.amazonaws.com"}
    assert allowed(document, "kms:Decrypt", KEY, through_s3)
    assert allowed(document, "kms:GenerateDataKey", KEY, through_s3)
    assert not allowed(document, "kms:Decrypt", KEY)
    assert not allowed(document, "kms:Decrypt", KEY, {"kms:ViaService": "secretsmanager.eu-central-1.amazonaws.com"})
    assert not allowed(document, "kms:Decrypt", f"{KEY}2", through_s3)


@pytest.mark.parametrize("prefix", [f"{SECRETS}birds/", f"{SECRETS}birds/*"])
def test_secrets_of_a_team_are_not_those_of_its_neighbour(prefix: str) -> None:
    document = _policies.text(permissions.secrets_of(prefix))
    assert allowed(document, "secretsmanager:GetSecretValue", f"{SECRETS}birds/database-a1b2c3")
    assert not allowed(document, "secretsmanager:GetSecretValue", f"{SECRETS}birds-of-prey/database-a1b2c3")
    assert not allowed(document, "secretsmanager:PutSecretValue", f"{SECRETS}birds/database-a1b2c3")


def test_a_prefix_that_ends_inside_a_name_is_refused() -> None:
    with pytest.raises(ArgumentError, match="secrets_of: prefix_arn must end with one of"):
        permissions.secrets_of(f"{SECRETS}birds")


def test_external_dns_keeps_the_records_of_its_zone_alone() -> None:
    document = _policies.text(permissions.dns_records("Z1"))
    for action in ("route53:ChangeResourceRecordSets", "route53:ListResourceRecordSets"):
        assert allowed(document, action, f"{ZONE}Z1")
        assert not allowed(document, action, f"{ZONE}Z2")
    assert allowed(document, "route53:ListHostedZones", "*")
    assert not allowed(document, "route53:DeleteHostedZone", f"{ZONE}Z1")


def test_cert_manager_answers_challenges_and_changes_nothing_else() -> None:
    document = _policies.text(permissions.dns_challenges("Z1", "aws-cn"))
    zone = "arn:aws-cn:route53:::hostedzone/Z1"

    def change(name: str, kind: str, where: str = zone) -> bool:
        context = {
            "route53:ChangeResourceRecordSetsNormalizedRecordNames": [name],
            "route53:ChangeResourceRecordSetsRecordTypes": [kind],
        }
        return allowed(document, "route53:ChangeResourceRecordSets", where, context)

    assert change("_acme-challenge.models.example.org", "TXT")
    assert not change("_acme-challenge.models.example.org", "CNAME")
    assert not change("example.org", "TXT")
    assert not change("_acme-challenge.models.example.org", "TXT", "arn:aws-cn:route53:::hostedzone/Z2")
    assert allowed(document, "route53:GetChange", "arn:aws-cn:route53:::change/C1")
    assert allowed(document, "route53:ListHostedZonesByName", "*")


ALL_PERMISSIONS = [
    *permissions.read_only(BUCKET_ARN),
    *permissions.read_write(BUCKET_ARN, "artifacts"),
    *permissions.use_key(KEY, "s3"),
    *permissions.secrets_of(f"{SECRETS}birds/"),
    *permissions.dns_records("Z1"),
    *permissions.dns_challenges("Z1"),
]


def test_the_statements_of_the_library_are_sound() -> None:
    assert problems(*ALL_PERMISSIONS) == []


@mock_aws
def test_the_parser_of_policies_takes_the_documents(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    iam = boto3.client("iam", aws_access_key_id="test", aws_secret_access_key="test")
    for index, one in enumerate(ALL_PERMISSIONS):
        iam.create_policy(PolicyName=f"p-{index}", PolicyDocument=_policies.text([one]))
    with pytest.raises(iam.exceptions.MalformedPolicyDocumentException):
        iam.create_policy(PolicyName="wrong", PolicyDocument=_policies.text([statement(["nothing"], ["nowhere"])]))
