"""What the caller may do, from simulated answers of IAM's simulator: moto has none."""

from collections.abc import Mapping
from typing import Any

import botocore.session
import pytest
from pulumi_mlops.cli.preflight.account import Account
from pulumi_mlops.cli.preflight.checks import permissions
from pulumi_mlops.cli.preflight.planned import Planned
from pulumi_mlops.cli.preflight.results import NotChecked, Outcome, Result
from simulated_account import REGION, SimulatedAws, kept, new, planned

from tests.review import recorded

BUCKET, ROLE = "aws:s3/bucket:Bucket", "aws:iam/role:Role"
SERVICES = {"elasticfilesystem": "efs"}
"""Prefix of a permission → botocore's name of the service, where they differ."""
NO_CALLS = {
    "iam:PassRole",
    "s3:PutLifecycleConfiguration",
    "s3:PutBucketPublicAccessBlock",
    "s3:PutEncryptionConfiguration",
}
"""Permissions without a call of that name."""


def simulator(aws: SimulatedAws, *denied: str) -> list[Mapping[str, Any]]:
    """The calls of IAM's simulator from now on, which denies these actions."""
    asked: list[Mapping[str, Any]] = []

    def answer(call: Mapping[str, Any]) -> Mapping[str, Any]:
        asked.append(call)
        decisions = {one: "implicitDeny" if one in denied else "allowed" for one in call["ActionNames"]}
        return {"EvaluationResults": [{"EvalActionName": one, "EvalDecision": two} for one, two in decisions.items()]}

    aws.answer("iam", "SimulatePrincipalPolicy", answer)
    return asked


def caller(aws: SimulatedAws, arn: str) -> Account:
    return Account(aws.session, REGION, "123456789012", arn)


def said(stack: Planned, account: Account) -> Result:
    (result,) = permissions.permissions(stack, account)
    return result


def test_a_user_is_asked_for_what_the_stack_would_create(aws: SimulatedAws) -> None:
    asked = simulator(aws)

    result = said(planned(new(BUCKET), kept(ROLE)), caller(aws, "arn:aws:iam::123456789012:user/me"))

    assert result.outcome is Outcome.OK
    (call,) = asked
    assert call == {
        "PolicySourceArn": "arn:aws:iam::123456789012:user/me",
        "ActionNames": ["s3:CreateBucket", "s3:PutBucketTagging"],
    }


def test_what_no_policy_allows_is_a_finding(aws: SimulatedAws) -> None:
    simulator(aws, "s3:CreateBucket", "iam:TagRole")

    result = said(planned(new(BUCKET), new(ROLE)), caller(aws, "arn:aws:iam::123456789012:user/me"))

    assert result.outcome is Outcome.FINDING
    assert result.what == "no policy lets the caller call iam:TagRole, s3:CreateBucket on everything"
    assert f"the first of: {ROLE}, {BUCKET}; unless" in result.why


def test_a_session_is_asked_for_by_its_role(aws: SimulatedAws) -> None:
    asked = simulator(aws)
    client = aws.session.client("iam", region_name=REGION)
    made = client.create_role(RoleName="deployer", Path="/team/", AssumeRolePolicyDocument="{}")

    said(planned(new(BUCKET)), caller(aws, "arn:aws:sts::123456789012:assumed-role/deployer/ann"))

    assert asked[0]["PolicySourceArn"] == made["Role"]["Arn"] == "arn:aws:iam::123456789012:role/team/deployer"


def test_the_root_user_is_not_asked_for(aws: SimulatedAws) -> None:
    assert said(planned(new(BUCKET)), caller(aws, "arn:aws:iam::123456789012:root")).outcome is Outcome.OK
    assert aws.calls == []


def test_a_caller_who_may_not_ask_is_not_checked(aws: SimulatedAws) -> None:
    aws.refuse("iam", "SimulatePrincipalPolicy", "AccessDenied")

    with pytest.raises(NotChecked, match="may not call iam:SimulatePrincipalPolicy"):
        said(planned(new(BUCKET)), caller(aws, "arn:aws:iam::123456789012:user/me"))


def test_a_stack_that_creates_nothing_on_aws_asks_nothing(aws: SimulatedAws) -> None:
    assert list(permissions.permissions(planned(kept(BUCKET)), caller(aws, "arn:aws:iam::1:user/me"))) == []


def test_every_type_that_the_stacks_create_has_its_permissions() -> None:
    created = {
        step.type for name in recorded.names() for step in recorded.preview(name).steps if step.type.startswith("aws:")
    }
    waiting = {"aws:acm/certificateValidation:CertificateValidation"}  # makes nothing

    assert created - waiting - permissions.CREATES.keys() == set()


def test_permissions_are_calls_of_aws() -> None:
    session = botocore.session.get_session()
    actions = {one for some in permissions.CREATES.values() for one in some} - NO_CALLS
    services = {one.partition(":")[0] for one in actions}
    calls = {
        f"{service}:{operation}"
        for service in services
        for operation in session.get_service_model(SERVICES.get(service, service)).operation_names
    }

    assert actions - calls == set()
