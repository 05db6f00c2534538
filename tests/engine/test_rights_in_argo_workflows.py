"""What people may do in Argo Workflows, asked of a real API server about the service accounts that they act as."""

import base64
from collections.abc import Iterator
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
import pytest
from pulumi_cli import Cluster, PulumiEnv, Stack
from pulumi_mlops import ObjectStoreAccess, Workspace
from pulumi_mlops._workflow_access import rule
from pulumi_mlops.platform.add_ons import _argo_access

from local.node.api import Api

pytestmark = pytest.mark.engine

PLACE = "argo-of-people"
ADMIN, READER, LOGIN = (f"{PLACE}:workflows-sso-{role}" for role in ("admin", "reader", "login"))
BIRDS, FISH = "birds-of-people:member", "fish-of-people:member"
ACCOUNTS = (ADMIN, READER, LOGIN, BIRDS, FISH)
STRANGE = ['x" in groups || true || "', "C:\\", "CN=ML,OU=Größe", "🐧"]
"""Names of groups that a provider may well have; the account's rule has each as a text."""
SUBMIT, STOP, DELETE = (f"{verb} workflows.argoproj.io" for verb in ("create", "patch", "delete"))
LIST, LOGS = "list workflows.argoproj.io", "get pods/log"


def program() -> None:
    namespace = k8s.core.v1.Namespace("argo", metadata={"name": PLACE})
    _argo_access.create(
        "workflows",
        "workflows",
        namespace.metadata["name"],
        admin_groups=["platform", *STRANGE],
        reader_groups=["auditors"],
        child=pulumi.ResourceOptions(),
    )
    for team in ("birds", "fish"):
        Workspace(
            f"{team}-of-people",
            {
                "member_groups": [team],
                "protect_models": False,
                "object_store_access": ObjectStoreAccess.EXISTING_SECRET,
            },
        )


@pytest.fixture
def api(cluster: Cluster) -> Api:
    return Api(cluster.kubeconfig)


@pytest.fixture
def stack(pulumi_env: PulumiEnv, cluster: Cluster) -> Iterator[Stack]:
    stack = pulumi_env.stack(program, config={"kubernetes:kubeconfig": str(cluster.kubeconfig)})
    stack.up()
    yield stack
    stack.destroy()


def may(api: Api, account: str, what: str, namespace: str) -> bool:
    """Whether the account, `<namespace>:<name>`, may do what is written as "verb resource.group"."""
    verb, _, resource = what.partition(" ")
    resource, _, group = resource.partition(".")
    resource, _, part = resource.partition("/")
    asked = {"verb": verb, "resource": resource, "subresource": part, "group": group, "namespace": namespace}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": f"system:serviceaccount:{account}", "resourceAttributes": asked},
    }
    answer = api.request("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review)
    return answer["status"]["allowed"]


def owner(api: Api, token: str) -> Any:
    """Whom the API server takes the bearer of a token for."""
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token}}
    answer = api.request("POST", "/apis/authentication.k8s.io/v1/tokenreviews", review)
    return answer["status"].get("user", {}).get("username")


def test_everybody_may_do_what_his_groups_are_for_and_nothing_else(stack: Stack, api: Api) -> None:
    birds, fish = "birds-of-people", "fish-of-people"
    everything = (LIST, LOGS, SUBMIT, STOP, DELETE)

    for what in everything:
        assert may(api, BIRDS, what, birds), what
        assert not may(api, BIRDS, what, fish), what
        assert not may(api, BIRDS, what, PLACE), what
        assert not may(api, BIRDS, what, ""), what  # in all namespaces at once
        assert may(api, FISH, what, fish), what
        assert may(api, ADMIN, what, birds), what
        assert may(api, ADMIN, what, ""), what
        assert may(api, READER, what, fish) is (what in (LIST, LOGS)), what
        assert not may(api, LOGIN, what, birds), what
        assert not may(api, LOGIN, what, PLACE), what
    for account in ACCOUNTS:
        for namespace in (birds, fish, PLACE, "kube-system", ""):
            for verb in ("get", "list", "watch", "create"):
                assert not may(api, account, f"{verb} secrets", namespace), (account, verb, namespace)
            assert not may(api, account, "create rolebindings.rbac.authorization.k8s.io", namespace)
            assert not may(api, account, "create serviceaccounts/token", namespace)
            assert not may(api, account, "create pods/exec", namespace)
            assert not may(api, account, "update workflowtemplates.argoproj.io", namespace)

    made = api.request("GET", f"/api/v1/namespaces/{PLACE}/serviceaccounts/workflows-sso-admin")
    assert made["metadata"]["annotations"]["workflows.argoproj.io/rbac-rule"] == rule(["platform", *STRANGE])
    assert not stack.up().changed


def test_each_account_has_a_token_where_the_server_looks_and_no_state_shows_it(stack: Stack, api: Api) -> None:
    state = stack.state()

    for account in ACCOUNTS:
        namespace, name = account.split(":")
        secret = api.request("GET", f"/api/v1/namespaces/{namespace}/secrets/{name}.service-account-token")
        encoded = secret["data"]["token"]
        token = base64.b64decode(encoded).decode()
        assert owner(api, token) == f"system:serviceaccount:{account}"
        assert encoded not in state
        assert token not in state
        # Argo would take an older one that the account itself names.
        assert "secrets" not in api.request("GET", f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}")
