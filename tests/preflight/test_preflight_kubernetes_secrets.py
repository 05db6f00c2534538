"""Secrets that pods read, asked of an API server's answers through the real Kubernetes client."""

import json
from http import HTTPStatus
from typing import Any

import pytest
from pulumi_mlops.cli.preflight.account import Account
from pulumi_mlops.cli.preflight.checks import kubernetes_secrets
from pulumi_mlops.cli.preflight.planned import Planned
from pulumi_mlops.cli.preflight.results import Outcome, Result
from pulumi_mlops.review.preview import Step
from simulated_account import SimulatedAws, new, planned
from web_server import Answers, serving

from tests.review import recorded

NOBODY = Account(None, "", "", "")
DEPLOYMENT = "kubernetes:apps/v1:Deployment"


def api(secrets: dict[str, dict[str, str]]) -> Answers:
    """An API server with these Secrets in the namespace team."""

    def answer(path: str, *_: Any) -> tuple[int, dict[str, str], bytes]:
        name = path.removeprefix("/api/v1/namespaces/team/secrets/")
        if name not in secrets:
            missing = {"kind": "Status", "message": f'secrets "{name}" not found', "code": 404}
            return HTTPStatus.NOT_FOUND, {"Content-Type": "application/json"}, json.dumps(missing).encode()
        found = {"kind": "Secret", "metadata": {"name": name}, "data": secrets[name]}
        return HTTPStatus.OK, {"Content-Type": "application/json"}, json.dumps(found).encode()

    return answer


def provider(address: str) -> Step:
    kubeconfig = {
        "clusters": [{"name": "c", "cluster": {"server": address}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "c",
    }
    return new(kubernetes_secrets.PROVIDER, "cluster", kubeconfig=json.dumps(kubeconfig))


def pod(**spec: Any) -> Step:
    return new(DEPLOYMENT, metadata={"name": "it", "namespace": "team"}, spec={"template": {"spec": spec}})


def reads(name: str, *keys: str, **options: Any) -> Step:
    variables = [{"name": "V", "valueFrom": {"secretKeyRef": {"name": name, "key": key, **options}}} for key in keys]
    return pod(containers=[{"name": "c", "env": variables}])


def asked(secrets: dict[str, dict[str, str]], *steps: Step) -> list[Result]:
    with serving(api(secrets)) as address:
        return list(kubernetes_secrets.kubernetes_secrets(planned(provider(address), *steps), NOBODY))


def test_a_secret_with_its_keys_is_fine_and_its_value_is_not_said() -> None:
    (result,) = asked({"database": {"uri": "aGlkZGVu"}}, reads("database", "uri"))

    assert (result.outcome, result.what) == (Outcome.OK, "team/database has uri")


def test_a_secret_that_is_missing_is_a_finding() -> None:
    (result,) = asked({}, reads("database", "uri"))

    assert (result.outcome, result.what) == (Outcome.FINDING, "team has no Secret database")
    assert result.fix == "kubectl --namespace team create secret generic database --from-file=uri=FILE"


def test_keys_that_are_missing_are_named() -> None:
    (result,) = asked({"database": {"host": "aA=="}}, reads("database", "uri", "host"))

    assert (result.outcome, result.what) == (Outcome.FINDING, "the Secret team/database lacks uri")


@pytest.mark.parametrize(
    ("step", "missing"),
    [
        (pod(containers=[{"name": "c", "envFrom": [{"secretRef": {"name": "a"}}]}]), ["a"]),
        (pod(containers=[{"name": "c"}], volumes=[{"name": "v", "secret": {"secretName": "b"}}]), ["b"]),
        (pod(containers=[], initContainers=[{"name": "c", "envFrom": [{"secretRef": {"name": "c"}}]}]), ["c"]),
        (reads("d", "k", optional=True), []),
        (pod(containers=[{"name": "c", "envFrom": [{"secretRef": {"name": "e", "optional": True}}]}]), []),
        (pod(containers=[], volumes=[{"name": "v", "secret": {"secretName": "f", "optional": True}}]), []),
    ],
)
def test_every_way_to_read_a_secret_counts(step: Step, missing: list[str]) -> None:
    assert [one.what for one in asked({}, step)] == [f"team has no Secret {name}" for name in missing]


@pytest.mark.parametrize(
    "writer",
    [
        new("kubernetes:core/v1:Secret", metadata={"name": "s", "namespace": "team"}),
        new("kubernetes:external-secrets.io/v1:ExternalSecret", kind="ExternalSecret",
            metadata={"name": "s", "namespace": "team"}, spec={}),
        new("kubernetes:external-secrets.io/v1:ExternalSecret", kind="ExternalSecret",
            metadata={"name": "x", "namespace": "team"}, spec={"target": {"name": "s"}}),
        new("kubernetes:cert-manager.io/v1:Certificate", kind="Certificate",
            metadata={"name": "x", "namespace": "team"}, spec={"secretName": "s"}),
        new("kubernetes:database.example.org/v1alpha1:PostgreSQLInstance", kind="PostgreSQLInstance",
            metadata={"name": "x", "namespace": "team"}, spec={"writeConnectionSecretToRef": {"name": "s"}}),
    ],
)  # fmt: skip
def test_a_secret_that_the_stack_has_made_is_not_asked_for(writer: Step) -> None:
    assert asked({}, writer, reads("s", "key")) == []


def test_a_cluster_that_does_not_answer_is_not_checked() -> None:
    with serving(api({})) as address:
        pass

    (result,) = kubernetes_secrets.kubernetes_secrets(planned(provider(address), reads("database", "uri")), NOBODY)

    assert result.outcome is Outcome.NOT_CHECKED
    assert result.what.startswith("team/database: ")
    assert result.fix == "kubectl --namespace team describe secret database"


def test_a_cluster_of_eks_is_reached_by_its_arn(aws: SimulatedAws, account: Account) -> None:
    arn = "arn:aws:eks:eu-central-1:123456789012:cluster/mlops"
    cluster = {"endpoint": "https://127.0.0.1:1", "certificateAuthority": {"data": "bm9uZQ=="}}
    aws.answer("eks", "DescribeCluster", {"cluster": cluster})
    options = new(kubernetes_secrets.PROVIDER, "cluster", kubeconfig="[secret]", clusterIdentifier=arn)

    (result,) = kubernetes_secrets.kubernetes_secrets(planned(options, reads("database", "uri")), account)

    assert "eks:DescribeCluster" in aws.calls
    assert result.outcome is Outcome.NOT_CHECKED


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ([new(kubernetes_secrets.PROVIDER, kubeconfig="[secret]")], "is a secret, which a preview does not show"),
        ([new(kubernetes_secrets.PROVIDER, "a"), new(kubernetes_secrets.PROVIDER, "b")], "2 Kubernetes providers"),
        ([new(kubernetes_secrets.CLUSTER)], "the cluster does not exist yet"),
    ],
)
def test_a_cluster_that_cannot_be_told_is_not_checked(steps: list[Step], words: str) -> None:
    (result,) = kubernetes_secrets.kubernetes_secrets(planned(*steps, reads("database", "uri")), NOBODY)

    assert (result.outcome, words in result.what) == (Outcome.NOT_CHECKED, True)


def test_the_recorded_platform_writes_all_that_it_reads() -> None:
    for name in ("new-platform-dev", "new-platform-prod"):
        stack = Planned(recorded.preview(name))
        assert list(kubernetes_secrets.kubernetes_secrets(stack, NOBODY)) == []
