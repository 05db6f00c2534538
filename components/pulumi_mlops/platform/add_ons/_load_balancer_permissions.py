"""The permissions of the AWS Load Balancer Controller, as upstream asks for them at the pinned version."""

from pulumi_mlops.platform._statements import Conditions

CLUSTER = "elbv2.k8s.aws/cluster"
"""Tag on everything that the controller makes; its value is the cluster's name."""

OURS = {"Null": {f"aws:ResourceTag/{CLUSTER}": "false"}}
"""What bears the tag."""
MADE_OURS = {"Null": {f"aws:RequestTag/{CLUSTER}": "false"}}
"""What gets the tag in the same request."""
RETAGGED = {"Null": {f"aws:RequestTag/{CLUSTER}": "true", f"aws:ResourceTag/{CLUSTER}": "false"}}
"""What bears the tag and keeps it."""

SECURITY_GROUPS = ["arn:aws:ec2:*:*:security-group/*"]
TARGET_GROUPS = ["arn:aws:elasticloadbalancing:*:*:targetgroup/*/*"]
LOAD_BALANCERS = [f"arn:aws:elasticloadbalancing:*:*:loadbalancer/{kind}/*/*" for kind in ("net", "app")]
LISTENERS = [
    f"arn:aws:elasticloadbalancing:*:*:{what}/{kind}/*/*/*"
    for what in ("listener", "listener-rule")
    for kind in ("net", "app")
]
ANYTHING = ["*"]

NO_RESOURCE = "the service knows no resource for reading, or the controller looks for what it has not made"
BY_TAG = "the names are given at run time; the condition on the cluster's tag bounds it"
RULES_OF_NODES = "rules are added to the nodes' security groups as well, which bear no tag of the controller"
LISTENERS_UNTAGGED = "listeners and rules cannot be told apart by a tag when they are made or changed"


def _each(service: str, *actions: str) -> list[str]:
    return [f"{service}:{action}" for action in actions]


STATEMENTS: list[tuple[list[str], list[str], Conditions | None, str]] = [
    (
        ["iam:CreateServiceLinkedRole"],
        ANYTHING,
        {"StringEquals": {"iam:AWSServiceName": "elasticloadbalancing.amazonaws.com"}},
        "the condition names the one service whose role can be made",
    ),
    (
        [
            *_each(
                "ec2",
                *("DescribeAccountAttributes", "DescribeAddresses", "DescribeAvailabilityZones"),
                *("DescribeInternetGateways", "DescribeVpcs", "DescribeVpcPeeringConnections", "DescribeSubnets"),
                *("DescribeSecurityGroups", "DescribeInstances", "DescribeNetworkInterfaces", "DescribeTags"),
                *("GetCoipPoolUsage", "DescribeCoipPools", "GetSecurityGroupsForVpc", "DescribeIpamPools"),
                "DescribeRouteTables",
            ),
            *_each(
                "elasticloadbalancing",
                *("DescribeLoadBalancers", "DescribeLoadBalancerAttributes", "DescribeListeners"),
                *("DescribeListenerCertificates", "DescribeSSLPolicies", "DescribeRules", "DescribeTargetGroups"),
                *("DescribeTargetGroupAttributes", "DescribeTargetHealth", "DescribeTags", "DescribeTrustStores"),
                *("DescribeListenerAttributes", "DescribeCapacityReservation"),
            ),
        ],
        ANYTHING,
        None,
        NO_RESOURCE,
    ),
    (
        [
            "cognito-idp:DescribeUserPoolClient",
            *_each("acm", "ListCertificates", "DescribeCertificate"),
            *_each("iam", "ListServerCertificates", "GetServerCertificate"),
            *(
                f"{service}:{action}"
                for service in ("waf-regional", "wafv2")
                for action in ("GetWebACL", "GetWebACLForResource", "AssociateWebACL", "DisassociateWebACL")
            ),
            *_each("shield", "GetSubscriptionState", "DescribeProtection", "CreateProtection", "DeleteProtection"),
        ],
        ANYTHING,
        None,
        NO_RESOURCE,
    ),
    (
        _each("ec2", "AuthorizeSecurityGroupIngress", "RevokeSecurityGroupIngress"),
        ANYTHING,
        None,
        RULES_OF_NODES,
    ),
    (["ec2:CreateSecurityGroup"], ANYTHING, None, "the VPC's and the new group's ids are given at run time"),
    (
        ["ec2:CreateTags"],
        SECURITY_GROUPS,
        {"StringEquals": {"ec2:CreateAction": "CreateSecurityGroup"}, **MADE_OURS},
        "",
    ),
    (_each("ec2", "CreateTags", "DeleteTags"), SECURITY_GROUPS, RETAGGED, ""),
    (
        _each("ec2", "AuthorizeSecurityGroupIngress", "RevokeSecurityGroupIngress", "DeleteSecurityGroup"),
        ANYTHING,
        OURS,
        BY_TAG,
    ),
    (_each("elasticloadbalancing", "CreateLoadBalancer", "CreateTargetGroup"), ANYTHING, MADE_OURS, BY_TAG),
    (
        _each("elasticloadbalancing", "CreateListener", "DeleteListener", "CreateRule", "DeleteRule"),
        ANYTHING,
        None,
        LISTENERS_UNTAGGED,
    ),
    (_each("elasticloadbalancing", "AddTags", "RemoveTags"), [*TARGET_GROUPS, *LOAD_BALANCERS], RETAGGED, ""),
    (_each("elasticloadbalancing", "AddTags", "RemoveTags"), LISTENERS, None, ""),
    (
        _each(
            "elasticloadbalancing",
            *("ModifyLoadBalancerAttributes", "SetIpAddressType", "SetSecurityGroups", "SetSubnets"),
            *("DeleteLoadBalancer", "ModifyTargetGroup", "ModifyTargetGroupAttributes", "DeleteTargetGroup"),
            *("ModifyListenerAttributes", "ModifyCapacityReservation", "ModifyIpPools"),
        ),
        ANYTHING,
        OURS,
        BY_TAG,
    ),
    (
        ["elasticloadbalancing:AddTags"],
        [*TARGET_GROUPS, *LOAD_BALANCERS],
        {
            "StringEquals": {"elasticloadbalancing:CreateAction": ["CreateTargetGroup", "CreateLoadBalancer"]},
            **MADE_OURS,
        },
        "",
    ),
    (_each("elasticloadbalancing", "RegisterTargets", "DeregisterTargets"), TARGET_GROUPS, None, ""),
    (
        _each(
            "elasticloadbalancing",
            *("SetWebAcl", "ModifyListener", "AddListenerCertificates", "RemoveListenerCertificates"),
            *("ModifyRule", "SetRulePriorities"),
        ),
        ANYTHING,
        None,
        LISTENERS_UNTAGGED,
    ),
]
"""(actions, resources, conditions, why a bare `*` is needed)"""
