"""What each of Crossplane's AWS providers must be allowed, and nothing of what belongs to somebody else."""

import pulumi

from pulumi_mlops._text import formatted
from pulumi_mlops.platform._statements import Statement, statement

OWN_TAG = "crossplane-providerconfig"
"""The provider puts it on everything that it makes."""


def s3(name_prefix: pulumi.Input[str]) -> list[Statement]:
    """Buckets whose names begin with the prefix; no objects in them."""
    settings = (
        "BucketAcl", "BucketCORS", "BucketLogging", "BucketObjectLockConfiguration", "BucketOwnershipControls",
        "BucketPolicy", "BucketPublicAccessBlock", "BucketRequestPayment", "BucketTagging", "BucketVersioning",
        "BucketWebsite", "AccelerateConfiguration", "EncryptionConfiguration", "LifecycleConfiguration",
        "ReplicationConfiguration",
    )  # fmt: skip
    changed = (
        "BucketOwnershipControls", "BucketPolicy", "BucketPublicAccessBlock", "BucketTagging", "BucketVersioning",
        "EncryptionConfiguration",
    )  # fmt: skip
    return [
        statement(
            [
                "s3:CreateBucket",
                "s3:DeleteBucket",
                "s3:DeleteBucketPolicy",
                "s3:ListBucket",
                *(f"s3:Get{setting}" for setting in settings),
                *(f"s3:Put{setting}" for setting in changed),
            ],
            [formatted("arn:aws:s3:::{0}*", name_prefix)],
        )
    ]


def rds(account: pulumi.Input[str], region: pulumi.Input[str], name_prefix: pulumi.Input[str]) -> list[Statement]:
    """Database instances, subnet groups and parameter groups whose names begin with the prefix."""

    def arn(kind: str) -> pulumi.Input[str]:
        return formatted("arn:aws:rds:{0}:{1}:" + kind + ":{2}*", region, account, name_prefix)

    tags = ["rds:AddTagsToResource", "rds:RemoveTagsFromResource", "rds:ListTagsForResource"]
    groups = ["DBSubnetGroup", "DBParameterGroup"]
    return [
        statement(
            [
                *(f"rds:{verb}DBInstance" for verb in ("Create", "Modify", "Reboot", "Delete")),
                *(f"rds:RestoreDBInstance{source}" for source in ("FromDBSnapshot", "ToPointInTime")),
                *tags,
            ],
            # A new instance is allowed only together with the groups that it names, AWS's default ones among them.
            [
                *(arn(kind) for kind in ("db", "subgrp", "pg", "snapshot")),
                *(formatted("arn:aws:rds:{0}:{1}:" + kind + ":default*", region, account) for kind in ("pg", "og")),
            ],
        ),
        statement(
            [
                *(f"rds:{verb}{group}" for verb in ("Create", "Modify", "Delete") for group in groups),
                "rds:ResetDBParameterGroup",
                "rds:DescribeDBParameters",
                *tags,
            ],
            [arn("subgrp"), arn("pg")],
        ),
        statement(
            ["rds:DescribeDBInstances", "rds:DescribeDBSubnetGroups", "rds:DescribeDBParameterGroups"],
            [formatted("arn:aws:rds:{0}:{1}:" + kind + ":*", region, account) for kind in ("db", "subgrp", "pg")],
        ),
        # The master password that RDS itself keeps and rotates.
        statement(
            ["secretsmanager:CreateSecret", "secretsmanager:TagResource", "secretsmanager:RotateSecret"],
            [formatted("arn:aws:secretsmanager:{0}:{1}:secret:rds!db-*", region, account)],
        ),
        statement(
            ["iam:CreateServiceLinkedRole"],
            [formatted("arn:aws:iam::{0}:role/aws-service-role/rds.amazonaws.com/*", account)],
            conditions={"StringEquals": {"iam:AWSServiceName": ["rds.amazonaws.com"]}},
        ),
    ]


def ec2(account: pulumi.Input[str], region: pulumi.Input[str], vpc_id: pulumi.Input[str]) -> list[Statement]:
    """Security groups in one network; only those that Crossplane itself made are changed or deleted."""
    group = formatted("arn:aws:ec2:{0}:{1}:security-group/*", region, account)
    rule = formatted("arn:aws:ec2:{0}:{1}:security-group-rule/*", region, account)
    own = {"StringLike": {f"aws:ResourceTag/{OWN_TAG}": ["*"]}}
    return [
        statement(
            ["ec2:CreateSecurityGroup"], [group], conditions={"StringLike": {f"aws:RequestTag/{OWN_TAG}": ["*"]}}
        ),
        statement(["ec2:CreateSecurityGroup"], [formatted("arn:aws:ec2:{0}:{1}:vpc/{2}", region, account, vpc_id)]),
        statement(
            ["ec2:CreateTags"],
            [group, rule],
            conditions={
                "StringEquals": {
                    "ec2:CreateAction": [
                        "CreateSecurityGroup",
                        "AuthorizeSecurityGroupIngress",
                        "AuthorizeSecurityGroupEgress",
                    ]
                }
            },
        ),
        statement(
            [
                "ec2:AuthorizeSecurityGroupEgress",
                "ec2:AuthorizeSecurityGroupIngress",
                "ec2:DeleteSecurityGroup",
                "ec2:RevokeSecurityGroupEgress",
                "ec2:RevokeSecurityGroupIngress",
            ],
            [group],
            conditions=own,
        ),
        statement(["ec2:AuthorizeSecurityGroupEgress", "ec2:AuthorizeSecurityGroupIngress"], [rule]),
        statement(
            [
                "ec2:DescribeNetworkInterfaces",
                "ec2:DescribeSecurityGroupRules",
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeTags",
                "ec2:DescribeVpcs",
            ],
            ["*"],
            reason="EC2's describing actions know no resources",
        ),
    ]


def iam(account: pulumi.Input[str], path: pulumi.Input[str], boundary_arn: pulumi.Input[str]) -> list[Statement]:
    """Roles and policies below one path, and no role without the permissions boundary: none gets more than that."""
    role = formatted("arn:aws:iam::{0}:role{1}*", account, path)
    policy = formatted("arn:aws:iam::{0}:policy{1}*", account, path)
    return [
        statement(
            ["iam:CreateRole", "iam:AttachRolePolicy", "iam:DetachRolePolicy", "iam:PutRolePolicy"],
            [role],
            conditions={"StringEquals": {"iam:PermissionsBoundary": [boundary_arn]}},
        ),
        statement(
            [
                "iam:DeleteRole",
                "iam:DeleteRolePolicy",
                "iam:GetRole",
                "iam:GetRolePolicy",
                "iam:ListAttachedRolePolicies",
                "iam:ListInstanceProfilesForRole",
                "iam:ListRolePolicies",
                "iam:TagRole",
                "iam:UntagRole",
                "iam:UpdateAssumeRolePolicy",
                "iam:UpdateRole",
            ],
            [role],
        ),
        statement(
            [
                "iam:CreatePolicy",
                "iam:CreatePolicyVersion",
                "iam:DeletePolicy",
                "iam:DeletePolicyVersion",
                "iam:GetPolicy",
                "iam:GetPolicyVersion",
                "iam:ListPolicyVersions",
                "iam:TagPolicy",
                "iam:UntagPolicy",
            ],
            [policy],
        ),
    ]
