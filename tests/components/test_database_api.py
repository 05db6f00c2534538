"""The database manifests of a platform: what may be asked for, and which resources on AWS it becomes."""

from typing import Any

import pulumi
import pytest
from pulumi_mlops import ArgumentError, PostgresDatabase
from pulumi_mlops.database import _arguments, _backend, _manifest
from pulumi_mlops.platform import DatabaseApi
from pulumi_mlops.platform.databases import _schema

from tests.conftest import Build, Graph

ARGS: dict[str, Any] = {
    "region": "eu-central-1",
    "vpc_id": "vpc-0123456789abcdef0",
    "subnet_ids": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
    "client_security_group_ids": {"nodes": "sg-0123456789abcdef0"},
    "name_prefix": "tenants-",
}
FULL: dict[str, Any] = {
    **ARGS,
    "group": "data.example.com",
    "engine_versions": ["16", "17"],
    "instance_classes": {"tiny": "db.t4g.micro", "huge": "db.m7g.8xlarge"},
    "secret_store": "secrets",
    "tags": {"cost-centre": "42"},
}
BY_MANIFEST = {
    "allocatedStorage",
    "dbName",
    "dbSubnetGroupName",
    "engineVersion",
    "finalSnapshotIdentifier",
    "instanceClass",
    "parameterGroupName",
    "tags",
}
"""Settings of an instance that patches fill in."""


def program(**changes: Any) -> DatabaseApi:
    return DatabaseApi("databases", {**ARGS, **changes})  # type: ignore[typeddict-item]


def definition(graph: Graph, version: str) -> dict[str, Any]:
    (found,) = [
        one.inputs
        for one in graph.of_kind("CompositeResourceDefinition")
        if one.inputs["apiVersion"].endswith(f"/{version}")
    ]
    return found


def composition(graph: Graph, kind: str, environment: str) -> dict[str, Any]:
    (found,) = [
        one.inputs
        for one in graph.of_kind("Composition")
        if one.inputs["spec"]["compositeTypeRef"]["kind"] == kind
        and one.inputs["metadata"]["labels"]["environment"] == environment
    ]
    return found


def base(composition: dict[str, Any], role: str) -> dict[str, Any]:
    first = composition["spec"]["pipeline"][0]["input"]["resources"]
    (found,) = [one["base"] for one in first if one["name"] == role]
    return found


def parameters(graph: Graph, version: str) -> dict[str, Any]:
    (only,) = definition(graph, version)["spec"]["versions"]
    return only["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["parameters"]["properties"]


def test_the_component_asks_for_the_kind_that_platforms_define() -> None:
    defined = (_schema.NAMESPACED, _schema.VERSION)
    assert defined == (_manifest.KIND, _manifest.API_VERSION)


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_defaults_of_the_manifest_are_those_of_the_component(build: Build, version: str) -> None:
    asked = parameters(build(program), version)

    assert asked["storageGB"]["default"] == _arguments.ARGUMENTS["storage_gib"].default
    assert asked["version"]["default"] == _backend.DEFAULT_MAJOR
    assert asked["size"] == {"type": "string", "enum": ["small", "medium", "large"], "default": "small"}


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_the_platform_says_which_versions_and_sizes_there_are(build: Build, version: str) -> None:
    asked = parameters(build(lambda: program(**FULL)), version)

    assert asked["version"] == {"type": "string", "enum": ["16", "17"], "default": "17"}
    assert asked["size"] == {"type": "string", "enum": ["tiny", "huge"], "default": "tiny"}


@pytest.mark.parametrize("kind", ["XPostgreSQLInstance", "PostgreSQLDatabase"])
def test_an_instance_in_production_is_set_like_that_of_the_component(build: Build, kind: str) -> None:
    settings = base(composition(build(program), kind, "production"), "instance")["spec"]["forProvider"]
    network: Any = {key: ARGS[key] for key in ("vpc_id", "subnet_ids", "client_security_group_ids")}
    graph = build(
        lambda: PostgresDatabase(
            "orders",
            {"namespace": "shop", "version": _backend.DEFAULT_MAJOR, "rds": network},
        )
    )
    component = graph["orders-instance"].inputs

    # The provider makes it in a region of its own choice; the selector finds the group among the composite's resources.
    assert settings.keys() - component.keys() == {"region", "vpcSecurityGroupIdSelector"}
    # What patches fill in, and what the annotation external-name and the selector stand for.
    assert component.keys() - settings.keys() <= BY_MANIFEST | {"identifier", "vpcSecurityGroupIds"}
    same = settings.keys() & component.keys() - BY_MANIFEST
    assert {key: settings[key] for key in same} == {key: component[key] for key in same}
    assert {
        "storageEncrypted": True,
        "publiclyAccessible": False,
        "deletionProtection": True,
        "skipFinalSnapshot": False,
        "manageMasterUserPassword": True,
        "backupRetentionPeriod": 7,
    }.items() <= settings.items()


def test_development_keeps_a_day_of_backups_and_nothing_after_it(build: Build) -> None:
    graph = build(program)
    production, development = (
        base(composition(graph, "PostgreSQLDatabase", one), "instance")["spec"]["forProvider"]
        for one in ("production", "development")
    )

    assert {key: value for key, value in development.items() if production[key] != value} == {
        "deletionProtection": False,
        "skipFinalSnapshot": True,
        "deleteAutomatedBackups": True,
        "backupRetentionPeriod": 1,
    }


def test_the_security_group_admits_the_clients_alone(build: Build) -> None:
    made = composition(build(program), "PostgreSQLDatabase", "production")
    first = made["spec"]["pipeline"][0]["input"]["resources"]
    rules = [
        one["base"]
        for one in first
        if one["base"]["kind"].startswith("SecurityGroup") and "Rule" in one["base"]["kind"]
    ]
    (rule,) = [one["spec"]["forProvider"] for one in rules]

    assert {key: rule[key] for key in ("referencedSecurityGroupId", "ipProtocol", "fromPort", "toPort")} == {
        "referencedSecurityGroupId": "sg-0123456789abcdef0",
        "ipProtocol": "tcp",
        "fromPort": 5432,
        "toPort": 5432,
    }


def test_there_is_a_parameter_group_for_each_version_that_may_be_asked_for(build: Build) -> None:
    made = composition(build(lambda: program(**FULL)), "PostgreSQLDatabase", "production")

    for major in ("16", "17"):
        settings = base(made, f"parameters-{major}")["spec"]["forProvider"]
        assert settings["family"] == f"postgres{major}"
        assert settings["parameter"] == [{"name": "rds.force_ssl", "value": "1"}]


def test_every_resource_on_aws_has_the_tags_and_the_database_s_name(build: Build) -> None:
    resources = [
        part
        for one in build(lambda: program(**FULL)).of_kind("Composition")
        for part in one.inputs["spec"]["pipeline"][0]["input"]["resources"]
        if part["name"] != "connection"
    ]

    assert len(resources) == 4 * 6
    for one in resources:
        assert one["base"]["spec"]["forProvider"]["tags"] == {"cost-centre": "42"}
        assert "spec.forProvider.tags.Name" in [patch["toFieldPath"] for patch in one["patches"]]


def test_a_composition_comes_after_the_definition_of_its_kind(build: Build) -> None:
    graph = build(program)
    definitions = {one.inputs["spec"]["names"]["kind"]: one.urn for one in graph.of_kind("CompositeResourceDefinition")}

    made = graph.of_kind("Composition")
    assert len(made) == 4
    for one in made:
        assert definitions[one.inputs["spec"]["compositeTypeRef"]["kind"]] in one.dependencies


def test_crossplane_gets_the_rights_to_what_no_provider_of_its_makes_before_a_composition_needs_them(
    build: Build,
) -> None:
    graph = build(program)
    (role,) = graph.of_kind("ClusterRole")

    assert role.inputs["metadata"]["labels"]["rbac.crossplane.io/aggregate-to-crossplane"] == "true"
    groups = {group for rule in role.inputs["rules"] for group in rule["apiGroups"]}
    composed = {
        part["base"]["apiVersion"].rpartition("/")[0]
        for one in graph.of_kind("Composition")
        for part in one.inputs["spec"]["pipeline"][0]["input"]["resources"]
    }
    assert groups == {one for one in composed if not one.endswith(".upbound.io")}
    assert all(role.urn in one.dependencies for one in graph.of_kind("Composition"))


def test_the_policy_for_compositions_denies(build: Build) -> None:
    graph = build(program)
    (policy,) = graph.of_kind("ValidatingAdmissionPolicy")
    (binding,) = graph.of_kind("ValidatingAdmissionPolicyBinding")

    assert binding.inputs["spec"] == {
        "policyName": policy.inputs["metadata"]["name"],
        "validationActions": ["Deny"],
    }


def test_outputs_are_the_names_of_the_definitions(build: Build) -> None:
    outputs: list[str] = []

    def both() -> None:
        made = program(group="data.example.com")
        pulumi.Output.all(made.claims, made.databases).apply(outputs.extend)

    build(both)
    assert outputs == ["xpostgresqlinstances.data.example.com", "postgresqldatabases.data.example.com"]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"client_security_group_ids": {}}, "args.client_security_group_ids must not be empty"),
        (
            {"client_security_group_ids": {"A b": "sg-0123456789abcdef0"}},
            'has the name "A b", which must be a DNS label',
        ),
        ({"subnet_ids": ["subnet-0123456789abcdef0"]}, "args.subnet_ids must be at least 2 subnets"),
        ({"name_prefix": "tenants"}, "args.name_prefix must be lower-case letters"),
        ({"name_prefix": "a--b-"}, "args.name_prefix must be lower-case letters"),
        ({"name_prefix": "a" * 50 + "-"}, "args.name_prefix must be lower-case letters"),
        ({"group": "database"}, "args.group must be a DNS name with a dot"),
        ({"engine_versions": []}, "args.engine_versions must be different versions, oldest first"),
        ({"engine_versions": ["17", "16"]}, "args.engine_versions must be different versions, oldest first"),
        ({"engine_versions": ["17.2"]}, 'must be a major version such as "17"'),
        ({"instance_classes": {}}, "args.instance_classes must not be empty"),
        ({"instance_classes": {"small": "t4g"}}, "must be an instance class"),
        ({"region": "mars"}, "args.region"),
    ],
)
def test_wrong_arguments_are_refused(build: Build, changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(ArgumentError) as error:
        build(lambda: program(**changes))

    assert problem in str(error.value)


def test_the_longest_prefix_is_accepted(build: Build) -> None:
    assert len(build(lambda: program(name_prefix="a" * 49 + "-")).of_kind("Composition")) == 4
