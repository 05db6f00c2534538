"""Each danger is seen, and nothing that only looks like it."""

import json
from typing import Any

import pytest
from pulumi_mlops.review.dangers import DangerKind, dangers
from pulumi_mlops.review.preview import Step
from pulumi_mlops.review.resource_types import TYPES
from pulumi_mlops.review.resource_types.security_groups import covers_internet

from tests.review.steps import preview, step, urn

DATA, PROTECTION, EXPOSURE = DangerKind.DATA, DangerKind.PROTECTION, DangerKind.EXPOSURE
IDENTITY, ADDRESS, OWNER = DangerKind.IDENTITY, DangerKind.ADDRESS, DangerKind.OWNER

RDS, S3, ROLE = "aws:rds/instance:Instance", "aws:s3/bucket:Bucket", "aws:iam/role:Role"
GROUP, BLOCK = "aws:ec2/securityGroup:SecurityGroup", "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
EKS, LB = "aws:eks/cluster:Cluster", "aws:lb/loadBalancer:LoadBalancer"
ROUTE, SERVICE = "kubernetes:gateway.networking.k8s.io/v1:HTTPRoute", "kubernetes:core/v1:Service"
KUBERNETES_DATA = (
    "kubernetes:core/v1:PersistentVolumeClaim",
    "kubernetes:core/v1:PersistentVolume",
    "kubernetes:core/v1:Namespace",
    "kubernetes:apps/v1:StatefulSet",
    "kubernetes:helm.sh/v3:Release",
    "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition",
)
BLOCKED = dict.fromkeys(("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"), True)


def kinds(*steps: Step) -> list[DangerKind]:
    return [one.kind for one in dangers([preview(*steps)])]


def said(*steps: Step) -> str:
    return "\n".join(one.message for one in dangers([preview(*steps)]))


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: Any, resource: Any = "arn:aws:s3:::data/*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


@pytest.mark.parametrize("kind", sorted(token for token, one in TYPES.items() if one.data) + sorted(KUBERNETES_DATA))
@pytest.mark.parametrize("operation", ["delete", "replace"])
def test_data_goes(kind: str, operation: str) -> None:
    new = {"a": 2} if operation == "replace" else None
    assert DATA in kinds(step(operation, kind, old={"a": 1}, new=new))


@pytest.mark.parametrize(
    "harmless",
    [
        step("update", RDS, old={"a": 1}, new={"a": 2}),
        step("create", RDS, new={}),
        step("delete", "aws:ec2/subnet:Subnet", old={}),
        step("delete", S3, old={}, retain_on_delete=True),
        step("delete", S3, old={}, external=True),
        step("delete", "eks:index:Cluster", old={}, custom=False),
    ],
)
def test_data_stays(harmless: Step) -> None:
    assert kinds(harmless) == []


def test_a_replacement_says_why_and_what_stays_behind() -> None:
    from pulumi_mlops.review.preview import PropertyChange

    because = (PropertyChange("engine", "update", True), PropertyChange("tags", "update", False))
    one = step("replace", RDS, old={"engine": "a"}, new={"engine": "b"}, changes=because, retain_on_delete=True)
    assert said(one) == (
        "is a database and is replaced: an empty one takes its place, and the old one stays behind, "
        "because engine changed"
    )


@pytest.mark.parametrize(
    "weaker",
    [
        step("delete", "aws:ec2/vpc:Vpc", old={}, protect=True),
        step("replace", "aws:ec2/vpc:Vpc", old={}, new={}, protect=True),
        step("update", RDS, old={}, new={}, was={"protect": True}),
        step("same", RDS, old={}, new={}, was={"protect": True}),
        step("update", RDS, old={"deletionProtection": True}, new={"deletionProtection": False}),
        step("update", RDS, old={"deletionProtection": True}, new={}),
        step("update", RDS, old={"skipFinalSnapshot": False}, new={"skipFinalSnapshot": True}),
        step("update", S3, old={}, new={"forceDestroy": True}),
    ],
)
def test_protection_goes(weaker: Step) -> None:
    assert PROTECTION in kinds(weaker)


@pytest.mark.parametrize(
    "same",
    [
        step("update", "aws:ec2/vpc:Vpc", old={}, new={}, protect=True),
        step("update", RDS, old={}, new={}, was={"protect": False}, protect=True),
        step("update", RDS, old={"deletionProtection": False}, new={"deletionProtection": True}),
        step("update", RDS, old={"deletionProtection": False}, new={}),
        step("update", RDS, old={}, new={}),
        step("update", S3, old={"forceDestroy": True}, new={}),
        step("create", S3, new={"forceDestroy": True}),
    ],
)
def test_protection_stays(same: Step) -> None:
    assert kinds(same) == []


@pytest.mark.parametrize(
    "kind",
    [
        "aws:route53/record:Record",
        "aws:route53/zone:Zone",
        LB,
        "aws:acm/certificate:Certificate",
        SERVICE,
        ROUTE,
        "kubernetes:gateway.networking.k8s.io/v1:Gateway",
        "kubernetes:networking.k8s.io/v1:Ingress",
    ],
)
def test_an_address_goes(kind: str) -> None:
    assert ADDRESS in kinds(step("delete", kind, old={}))
    assert ADDRESS in kinds(step("replace", kind, old={"internal": True}, new={"internal": True}))
    assert kinds(step("update", kind, old={"internal": True, "a": 1}, new={"internal": True, "a": 2})) == []


def test_a_host_name_is_no_longer_served() -> None:
    old, new = ({"spec": {"hostnames": hosts}} for hosts in (["a.example.org", "b.example.org"], ["b.example.org"]))
    assert said(step("update", ROUTE, old=old, new=new)) == "no longer serves a.example.org"
    assert kinds(step("update", ROUTE, old=new, new=old)) == []


def test_a_listener_goes() -> None:
    kind = "kubernetes:gateway.networking.k8s.io/v1:Gateway"
    old, new = ({"spec": {"listeners": [{"hostname": name}]}} for name in ("old.example.org", "new.example.org"))
    assert said(step("update", kind, old=old, new=new)) == "no longer serves old.example.org"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (policy(allow("s3:GetObject")), policy(allow(["s3:GetObject", "s3:PutObject"]))),
        (policy(allow("s3:GetObject")), policy(allow("s3:GetObject", ["arn:aws:s3:::data/*", "*"]))),
        (
            policy(allow("s3:GetObject", Principal={"AWS": "a"})),
            policy(allow("s3:GetObject", Principal={"AWS": ["a", "b"]})),
        ),
        (policy(allow("s3:GetObject", Condition={"Bool": {"x": "y"}})), policy(allow("s3:GetObject"))),
        (policy({"Effect": "Deny", "Action": "*", "Resource": "*"}), policy()),
        (policy(allow("s3:GetObject")), "04da6b54-80e4-46f7-96ec-b56ff0331ba9"),
        ("[secret]", "[secret]"),
        (policy(), policy({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"})),
    ],
)
def test_an_identity_is_widened(before: str, after: str) -> None:
    assert kinds(step("update", "aws:iam/policy:Policy", old={"policy": before}, new={"policy": after})) == [IDENTITY]
    inline = [{"inlinePolicies": [{"name": "a", "policy": one}]} for one in (before, after)]
    assert kinds(step("update", ROLE, old=inline[0], new=inline[1])) == [IDENTITY]
    trust = "assumeRolePolicy"
    assert kinds(step("update", ROLE, old={trust: before}, new={trust: after})) == [IDENTITY]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (policy(allow(["s3:GetObject", "s3:PutObject"])), policy(allow("s3:GetObject"))),
        (policy(allow(["a:B", "a:C"])), policy(allow("a:C"), allow("a:B"))),
        (policy(), policy({"Effect": "Deny", "Action": "*", "Resource": "*"})),
        (policy(allow("a:B")), policy(allow("a:B"))),
    ],
)
def test_an_identity_is_no_wider(before: str, after: str) -> None:
    assert kinds(step("update", "aws:iam/policy:Policy", old={"policy": before}, new={"policy": after})) == []


def test_what_is_granted_is_said() -> None:
    old, new = policy(), policy(allow("sts:AssumeRole", [], Principal={"AWS": "*"}))
    sentence = said(step("update", ROLE, old={"assumeRolePolicy": old}, new={"assumeRolePolicy": new}))
    assert sentence == "allows more in its assumeRolePolicy: * may sts:AssumeRole without condition"


def test_a_policy_is_attached_to_a_role_that_exists() -> None:
    attachment = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
    given = step("create", attachment, new={"role": "app", "policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"})
    assert kinds(given) == [IDENTITY]
    assert kinds(given, step("create", ROLE, "app", new={"name": "app"})) == []
    unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
    assert kinds(step("create", attachment, new={"role": unknown, "policyArn": "a"})) == []


def test_a_role_in_the_cluster_allows_more() -> None:
    kind = "kubernetes:rbac.authorization.k8s.io/v1:Role"
    old, new = (
        {"rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": verbs}]}
        for verbs in (["get"], ["get", "delete"])
    )
    assert said(step("update", kind, old=old, new=new)) == "allows more: delete pods"
    assert kinds(step("update", kind, old=new, new=old)) == []


def test_a_binding_has_more_subjects() -> None:
    kind = "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding"
    one = {"kind": "ServiceAccount", "namespace": "a", "name": "b"}
    old, new = {"subjects": [one]}, {"subjects": [one, {"kind": "Group", "name": "everybody"}]}
    assert said(step("update", kind, old=old, new=new)) == "gives its role to Group everybody"
    assert kinds(step("update", kind, old=new, new=old)) == []


def test_somebody_may_do_everything_in_the_cluster() -> None:
    kind = "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding"
    new = {"roleRef": {"name": "cluster-admin"}, "subjects": [{"kind": "Group", "name": "a"}]}
    assert kinds(step("create", kind, new=new)) == [IDENTITY]
    assert kinds(step("create", kind, new={**new, "roleRef": {"name": "view"}})) == []


@pytest.mark.parametrize(
    ("kind", "closed", "opened"),
    [
        (GROUP, {"ingress": [{"cidrBlocks": ["10.0.0.0/8"]}]}, {"ingress": [{"cidrBlocks": ["0.0.0.0/0"]}]}),
        (GROUP, {"ingress": []}, {"ingress": [{"ipv6CidrBlocks": ["::/0"]}]}),
        (
            "aws:ec2/securityGroupRule:SecurityGroupRule",
            {"type": "egress", "cidrBlocks": ["0.0.0.0/0"]},
            {"type": "ingress", "cidrBlocks": ["0.0.0.0/0"]},
        ),
        (
            "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
            {"cidrIpv4": "10.1.0.0/16"},
            {"cidrIpv4": "0.0.0.0/0"},
        ),
        (RDS, {"publiclyAccessible": False}, {"publiclyAccessible": True}),
        (EKS, {"vpcConfig": {"endpointPublicAccess": False}}, {"vpcConfig": {"endpointPublicAccess": True}}),
        (
            EKS,
            {"vpcConfig": {"endpointPublicAccess": True, "publicAccessCidrs": ["192.0.2.0/24"]}},
            {"vpcConfig": {"endpointPublicAccess": True, "publicAccessCidrs": ["0.0.0.0/0"]}},
        ),
        (LB, {"internal": True}, {"internal": False}),
        (BLOCK, BLOCKED, {**BLOCKED, "blockPublicPolicy": False}),
        (S3, {"acl": "private"}, {"acl": "public-read"}),
        (
            SERVICE,
            {"kind": "Service", "spec": {"type": "ClusterIP"}},
            {"kind": "Service", "spec": {"type": "LoadBalancer"}},
        ),
        (
            SERVICE,
            {"spec": {"type": "LoadBalancer", "loadBalancerClass": "service.k8s.aws/nlb"}},
            {
                "metadata": {"annotations": {"service.beta.kubernetes.io/aws-load-balancer-scheme": "internet-facing"}},
                "spec": {"type": "LoadBalancer", "loadBalancerClass": "service.k8s.aws/nlb"},
            },
        ),
        (
            "kubernetes:networking.k8s.io/v1:Ingress",
            {"metadata": {"annotations": {"alb.ingress.kubernetes.io/scheme": "internal"}}},
            {"metadata": {"annotations": {"alb.ingress.kubernetes.io/scheme": "internet-facing"}}},
        ),
    ],
)
def test_something_opens(kind: str, closed: dict[str, Any], opened: dict[str, Any]) -> None:
    assert kinds(step("update", kind, old=closed, new=opened)) == [EXPOSURE]
    assert kinds(step("create", kind, new=opened)) == [EXPOSURE]
    assert kinds(step("update", kind, old=opened, new=closed)) == []
    assert kinds(step("update", kind, old=opened, new={**opened, "tags": {"a": "b"}})) == []
    assert kinds(step("create", kind, new=closed)) == []


def test_the_block_of_public_access_goes() -> None:
    block = step("delete", BLOCK, old={"bucket": "data", **BLOCKED})
    assert kinds(block) == [EXPOSURE]
    assert EXPOSURE not in kinds(block, step("delete", S3, old={"bucket": "data"}))


@pytest.mark.parametrize(
    ("text", "is_open"),
    [("0.0.0.0/0", True), ("::/0", True), ("0.0.0.0/1", True), ("10.0.0.0/8", False), ("pl-1", False)],
)
def test_a_range_is_open_where_it_is_wider_than_any_private_one(text: str, is_open: bool) -> None:
    assert covers_internet(text) is is_open


def test_one_component_deletes_what_another_creates() -> None:
    first, second = urn("example:index:Team", "first"), urn("example:index:Team", "second")
    gone = step("delete", "aws:sqs/queue:Queue", "old", old={"name": "jobs"}, parent=first)
    made = step("create", "aws:sqs/queue:Queue", "new", new={"name": "jobs"}, parent=second)
    assert kinds(gone, made) == [OWNER]
    assert "example Team first in prod and created by example Team second in prod" in said(gone, made)
    other = step("create", "aws:sqs/queue:Queue", "new", new={"name": "others"}, parent=second)
    assert kinds(gone, other) == []


def test_one_stack_deletes_what_another_creates() -> None:
    kind, metadata = "kubernetes:core/v1:ConfigMap", {"metadata": {"name": "a", "namespace": "b"}}
    gone = step("delete", kind, old=metadata, stack="one")
    made = step("create", kind, new=metadata, stack="two")
    found = dangers([preview(gone, stack="one"), preview(made, stack="two")])
    assert [(one.kind, one.stack) for one in found] == [(OWNER, "two")]
    elsewhere = step("create", kind, new={"metadata": {"name": "a", "namespace": "c"}}, stack="two")
    assert dangers([preview(gone, stack="one"), preview(elsewhere, stack="two")]) == ()


def test_a_resource_gets_another_parent() -> None:
    first, second = urn("example:index:Team", "first"), urn("example:index:Team", "second")
    moved = step("update", S3, old={}, new={}, parent=second, was={"parent": first})
    assert said(moved) == "moves from example Team first to example Team second"
    renamed = step("same", "example:index:Team", "second", old={}, new={}, custom=False, was={"urn": first})
    assert kinds(moved, renamed) == []


def test_the_worst_comes_first_and_nothing_twice() -> None:
    steps = [step("delete", "aws:route53/zone:Zone", "b", old={}), step("delete", RDS, "a", old={}, protect=True)]
    assert kinds(*steps, *steps) == [DATA, PROTECTION, ADDRESS]
