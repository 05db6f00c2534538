"""What the service accounts of a foundation stack may do on AWS, by the documents that the stack registers.

Each caller goes the whole way: service account, association, trust of the role, its policies, action on a resource.
"""

import collections
import json
from typing import Any

import boto3
import pytest
from moto import mock_aws
from pulumi_mlops.foundation import _managed_addons

from maintenance import upstream
from tests import callers, iam, stacks
from tests.aws import ACCOUNT, REGION
from tests.conftest import Build, Graph

FOUNDATIONS = [stack for stack in stacks.names() if stack.startswith("foundation-")]
each = pytest.mark.parametrize("stack", FOUNDATIONS)

ZONE, OTHER_ZONE = "arn:aws:route53:::hostedzone/Z0NEW", "arn:aws:route53:::hostedzone/Z0OTHER"
SECRETS = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:"
VOLUME, SNAPSHOT = f"arn:aws:ec2:{REGION}:{ACCOUNT}:volume/vol-1", f"arn:aws:ec2:{REGION}::snapshot/snap-1"
MACHINE = f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/i-1"
FILES = f"arn:aws:elasticfilesystem:{REGION}:{ACCOUNT}:file-system/fs-1"
ACCESS_POINT = f"arn:aws:elasticfilesystem:{REGION}:{ACCOUNT}:access-point/fsap-1"
BALANCER = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:loadbalancer/net/gateway/1"
TARGETS = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:targetgroup/gateway/1"

OF_EBS, OF_EFS, OF_BALANCER = "ebs.csi.aws.com/cluster", "efs.csi.aws.com/cluster", "elbv2.k8s.aws/cluster"
"""Tags by which a controller knows what it has made."""


OBJECT_ACTIONS = ("s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:GetObjectVersion", "s3:PutObjectAcl")


def environment(stack: str) -> str:
    return stack.removeprefix("foundation-")


def _asked(tag: str, value: str = "true") -> dict[str, Any]:
    """A request that tags what it makes."""
    return {f"aws:RequestTag/{tag}": value, "aws:TagKeys": [tag]}


def _challenge(name: str = "_acme-challenge.models.example.org", kind: str = "TXT") -> dict[str, Any]:
    record = "route53:ChangeResourceRecordSets"
    return {f"{record}NormalizedRecordNames": [name], f"{record}RecordTypes": [kind]}


def _of_karpenter(kind: str, of: str) -> dict[str, Any]:
    """A machine that Karpenter asks for, or that it has made."""
    return {
        f"aws:{kind}Tag/kubernetes.io/cluster/mlops-{of}": "owned",
        f"aws:{kind}Tag/karpenter.sh/nodepool": "default",
    }


Asked = tuple[str, str, dict[str, Any]]


def needs(of: str) -> dict[str, list[Asked]]:
    """What each component does in its daily work, by its service account."""
    bucket = f"arn:aws:s3:::mlops-{of}-mlflow-1a2b3c4"
    own_volume = {f"ec2:ResourceTag/{OF_EBS}": "true"}
    return {
        "mlflow/mlflow": [
            *((action, f"{bucket}/artifacts/1/model.json", {}) for action in ("s3:GetObject", "s3:PutObject")),
            ("s3:DeleteObject", f"{bucket}/artifacts/1/model.json", {}),
            ("s3:ListBucket", bucket, {"s3:prefix": "artifacts/"}),
        ],
        "cert-manager/cert-manager": [
            ("route53:ListHostedZonesByName", "*", {}),
            ("route53:ChangeResourceRecordSets", ZONE, _challenge()),
            ("route53:GetChange", "arn:aws:route53:::change/C1", {}),
        ],
        "external-dns/external-dns": [
            ("route53:ListHostedZones", "*", {}),
            ("route53:ListResourceRecordSets", ZONE, {}),
            ("route53:ChangeResourceRecordSets", ZONE, _challenge("models.example.org", "A")),
        ],
        "external-secrets/external-secrets": [
            ("secretsmanager:GetSecretValue", f"{SECRETS}rds!db-1-a1b2c3", {}),
            ("secretsmanager:DescribeSecret", f"{SECRETS}rds!db-1-a1b2c3", {}),
        ],
        "load-balancer-controller/aws-load-balancer-controller": [
            ("elasticloadbalancing:CreateLoadBalancer", BALANCER, _asked(OF_BALANCER, f"mlops-{of}")),
            (
                "elasticloadbalancing:DeleteLoadBalancer",
                BALANCER,
                {f"aws:ResourceTag/{OF_BALANCER}": f"mlops-{of}"},
            ),
            ("elasticloadbalancing:CreateListener", BALANCER, {}),
            ("elasticloadbalancing:RegisterTargets", TARGETS, {}),
            ("ec2:DescribeSubnets", "*", {}),
        ],
        "kube-system/ebs-csi-controller-sa": [
            ("ec2:CreateVolume", VOLUME, _asked(OF_EBS)),
            ("ec2:CreateTags", VOLUME, {"ec2:CreateAction": "CreateVolume"}),
            *((f"ec2:{verb}Volume", VOLUME, own_volume) for verb in ("Attach", "Detach", "Modify", "Delete")),
            ("ec2:AttachVolume", MACHINE, {}),
            ("ec2:CreateSnapshot", VOLUME, own_volume),
            ("ec2:CreateSnapshot", SNAPSHOT, _asked(OF_EBS)),
        ],
        "kube-system/efs-csi-controller-sa": [
            ("elasticfilesystem:DescribeMountTargets", FILES, {}),
            ("elasticfilesystem:CreateAccessPoint", FILES, _asked(OF_EFS)),
            (
                "elasticfilesystem:TagResource",
                ACCESS_POINT,
                {**_asked(OF_EFS), "elasticfilesystem:CreateAction": "CreateAccessPoint"},
            ),
            ("elasticfilesystem:DeleteAccessPoint", ACCESS_POINT, {f"aws:ResourceTag/{OF_EFS}": "true"}),
        ],
        "argo/argo-server": [("s3:GetObject", f"arn:aws:s3:::mlops-{of}-workflows-1a2b3c4/run/main.log", {})],
        "crossplane-system/crossplane-provider-aws-s3": [("s3:CreateBucket", f"arn:aws:s3:::mlops-{of}-team-a", {})],
        "crossplane-system/crossplane-provider-aws-rds": [
            ("rds:CreateDBInstance", f"arn:aws:rds:{REGION}:{ACCOUNT}:db:mlops-{of}-team-a", {}),
        ],
        "crossplane-system/crossplane-provider-aws-ec2": [("ec2:DescribeVpcs", "*", {})],
        "karpenter/karpenter": [
            ("ec2:RunInstances", MACHINE, _of_karpenter("Request", of)),
            ("ec2:TerminateInstances", MACHINE, _of_karpenter("Resource", of)),
            ("ec2:DescribeInstances", "*", {"aws:RequestedRegion": REGION}),
            (
                "iam:PassRole",
                f"arn:aws:iam::{ACCOUNT}:role/mlops-{of}-on-demand-nodes-1a2b3c4",
                {"iam:PassedToService": "ec2.amazonaws.com"},
            ),
            ("sqs:ReceiveMessage", f"arn:aws:sqs:{REGION}:{ACCOUNT}:mlops-{of}-interruptions-1a2b3c4", {}),
        ],
    }


EFFECTS = {"BucketPolicy": {"Deny"}, "QueuePolicy": {"Allow", "Deny"}}
"""What the policies of resources say, where it is not only what they allow."""

REFUSED: dict[str, list[Asked]] = {
    "cert-manager/cert-manager": [
        ("route53:ChangeResourceRecordSets", ZONE, _challenge("models.example.org", "A")),
        ("route53:ChangeResourceRecordSets", ZONE, _challenge(kind="CNAME")),
        ("route53:ChangeResourceRecordSets", OTHER_ZONE, _challenge()),
    ],
    "external-dns/external-dns": [("route53:ChangeResourceRecordSets", OTHER_ZONE, {})],
    "load-balancer-controller/aws-load-balancer-controller": [
        ("elasticloadbalancing:DeleteLoadBalancer", BALANCER, {}),
        ("elasticloadbalancing:CreateLoadBalancer", BALANCER, {}),
        ("ec2:DeleteSecurityGroup", f"arn:aws:ec2:{REGION}:{ACCOUNT}:security-group/sg-1", {}),
    ],
    "karpenter/karpenter": [
        ("ec2:RunInstances", MACHINE, {}),
        ("ec2:TerminateInstances", MACHINE, {}),
        ("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/admin", {"iam:PassedToService": "ec2.amazonaws.com"}),
        ("sqs:ReceiveMessage", f"arn:aws:sqs:{REGION}:{ACCOUNT}:mlops-of-somebody-else", {}),
    ],
    "kube-system/ebs-csi-controller-sa": [
        ("ec2:CreateVolume", VOLUME, {}),
        *((f"ec2:{verb}Volume", VOLUME, {}) for verb in ("Attach", "Detach", "Modify", "Delete")),
        ("ec2:CreateSnapshot", VOLUME, {}),
        ("ec2:DeleteSnapshot", SNAPSHOT, {}),
    ],
    "kube-system/efs-csi-controller-sa": [
        ("elasticfilesystem:CreateAccessPoint", FILES, {}),
        ("elasticfilesystem:CreateAccessPoint", FILES, {**_asked(OF_EFS), "aws:TagKeys": [OF_EFS, "team"]}),
        ("elasticfilesystem:DeleteAccessPoint", ACCESS_POINT, {}),
        ("elasticfilesystem:DeleteFileSystem", FILES, {}),
    ],
}
"""What a component must not be able to do beside its work: mostly the same on what is not its own."""


def karpenter(graph: Graph) -> bool:
    """Whether the stack makes roles for Karpenter."""
    return ("karpenter", "karpenter") in callers.associations(graph)


@each
def test_every_component_may_do_its_work(build: Build, stack: str) -> None:
    graph = stacks.tracked(build, stack)
    known = needs(environment(stack))
    found = ["/".join(account) for account in callers.associations(graph)]

    assert len(found) >= 7
    assert [account for account in found if account not in known] == [], "needs() must say what each one does"
    for account in found:
        role = callers.assumed(graph, *account.split("/"))
        assert [one for one in known[account] if not role.may(*one)] == [], account


@each
def test_no_component_may_do_the_same_to_what_is_not_its_own(build: Build, stack: str) -> None:
    graph = stacks.tracked(build, stack)
    accounts = {"/".join(account) for account in callers.associations(graph)}
    assert {*REFUSED} - accounts <= {"karpenter/karpenter"}  # it is on request

    for account, forbidden in ((one, REFUSED[one]) for one in REFUSED if one in accounts):
        role = callers.assumed(graph, *account.split("/"))
        assert [one for one in forbidden if role.may(*one)] == [], account


@each
def test_each_bucket_and_each_secret_is_open_to_one_role_or_none(build: Build, stack: str) -> None:
    graph = stacks.tracked(build, stack)
    name = f"mlops-{environment(stack)}"
    own = {bucket: f"arn:aws:s3:::{name}-{bucket}-1a2b3c4" for bucket in ("data", "mlflow", "workflows")}
    buckets = {**own, "neighbour": "arn:aws:s3:::neighbour", "namesake of mlflow": f"{own['mlflow']}-copy"}
    things: dict[str, tuple[tuple[str, ...], str]] = {
        **{f"bucket {bucket}": (OBJECT_ACTIONS, f"{arn}/a/b") for bucket, arn in buckets.items()},
        **{f"list of {bucket}": (("s3:ListBucket",), arn) for bucket, arn in buckets.items()},
        "secret of RDS": (("secretsmanager:GetSecretValue",), f"{SECRETS}rds!1-a1b2c3"),
        "secret of the platform": (("secretsmanager:GetSecretValue",), f"{SECRETS}{name}/argocd-oidc-a1b2c3"),
        "secret of another platform": (("secretsmanager:GetSecretValue",), f"{SECRETS}{name}2/argocd-oidc-a1b2c3"),
        "secret of a team": (("secretsmanager:GetSecretValue",), f"{SECRETS}team/1-a1b2c3"),
        "another role": (("iam:PassRole", "sts:AssumeRole"), f"arn:aws:iam::{ACCOUNT}:role/admin"),
    }

    opened = collections.defaultdict(set)
    roles = callers.roles(graph)
    for role in roles.values():
        for thing, (actions, resource) in things.items():
            if any(role.may_ever(action, resource) for action in actions):
                opened[thing].add(role.name.removeprefix(f"{name}-"))

    expected = {
        "bucket mlflow": "mlflow-role",
        "list of mlflow": "mlflow-role",
        "bucket workflows": "argo-server-role",
        "list of workflows": "argo-server-role",
        "secret of RDS": "external-secrets-role",
        **({"secret of the platform": "external-secrets-role"} if "secrets_prefix" in graph.outputs["stack"] else {}),
    }
    existing = {role.name.removeprefix(f"{name}-") for role in roles.values()}
    assert opened == {thing: {role} for thing, role in expected.items() if role in existing}


@each
def test_a_role_is_taken_by_the_pods_of_its_own_service_account_alone(build: Build, stack: str) -> None:
    graph = stacks.tracked(build, stack)
    places = callers.associations(graph)
    pods = {arn: (cluster, *account) for account, (cluster, arn) in places.items()}
    strangers = [("mlops-other", "mlflow", "mlflow"), (f"mlops-{environment(stack)}", "default", "mlflow")]

    for arn, role in callers.roles(graph).items():
        takers = [
            pod
            for pod in [*pods.values(), *strangers]
            if iam.allowed(role.trust, "sts:AssumeRole", None, callers.session(*pod), callers.EKS)
        ]
        assert takers == ([pods[arn]] if arn in pods else []), role.name
    assert len(pods) == len(places) >= 7


@each
def test_the_roles_that_no_pod_takes_are_for_one_service_of_aws(build: Build, stack: str) -> None:
    graph = stacks.tracked(build, stack)
    taken = {arn for _, arn in callers.associations(graph).values()}

    services = {
        role.name.partition("-")[2].partition("-")[2]: [one["Principal"] for one in iam.statements(role.trust)]
        for arn, role in callers.roles(graph).items()
        if arn not in taken
    }
    machines = [{"Service": "ec2.amazonaws.com"}]
    of_karpenter = {"on-demand-nodes": machines} if karpenter(graph) else {}
    assert services == {
        "nodes-role": machines,
        **of_karpenter,
        "flow-logs-role": [{"Service": "vpc-flow-logs.amazonaws.com"}],
    }


@each
@mock_aws
def test_the_parser_of_policies_takes_every_document_of_a_stack(
    build: Build, stack: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    client = boto3.client("iam", aws_access_key_id="test", aws_secret_access_key="test")
    parsed = collections.Counter()

    for one, key, document in callers.documents(stacks.tracked(build, stack)):
        parsed[one.kind] += 1
        text = json.dumps(document)
        if key == "assumeRolePolicy":
            client.create_role(RoleName=one.name, AssumeRolePolicyDocument=text)
        elif one.kind == "RolePolicy":
            client.create_policy(PolicyName=one.name, PolicyDocument=text)
        for statement in iam.statements(document):
            assert statement["Effect"] in EFFECTS.get(one.kind, {"Allow"})

    assert parsed["Role"] >= 9
    assert parsed["RolePolicy"] >= 6
    assert parsed["BucketPolicy"] == 3


# What AWS and the drivers' authors publish. The data say where they come from and of which version they are.

S3_FILES = "s3files:"
"""Prefix of the actions on S3 Files, a second kind of volume of the EFS driver that the library does not offer."""


def permissions(statements: list[dict[str, Any]]) -> set[tuple[str, str, str]]:
    """Each (action, resource, conditions) on its own."""
    return {
        (action, resource, json.dumps(one["conditions"], sort_keys=True))
        for one in statements
        for action in one["actions"]
        for resource in one["resources"]
    }


def of_upstream(driver: str) -> list[dict[str, Any]]:
    return upstream.content(upstream.POLICY, driver)


def of_aws(driver: str) -> list[dict[str, Any]]:
    """The policy that the add-on's role gets, from AWS's own list; one that AWS does not publish is a KeyError."""
    return [
        {
            "actions": iam.listed(one["Action"]),
            "resources": iam.listed(one["Resource"]),
            "conditions": {
                operator: {key: iam.listed(value) for key, value in keys.items()}
                for operator, keys in one.get("Condition", {}).items()
            },
        }
        for one in iam.statements(callers.published()[_managed_addons.STORAGE_POLICIES[driver]])
    ]


def test_the_ebs_driver_has_the_policy_that_its_authors_ask_for() -> None:
    assert permissions(of_aws("aws-ebs-csi-driver")) == permissions(of_upstream("aws-ebs-csi-driver"))


def test_the_efs_driver_may_do_what_its_authors_ask_for_except_on_s3_files() -> None:
    asked = {action for action, _, _ in permissions(of_upstream("aws-efs-csi-driver"))}
    given = {action for action, _, _ in permissions(of_aws("aws-efs-csi-driver"))}

    assert {action for action in asked if not action.startswith(S3_FILES)} == given
    assert {action for action in asked - given} == {
        f"{S3_FILES}{action}"
        for action in ("CreateAccessPoint", "DeleteAccessPoint", "ListAccessPoints", "ListFileSystems", "TagResource")
    }


def test_the_efs_driver_tags_its_access_points_with_nothing_more() -> None:
    """AWS's policy refuses an access point with any further tag, so the add-on must not be told one."""
    configured = _managed_addons._configuration("aws-efs-csi-driver", {"team": "birds"})

    assert configured is None


@each
def test_every_policy_that_is_attached_is_one_that_aws_publishes(build: Build, stack: str) -> None:
    graph = stacks.tracked(build, stack)
    attached = [one.inputs["policyArn"] for one in graph.of_kind("RolePolicyAttachment")]

    assert set(attached) <= set(callers.published())
    assert len(attached) == (8 if karpenter(graph) else 5)
