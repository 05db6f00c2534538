"""The role of Crossplane's provider may do what the composed objects need, and nothing to databases of others."""

from typing import Any

import pytest
from pulumi_mlops.platform import DatabaseApi
from pulumi_mlops.platform.add_ons import crossplane

from tests.components import test_database_api
from tests.conftest import Build, Graph
from tests.iam import allowed

ACCOUNT, REGION, VPC = "123456789012", "eu-central-1", "vpc-0a1b2c3d"
PREFIX = test_database_api.ARGS["name_prefix"]
TAGGED = {"aws:RequestTag/crossplane-providerconfig": "default"}
OWNED = {"aws:ResourceTag/crossplane-providerconfig": "default"}
STATEMENTS = [
    *crossplane.rds_statements(ACCOUNT, REGION, PREFIX),
    *crossplane.ec2_statements(ACCOUNT, REGION, VPC),
]
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": one["actions"],
            "Resource": one["resources"],
            "Condition": one.get("conditions", {}),
        }
        for one in STATEMENTS
    ],
}

Call = tuple[str, str, dict[str, Any]]


def calls(kind: str, name: str) -> list[Call]:
    """Actions and resources of an object's life, from AWS's service authorization reference."""
    rds, ec2 = (f"arn:aws:{service}:{REGION}:{ACCOUNT}:" for service in ("rds", "ec2"))
    tags = ("AddTagsToResource", "RemoveTagsFromResource", "ListTagsForResource")
    if kind == "Instance":
        db, snapshot = f"{rds}db:{name}", f"{rds}snapshot:{name}-final"
        beside = [f"{rds}subgrp:{name}", f"{rds}pg:{name}-17", f"{rds}og:default:postgres-17"]
        secret = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:rds!db-0a1b"
        return [
            *(("rds:CreateDBInstance", one, {}) for one in (db, *beside)),
            *(("rds:RestoreDBInstanceFromDBSnapshot", one, {}) for one in (db, snapshot, *beside)),
            *(("rds:RestoreDBInstanceToPointInTime", one, {}) for one in (db, *beside)),
            *((f"rds:{verb}DBInstance", db, {}) for verb in ("Modify", "Reboot", "Delete")),
            ("rds:DeleteDBInstance", snapshot, {}),
            ("rds:DescribeDBInstances", db, {}),
            *((f"rds:{one}", db, {}) for one in tags),
            *((f"secretsmanager:{one}", secret, {}) for one in ("CreateSecret", "TagResource", "RotateSecret")),
        ]
    if kind in ("SubnetGroup", "ParameterGroup"):
        arn = f"{rds}{'subgrp' if kind == 'SubnetGroup' else 'pg'}:{name}"
        verbs = ("Create", "Modify", "Delete")
        more = ("DescribeDBSubnetGroups",) if kind == "SubnetGroup" else ("DescribeDBParameterGroups",)
        own = (*(f"{verb}DB{kind}" for verb in verbs), *more, *tags)
        return [(f"rds:{action}", arn, {}) for action in own]
    group, rule = f"{ec2}security-group/sg-1", f"{ec2}security-group-rule/sgr-1"
    if kind == "SecurityGroup":
        return [
            ("ec2:CreateSecurityGroup", group, TAGGED),
            ("ec2:CreateSecurityGroup", f"{ec2}vpc/{VPC}", {}),
            ("ec2:CreateTags", group, {"ec2:CreateAction": "CreateSecurityGroup"}),
            ("ec2:DeleteSecurityGroup", group, OWNED),
            ("ec2:RevokeSecurityGroupEgress", group, OWNED),
            ("ec2:DescribeSecurityGroups", "*", {}),
        ]
    assert kind == "SecurityGroupIngressRule"
    return [
        ("ec2:AuthorizeSecurityGroupIngress", group, OWNED),
        ("ec2:AuthorizeSecurityGroupIngress", rule, {}),
        ("ec2:CreateTags", rule, {"ec2:CreateAction": "AuthorizeSecurityGroupIngress"}),
        ("ec2:RevokeSecurityGroupIngress", group, OWNED),
        ("ec2:DescribeSecurityGroupRules", "*", {}),
    ]


def composed(graph: Graph) -> set[str]:
    """Kinds of the AWS objects of all compositions."""
    bases = [
        part["base"]
        for one in graph.of_kind("Composition")
        for part in one.inputs["spec"]["pipeline"][0]["input"]["resources"]
    ]
    return {base["kind"] for base in bases if ".aws." in base["apiVersion"]}


@pytest.fixture
def kinds(build: Build) -> set[str]:
    return composed(build(lambda: DatabaseApi("databases", test_database_api.ARGS)))  # type: ignore[arg-type]


def test_whatever_is_composed_can_be_made_changed_restored_and_deleted(kinds: set[str]) -> None:
    assert kinds == {"Instance", "SubnetGroup", "ParameterGroup", "SecurityGroup", "SecurityGroupIngressRule"}
    for kind in kinds:
        for action, resource, context in calls(kind, f"{PREFIX}orders-0a1b2c3d"):
            assert allowed(POLICY, action, resource, context), (action, resource)


def test_databases_of_others_are_neither_changed_nor_restored(kinds: set[str]) -> None:
    of_all = [call for kind in kinds for call in calls(kind, "payroll-0a1b2c3d") if "payroll" in call[1]]
    changing = [call for call in of_all if "Describe" not in call[0]]

    assert len(changing) >= 15
    for action, resource, context in changing:
        assert not allowed(POLICY, action, resource, context), (action, resource)


def test_security_groups_that_crossplane_did_not_make_stay(kinds: set[str]) -> None:
    for kind in ("SecurityGroup", "SecurityGroupIngressRule"):
        changing = [call for call in calls(kind, "any") if call[2] == OWNED]
        assert changing
        for action, resource, _ in changing:
            assert not allowed(POLICY, action, resource, {}), action


def test_nothing_is_allowed_beyond_what_the_objects_need(kinds: set[str]) -> None:
    needed = {call[0] for kind in kinds for call in calls(kind, "any")}
    granted = {action for one in STATEMENTS for action in one["actions"]}

    # Reading what the provider compares; an egress rule, which another composition may have; one made at first use.
    assert granted - needed == {
        "rds:ResetDBParameterGroup",
        "rds:DescribeDBParameters",
        "iam:CreateServiceLinkedRole",
        "ec2:AuthorizeSecurityGroupEgress",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeTags",
        "ec2:DescribeVpcs",
    }
