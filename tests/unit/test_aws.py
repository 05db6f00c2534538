import re
from pathlib import Path

import pulumi_mlops
import pytest
from pulumi_mlops import _aws
from pulumi_mlops.contract.rules import Rule

ACCOUNT = "123456789012"
SOURCES = [*Path(pulumi_mlops.__file__).parent.rglob("*.py"), *(Path(__file__).parents[2] / "stacks").rglob("*.py")]


@pytest.mark.parametrize(
    ("rule", "good", "bad"),
    [
        (_aws.region, ["eu-central-1", "us-gov-west-1", "cn-north-1"], ["eu-central", "eu-central-1a", "EU-CENTRAL-1"]),
        (_aws.account_id, [ACCOUNT], ["12345678901", f"{ACCOUNT}3", "12345678901a"]),
        (_aws.vpc_id, ["vpc-0123456789abcdef0", "vpc-01234567"], ["vpc-main", "vpc-0123456789", "subnet-01234567"]),
        (_aws.subnet_id, ["subnet-0123456789abcdef0"], ["subnet-1", "subnet-0123456789ABCDEF0", ""]),
        (_aws.security_group_id, ["sg-0123456789abcdef0"], ["sg-1", "default", "sg-0123456789abcdef01"]),
        (_aws.hosted_zone_id, ["Z0123456789ABCDEFGHIJ"], ["birds.example.org", "/hostedzone/Z1", "Z"]),
        (_aws.cluster_name, ["a", "birds_1-x", "a" * 100], ["", "-a", "a" * 101, "a.b"]),
        (
            _aws.certificate_arn,
            [
                f"arn:aws:acm:eu-central-1:{ACCOUNT}:certificate/0f-1",
                f"arn:aws-cn:acm:cn-north-1:{ACCOUNT}:certificate/0",
            ],
            [f"arn:aws:iam::{ACCOUNT}:server-certificate/x", f"arn:aws:acm::{ACCOUNT}:certificate/0"],
        ),
        (
            _aws.cluster_arn,
            [f"arn:aws:eks:eu-central-1:{ACCOUNT}:cluster/birds"],
            ["birds", f"arn:aws:eks:eu-central-1:{ACCOUNT}:nodegroup/birds"],
        ),
        (
            _aws.kms_key_arn,
            [f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/mrk-1"],
            [f"arn:aws:kms:eu-central-1:{ACCOUNT}:alias/x", "mrk-1"],
        ),
        (
            _aws.managed_policy_arn,
            ["arn:aws:iam::aws:policy/ReadOnlyAccess", f"arn:aws-us-gov:iam::{ACCOUNT}:policy/a/b"],
            [f"arn:aws:iam::{ACCOUNT}:role/x"],
        ),
        (_aws.role_or_user_arn, [f"arn:aws:iam::{ACCOUNT}:role/x"], [f"arn:aws:iam::{ACCOUNT}:root", "x"]),
        (_aws.oidc_provider_arn, [f"arn:aws:iam::{ACCOUNT}:oidc-provider/a/id/B"], [f"arn:aws:iam::{ACCOUNT}:role/x"]),
        (_aws.statement_resource, ["*", "arn:aws:s3:::models/*", "arn:*:s3:::m"], ["models", "arn:aws:s3"]),
    ],
)
def test_each_identifier_is_what_aws_takes_and_nothing_else(rule: Rule, good: list[str], bad: list[str]) -> None:
    assert [rule(value) for value in good] == [None] * len(good)
    assert all((rule(value) or "").startswith("must be ") for value in bad)


def test_no_other_module_says_what_an_identifier_looks_like() -> None:
    pattern = re.compile(r"""["'](\()?(vpc|subnet|sg)-[\[({]|\\d\{12\}|\[0-9\]\{12\}|"Z\[""")
    elsewhere = {path.name for path in SOURCES if pattern.search(path.read_text())} - {"_aws.py"}
    assert elsewhere <= {"iam.py"}, "the review reads policies, whose ARNs are patterns; everything else asks _aws"
