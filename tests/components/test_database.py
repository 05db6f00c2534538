import inspect
import os
import re
import sys
import types
from configparser import ConfigParser
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pulumi
import pulumi_aws
import pytest
import sqlalchemy
from hypothesis import given
from hypothesis import strategies as st
from pulumi_mlops import (
    ArgumentError,
    DatabaseBackend,
    DatabaseEnvironment,
    PostgresDatabase,
    PostgresDatabaseArgs,
    conventions,
    platform_outputs,
    versions,
)
from pulumi_mlops import database as module
from pulumi_mlops.database import _choice, _old_arguments, _rds, _rds_settings, _single_pod
from pulumi_mlops.platform import MLflow
from pulumi_mlops.platform.mlflow import _server
from syrupy.assertion import SnapshotAssertion

from tests.components import test_eks_platform
from tests.components.programs import (
    DATABASE_BY_MANIFEST,
    DATABASE_BY_MANIFEST_FULL,
    DATABASE_IN_CLUSTER,
    DATABASE_IN_CLUSTER_FULL,
    DATABASE_RDS,
    DATABASE_RDS_FULL,
    database_with,
    with_changes,
    without_none,
)
from tests.conftest import Build, Graph, Registration, Secret, unknown

ALL_ARGS = {
    "rds": DATABASE_RDS,
    "rds-full": DATABASE_RDS_FULL,
    "in-cluster": DATABASE_IN_CLUSTER,
    "in-cluster-full": DATABASE_IN_CLUSTER_FULL,
    "manifest": DATABASE_BY_MANIFEST,
    "manifest-full": DATABASE_BY_MANIFEST_FULL,
}
KEY = (DATABASE_RDS_FULL["rds"] or {}).get("kms_key_arn")
RDS_PASSWORDS = st.text(st.sampled_from([c for c in map(chr, range(33, 127)) if c not in "/@\"'"]), min_size=8)
"""Every character that RDS may put into a password."""


def rds(name: str = "bird-log", **changes: Any) -> PostgresDatabase:
    return PostgresDatabase(name, database_with(DATABASE_RDS, **changes))


def in_cluster(name: str = "bird-log", **changes: Any) -> PostgresDatabase:
    return PostgresDatabase(name, database_with(DATABASE_IN_CLUSTER, **changes))


def instance(graph: Graph) -> Registration:
    (found,) = graph.of_kind("Instance")
    return found


def parts(graph: Graph) -> dict[str, Any]:
    """What the component has made, without its own inputs."""
    return {urn: inputs for urn, inputs in graph.contract().items() if urn != graph["bird-log"].urn}


def template(graph: Graph) -> dict[str, str]:
    return graph["bird-log-connection"].inputs["spec"]["target"]["template"]["data"]


def content(graph: Graph) -> dict[str, str]:
    """What the connection Secret in the cluster holds, which is a secret as a whole."""
    found = graph["bird-log-connection"].inputs["stringData"]
    assert isinstance(found, Secret)
    return found.value


def rendered(text: str, **values: str) -> str:
    """As Go's templates render it; in the engine tests helm does."""
    return re.sub(
        r"{{ \.(\w+)( \| urlquery)? }}",
        lambda found: quote_plus(values[found[1]]) if found[2] else values[found[1]],
        text,
    )


def connect_arguments(address: str) -> tuple[str, dict[str, Any]]:
    """What SQLAlchemy makes of an address: the driver, and what it passes to it."""
    url = sqlalchemy.make_url(address)
    dialect = sqlalchemy.create_engine(url).dialect
    arguments = dialect.create_connect_args(url)[1]
    return dialect.driver, {key: value for key, value in arguments.items() if key != "context"}  # psycopg's types


def as_mlflow_reads(monkeypatch: pytest.MonkeyPatch, directory: Path, address: str) -> str:
    """The address that the MLflow server's program hands to MLflow, for runs as for users."""
    calls: list[list[str]] = []
    fake: Any = types.ModuleType("mlflow.cli")
    fake.cli = lambda words, **_: calls.append(words)
    identity: Any = types.ModuleType("kubernetes_identity")
    identity.own_namespace = lambda: "mlflow"
    identity.authenticate = as_mlflow_reads
    monkeypatch.setitem(sys.modules, "mlflow.cli", fake)
    monkeypatch.setitem(sys.modules, "kubernetes_identity", identity)
    monkeypatch.setattr(os, "environ", {"MLFLOW_BACKEND_STORE_URI": address})
    server: dict[str, Any] = {"__name__": "serve"}
    exec(_server.CODE["serve.py"], server)
    server["SETTINGS"] = directory / "settings"
    server["main"]()
    assert calls[1] == ["server", "--app-name", "basic-auth"]
    (action, upgrade, read) = calls[0]
    assert (action, upgrade) == ("db", "upgrade")
    settings = ConfigParser()
    settings.read(server["SETTINGS"])
    assert settings["mlflow"]["database_uri"] == read == os.environ["MLFLOW_BACKEND_STORE_URI"]
    assert server["SETTINGS"].stat().st_mode & 0o077 == 0
    return read


@pytest.mark.parametrize("args", ALL_ARGS.values(), ids=ALL_ARGS)
def test_the_resources_are_as_reviewed(build: Build, args: Any, snapshot: SnapshotAssertion) -> None:
    assert build(lambda: PostgresDatabase("bird-log", args)).contract() == snapshot


@pytest.mark.parametrize("args", ALL_ARGS.values(), ids=ALL_ARGS)
@pytest.mark.parametrize("preview", [True, False], ids=["preview", "update"])
def test_every_part_belongs_to_the_component_and_is_called_after_it(build: Build, args: Any, preview: bool) -> None:
    graph = build(lambda: PostgresDatabase("bird-log", args), preview=preview)

    parts = [one for one in graph if one.type != "pulumi-mlops:index:PostgresDatabase"]
    assert len(parts) >= (1 if args in (DATABASE_BY_MANIFEST, DATABASE_BY_MANIFEST_FULL) else 6)
    assert all(one.parent == graph["bird-log"].urn and one.name.startswith("bird-log-") for one in parts)


def test_both_backends_hand_on_the_same_outputs_and_the_same_secret(build: Build) -> None:
    aws, cluster = build(rds), build(in_cluster)

    assert aws.outputs_of("bird-log") == {
        "connection_secret": "bird-log-connection",
        "host": "bird-log-instance.rds.example.org",
        "port": 5432,
        "database": "bird_log",
    }
    assert cluster.outputs_of("bird-log") == {
        **aws.outputs_of("bird-log"),
        "host": "bird-log.birds.svc.cluster.local",
    }
    keys = {"host", "port", "username", "password", "database", "uri"}
    assert set(template(aws)) == set(content(cluster)) == keys


def test_whoever_uses_the_secrets_name_comes_after_the_database_answers(build: Build) -> None:
    def program(database: Any) -> None:
        MLflow(
            "mlflow",
            {
                "namespace": "birds",
                "artifact_store": {"uri": "s3://a/b"},
                "database_secret": database().connection_secret,
            },
        )

    aws, cluster = build(lambda: program(rds)), build(lambda: program(in_cluster))

    assert aws["bird-log-connection"].urn in aws["mlflow-server"].dependencies
    assert aws["bird-log-connection"].inputs["metadata"]["annotations"] == {"pulumi.com/waitFor": "condition=Ready"}
    assert cluster["bird-log-service"].urn in cluster["mlflow-server"].dependencies
    assert cluster["bird-log-server"].urn in cluster["bird-log-service"].dependencies
    (variable,) = [
        one
        for one in cluster["mlflow-server"].inputs["spec"]["template"]["spec"]["containers"][0]["env"]
        if one["name"] == "MLFLOW_BACKEND_STORE_URI"
    ]
    assert variable["valueFrom"]["secretKeyRef"] == {"name": "bird-log-connection", "key": "uri"}


# What the old Terraform did: a public database, deleted without a trace.


def test_a_public_database_is_impossible(build: Build) -> None:
    for args in (DATABASE_RDS, DATABASE_RDS_FULL):
        graph = build(lambda args=args: PostgresDatabase("bird-log", args))
        assert instance(graph).inputs["publiclyAccessible"] is False
        rules = graph.of_kind("SecurityGroupIngressRule")
        assert rules
        assert all(not {"cidrIpv4", "cidrIpv6", "prefixListId"} & set(rule.inputs) for rule in rules)
        assert not {"ingress", "egress"} & set(graph["bird-log-security-group"].inputs)


def test_a_database_goes_without_a_last_snapshot_only_where_protect_data_is_false(build: Build) -> None:
    kept, given_up = instance(build(rds)), instance(build(lambda: rds(protect_data=False)))

    assert kept.protect
    assert kept.inputs["deletionProtection"] is True
    assert kept.inputs["skipFinalSnapshot"] is False
    assert kept.inputs["deleteAutomatedBackups"] is False
    assert kept.inputs["finalSnapshotIdentifier"] == "bird-log-0a1b2c3d-final"
    assert not given_up.protect
    assert given_up.inputs["deletionProtection"] is False
    assert given_up.inputs["skipFinalSnapshot"] is True
    assert given_up.inputs["deleteAutomatedBackups"] is True
    every: dict[str, Any] = {**DATABASE_RDS_FULL, **DATABASE_RDS_FULL["rds"]}  # type: ignore[dict-item]
    for field, value in every.items():
        if field not in ("protect_data", "max_storage_gib", "rds"):
            assert instance(build(lambda f=field, v=value: rds(**{f: v}))).inputs["skipFinalSnapshot"] is False


def test_the_volume_in_the_cluster_is_protected_unless_told_otherwise(build: Build) -> None:
    assert build(in_cluster)["bird-log-data"].protect
    assert not build(lambda: in_cluster(protect_data=False))["bird-log-data"].protect


# RDS


def test_the_instance_is_encrypted_and_backed_up_with_a_password_that_rds_keeps(build: Build) -> None:
    inputs = instance(build(rds)).inputs

    assert inputs["storageEncrypted"] is True
    assert inputs["backupRetentionPeriod"] == 7
    assert inputs["manageMasterUserPassword"] is True
    assert not {"password", "passwordWo"} & set(inputs)
    assert inputs["copyTagsToSnapshot"] is True
    assert inputs["enabledCloudwatchLogsExports"] == ["postgresql", "upgrade"]
    assert inputs["performanceInsightsEnabled"] is True


def test_connections_without_encryption_are_refused_by_the_server(build: Build) -> None:
    inputs = build(rds)["bird-log-parameters"].inputs

    assert inputs["parameters"] == [{"name": "rds.force_ssl", "value": "1"}]
    assert inputs["family"] == f"postgres{versions.POSTGRES.partition('.')[0]}"


def test_the_parameters_of_another_major_come_beside_the_old_ones_that_the_instance_still_has(build: Build) -> None:
    graph = build(lambda: rds(version="18"))
    group = graph["bird-log-parameters"]

    assert group.inputs["family"] == "postgres18"
    assert not {"name", "namePrefix"} & group.inputs.keys(), "with a fixed name the old group is deleted first"


def test_the_instance_has_the_parameters_and_the_subnets_of_the_component(build: Build) -> None:
    """Their names are AWS's, so that a preview knows only from where they come."""
    graph = build(rds, preview=True)
    made = instance(graph)

    assert (made.inputs["parameterGroupName"], made.inputs["dbSubnetGroupName"]) == ("<unknown>", "<unknown>")
    assert {graph["bird-log-parameters"].urn, graph["bird-log-subnets"].urn} <= made.dependencies


def test_one_key_encrypts_everything(build: Build) -> None:
    inputs = instance(build(lambda: PostgresDatabase("bird-log", DATABASE_RDS_FULL))).inputs

    keys = {inputs["kmsKeyId"], inputs["masterUserSecretKmsKeyId"], inputs["performanceInsightsKmsKeyId"]}
    assert keys == {KEY}


def test_only_the_clients_are_admitted_and_only_at_the_port(build: Build) -> None:
    graph = build(lambda: PostgresDatabase("bird-log", DATABASE_RDS_FULL))

    rules = {one.name: one.inputs for one in graph.of_kind("SecurityGroupIngressRule")}
    assert {name: rule["referencedSecurityGroupId"] for name, rule in rules.items()} == {
        "bird-log-client-bastion": "sg-0b2c3d4e",
        "bird-log-client-nodes": "sg-0a1b2c3d",
    }
    for rule in rules.values():
        assert (rule["ipProtocol"], rule["fromPort"], rule["toPort"]) == ("tcp", 5432, 5432)
        assert rule["securityGroupId"] == "bird-log-security-group-id"
    assert instance(graph).inputs["vpcSecurityGroupIds"] == ["bird-log-security-group-id"]


def test_a_client_that_goes_takes_only_its_own_rule_along(build: Build) -> None:
    both = build(lambda: rds(client_security_group_ids={"bastion": "sg-0b2c3d4e", "nodes": "sg-0a1b2c3d"}))
    one = build(rds)

    assert one["bird-log-client-nodes"].inputs == both["bird-log-client-nodes"].inputs


def taggable(token: str) -> bool:
    """Whether the SDK's resource of this type (`aws:rds/instance:Instance`) takes tags."""
    _, path, name = token.split(":")
    resource = getattr(getattr(pulumi_aws, path.partition("/")[0]), name)
    return "tags" in inspect.signature(resource._internal_init).parameters


def test_every_taggable_resource_carries_the_tags(build: Build) -> None:
    graph = build(lambda: PostgresDatabase("bird-log", DATABASE_RDS_FULL))

    found = [one for one in graph if one.type.startswith("aws:") and taggable(one.type)]
    assert {one.kind for one in found} == {
        "Instance", "LogGroup", "ParameterGroup", "SecurityGroup", "SecurityGroupIngressRule", "SubnetGroup",
    }  # fmt: skip
    for one in found:
        assert {"team": "birds", "cost-center": "42"}.items() <= one.inputs["tags"].items()
        assert one.inputs["tags"]["Name"].startswith("bird-log")


def test_what_replaces_the_instance_gives_it_and_its_last_snapshot_another_name(build: Build) -> None:
    def keepers(**changes: Any) -> dict[str, Any]:
        return build(lambda: rds(**changes))["bird-log-suffix"].inputs["keepers"]

    assert keepers() == keepers(storage_gib=50, backup_days=1, instance_class="db.m7g.large")
    assert keepers() != keepers(database="other")
    assert keepers() != keepers(kms_key_arn=KEY)
    assert instance(build(rds)).inputs["identifier"] == "bird-log-0a1b2c3d"


def test_only_a_version_that_was_written_down_upgrades_a_database(build: Build) -> None:
    default, asked = instance(build(rds)).inputs, instance(build(lambda: rds(version="16"))).inputs

    assert default["allowMajorVersionUpgrade"] is False
    assert (asked["allowMajorVersionUpgrade"], asked["engineVersion"]) == (True, "16")
    assert "." not in default["engineVersion"]
    assert default["autoMinorVersionUpgrade"] is True


def test_the_size_is_aws_own_matter_only_where_the_volume_grows_by_itself(build: Build) -> None:
    assert "allocatedStorage" not in instance(build(rds)).ignore_changes
    assert "allocatedStorage" in instance(build(lambda: rds(max_storage_gib=22))).ignore_changes


def test_changes_are_made_by_the_run_that_plans_them_unless_they_shall_wait_for_a_window_that_is_named(
    build: Build,
) -> None:
    default = instance(build(rds)).inputs
    assert (default["applyImmediately"], default["maintenanceWindow"]) == (True, "sun:03:00-sun:04:00")
    later = instance(build(lambda: rds(apply_immediately=False, maintenance_window="sat:23:30-sun:00:30"))).inputs
    assert (later["applyImmediately"], later["maintenanceWindow"]) == (False, "sat:23:30-sun:00:30")
    assert default["backupWindow"] == "01:00-02:00"


def test_aws_bills_no_extended_support_unless_it_is_asked_for(build: Build) -> None:
    default = instance(build(rds))
    assert default.inputs["engineLifecycleSupport"] == "open-source-rds-extended-support-disabled"
    asked = instance(build(lambda: rds(extended_support=True))).inputs
    assert asked["engineLifecycleSupport"] == "open-source-rds-extended-support"
    assert "engineLifecycleSupport" in default.ignore_changes, "RDS takes it at creation alone"


def test_another_name_replaces_the_instance_instead_of_renaming_it(build: Build) -> None:
    """Also where no other property does: a key that is taken away keeps its value in the provider's plan."""
    assert instance(build(rds)).replace_on_changes == ("identifier",)


def test_the_rotation_of_the_password_stays_where_the_instance_does(build: Build) -> None:
    assert build(rds)["bird-log-rotation"].retain_on_delete
    assert not build(lambda: rds(protect_data=False))["bird-log-rotation"].retain_on_delete


@pytest.mark.parametrize(
    ("window", "complaint"),
    [
        ("sunday", 'must be a weekly time in UTC such as "sun:03:00-sun:04:00"'),
        ("sun:03:00-sun:03:29", "must last from 30 minutes to a day"),
        ("sun:03:00-mon:03:01", "must last from 30 minutes to a day"),
        ("sun:00:30-sun:01:01", "must not overlap the backup, 01:00-02:00 UTC"),
        ("sun:01:59-sun:03:00", "must not overlap the backup, 01:00-02:00 UTC"),
        ("sun:23:00-mon:01:30", "must not overlap the backup, 01:00-02:00 UTC"),
        ("sun:02:00-mon:01:00", None),
        ("sat:23:30-sun:00:30", None),
        ("sun:23:30-mon:00:30", None),
    ],
)
def test_a_maintenance_window_is_one_that_rds_accepts(build: Build, window: str, complaint: str | None) -> None:
    if complaint is None:
        assert instance(build(lambda: rds(maintenance_window=window))).inputs["maintenanceWindow"] == window
        return
    with pytest.raises(ArgumentError, match=r"args\.rds\.maintenance_window") as error:
        build(lambda: rds(maintenance_window=window))
    assert complaint in str(error.value)


def test_the_logs_end_some_day_and_go_with_the_database(build: Build) -> None:
    graph = build(rds)

    groups = graph.of_kind("LogGroup")
    assert [one.inputs["name"] for one in groups] == [
        "/aws/rds/instance/bird-log-0a1b2c3d/postgresql",
        "/aws/rds/instance/bird-log-0a1b2c3d/upgrade",
    ]
    assert all(one.inputs["retentionInDays"] == 90 for one in groups)
    assert {one.urn for one in groups} <= instance(graph).dependencies


def test_the_password_changes_as_seldom_as_asked_and_not_at_once(build: Build) -> None:
    inputs = build(lambda: rds(password_rotation_days=30))["bird-log-rotation"].inputs

    assert inputs["rotationRules"] == {"automaticallyAfterDays": 30}
    assert inputs["rotateImmediately"] is False
    assert inputs["secretId"].endswith("secret:rds!db-bird-log-instance")


def test_no_password_passes_through_pulumi(build: Build) -> None:
    graph = build(rds)

    assert not graph.of_kind("RandomPassword")
    assert not graph.of_kind("Secret")
    spec = graph["bird-log-connection"].inputs["spec"]
    assert spec["data"] == [
        {
            "secretKey": key,
            "remoteRef": {
                "key": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:rds!db-bird-log-instance",
                "property": key,
            },
        }
        for key in ("username", "password")
    ]
    assert spec["secretStoreRef"] == {"kind": "ClusterSecretStore", "name": conventions.SECRET_STORE}
    assert template(graph)["password"] == "{{ .password }}"


# The address


@given(RDS_PASSWORDS)
def test_every_password_of_rds_survives_its_way_through_the_address(password: str) -> None:
    address = f"postgresql://{rendered(_rds_settings.ENCODED_CREDENTIALS, username='app', password=password)}@h:5432/d"

    url = sqlalchemy.make_url(address)
    assert (url.username, url.password, url.host, url.port, url.database) == ("app", password, "h", 5432, "d")


def test_the_address_of_rds_is_read_by_both_drivers(
    build: Build, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    values = {key: rendered(text, username="app", password="p:a#s?s%") for key, text in template(build(rds)).items()}
    expected = {
        "host": values["host"],
        "port": 5432,
        "user": "app",
        "password": "p:a#s?s%",
        "dbname": "bird_log",
        "sslmode": "require",
    }

    assert connect_arguments(values["uri"]) == ("psycopg", expected)
    assert connect_arguments(as_mlflow_reads(monkeypatch, tmp_path, values["uri"])) == ("psycopg2", expected)


def test_the_address_in_the_cluster_is_read_by_both_drivers(
    build: Build, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    address = content(build(in_cluster))["uri"]
    expected = {
        "host": "bird-log.birds.svc.cluster.local",
        "port": 5432,
        "user": "app",
        "password": "password-of-bird-log-password",
        "dbname": "bird_log",
    }

    assert connect_arguments(address) == ("psycopg", expected)
    assert connect_arguments(as_mlflow_reads(monkeypatch, tmp_path, address)) == ("psycopg2", expected)


@pytest.mark.parametrize(
    ("given_address", "read"),
    [
        ("postgres://u:p@h/d", "postgresql+psycopg2://u:p@h/d"),
        ("postgresql+psycopg://u:p@h/d", "postgresql+psycopg2://u:p@h/d"),
        ("postgresql+psycopg2://u:p@h/d", "postgresql+psycopg2://u:p@h/d"),
        ("sqlite:////data/mlflow.db", "sqlite:////data/mlflow.db"),
    ],
)
def test_mlflow_takes_the_driver_that_its_image_has(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, given_address: str, read: str
) -> None:
    assert as_mlflow_reads(monkeypatch, tmp_path, given_address) == read


# In the cluster


def test_the_password_is_a_secret_of_letters_and_digits(build: Build) -> None:
    graph = build(in_cluster)

    assert graph["bird-log-password"].inputs["special"] is False
    assert content(graph)["password"] == "password-of-bird-log-password"
    others = [one.inputs for one in graph if one.name != "bird-log-connection"]
    assert "password-of" not in str(others)


def test_the_pod_obeys_the_restricted_security_standard(build: Build) -> None:
    pod = build(in_cluster)["bird-log-server"].inputs["spec"]["template"]["spec"]

    assert pod["securityContext"]["runAsNonRoot"]
    assert {pod["securityContext"][key] for key in ("runAsUser", "runAsGroup", "fsGroup")} == {999}
    assert not pod["automountServiceAccountToken"]
    (container,) = pod["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["resources"]["limits"] == {"memory": "512Mi"}


def test_only_the_own_namespace_and_those_named_may_connect(build: Build) -> None:
    def sources(**changes: Any) -> Any:
        (rule,) = build(lambda: in_cluster(**changes))["bird-log-ingress"].inputs["spec"]["ingress"]
        assert rule["ports"] == [{"port": 5432, "protocol": "TCP"}]
        return rule["from"]

    assert sources() == [{"podSelector": {}}]
    assert sources(client_namespaces=["web"]) == [
        {"podSelector": {}},
        {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "web"}}},
    ]


def test_the_policy_and_the_service_select_the_servers_pods(build: Build) -> None:
    graph = build(lambda: in_cluster(labels={"app.kubernetes.io/name": "mine"}))

    labels = graph["bird-log-server"].inputs["spec"]["template"]["metadata"]["labels"]
    selected = graph["bird-log-service"].inputs["spec"]["selector"]
    assert selected.items() <= labels.items()
    assert graph["bird-log-ingress"].inputs["spec"]["podSelector"]["matchLabels"] == selected
    assert graph["bird-log-server"].inputs["spec"]["selector"]["matchLabels"] == selected


def test_a_volume_is_read_by_the_major_that_wrote_it() -> None:
    pinned = versions.POSTGRES.partition(".")[0]

    assert _single_pod.image_tag(pinned) == versions.POSTGRES
    assert _single_pod.image_tag("16") == "16"


def test_the_cluster_needs_no_aws_sdk(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    _without_aws(monkeypatch)

    assert build(in_cluster).of_kind("StatefulSet")


def test_without_the_aws_sdk_rds_costs_one_line_and_no_resource(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    _without_aws(monkeypatch)

    with pytest.raises(ArgumentError) as error:
        build(rds)
    assert str(error.value) == (
        'PostgresDatabase "bird-log": args.rds needs the package pulumi-aws: pip install pulumi-mlops[aws]'
    )


def _without_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pulumi_aws", None)
    monkeypatch.delitem(sys.modules, "pulumi_mlops.database._rds")
    monkeypatch.delattr(module, "_rds")


# Arguments


@pytest.mark.parametrize("program", [rds, in_cluster])
def test_two_databases_live_in_one_stack(build: Build, program: Any) -> None:
    graph = build(lambda: (program("one"), program("two", namespace="elsewhere")))

    assert len({one.urn for one in graph}) == len(graph.registrations)


def test_values_that_are_not_known_yet_are_no_obstacle(build: Build) -> None:
    subnets = unknown  # each is an output of another resource, made inside the program

    graph = build(
        lambda: (
            rds(
                "aws",
                namespace=unknown("namespace"),
                vpc_id=unknown("vpc"),
                subnet_ids=pulumi.Output.all(subnets("a"), subnets("b")),
                client_security_group_ids={"nodes": unknown("nodes")},
                kms_key_arn=unknown("key"),
                database=unknown("database"),
            ),
            in_cluster("cluster", namespace=unknown("elsewhere"), image_mirror=unknown("registry")),
        ),
        preview=True,
    )

    assert {"Instance", "ExternalSecret", "StatefulSet", "Service"} <= graph.kinds()


@given(st.integers(20, 59000))
def test_the_smallest_limit_is_a_tenth_more_and_no_gibibyte_further(storage: int) -> None:
    limit = _rds.least_limit(storage)

    assert limit * 10 >= storage * 11
    assert (limit - 1) * 10 < storage * 11


@pytest.mark.parametrize(
    "changes",
    [
        {"storage_gib": 20}, {"storage_gib": 65536}, {"storage_gib": 100, "max_storage_gib": 110},
        {"max_storage_gib": 65536}, {"backup_days": 1}, {"backup_days": 35}, {"password_rotation_days": 1000},
        {"password_rotation_days": 1}, {"version": "18"}, {"database": "a" * 63},
        {"instance_class": "db.r8g.large"},
        {"kms_key_arn": "arn:aws-us-gov:kms:us-gov-east-1:123456789012:key/mrk-1"},
    ],
)  # fmt: skip
def test_arguments_at_their_limits_are_accepted(build: Build, changes: dict[str, Any]) -> None:
    assert build(lambda: rds(**changes)).of_kind("Instance")


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"namespace": None}, "args.namespace is required"),
        ({"vpc_id": None}, "args.rds.vpc_id is required: the stack"),
        ({"subnet_ids": None}, "args.rds.subnet_ids is required: the stack"),
        ({"client_security_group_ids": None}, "args.rds.client_security_group_ids is required"),
        (
            {"client_security_group_ids": {}},
            "args.rds.client_security_group_ids must not be empty: nothing could connect",
        ),
        (
            {"client_security_group_ids": {"nodes": "0.0.0.0/0"}},
            "args.rds.client_security_group_ids.nodes must be the id",
        ),
        (
            {"client_security_group_ids": {"A b": "sg-0a1b2c3d"}},
            'args.rds.client_security_group_ids has the client "A b", which',
        ),
        ({"subnet_ids": ["subnet-0a1b2c3d"]}, "args.rds.subnet_ids must be at least 2 subnets in different zones"),
        ({"subnet_ids": ["subnet-0a1b2c3d", "private-b"]}, "args.rds.subnet_ids[1] must be the id of a subnet"),
        ({"vpc_id": "vpc-main"}, "args.rds.vpc_id must be the id of a VPC"),
        ({"single_pod": {}}, "args.rds and args.single_pod exclude each other: each says what runs the database"),
        ({"size": "huge"}, "args.size must be one of small, medium, large, got 'huge'"),
        (
            {"size": "huge", "instance_class": "db.m7g.large"},
            "args.size must be one of small, medium, large, got 'huge'",
        ),
        ({"size": ["small"]}, "args.size must be a string, got ['small']"),
        ({"environment": "staging"}, "args.environment must be one of 'production', 'development', got 'staging'"),
        ({"restore_from": {}}, "args.restore_from must have either database or snapshot, got neither"),
        (
            {"restore_from": {"database": "a", "snapshot": "b"}},
            "args.restore_from must have either database or snapshot, got both",
        ),
        (
            {"restore_from": {"snapshot": "b", "moment": "2026-01-01T00:00:00Z"}},
            "args.restore_from.moment belongs to a database: a snapshot is of one moment",
        ),
        ({"restore_from": {"database": "a", "moment": "yesterday"}}, "args.restore_from.moment must be a moment with"),
        ({"restore_from": {"database": "a", "moment": "2026-01-01T00:00:00"}}, "must be a moment with its offset"),
        ({"restore_from": {"database": "a", "moment": "2999-01-01T00:00:00Z"}}, "must be in the past"),
        (
            {"restore_from": {"snapshot": "b"}, "database": "orders"},
            "args.database is given, but a database from args.restore_from has the name that it had: leave it out",
        ),
        ({"storage_gib": 19}, "args.storage_gib must be between 20 and 65536 GiB on RDS, got 19"),
        ({"storage_gib": 65537}, "args.storage_gib must be between 20 and 65536 GiB on RDS, got 65537"),
        (
            {"max_storage_gib": 21},
            "args.rds.max_storage_gib must be between 22 GiB, a tenth more than args.storage_gib",
        ),
        ({"max_storage_gib": 65537}, "and 65536 GiB, got 65537"),
        ({"backup_days": 0}, "args.backups.days must be between 1 and 35 days, got 0"),
        ({"backup_days": 36}, "args.backups.days must be between 1 and 35 days, got 36"),
        ({"password_rotation_days": 1001}, "args.rds.password_rotation_days must be between 1 and 1000 days"),
        ({"version": "17.4"}, "args.version must be a major version such as \"17\", got '17.4'"),
        ({"instance_class": "m5.large"}, "args.rds.instance_class must be an instance class such as"),
        ({"kms_key_arn": "alias/mine"}, "args.rds.kms_key_arn must be the ARN of a KMS key"),
        ({"database": "rdsadmin"}, "args.database must be none of the server's own names"),
        ({"database": "Bird-Log"}, "args.database must be a name of lower-case letters, digits and underscores"),
        ({"database": "a" * 64}, "args.database must be a name of lower-case letters, digits and underscores"),
        ({"storage_gb": 50}, 'did you mean "storage_gib"?'),
    ],
)
def test_wrong_arguments_of_rds_cost_one_line_and_no_resource(
    build: Build, changes: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(ArgumentError, match='PostgresDatabase "bird-log"') as error:
        build(lambda: rds(**changes))

    assert complaint in str(error.value)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"backup_days": 7}, "args.backups is given, but a single pod has none"),
        ({"high_availability": True}, "args.high_availability is given, but a single pod has no standby"),
        ({"size": "small"}, "args.size is given, but a single pod has args.single_pod.memory instead"),
        ({"restore_from": {"database": "a"}}, "args.restore_from is given, but a single pod has no backups to restore"),
        ({"storage_gib": 0}, "args.storage_gib must be at least 1 GiB, got 0"),
        ({"memory": "much"}, "args.single_pod.memory must be a Kubernetes quantity"),
        ({"client_namespaces": ["A"]}, "args.single_pod.client_namespaces[0] must be a DNS label"),
    ],
)
def test_wrong_arguments_in_the_cluster_cost_one_line_and_no_resource(
    build: Build, changes: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(ArgumentError, match='PostgresDatabase "bird-log"') as error:
        build(lambda: in_cluster(**changes))

    assert complaint in str(error.value)


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("bird--log", "name must be a name of lower-case letters, digits and single inner hyphens"),
        ("log-", "name must be a name of lower-case letters, digits and single inner hyphens"),
        ("1log", "name must be a name of lower-case letters, digits and single inner hyphens"),
        ("a" * 41, "name must be a name of lower-case letters, digits and single inner hyphens"),
        ("db", "args.database is required by a component called db, which is one of the server's own names"),
    ],
)
@pytest.mark.parametrize("program", [rds, in_cluster])
def test_a_name_that_cannot_be_that_of_an_instance_is_refused(
    build: Build, program: Any, name: str, complaint: str
) -> None:
    with pytest.raises(ArgumentError) as error:
        build(lambda: program(name))

    assert complaint in str(error.value)


@pytest.mark.parametrize("name", ["a", "a" * 40, "bird-log2"])
def test_a_name_may_have_forty_characters(build: Build, name: str) -> None:
    assert build(lambda: in_cluster(name))[name].type == "pulumi-mlops:index:PostgresDatabase"


def test_a_component_may_be_called_db_where_its_database_has_another_name(build: Build) -> None:
    assert build(lambda: rds("db", database="orders")).outputs_of("db")["database"] == "orders"


def test_the_old_name_of_the_mirror_works_with_a_warning(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    warnings: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", lambda text, *_: warnings.append(text))

    old = build(lambda: in_cluster("orders", image_registry="mirror.example.org"))
    new = build(lambda: in_cluster("orders", image_mirror="mirror.example.org"))

    image = "mirror.example.org/library/postgres:"
    for graph in (old, new):
        assert f"'image': '{image}" in str([one.inputs for one in graph])
    assert warnings[0] == 'PostgresDatabase "orders": args.image_registry is deprecated, call it image_mirror'


# Where it runs


ON_AWS: Any = {
    **platform_outputs.IN_CLUSTER,
    "database": {
        "vpc_id": "vpc-0a1b2c3d",
        "subnet_ids": ["subnet-0a1b2c3d", "subnet-0b2c3d4e"],
        "client_security_group_id": "sg-0a1b2c3d",
        "secret_store": "aws-secrets-manager",
    },
}
OFFERING: Any = {**platform_outputs.IN_CLUSTER, "database_api": {"group": "data.example.com", "provider": "local"}}
TEN_LINES: Any = {"namespace": "birds", "size": "medium"}


def asked(**changes: Any) -> PostgresDatabase:
    return PostgresDatabase("bird-log", with_changes(TEN_LINES, **changes))


def platforms(outputs: Any) -> dict[str, Any]:
    return {"organization/platform/dev": {"teams": outputs}}


def test_on_a_platform_with_a_network_the_database_is_on_rds(build: Build) -> None:
    found = build(asked, platforms=platforms(ON_AWS))

    assert parts(found) == parts(build(lambda: rds(size="medium")))
    assert instance(found).inputs["instanceClass"] == "db.m7g.large"


def test_the_platform_says_which_class_a_size_is(build: Build) -> None:
    classes = {"tiny": "db.t4g.micro", "medium": "db.r8g.large"}
    outputs = {**ON_AWS, "database": {**ON_AWS["database"], "instance_classes": classes, "default_size": "tiny"}}
    ours = platforms(outputs)

    assert instance(build(asked, platforms=ours)).inputs["instanceClass"] == "db.r8g.large"
    assert instance(build(lambda: asked(size=None), platforms=ours)).inputs["instanceClass"] == "db.t4g.micro"
    explicit = build(lambda: asked(size=None, rds={"instance_class": "db.m7g.large"}), platforms=ours)
    assert instance(explicit).inputs["instanceClass"] == "db.m7g.large"
    with pytest.raises(ArgumentError, match=r"size must be one of (tiny, medium|medium, tiny), got 'large'"):
        build(lambda: asked(size="large"), platforms=ours)


def test_on_a_platform_without_a_network_it_is_asked_for_by_manifest(build: Build) -> None:
    for outputs, group in ((None, "database.example.org"), (OFFERING, "data.example.com")):
        found = build(asked, platforms=platforms(outputs) if outputs else None)
        (made,) = found.of_kind("PostgreSQLDatabase")
        assert made.inputs["apiVersion"] == f"{group}/v1alpha1"
        assert made.inputs["spec"] == {
            "parameters": {"storageGB": 20, "highAvailability": False, "size": "medium"},
            "crossplane": {"compositionSelector": {"matchLabels": {"provider": "local", "environment": "production"}}},
            "writeConnectionSecretToRef": {"name": "bird-log-connection"},
        }
        assert made.inputs["metadata"]["annotations"] == {"pulumi.com/waitFor": "condition=Ready"}
        assert made.protect


def test_a_platform_that_offers_no_databases_says_how_to_get_them(build: Build) -> None:
    with pytest.raises(ArgumentError) as error:
        build(asked, platforms=platforms(platform_outputs.IN_CLUSTER))

    assert "offers no databases: enable its setting database_api, or give args.rds" in str(error.value)


def test_a_network_is_asked_of_the_platform_only_where_the_arguments_have_none(build: Build) -> None:
    other = {"client_security_group_ids": {"jobs": "sg-0b2c3d4e"}, "max_storage_gib": 100}
    found = build(lambda: asked(rds=other), platforms=platforms(ON_AWS))

    assert found["bird-log-client-jobs"].inputs["referencedSecurityGroupId"] == "sg-0b2c3d4e"
    assert found["bird-log-security-group"].inputs["vpcId"] == "vpc-0a1b2c3d"
    assert instance(found).inputs["maxAllocatedStorage"] == 100
    assert set(found["bird-log-subnets"].inputs["subnetIds"]) == {"subnet-0a1b2c3d", "subnet-0b2c3d4e"}


def test_half_a_network_is_none(build: Build) -> None:
    with pytest.raises(ArgumentError, match=r"args\.rds\.subnet_ids is required: the stack's platform has no network"):
        build(lambda: asked(rds={"vpc_id": "vpc-0b2c3d4e"}))


@pytest.mark.parametrize(
    ("key", "missing"),
    [
        ("client_security_group_ids", "args.rds.client_security_group_ids"),
        ("subnet_ids", "args.rds.subnet_ids"),
    ],
)
def test_a_vpc_is_not_completed_by_parts_of_the_platforms(build: Build, key: str, missing: str) -> None:
    network = without_none({**DATABASE_RDS["rds"], key: None})  # type: ignore[dict-item]
    with pytest.raises(ArgumentError) as error:
        build(lambda: asked(rds=network), platforms=platforms(ON_AWS))

    assert str(error.value).endswith(f"args.rds.vpc_id requires {missing}: the platform's are in its own VPC")


def test_a_manifest_on_eks_is_of_the_platforms_kind_and_provider(build: Build) -> None:
    for chosen, group in (({}, "database.example.org"), ({"group": "data.example.com"}, "data.example.com")):
        databases = {"name_prefix": "mlops-dev-team-", **chosen}
        graph = build(lambda databases=databases: test_eks_platform.program(database_api=databases))
        ours = platforms(graph.outputs_of("platform")["teams"])

        (made,) = build(lambda: asked(manifest={}), platforms=ours).of_kind("PostgreSQLDatabase")

        assert made.inputs["apiVersion"] == f"{group}/v1alpha1"
        assert made.inputs["spec"]["crossplane"]["compositionSelector"]["matchLabels"]["provider"] == "aws"
        assert build(asked, platforms=ours).of_kind("Instance"), "RDS stays what is chosen without an argument"


@pytest.mark.parametrize("path", _choice.PLAIN)
def test_an_output_where_the_program_needs_a_value_is_refused(build: Build, path: str) -> None:
    outer, _, key = path.rpartition(".")
    backend = outer if outer in _choice.BACKENDS else path if path in _choice.BACKENDS else "rds"
    with pytest.raises(ArgumentError) as error:
        build(
            lambda: PostgresDatabase(
                "bird-log",
                with_changes(
                    {"namespace": "birds", backend: {}},
                    **({outer: {key: unknown("value")}} if outer else {path: unknown("value")}),
                ),
            ),
            preview=True,
        )

    assert f"args.{path} must be a plain value, got an Output" in str(error.value)


@pytest.mark.parametrize("backend", ["rds", "manifest"])
def test_in_development_nothing_is_protected(build: Build, backend: str) -> None:
    args = {"rds": DATABASE_RDS, "manifest": DATABASE_BY_MANIFEST}[backend]
    environment = DatabaseEnvironment.DEVELOPMENT

    found = build(lambda: PostgresDatabase("bird-log", database_with(args, environment=environment)))
    kept = build(lambda: PostgresDatabase("bird-log", database_with(args, environment=environment, protect_data=True)))

    assert not any(one.protect for one in found)
    assert any(one.protect for one in kept)
    if backend == "rds":
        assert instance(found).inputs["backupRetentionPeriod"] == 1
        assert instance(found).inputs["skipFinalSnapshot"] is True


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"storage_gib": 19}, "args.storage_gib must be at least 20 GiB by manifest, got 19"),
        ({"database": "other"}, "args.database is given, but a database by manifest has the component's name"),
        ({"backups": {"days": 3}}, "args.backups is given, but the platform's setting database_api says"),
        ({"restore_from": {"moment": "2026-01-01T00:00:00Z"}}, "must have either database or snapshot"),
        (
            {"restore_from": {"snapshot": "b", "moment": "2026-01-01T00:00:00Z"}},
            "args.restore_from.moment belongs to a database: a snapshot is of one moment",
        ),
        ({"manifest": {"group": "data"}}, "args.manifest.group must be a DNS name with a dot, got 'data'"),
        ({"manifest": "local"}, "args.manifest must be"),
    ],
)
def test_wrong_arguments_by_manifest_cost_one_line_and_no_resource(
    build: Build, changes: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(ArgumentError, match='PostgresDatabase "bird-log"') as error:
        build(lambda: asked(**changes))

    assert complaint in str(error.value)


@pytest.mark.parametrize(("size", "noted"), [("small", 0), ("tini", 1), (None, 0)])
def test_a_size_that_only_the_platform_can_know_is_said_to_be_checked_later(
    build: Build, monkeypatch: pytest.MonkeyPatch, size: str | None, noted: int
) -> None:
    notes: list[str] = []
    monkeypatch.setattr(pulumi.log, "info", lambda text, *_: notes.append(text))
    build(lambda: asked(size=size))

    assert len(notes) == noted
    assert all("args.size is 'tini'" in one and "the API server says" in one for one in notes)


def test_outputs_by_manifest_are_those_of_its_status(build: Build) -> None:
    found = build(asked)

    assert found.outputs_of("bird-log")["connection_secret"] == "bird-log-connection"
    assert "status" not in found["bird-log-manifest"].inputs


# From a backup


def test_on_rds_a_database_starts_from_a_snapshot_or_a_moment(build: Build) -> None:
    def started(**source: Any) -> dict[str, Any]:
        inputs = instance(build(lambda: rds(restore_from=source))).inputs
        return {
            key: inputs[key]
            for key in ("snapshotIdentifier", "restoreToPointInTime", "dbName", "storageEncrypted")
            if key in inputs
        }

    assert started(snapshot="orders-final") == {"snapshotIdentifier": "orders-final", "storageEncrypted": True}
    assert started(database="orders-0a1b2c3d", moment="2026-11-30T14:35:30+01:00") == {
        "restoreToPointInTime": {
            "sourceDbInstanceIdentifier": "orders-0a1b2c3d",
            "restoreTime": "2026-11-30T13:35:30Z",
        },
        "storageEncrypted": True,
    }
    kept = "arn:aws:rds:eu-central-1:123456789012:auto-backup:ab-0a1b2c3d"
    assert started(database=kept)["restoreToPointInTime"] == {
        "sourceDbInstanceAutomatedBackupsArn": kept,
        "useLatestRestorableTime": True,
    }


def test_a_database_that_was_restored_stays_when_restore_from_goes(build: Build) -> None:
    suffixes = []
    for source in ({"snapshot": "orders-final"}, None):
        found = build(lambda source=source: rds(restore_from=source))
        assert {"snapshotIdentifier", "restoreToPointInTime", "dbName"} <= set(instance(found).ignore_changes)
        suffixes.append(found["bird-log-suffix"].inputs)
    assert suffixes[0] == suffixes[1], "another identifier would replace the instance"
    assert "dbName" not in instance(build(lambda: rds(database="orders"))).ignore_changes


def test_a_restored_database_may_belong_to_a_component_called_like_one_of_the_servers_own(build: Build) -> None:
    assert (
        build(lambda: rds("db", restore_from={"snapshot": "orders-final"})).outputs_of("db")["database"] == "as_it_was"
    )


def test_the_secret_of_a_restored_database_has_the_name_that_it_had(build: Build) -> None:
    found = build(lambda: rds(restore_from={"snapshot": "orders-final"}))

    assert template(found)["database"] == found.outputs_of("bird-log")["database"] == "as_it_was"
    assert template(found)["uri"].endswith(":5432/as_it_was?sslmode=require")


# Old arguments


OLD_RDS: Any = {
    "namespace": "birds",
    "backend": "RDS",
    "vpc_id": "vpc-0a1b2c3d",
    "subnet_ids": ["subnet-0a1b2c3d", "subnet-0b2c3d4e"],
    "client_security_group_ids": {"bastion": "sg-0b2c3d4e", "nodes": "sg-0a1b2c3d"},
    "database": "sightings",
    "secret_name": "db-conn",
    "engine_version": "16",
    "storage_gib": 50,
    "max_storage_gib": 200,
    "instance_class": "db.m7g.large",
    "high_availability": True,
    "apply_immediately": False,
    "maintenance_window": "sat:23:30-sun:00:30",
    "extended_support": True,
    "backup_days": 35,
    "password_rotation_days": 30,
    "kms_key_arn": "arn:aws:kms:eu-central-1:123456789012:key/0a1",
    "secret_store": "vault",
    "protect_data": False,
    "labels": {"team": "birds"},
    "tags": {"team": "birds", "cost-center": "42"},
}
OLD_IN_CLUSTER: Any = {
    "namespace": "birds",
    "backend": "IN_CLUSTER",
    "database": "sightings",
    "secret_name": "db-conn",
    "engine_version": "16",
    "storage_gib": 5,
    "protect_data": False,
    "storage_class": "fast",
    "image_mirror": "mirror.example.org",
    "cpu": "1",
    "memory": "2Gi",
    "client_namespaces": ["reports"],
    "labels": {"team": "birds"},
}


@pytest.mark.parametrize(
    ("old", "new"),
    [(OLD_RDS, DATABASE_RDS_FULL), (OLD_IN_CLUSTER, DATABASE_IN_CLUSTER_FULL)],
    ids=["rds", "in-cluster"],
)
def test_the_old_arguments_make_the_same_resources_with_one_warning(
    build: Build, monkeypatch: pytest.MonkeyPatch, old: Any, new: Any
) -> None:
    warnings: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", lambda text, *_: warnings.append(text))

    before = build(lambda: PostgresDatabase("bird-log", old))
    now = build(lambda: PostgresDatabase("bird-log", new))

    (warning,) = warnings
    assert warning.startswith('PostgresDatabase "bird-log": deprecated arguments: args.backend, args.engine_version')
    assert "args.version" in warning
    assert before["bird-log"].inputs == {
        key: value for key, value in old.items() if old["backend"] != "RDS" or key not in ("namespace", "secret_store")
    }
    assert len(parts(before)) >= 6
    assert parts(before) == parts(now)


def test_every_old_argument_has_a_place() -> None:
    now = set(PostgresDatabaseArgs.__annotations__)
    assert {*_old_arguments.NOW, "backend"} < now
    assert {*OLD_RDS, *OLD_IN_CLUSTER} < now
    assert {*_old_arguments.NOW} <= {*OLD_RDS, *OLD_IN_CLUSTER}
    assert list(DatabaseBackend) == ["RDS", "IN_CLUSTER"]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"backend": "AURORA"}, "args.backend must be one of 'RDS', 'IN_CLUSTER', got 'AURORA'"),
        (
            {"version": "17"},
            "args.engine_version is the old name of args.version, which is given as well: leave it out",
        ),
        ({"memory": "1Gi"}, "args.rds and args.single_pod exclude each other"),
        ({"max_storage_gib": "much"}, "args.rds.max_storage_gib must be"),
        ({"rds": "x"}, "args.rds must be a dict, got 'x'"),
    ],
)
def test_wrong_old_arguments_cost_one_line_and_no_resource(
    build: Build, changes: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(ArgumentError) as error:
        build(lambda: PostgresDatabase("bird-log", {**OLD_RDS, **changes}))

    assert complaint in str(error.value)
