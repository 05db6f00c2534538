import json
from typing import Any

import pytest
from pulumi_mlops import ArgumentError, ObjectStoreAccess, Workspace
from pulumi_mlops.workspace._objects import credentials
from syrupy.assertion import SnapshotAssertion

from tests.components.programs import WORKSPACE_FULL, with_changes
from tests.conftest import CREDENTIALS, UNKNOWN, Build, Graph, Secret, unknown


def workspace(build: Build, preview: bool = False, **args: Any) -> Graph:
    return build(lambda: Workspace("penguins", args), preview=preview)


def test_the_smallest_workspace_is_as_reviewed(build: Build, snapshot: SnapshotAssertion) -> None:
    assert workspace(build).contract() == snapshot


def test_the_fullest_workspace_is_as_reviewed(build: Build, snapshot: SnapshotAssertion) -> None:
    assert workspace(build, **WORKSPACE_FULL).contract() == snapshot


def test_the_namespace_has_the_components_name_unless_another_is_given(build: Build) -> None:
    assert workspace(build)["penguins-namespace"].inputs["metadata"]["name"] == "penguins"
    assert workspace(build, namespace="birds")["penguins-namespace"].inputs["metadata"]["name"] == "birds"


def test_every_object_is_a_child_in_the_namespace_with_the_standard_labels(build: Build) -> None:
    graph = workspace(build, namespace="birds", labels={"team": "birds"})
    for one in graph:
        if one.name == "penguins" or one.read:
            continue
        assert one.name.startswith("penguins-")
        assert one.parent == graph["penguins"].urn
        metadata = one.inputs["metadata"]
        assert (
            metadata["labels"].items()
            >= {
                "app.kubernetes.io/name": "workspace",
                "app.kubernetes.io/instance": "penguins",
                "app.kubernetes.io/managed-by": "pulumi-mlops",
                "team": "birds",
            }.items()
        )
        if one.kind != "Namespace":
            assert metadata["namespace"] == "birds"
            assert graph["penguins-namespace"].urn in one.dependencies


def test_a_label_of_the_user_cannot_replace_a_standard_one(build: Build) -> None:
    graph = workspace(build, labels={"app.kubernetes.io/name": "mine"})
    assert graph["penguins-quota"].inputs["metadata"]["labels"]["app.kubernetes.io/name"] == "workspace"


def test_pods_must_obey_the_restricted_standard(build: Build) -> None:
    labels = workspace(build)["penguins-namespace"].inputs["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_models_and_their_namespace_are_protected_until_somebody_says_otherwise(build: Build) -> None:
    def protected(graph: Graph) -> set[str]:
        return {one.name for one in graph if one.protect}

    assert protected(workspace(build)) == {"penguins-namespace", "penguins-models"}
    assert protected(workspace(build, protect_models=False)) == set()


def test_the_platforms_credentials_are_copied_as_a_secret(build: Build) -> None:
    graph = workspace(build)
    assert graph["penguins-object-store-source"].read
    assert graph["penguins-object-store-secret"].inputs["data"] == Secret(CREDENTIALS)
    assert graph.outputs_of("penguins")["object_store_secret"] == "object-store-credentials"


def test_an_existing_secret_is_neither_read_nor_made(build: Build) -> None:
    graph = workspace(build, object_store_access=ObjectStoreAccess.EXISTING_SECRET, object_store_secret="mine")
    assert graph.of_kind("Secret") == []
    assert graph.outputs_of("penguins")["object_store_secret"] == "mine"
    assert repository(graph)["s3"]["accessKeySecret"]["name"] == "mine"


def test_workload_identity_needs_no_secret(build: Build) -> None:
    graph = workspace(build, **WORKSPACE_FULL)
    assert [one.name for one in graph.of_kind("Secret")] == ["penguins-member-token"]
    assert graph.outputs_of("penguins")["object_store_secret"] == ""
    s3 = repository(graph)["s3"]
    assert s3["useSDKCreds"] is True
    assert "accessKeySecret" not in s3
    assert (s3["endpoint"], s3["insecure"]) == ("s3.eu-central-1.amazonaws.com", False)


def test_pipelines_reach_the_agent_with_their_roles_credentials_where_they_have_a_role(build: Build) -> None:
    agent = {"to": [{"ipBlock": {"cidr": "169.254.170.23/32"}}], "ports": [{"port": 80, "protocol": "TCP"}]}

    assert agent in policy(workspace(build, **WORKSPACE_FULL), "allow-pipeline")["egress"]
    assert agent not in policy(workspace(build), "allow-pipeline")["egress"]


def test_argo_finds_the_artifact_repository_by_default(build: Build) -> None:
    inputs = workspace(build)["penguins-artifact-repositories"].inputs
    assert inputs["metadata"]["name"] == "artifact-repositories"
    default = inputs["metadata"]["annotations"]["workflows.argoproj.io/default-artifact-repository"]
    assert json.loads(inputs["data"][default])["s3"]["bucket"] == "workflows"


def repository(graph: Graph) -> dict[str, Any]:
    return json.loads(graph["penguins-artifact-repositories"].inputs["data"]["object-store"])


def test_the_pipelines_role_may_only_report_results(build: Build) -> None:
    assert workspace(build)["penguins-role"].inputs["rules"] == [
        {"apiGroups": ["argoproj.io"], "resources": ["workflowtaskresults"], "verbs": ["create", "patch"]}
    ]


def policy(graph: Graph, role: str) -> dict[str, Any]:
    return graph[f"penguins-{role}"].inputs["spec"]


def test_nothing_goes_in_or_out_unless_a_policy_allows_it(build: Build) -> None:
    assert policy(workspace(build), "default-deny") == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_endpoints_answer_the_whole_cluster_unless_clients_are_named(build: Build) -> None:
    def clients(graph: Graph) -> Any:
        rule, public = policy(graph, "allow-predictions")["ingress"]
        assert public == {
            "from": [{"namespaceSelector": {"matchLabels": {name: "gateway"}}}],
            "ports": [{"port": 8001, "protocol": "TCP"}],
        }
        assert rule["ports"] == [{"port": 8000, "protocol": "TCP"}]
        return [one["namespaceSelector"].get("matchLabels") for one in rule["from"]]

    name = "kubernetes.io/metadata.name"
    assert clients(workspace(build)) == [None]
    assert clients(workspace(build, client_namespaces=["web"])) == [{name: "gateway"}, {name: "web"}]


def test_only_pipelines_reach_storage_and_the_addresses_that_are_named(build: Build) -> None:
    spec = policy(workspace(build, **WORKSPACE_FULL), "allow-pipeline")
    assert spec["podSelector"]["matchExpressions"][0]["key"] == "workflows.argoproj.io/workflow"
    blocks = [peer["ipBlock"]["cidr"] for rule in spec["egress"] for peer in rule["to"] if "ipBlock" in peer]
    assert blocks == ["10.0.0.0/24", "169.254.170.23/32", "10.1.0.0/16"]


def test_a_namespace_known_only_later_is_unknown_in_the_preview_and_nothing_else_is(build: Build) -> None:
    graph = build(lambda: Workspace("penguins", {"namespace": unknown("pet")}), preview=True)
    assert graph["penguins-models"].inputs["metadata"]["namespace"] == UNKNOWN
    assert graph["penguins-models"].inputs["metadata"]["name"] == "models"
    assert graph["penguins-role-binding"].inputs["roleRef"]["name"] == "pipeline"
    assert graph.outputs_of("penguins")["namespace"] == UNKNOWN


def test_a_preview_registers_the_same_resources_as_the_update(build: Build) -> None:
    preview, update = workspace(build, preview=True), workspace(build)
    assert {one.urn for one in preview} == {one.urn for one in update}


def test_two_workspaces_fit_in_one_stack(build: Build) -> None:
    graph = build(lambda: [Workspace("one", {}), Workspace("two", {})])
    urns = [one.urn for one in graph]
    assert len(urns) == len(set(urns))


def test_outputs_name_what_a_pipeline_needs(build: Build) -> None:
    assert workspace(build, namespace="birds").outputs_of("penguins") == {
        "namespace": "birds",
        "service_account": "pipeline",
        "models_claim": "models",
        "object_store_secret": "object-store-credentials",
        "data_bucket": "data",
    }


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"namespace": "Birds"}, "args.namespace must be a DNS label"),
        ({"cpu_cores": 0.5}, "args.cpu_cores must be at least 1 core, got 0.5"),
        ({"memory_gib": 0}, "args.memory_gib must be at least 1 GiB, got 0"),
        ({"models_gib": 200}, "args.models_gib must be at most args.storage_gib (100 GiB), got 200"),
        ({"pods": 1}, "args.pods must be at least 3"),
        ({"egress_cidrs": ["10.0.0.1/8"]}, "args.egress_cidrs[0] must be a block of addresses"),
        ({"object_store_access": "PASSWORD"}, "args.object_store_access must be one of 'COPIED_SECRET'"),
        ({"object_store_endpoint": "s3.example.org"}, "args.object_store_endpoint must be a URL"),
        ({"memory_gb": 8}, 'did you mean "memory_gib"?'),
        ({"labels": {"istio-injection": "enabled"}}, "args.labels must not have istio-injection: the namespace is"),
        ({"labels": {"istio.io/rev": "default"}}, "args.labels must not have istio.io/rev: the namespace is"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_exists(
    build: Build, changes: dict[str, Any], expected: str
) -> None:
    registered: list[Any] = []

    def program() -> None:
        with pytest.raises(ArgumentError) as caught:
            Workspace("penguins", with_changes({}, **changes))
        registered.append(str(caught.value))

    assert build(program).registrations == []
    assert registered[0].startswith('Workspace "penguins": ')
    assert expected in registered[0]


def test_limits_are_accepted_at_their_edge(build: Build) -> None:
    graph = workspace(build, cpu_cores=1, memory_gib=1, storage_gib=1, models_gib=1, pods=3)
    assert graph["penguins-quota"].inputs["spec"]["hard"] == {
        "requests.cpu": "1",
        "requests.memory": "1Gi",
        "limits.memory": "1Gi",
        "requests.storage": "1Gi",
        "pods": "3",
    }


def test_credentials_that_the_platform_did_not_make_are_missed_by_name() -> None:
    with pytest.raises(ArgumentError, match="has no key AWS_SECRET_ACCESS_KEY; deploy the platform"):
        credentials({"AWS_ACCESS_KEY_ID": "a"})
