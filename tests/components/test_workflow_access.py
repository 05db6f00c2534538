"""As whom people act in Argo Workflows, and that a group's name stays a name in the rule that names it."""

import itertools
import json
import re
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi_mlops import ArgumentError, Workspace
from pulumi_mlops._workflow_access import ADMIN, LOGIN, MEMBER, READER, group, rule
from pulumi_mlops.platform import ArgoWorkflows

from tests.components.delivery_addons import ARGO_WORKFLOWS, ARGO_WORKFLOWS_FULL
from tests.conftest import Build, Graph

NAME = "argo-workflows"
SERVER = ARGO_WORKFLOWS_FULL["server"]
RULE = "workflows.argoproj.io/rbac-rule"
LITERAL = r'"(?:[^"\\\x00-\x1f\x7f]|\\["\\])*"'
"""A text of Argo's expression language whose only escapes are those of quotation mark and backslash."""


def cluster(build: Build, **server: Any) -> Graph:
    """A cluster with its Argo Workflows and two teams."""

    def program() -> None:
        ArgoWorkflows(NAME, {**ARGO_WORKFLOWS, "server": {**SERVER, **server}})
        Workspace("birds", {"member_groups": ["birds"]})
        Workspace("fish", {"namespace": "sea", "member_groups": ["fish"], "labels": {"team": "fish"}})

    return build(program)


def people(graph: Graph) -> dict[tuple[str, str], dict[str, str]]:
    """(namespace, name) → annotations of the accounts that people act as."""
    found = [one.inputs["metadata"] for one in graph.of_kind("ServiceAccount")]
    return {(one["namespace"], one["name"]): one["annotations"] for one in found if RULE in one.get("annotations", {})}


def allowed(rules: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {(verb, resource) for one in rules for verb in one["verbs"] for resource in one["resources"]}


def test_each_group_acts_as_its_account(build: Build) -> None:
    rules = {account: annotations[RULE] for account, annotations in people(cluster(build)).items()}

    assert rules == {
        ("argo", "argo-workflows-sso-admin"): '"platform" in groups || "ops" in groups',
        ("argo", "argo-workflows-sso-reader"): '"auditors" in groups',
        ("argo", "argo-workflows-sso-login"): "true",
        ("birds", "member"): '"birds" in groups',
        ("sea", "member"): '"fish" in groups',
    }


def test_of_several_accounts_the_one_with_more_rights_counts_and_the_one_without_any_last(build: Build) -> None:
    found = people(cluster(build))
    precedence = {
        name: int(annotations["workflows.argoproj.io/rbac-rule-precedence"]) for (_, name), annotations in found.items()
    }

    in_order = sorted(precedence, key=lambda name: precedence[name])
    assert in_order == [
        "argo-workflows-sso-login",
        "argo-workflows-sso-reader",
        "member",
        "argo-workflows-sso-admin",
    ]
    assert LOGIN < 0 < READER < MEMBER < ADMIN  # 0 is that of an account that says none


def test_accounts_are_made_for_groups_alone_and_only_with_a_login(build: Build) -> None:
    without = build(lambda: ArgoWorkflows(NAME, {**ARGO_WORKFLOWS, "server": {"host": "a.example.org"}}))
    nobody = {**SERVER, "sso_admin_groups": [], "sso_reader_groups": None}
    no_groups = build(lambda: ArgoWorkflows(NAME, {**ARGO_WORKFLOWS, "server": nobody}))

    assert people(without) == {}
    assert set(people(no_groups)) == {("argo", "argo-workflows-sso-login")}
    assert not {"ClusterRole", "ClusterRoleBinding"} & no_groups.kinds()
    assert people(build(lambda: Workspace("birds", {"member_groups": []}))) == {}


def test_the_server_may_read_the_tokens_and_its_client_and_no_other_secret(build: Build) -> None:
    graph = cluster(build)
    server = graph[f"{NAME}-release"].inputs["values"]["server"]
    tokens = [one.inputs for one in graph.of_kind("Secret") if one.name.endswith("-token")]

    assert {one["metadata"]["name"] for one in tokens} == {*server["sso"]["rbac"]["secretWhitelist"]} - {"argo-sso"}
    assert server["extraEnv"] == [{"name": "SSO_DELEGATE_RBAC_TO_NAMESPACE", "value": "true"}]
    for one in tokens:
        account = one["metadata"]["annotations"]["kubernetes.io/service-account.name"]
        assert (one["metadata"]["namespace"], account) in people(graph)
        assert one["metadata"]["name"] == f"{account}.service-account-token"  # where the server looks
        assert one["type"] == "kubernetes.io/service-account-token"
        assert not {"data", "stringData"} & set(one)
    assert len(tokens) == len(people(graph))


def test_a_token_is_asked_for_once_its_account_is_there(build: Build) -> None:
    graph = cluster(build)

    assert graph["birds-member"].urn in graph["birds-member-token"].dependencies
    assert graph[f"{NAME}-admin"].urn in graph[f"{NAME}-admin-token"].dependencies


def test_no_pod_gets_a_token_of_these_accounts_by_itself(build: Build) -> None:
    graph = cluster(build)
    found = [one.inputs for one in graph.of_kind("ServiceAccount") if one.inputs["metadata"].get("annotations")]

    assert len(found) == len(people(graph))
    assert all(one["automountServiceAccountToken"] is False for one in found)


def test_nobody_reads_secrets_or_writes_what_stacks_make(build: Build) -> None:
    graph = cluster(build)
    roles = [one.inputs["rules"] for one in graph if one.kind in ("Role", "ClusterRole")]
    found = set(itertools.chain.from_iterable(map(allowed, roles)))

    assert not [resource for _, resource in found if resource.startswith("secret") or resource == "*"]
    assert "*" not in {verb for verb, _ in found}
    changes = {(verb, resource) for verb, resource in found if verb not in ("get", "list", "watch")}
    assert changes == {
        *((verb, "workflows") for verb in ("create", "update", "patch", "delete")),
        ("patch", "cronworkflows"),
        ("delete", "pods"),
        *((verb, "workflowtaskresults") for verb in ("create", "patch")),  # the pipelines' own account
    }


def test_readers_change_nothing_and_admins_see_what_readers_see(build: Build) -> None:
    graph = cluster(build)
    reader, admin = (allowed(graph[f"{NAME}-{role}-role"].inputs["rules"]) for role in ("reader", "admin"))

    assert {verb for verb, _ in reader} == {"get", "list", "watch"}
    assert reader < admin


def test_members_have_rights_in_their_own_namespace_and_by_nothing_else(build: Build) -> None:
    graph = cluster(build)
    bindings = [one.inputs for one in graph if one.kind in ("RoleBinding", "ClusterRoleBinding")]
    of_members = [one for one in bindings if one["subjects"][0]["name"] == "member"]

    assert len(of_members) == 2
    for one in of_members:
        assert one["roleRef"] == {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "member"}
        assert one["subjects"] == [
            {"kind": "ServiceAccount", "name": "member", "namespace": one["metadata"]["namespace"]}
        ]
    assert {one["metadata"]["namespace"] for one in of_members} == {"birds", "sea"}
    for one in graph:
        if one.name.startswith("fish-member"):
            assert one.parent == graph["fish"].urn
            assert one.inputs["metadata"]["labels"]["team"] == "fish"


def test_a_login_without_a_group_has_no_rights_at_all(build: Build) -> None:
    bindings = [one.inputs for one in cluster(build) if one.kind in ("RoleBinding", "ClusterRoleBinding")]

    assert bindings
    assert "argo-workflows-sso-login" not in {subject["name"] for one in bindings for subject in one["subjects"]}


def test_names_do_not_meet_those_of_the_chart_nor_of_a_second_one(build: Build) -> None:
    def two() -> None:
        west = pulumi.ResourceOptions(providers=[k8s.Provider("west", kubeconfig="{}")])
        ArgoWorkflows(NAME, {**ARGO_WORKFLOWS, "server": SERVER})
        ArgoWorkflows("other", {**ARGO_WORKFLOWS, "server": SERVER}, west)

    names = [one.inputs["metadata"]["name"] for one in build(two).of_kind("ClusterRole")]
    assert len(names) == len(set(names)) == 4
    assert not set(names) & {f"{NAME}-{suffix}" for suffix in ("view", "edit", "admin", "server", "workflow")}


@given(st.lists(st.text().filter(lambda text: group(text) is None), min_size=1, max_size=4))
def test_a_rule_has_one_text_for_each_group_and_nothing_of_a_group_outside_of_it(groups: list[str]) -> None:
    assert re.fullmatch(rf"{LITERAL} in groups( \|\| {LITERAL} in groups)*", rule(groups))
    assert [json.loads(text) for text in re.findall(LITERAL, rule(groups))] == groups


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ('x" in groups || true || "', r'"x\" in groups || true || \"" in groups'),
        ("x' in groups || true || '", """"x' in groups || true || '" in groups"""),
        ("\\", r'"\\" in groups'),
        ('\\" in groups || true //', r'"\\\" in groups || true //" in groups'),
        ("CN=ML,OU=Größe/*", '"CN=ML,OU=Größe/*" in groups'),
        ("🐧", '"🐧" in groups'),
    ],
)
def test_a_name_that_looks_like_an_expression_is_a_name(name: str, text: str) -> None:
    assert group(name) is None
    assert rule([name]) == text


@pytest.mark.parametrize("name", ["", " platform", "platform ", "a\nb", "a\tb", "a\0b", "a\x7f", "a\u2028b", "\ud800"])
def test_a_name_that_no_text_can_hold_is_refused(build: Build, name: str) -> None:
    complaint = "must be the name of a group: not empty, of printable characters, without spaces around it, got"
    server = {**SERVER, "sso_admin_groups": ["ops", name]}

    with pytest.raises(ArgumentError) as error:
        build(lambda: ArgoWorkflows(NAME, {**ARGO_WORKFLOWS, "server": server}))
    assert f"args.server.sso_admin_groups[1] {complaint} {name!r}" in str(error.value)
    with pytest.raises(ArgumentError) as error:
        build(lambda: ArgoWorkflows(NAME, {**ARGO_WORKFLOWS, "server": {**SERVER, "sso_reader_groups": [name]}}))
    assert f"args.server.sso_reader_groups[0] {complaint}" in str(error.value)
    with pytest.raises(ArgumentError) as error:
        build(lambda: Workspace("birds", {"member_groups": [name]}))
    assert f'Workspace "birds": args.member_groups[0] {complaint} {name!r}' in str(error.value)


@pytest.mark.parametrize("field", ["sso_admin_groups", "sso_reader_groups"])
def test_groups_without_a_login_are_refused(build: Build, field: str) -> None:
    server = {"host": "a.example.org", field: ["platform"]}

    with pytest.raises(ArgumentError) as error:
        build(lambda: ArgoWorkflows(NAME, {**ARGO_WORKFLOWS, "server": server}))
    assert f"args.server.{field} has no effect without args.server.sso_issuer, got ['platform']" in str(error.value)


def test_a_preview_shows_the_same_accounts(build: Build) -> None:
    def team() -> None:
        Workspace("birds", {"member_groups": ["birds"]})

    assert {one.urn for one in build(team, preview=True)} == {one.urn for one in build(team)}
    assert build(team, preview=True)["birds-member-role-binding"].inputs["roleRef"]["name"] == "member"
