"""Argo Workflows as a cluster of a cloud has it; the settings of one machine are in test_argo_workflows.py."""

from typing import Any

import pytest
from pulumi_mlops import ArgumentError, versions
from pulumi_mlops.platform import ArgoWorkflows, ArgoWorkflowsLine
from pulumi_mlops.platform.add_ons import argo_workflows
from syrupy.assertion import SnapshotAssertion

from tests.components.delivery_addons import ARGO_WORKFLOWS, ARGO_WORKFLOWS_FULL
from tests.conftest import Build, unknown

NAME = "argo-workflows"
SERVER = ARGO_WORKFLOWS_FULL["server"]
ARCHIVE = ARGO_WORKFLOWS_FULL["archive"]


def program(name: str = NAME, **changes: Any) -> ArgoWorkflows:
    return ArgoWorkflows(name, {**ARGO_WORKFLOWS, **changes})


def values(build: Build, **changes: Any) -> dict[str, Any]:
    return build(lambda: program(**changes))[f"{NAME}-release"].inputs["values"]


def test_the_smallest_is_as_reviewed(build: Build, snapshot: SnapshotAssertion) -> None:
    assert build(program).contract() == snapshot


def test_the_fullest_is_as_reviewed(build: Build, snapshot: SnapshotAssertion) -> None:
    assert build(lambda: program(**ARGO_WORKFLOWS_FULL)).contract() == snapshot


def test_a_line_decides_chart_and_images_and_nothing_else(build: Build) -> None:
    releases = {
        line: build(lambda line=line: program(line=line))[f"{NAME}-release"].inputs for line in ArgoWorkflowsLine
    }

    tags = {line: (one["version"], one["values"].pop("images")["tag"]) for line, one in releases.items()}
    assert tags == {
        "V3_7": (versions.ARGO_WORKFLOWS_CHART, f"v{versions.ARGO_WORKFLOWS}"),
        "V4_0": (versions.ARGO_WORKFLOWS_4_CHART, f"v{versions.ARGO_WORKFLOWS_4}"),
    }
    assert releases["V3_7"]["values"] == releases["V4_0"]["values"]


def test_the_line_of_one_machine_is_the_default(build: Build) -> None:
    outputs = build(lambda: ArgoWorkflows(NAME, {"namespace": "argo"})).outputs_of(NAME)

    assert outputs["version"] == versions.ARGO_WORKFLOWS


def test_nobody_gets_in_without_showing_who_he_is(build: Build) -> None:
    with_token = {key: part for key, part in SERVER.items() if not key.startswith("sso_")}

    assert values(build, server=with_token)["server"]["authModes"] == ["client"]
    assert "sso" not in values(build, server=with_token)["server"]
    server = values(build, server=SERVER)["server"]
    assert server["authModes"] == ["sso", "client"]
    assert server["sso"]["redirectUrl"] == "https://workflows.example.org/oauth2/callback"
    assert server["sso"]["rbac"]["enabled"] is True
    assert server["sso"]["clientSecret"] == {"name": "argo-sso", "key": "client-secret"}


def test_several_servers_and_one_controller(build: Build) -> None:
    server = {"host": "workflows.example.org"}

    assert values(build, server=server)["server"]["replicas"] == 2
    assert values(build, server=server)["server"]["pdb"] == {"enabled": True, "maxUnavailable": 1}
    assert values(build, server={**server, "replicas": 1})["server"]["pdb"] == {"enabled": False}
    assert values(build, server=server)["controller"]["replicas"] == 1


def test_the_route_comes_after_the_server_that_it_leads_to(build: Build) -> None:
    graph = build(lambda: program(server=SERVER))

    route = graph[f"{NAME}-route"]
    assert graph[f"{NAME}-release"].urn in route.dependencies
    assert route.inputs["spec"]["hostnames"] == ["workflows.example.org"]
    assert route.inputs["spec"]["rules"][0]["backendRefs"] == [{"name": "argo-workflows-server", "port": 2746}]
    assert not build(program).of_kind("HTTPRoute")


def test_the_archive_names_its_secret_and_holds_none(build: Build) -> None:
    persistence = values(build, archive=ARCHIVE)["controller"]["persistence"]

    assert persistence["archiveTTL"] == "30d"
    assert persistence["postgresql"]["userNameSecret"] == {"name": "argo-database", "key": "username"}
    assert persistence["postgresql"]["passwordSecret"] == {"name": "argo-database", "key": "password"}
    assert persistence["postgresql"]["sslMode"] == "require"
    assert "persistence" not in values(build)["controller"]


def test_artifacts_are_reached_with_the_pod_s_own_identity(build: Build) -> None:
    found = values(build, artifact_repository={"bucket": "workflows", "region": "eu-central-1"})

    assert found["useStaticCredentials"] is False
    assert found["artifactRepository"]["s3"] == {
        "bucket": "workflows",
        "region": "eu-central-1",
        "endpoint": "s3.amazonaws.com",
        "useSDKCreds": True,
    }
    assert not {"useStaticCredentials", "artifactRepository"} & set(values(build))


def test_the_server_s_account_is_the_one_that_a_trust_names_and_reads_only(build: Build) -> None:
    account = values(build, server=SERVER)["server"]["serviceAccount"]

    assert account["name"] == argo_workflows.SERVER_SERVICE_ACCOUNT
    assert argo_workflows.statements(["arn:aws:s3:::workflows"]) == [
        {"actions": ["s3:GetBucketLocation", "s3:ListBucket"], "resources": ["arn:aws:s3:::workflows"]},
        {"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::workflows/*"]},
    ]


def test_what_is_not_known_yet_is_no_obstacle(build: Build) -> None:
    def unknowns() -> ArgoWorkflows:
        return program(
            server={**SERVER, "host": unknown("host"), "sso_issuer": unknown("issuer")},
            archive={**ARCHIVE, "host": unknown("database")},
            artifact_repository={"bucket": unknown("bucket"), "region": unknown("region")},
        )

    assert {"Release", "HTTPRoute"} <= build(unknowns, preview=True).kinds()


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"line": "V5_0"}, "args.line must be one of 'V3_7', 'V4_0', got 'V5_0'"),
        ({"server": {}}, "args.server.host is required"),
        ({"server": {**SERVER, "host": "no host"}}, "args.server.host must be a domain name"),
        ({"server": {**SERVER, "sso_secret_name": None}}, "args.server.sso_secret_name is required where"),
        ({"server": {**SERVER, "sso_issuer": None}}, "args.server.sso_issuer is required where"),
        (
            {"server": {"host": "a.example.org", "sso_scopes": ["groups"]}},
            "args.server.sso_scopes has no effect without args.server.sso_issuer",
        ),
        ({"server": {**SERVER, "sso_issuer": "http://id"}}, "args.server.sso_issuer must be a URL"),
        ({"server": {**SERVER, "replicas": 0}}, "args.server.replicas must be between 1 and 10 replicas, got 0"),
        ({"server": {**SERVER, "memory": "much"}}, "args.server.memory must be a Kubernetes quantity"),
        ({"archive": {**ARCHIVE, "days": 0}}, "args.archive.days must be at least 1 day, got 0"),
        ({"archive": {**ARCHIVE, "port": 0}}, "args.archive.port must be between 1 and 65535, got 0"),
        ({"archive": {**ARCHIVE, "secret_name": "A B"}}, "args.archive.secret_name must be a DNS label"),
        ({"artifact_repository": {"bucket": "b"}}, "args.artifact_repository.region is required"),
        ({"artifact_repository": {"bucket": "", "region": "eu-central-1"}}, "bucket must not be empty"),
        ({"artifact_repository": {"bucket": "b", "region": "here"}}, "region must be the name of an AWS region"),
    ],
)
def test_wrong_arguments_cost_one_line_and_no_resource(build: Build, changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ArgumentError, match='ArgoWorkflows "argo-workflows"') as error:
        build(lambda: program(**changes))

    assert complaint in str(error.value)


@pytest.mark.parametrize("changes", [{"archive": {**ARCHIVE, "days": 1}}, {"server": {**SERVER, "replicas": 10}}])
def test_the_limits_themselves_are_allowed(build: Build, changes: dict[str, Any]) -> None:
    assert build(lambda: program(**changes)).of_kind("Release")
