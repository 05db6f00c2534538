from typing import Any

import boto3
import pulumi
import pytest
from moto import mock_aws
from pulumi_mlops import ArgumentError
from pulumi_mlops.foundation import IdentityMode, S3ObjectStore, WorkloadIdentity, permissions
from syrupy.assertion import SnapshotAssertion

from tests.aws import takes_tags
from tests.conftest import UNKNOWN, Build, Graph, unknown
from tests.iam import allowed

BUCKET = "arn:aws:s3:::birds-mlflow"
ISSUER = "oidc.eks.eu-central-1.amazonaws.com/id/0123456789ABCDEF"
PROVIDER = f"arn:aws:iam::123456789012:oidc-provider/{ISSUER}"
ARGS: dict[str, Any] = {
    "cluster_name": "birds",
    "namespace": "mlflow",
    "service_account": "mlflow",
    "statements": permissions.read_write(BUCKET, "artifacts"),
}
IRSA: dict[str, Any] = {
    **ARGS,
    "mode": IdentityMode.IRSA,
    "oidc_provider_arn": PROVIDER,
    "oidc_issuer": f"https://{ISSUER}",
}
FULL: dict[str, Any] = {
    **IRSA,
    "managed_policy_arns": ["arn:aws:iam::aws:policy/service-role/AmazonEFSCSIDriverPolicy"],
    "permissions_boundary": "arn:aws:iam::123456789012:policy/platform-boundary",
    "path": "/platform/",
    "tags": {"team": "birds"},
}


def identity(build: Build, args: dict[str, Any] = ARGS, preview: bool = False, **changes: Any) -> Graph:
    return build(lambda: WorkloadIdentity("server", {**args, **changes}), preview=preview)  # type: ignore[typeddict-item]


def trust(graph: Graph) -> str:
    return graph["server-role"].inputs["assumeRolePolicy"]


def pod(cluster: str = "birds", namespace: str = "mlflow", account: str = "mlflow") -> dict[str, str]:
    """The session tags of a pod as EKS sends them."""
    return {
        "aws:RequestTag/eks-cluster-name": cluster,
        "aws:RequestTag/kubernetes-namespace": namespace,
        "aws:RequestTag/kubernetes-service-account": account,
    }


def token(subject: str = "system:serviceaccount:mlflow:mlflow", audience: str = "sts.amazonaws.com") -> dict[str, str]:
    return {f"{ISSUER}:sub": subject, f"{ISSUER}:aud": audience}


def test_the_smallest_identity_is_as_reviewed(build: Build, snapshot: SnapshotAssertion) -> None:
    assert identity(build).contract() == snapshot


def test_the_fullest_identity_is_as_reviewed(build: Build, snapshot: SnapshotAssertion) -> None:
    assert identity(build, FULL).contract() == snapshot


def test_pod_identity_is_a_role_its_policy_and_an_association(build: Build) -> None:
    graph = identity(build)

    assert sorted(one.kind for one in graph) == ["PodIdentityAssociation", "Role", "RolePolicy", "WorkloadIdentity"]
    assert graph["server-association"].inputs["serviceAccount"] == "mlflow"
    assert graph["server-association"].inputs["namespace"] == "mlflow"
    assert graph["server-association"].inputs["clusterName"] == "birds"


def test_pods_get_the_role_when_it_can_do_what_it_is_for(build: Build) -> None:
    graph = identity(build)
    assert graph["server-policy"].urn in graph["server-association"].dependencies


def test_the_outputs_say_how_the_service_account_is_annotated(build: Build) -> None:
    arn = "arn:aws:iam::123456789012:role/server-role-1a2b3c4"
    pods = identity(build).outputs_of("server")
    assert pods == {"role_arn": arn, "role_name": "server-role-1a2b3c4", "service_account_annotations": {}}
    irsa = identity(build, IRSA).outputs_of("server")
    assert irsa["service_account_annotations"] == {"eks.amazonaws.com/role-arn": arn}


def test_irsa_makes_no_association(build: Build) -> None:
    assert sorted(one.kind for one in identity(build, IRSA)) == ["Role", "RolePolicy", "WorkloadIdentity"]


@pytest.mark.parametrize("action", ["sts:AssumeRole", "sts:TagSession"])
def test_the_pods_of_the_service_account_and_nobody_else_get_the_role(build: Build, action: str) -> None:
    document = trust(identity(build))
    eks = ("Service", "pods.eks.amazonaws.com")

    assert allowed(document, action, None, pod(), eks)
    for wrong in (pod(account="default"), pod(namespace="birds"), pod(cluster="other"), {}):
        assert not allowed(document, action, None, wrong, eks)
    assert not allowed(document, action, None, pod(), ("Service", "ec2.amazonaws.com"))
    assert not allowed(document, action, None, pod(), ("AWS", "arn:aws:iam::123456789012:root"))


def test_a_token_of_the_service_account_and_no_other_gets_the_role(build: Build) -> None:
    document = trust(identity(build, IRSA))
    action, provider = "sts:AssumeRoleWithWebIdentity", ("Federated", PROVIDER)

    assert allowed(document, action, None, token(), provider)
    for subject in (
        "system:serviceaccount:mlflow:default",
        "system:serviceaccount:birds:mlflow",
        "system:serviceaccount:mlflow:mlflow2",
        "mlflow:mlflow",
    ):
        assert not allowed(document, action, None, token(subject), provider)
    assert not allowed(document, action, None, token(audience="vault.example.org"), provider)
    assert not allowed(document, action, None, {}, provider)
    assert not allowed(document, action, None, token(), ("Federated", f"{PROVIDER}2"))
    assert not allowed(document, "sts:AssumeRole", None, token(), provider)


def test_old_defect_no_trust_is_without_conditions(build: Build) -> None:
    for args in (ARGS, IRSA, FULL):
        assert '"Condition":{"StringEquals":{' in trust(identity(build, args))


def test_old_defect_the_subject_names_the_service_account_in_kubernetes_notation(build: Build) -> None:
    assert f'"{ISSUER}:sub":["system:serviceaccount:mlflow:mlflow"]' in trust(identity(build, IRSA))


@pytest.mark.parametrize("preview", [True, False])
def test_old_defect_object_actions_on_the_bucket_are_refused_before_anything_exists(
    build: Build, preview: bool
) -> None:
    with pytest.raises(ArgumentError) as error:
        identity(build, preview=preview, statements=[{"actions": ["s3:GetObject"], "resources": [BUCKET]}])
    assert str(error.value).startswith(
        f'WorkloadIdentity "server": args.statements[0].resources[0] must name objects, such as "{BUCKET}/*"'
    )


def test_old_defect_object_actions_on_a_bucket_that_is_being_made_are_refused_once_its_name_is_known(
    build: Build,
) -> None:
    def program(suffix: str) -> None:
        store = S3ObjectStore("birds", {"region": "eu-central-1", "buckets": ["mlflow"]})
        resource = pulumi.Output.concat(store.bucket_arns["mlflow"], suffix)
        statements = [{"actions": ["s3:GetObject"], "resources": [resource]}]
        WorkloadIdentity("server", {**ARGS, "statements": statements})  # type: ignore[typeddict-item]

    with pytest.raises(ArgumentError, match=r'WorkloadIdentity "server": args\.statements\[0\]\.resources\[0\]'):
        build(lambda: program(""))
    document = build(lambda: program("/*"))["server-policy"].inputs["policy"]
    assert allowed(document, "s3:GetObject", "arn:aws:s3:::birds-mlflow-1a2b3c4/model")
    assert build(lambda: program("/*"), preview=True)["server-policy"].inputs["policy"] == UNKNOWN


def test_the_role_may_what_its_statements_say_and_touches_no_neighbour(build: Build) -> None:
    document = identity(build)["server-policy"].inputs["policy"]

    assert allowed(document, "s3:PutObject", f"{BUCKET}/artifacts/1/model")
    assert not allowed(document, "s3:PutObject", f"{BUCKET}/logs/1")
    assert not allowed(document, "s3:PutObject", "arn:aws:s3:::cats-mlflow/artifacts/1/model")
    secret = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:cats/database-a1b2c3"
    assert not allowed(document, "secretsmanager:GetSecretValue", secret)


def test_what_is_not_known_yet_is_no_obstacle(build: Build) -> None:
    def program() -> None:
        late = {key: unknown(key) for key in ("cluster_name", "namespace", "oidc_provider_arn", "oidc_issuer")}
        WorkloadIdentity("server", {**IRSA, **late})  # type: ignore[typeddict-item]

    assert trust(build(program, preview=True)) == UNKNOWN
    assert '"oidc_issuer-id:aud":["sts.amazonaws.com"]' in trust(build(program))


def test_every_resource_that_takes_tags_has_them(build: Build) -> None:
    for args in (FULL, {**ARGS, "tags": {"team": "birds"}}):
        found = [one for one in identity(build, args) if one.type.startswith("aws:") and takes_tags(one.type)]
        assert {one.kind for one in found} >= {"Role"}
        assert all(one.inputs["tags"] == {"team": "birds"} for one in found)


def test_two_identities_live_in_one_stack(build: Build) -> None:
    def program() -> None:
        for name in ("one", "two"):
            WorkloadIdentity(name, FULL)  # type: ignore[arg-type]

    graph = build(program)
    assert len({one.urn for one in graph}) == len(graph.registrations)


def test_a_policy_that_is_too_long_for_a_role_is_refused(build: Build) -> None:
    many = [f"{BUCKET}/{'a' * 100}{number}/*" for number in range(100)]
    with pytest.raises(ArgumentError, match=r"must be at most 10240 characters as JSON, got 1[0-9]{4}; move some"):
        identity(build, statements=[{"actions": ["s3:GetObject"], "resources": many}])


@mock_aws
def test_iam_takes_the_trust_and_the_policy(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    iam = boto3.client("iam", aws_access_key_id="test", aws_secret_access_key="test")
    for name, args in (("pods", ARGS), ("irsa", IRSA)):
        graph = identity(build, args)
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust(graph))
        iam.put_role_policy(RoleName=name, PolicyName=name, PolicyDocument=graph["server-policy"].inputs["policy"])


WITHOUT = {"oidc_provider_arn": None, "oidc_issuer": None}


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"statements": []}, "args.statements must not be empty without args.managed_policy_arns"),
        ({"statements": None}, "args.statements is required"),
        ({"statements": [{"actions": ["s3:*"], "resources": [f"{BUCKET}/*"]}]}, "actions[0] allows all actions"),
        ({"statements": [{"actions": ["s3:GetObject"]}]}, "args.statements[0].resources is required"),
        ({"namespace": "ML flow"}, "args.namespace must be a DNS label"),
        ({"service_account": "*"}, "args.service_account must be the name of a service account"),
        ({"cluster_name": "-"}, "args.cluster_name must be a name of an EKS cluster"),
        ({"managed_policy_arns": ["ReadOnlyAccess"]}, "args.managed_policy_arns[0] must be the ARN of a policy"),
        (
            {"managed_policy_arns": [f"arn:aws:iam::{one}:policy/Reader" for one in ("aws", "123456789012")]},
            'args.managed_policy_arns must not have two policies named "Reader"',
        ),
        ({"managed_policy_arns": ["arn:aws:iam::aws:policy/role"]}, 'no policy named "role"'),
        ({"permissions_boundary": "boundary"}, "args.permissions_boundary must be the ARN of a policy"),
        ({"path": "platform"}, 'args.path must be a path such as "/platform/"'),
        ({"path": f"/{'a' * 512}/"}, "args.path must be a path"),
        ({"mode": "irsa"}, "args.mode must be one of 'POD_IDENTITY', 'IRSA'"),
        ({"oidc_provider_arn": PROVIDER}, "args.oidc_provider_arn is for args.mode IRSA only"),
        ({"oidc_issuer": ISSUER}, "args.oidc_issuer is for args.mode IRSA only"),
        ({**IRSA, "oidc_provider_arn": None}, "args.oidc_provider_arn is required with args.mode IRSA"),
        ({**IRSA, "oidc_issuer": None}, "args.oidc_issuer is required with args.mode IRSA"),
        ({**IRSA, "oidc_provider_arn": "arn:x"}, "args.oidc_provider_arn must be the ARN of an identity provider"),
        ({**IRSA, "oidc_issuer": "no issuer"}, "args.oidc_issuer must be the URL of an issuer"),
        ({**IRSA, "oidc_issuer": "https://oidc.example.org"}, "must be the issuer in args.oidc_provider_arn"),
    ],
)
def test_wrong_arguments_cost_one_line_and_no_resource(build: Build, changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ArgumentError, match='WorkloadIdentity "server": ') as error:
        identity(build, **changes)
    assert complaint in str(error.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"statements": [], "managed_policy_arns": ["arn:aws:iam::aws:policy/ReadOnlyAccess"]},
        {"statements": [{"actions": ["ec2:*"], "resources": ["*"], "reason": "an administrator of the network"}]},
        {"service_account": "my.account", "path": "/", "mode": "POD_IDENTITY"},
        {**IRSA, "oidc_issuer": ISSUER},
    ],
)
def test_right_arguments_on_the_edge_are_taken(build: Build, changes: dict[str, Any]) -> None:
    assert identity(build, **changes)["server-role"]


def test_the_name_leaves_room_in_the_roles_name(build: Build) -> None:
    assert build(lambda: WorkloadIdentity("a" * 51, ARGS))  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="name must be 1 to 51 letters"):
        build(lambda: WorkloadIdentity("a" * 52, ARGS))  # type: ignore[arg-type]
