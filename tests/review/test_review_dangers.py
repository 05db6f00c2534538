"""Each danger is seen, and nothing that only looks like it."""

import json
from typing import Any

import pytest
from pulumi_mlops.review.assembly import review
from pulumi_mlops.review.dangers import DangerKind, dangers
from pulumi_mlops.review.preview import Step
from pulumi_mlops.review.render.markdown import Dialect, markdown
from pulumi_mlops.review.resource_types import TYPES
from pulumi_mlops.review.resource_types.security_groups import covers_internet

from tests.review.steps import preview, step, urn

DATA, PROTECTION, EXPOSURE = DangerKind.DATA, DangerKind.PROTECTION, DangerKind.EXPOSURE
IDENTITY, ADDRESS, OWNER = DangerKind.IDENTITY, DangerKind.ADDRESS, DangerKind.OWNER

RDS, S3, ROLE = "aws:rds/instance:Instance", "aws:s3/bucket:Bucket", "aws:iam/role:Role"
GROUP, BLOCK = "aws:ec2/securityGroup:SecurityGroup", "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
EKS, LB = "aws:eks/cluster:Cluster", "aws:lb/loadBalancer:LoadBalancer"
ROUTE, SERVICE = "kubernetes:gateway.networking.k8s.io/v1:HTTPRoute", "kubernetes:core/v1:Service"
CLOSED_EKS = {"vpcConfig": {"endpointPublicAccess": False}, "encryptionConfig": {"resources": ["secrets"]}}
KUBERNETES_DATA = (
    "kubernetes:core/v1:PersistentVolumeClaim",
    "kubernetes:core/v1:PersistentVolume",
    "kubernetes:core/v1:Namespace",
    "kubernetes:apps/v1:StatefulSet",
    "kubernetes:helm.sh/v3:Release",
    "kubernetes:snapshot.storage.k8s.io/v1:VolumeSnapshot",
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
        step("delete", "aws:ec2/tag:Tag", old={}),
        step("delete", S3, old={}, retain_on_delete=True),
        step("delete", S3, old={}, external=True),
        step("delete", "eks:index:Cluster", old={}, custom=False),
    ],
)
def test_data_stays(harmless: Step) -> None:
    assert kinds(harmless) == []


@pytest.mark.parametrize("first", ["delete", "create"])
def test_a_leftover_that_goes_while_its_successor_comes_is_told_in_either_order(first: str) -> None:
    steps = [step("delete", RDS, "db", old={}), step("create", RDS, "db", new={})]
    assert (
        said(*(steps if first == "delete" else reversed(steps)))
        == "is a database and is deleted: what it holds is lost"
    )


def test_what_an_update_weakens_is_told_also_where_a_refresh_found_something_else() -> None:
    safe, unsafe = ({"deletionProtection": on, "allocatedStorage": 20} for on in (True, False))
    drift = step("refresh", RDS, "db", old=safe, new={**safe, "allocatedStorage": 40})
    for steps in (
        [drift, step("update", RDS, "db", old=safe, new=unsafe)],
        [step("update", RDS, "db", old=safe, new=unsafe), drift],
    ):
        assert "deletionProtection goes off" in said(*steps)


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
    given = step("create", attachment, new={"role": "app", "policyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"})
    assert kinds(given) == [IDENTITY]
    assert kinds(given, step("create", ROLE, "app", new={"name": "app"})) == []
    unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
    assert kinds(step("create", attachment, new={"role": unknown, "policyArn": "a"})) == []


def test_a_new_role_that_may_do_everything_is_told_too() -> None:
    admin, attachment = (
        "arn:aws:iam::aws:policy/AdministratorAccess",
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    )
    new = step("create", ROLE, "app", new={"name": "app"})
    attached = step("create", attachment, new={"role": "app", "policyArn": admin})
    assert said(new, attached) == "gives AdministratorAccess to app"
    assert said(step("create", ROLE, new={"name": "app", "managedPolicyArns": [admin]})) == (
        "gives AdministratorAccess to a new role"
    )


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


def endpoint_route(port: int, **annotations: str) -> dict[str, Any]:
    """The route of a model endpoint."""
    return {
        "metadata": {"labels": {"app.kubernetes.io/name": "model-endpoint"}, "annotations": annotations},
        "spec": {"rules": [{"backendRefs": [{"name": "churn", "port": port}]} for _ in range(2)]},
    }


def test_an_endpoint_that_no_longer_asks_who_sends_a_request_is_a_danger() -> None:
    guarded, open_ = endpoint_route(8001), endpoint_route(8000)

    (danger,) = dangers([preview(step("update", ROUTE, old=guarded, new=open_))])
    assert (danger.kind, danger.message) == (
        EXPOSURE,
        "no longer asks who sends a request: spec.rules[0].backendRefs[0].port is 8000, where anybody who knows the "
        "URL gets predictions",
    )
    assert kinds(step("update", ROUTE, old=open_, new=guarded)) == []
    assert kinds(step("update", ROUTE, old=open_, new={**open_, "kind": "HTTPRoute"})) == []
    assert kinds(step("create", ROUTE, new=guarded)) == []
    assert kinds(step("create", ROUTE, new=open_)) == [], "on one machine it may be; on the internet a rule forbids it"


def test_an_endpoint_that_is_open_by_an_exception_is_a_danger_when_the_exception_is_new() -> None:
    key = "pulumi-mlops.dev/except-endpoint-access"
    first, longer = (endpoint_route(8000, **{key: f"{day} a demonstration"}) for day in ("2027-01-31", "2027-02-28"))

    (danger,) = dangers([preview(step("create", ROUTE, new=first))])
    assert danger.message == f"faces the internet: {key} lets anybody who knows the URL get predictions"
    assert kinds(step("update", ROUTE, old=first, new=longer)) == []


AVAILABILITY = DangerKind.AVAILABILITY
CLAIM = "kubernetes:data.acme.dev/v1:Warehouse"
MANAGED = "kubernetes:s3.aws.m.upbound.io/v1beta1:Bucket"
APP = "kubernetes:argoproj.io/v1alpha1:Application"
CASCADE = {"metadata": {"finalizers": ["resources-finalizer.argocd.argoproj.io/background"]}}
LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
EXPIRY = {"status": "Enabled", "expiration": {"days": 30}}


@pytest.mark.parametrize(
    ("kind", "inputs", "danger"),
    [
        (APP, CASCADE, DATA),
        (APP, {"metadata": {"finalizers": ["other"]}}, None),
        (MANAGED, {"spec": {}}, DATA),
        (MANAGED, {"spec": {"deletionPolicy": "Orphan"}}, None),
        (MANAGED, {"spec": {"managementPolicies": ["Observe", "Update"]}}, None),
        ("kubernetes:aws.upbound.io/v1beta1:ProviderConfig", {}, None),
        (CLAIM, {"spec": {"compositionSelector": {}}}, DATA),
        (CLAIM, {"spec": {"crossplane": {}}}, DATA),
        (CLAIM, {"spec": {"size": 1}}, None),
        ("kubernetes:postgresql.cnpg.io/v1:Cluster", {}, DATA),
        ("kubernetes:kafka.strimzi.io/v1beta2:Kafka", {}, DATA),
        (
            "kubernetes:apiextensions.k8s.io:CustomResource",
            {"apiVersion": "acid.zalan.do/v1", "kind": "postgresql"},
            DATA,
        ),
        ("kubernetes:monitoring.coreos.com/v1:ServiceMonitor", {}, None),
        ("kubernetes:storage.k8s.io/v1:VolumeAttachment", {}, None),
        ("kubernetes:core/v1:ConfigMap", {}, None),
        ("aws:ec2/instance:Instance", {}, DATA),
        ("aws:rds/snapshot:Snapshot", {}, DATA),
        ("aws:cognito/userPool:UserPool", {}, DATA),
        ("aws:fsx/windowsFileSystem:WindowsFileSystem", {}, DATA),
        ("postgresql:index/database:Database", {}, DATA),
        ("aws:eks/nodeGroup:NodeGroup", {}, AVAILABILITY),
        ("aws:eks/addon:Addon", {"addonName": "vpc-cni"}, AVAILABILITY),
        ("aws:efs/mountTarget:MountTarget", {}, AVAILABILITY),
        ("aws:ec2/vpc:Vpc", {}, AVAILABILITY),
        ("random:index/randomPassword:RandomPassword", {}, AVAILABILITY),
        ("tls:index/privateKey:PrivateKey", {}, AVAILABILITY),
        ("random:index/randomPet:RandomPet", {}, None),
    ],
)
def test_what_goes_with_a_resource_is_told(kind: str, inputs: dict[str, Any], danger: DangerKind | None) -> None:
    gone = kinds(step("delete", kind, old=inputs))
    replaced = kinds(step("replace", kind, old=inputs, new=inputs))
    assert (danger in gone and danger in replaced) if danger else (gone == replaced == [])


@pytest.mark.parametrize(
    ("kind", "safe", "unsafe", "danger"),
    [
        (RDS, {"backupRetentionPeriod": 7}, {"backupRetentionPeriod": 0}, PROTECTION),
        (RDS, {"deleteAutomatedBackups": False}, {"deleteAutomatedBackups": True}, PROTECTION),
        (RDS, {"deleteAutomatedBackups": False}, {}, PROTECTION),
        (
            "aws:dynamodb/table:Table",
            {"pointInTimeRecovery": {"enabled": True}},
            {"pointInTimeRecovery": {"enabled": False}},
            PROTECTION,
        ),
        ("aws:dynamodb/table:Table", {"deletionProtectionEnabled": True}, {}, PROTECTION),
        (
            "aws:s3/bucketVersioning:BucketVersioning",
            {"versioningConfiguration": {"status": "Enabled"}},
            {"versioningConfiguration": {"status": "Suspended"}},
            PROTECTION,
        ),
        (S3, {"versioning": {"enabled": True}}, {"versioning": {"enabled": False}}, PROTECTION),
        (
            "aws:efs/backupPolicy:BackupPolicy",
            {"backupPolicy": {"status": "ENABLED"}},
            {"backupPolicy": {"status": "DISABLED"}},
            PROTECTION,
        ),
        ("aws:kms/key:Key", {"isEnabled": True}, {"isEnabled": False}, AVAILABILITY),
        ("kubernetes:apps/v1:Deployment", {"spec": {"replicas": 2}}, {"spec": {"replicas": 0}}, AVAILABILITY),
        (LIFECYCLE, {"rules": [{**EXPIRY, "filter": {"prefix": "tmp/"}}]}, {"rules": [{**EXPIRY, "filter": {}}]}, DATA),
        (LIFECYCLE, {"rules": [{**EXPIRY, "status": "Disabled"}]}, {"rules": [EXPIRY]}, DATA),
        (EKS, {**CLOSED_EKS, "version": "1.34"}, {**CLOSED_EKS, "version": "1.36"}, AVAILABILITY),
        ("pulumi-mlops:index:Cluster", {}, {"auto_mode": True}, AVAILABILITY),
        ("pulumi-mlops:index:Cluster", {"auto_mode": True}, {"auto_mode": False}, AVAILABILITY),
        (RDS, {"engineVersion": "16.4"}, {"engineVersion": "17.1"}, AVAILABILITY),
        ("pulumi:providers:kubernetes", {"context": "prod"}, {"context": "dev"}, DATA),
        ("pulumi:providers:aws", {"region": "eu-central-1"}, {"region": "us-east-1"}, DATA),
    ],
)
def test_what_a_change_weakens_is_told(
    kind: str, safe: dict[str, Any], unsafe: dict[str, Any], danger: DangerKind
) -> None:
    assert kinds(step("update", kind, old=safe, new=unsafe)) == [danger]
    assert kinds(step("update", kind, old=safe, new={**safe, "description": "x"})) == []
    assert kinds(step("update", kind, old=unsafe, new={**unsafe, "description": "x"})) == []


def test_auto_mode_of_a_running_cluster_is_told_what_the_provider_does_not_do() -> None:
    cluster = "pulumi-mlops:index:Cluster"
    assert "volumes of the EBS driver" in said(step("update", cluster, old={}, new={"auto_mode": True}))
    back = said(step("update", cluster, old={"auto_mode": True}, new={}))
    assert "stays on at EKS" in back
    assert "aws eks update-cluster-config" in back
    assert kinds(step("create", cluster, new={"auto_mode": True})) == []


def test_a_cluster_goes_up_by_one_version_at_a_time_and_never_back() -> None:
    def upgrade(old: str, new: str) -> str:
        return said(step("update", EKS, old={**CLOSED_EKS, "version": old}, new={**CLOSED_EKS, "version": new}))

    assert upgrade("1.35", "1.36") == "goes from version 1.35 to 1.36, and cannot go back"
    assert upgrade("1.34", "1.36").endswith("one version at a time, so `up` fails")
    assert "cannot go back, so `up` fails" in upgrade("1.36", "1.35")
    assert kinds(step("update", RDS, old={"engineVersion": "17.1"}, new={"engineVersion": "17.4"})) == []


def test_a_lifecycle_rule_on_a_bucket_that_is_there_is_told_when_it_is_new() -> None:
    assert "is 30: every object is deleted" in said(step("create", LIFECYCLE, new={"rules": [EXPIRY]}))


def test_the_versioning_of_a_bucket_goes() -> None:
    gone = step("delete", "aws:s3/bucketVersioning:BucketVersioning", old={"bucket": "data"})
    assert kinds(gone) == [PROTECTION]
    assert PROTECTION not in kinds(gone, step("delete", S3, old={"bucket": "data"}))


def test_resources_of_packages_that_nobody_judges_are_counted() -> None:
    made = preview(
        step("delete", "azure-native:storage:StorageAccount", "a", old={}),
        step("delete", "gcp:storage/bucket:Bucket", "b", old={}),
        step("create", "gcp:storage/bucket:Bucket", "c", new={}),
        step("same", "gcp:storage/bucket:Bucket", "d", old={}, new={}),
        step("create", "aws:sqs/queue:Queue", "e", new={}),
    )
    comment = markdown(review([made]), Dialect.GITHUB)
    assert "know anything about 1 resource of `azure-native`, 2 resources of `gcp`." in comment
    assert "know anything" not in markdown(review([preview(step("create", S3, new={}))]), Dialect.GITHUB)


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


def endpoint(**rules: Any) -> dict[str, Any]:
    """A Deployment whose server has rules on tokens."""
    text = json.dumps({"issuer": "https://login.example.org", "audiences": ["models"], **rules})
    env = [{"name": "MODEL_NAME", "value": "x"}, {"name": "TOKEN_RULES", "value": text}]
    return {"spec": {"template": {"spec": {"containers": [{"name": "server", "env": env}]}}}}


@pytest.mark.parametrize(
    ("before", "after", "meaning"),
    [
        ({"groups": ["a"]}, {"groups": ["a", "b"]}, "accepts the groups b as well"),
        ({"groups": ["a"]}, {}, "accepts everybody who has a token, no longer only the groups a"),
        ({}, {"audiences": ["models", "shop"]}, "accepts tokens that are made for shop as well"),
        (
            {},
            {"issuer": "https://other.example.org"},
            "trusts the tokens of https://other.example.org in the place of https://login.example.org",
        ),
        (
            {"groups": ["a"]},
            {"groups": ["a"], "groups_claim": "roles"},
            "reads groups from the claim roles in the place of groups",
        ),
        ({"groups": ["a", "b"]}, {"groups": ["a"]}, ""),
        ({}, {"groups": ["a"]}, ""),
        ({"groups": ["a"]}, {"groups": ["a"], "client_claim": "email"}, ""),
    ],
)
def test_an_endpoint_that_accepts_more_tokens_is_a_danger(
    before: dict[str, Any], after: dict[str, Any], meaning: str
) -> None:
    change = step("update", "kubernetes:apps/v1:Deployment", old=endpoint(**before), new=endpoint(**after))
    said = [one.message for one in dangers([preview(change)]) if one.kind is DangerKind.IDENTITY]
    assert said == ([meaning] if meaning else [])
