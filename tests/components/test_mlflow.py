from typing import Any

import pytest
from pulumi_mlops import ArgumentError, conventions, versions
from pulumi_mlops.platform import MLflow
from pulumi_mlops.platform.mlflow import _server

from tests.conftest import Build, Secret, unknown

KEYS = {"AWS_ACCESS_KEY_ID": "mlflow", "AWS_SECRET_ACCESS_KEY": "hidden"}
ARGS: dict[str, Any] = {
    "namespace": "mlflow",
    "artifact_store": {"uri": "s3://mlflow/artifacts", "credentials": KEYS, "endpoint": "http://store:8333"},
}


def program(name: str = "mlflow", **changes: Any) -> MLflow:
    return MLflow(name, {**ARGS, **changes})


def test_without_a_database_runs_are_kept_in_a_file_on_a_protected_volume(build: Build) -> None:
    graph = build(program)

    assert sorted(one.kind for one in graph) == [
        "ClusterRole", "ClusterRoleBinding", "ClusterRoleBinding", "ConfigMap", "Deployment", "MLflow", "NetworkPolicy",
        "PersistentVolumeClaim", "Secret", "Service", "ServiceAccount",
    ]  # fmt: skip
    assert graph["mlflow-data"].protect
    assert _variable(graph, "MLFLOW_BACKEND_STORE_URI") == {"value": "sqlite:////data/mlflow.db"}
    assert graph["mlflow-server"].inputs["spec"]["strategy"] == {"type": "Recreate"}


def test_with_a_database_there_is_no_volume_and_updates_roll(build: Build) -> None:
    graph = build(lambda: program(database_secret="mlflow-database", replicas=2))

    assert "PersistentVolumeClaim" not in graph.kinds()
    assert _variable(graph, "MLFLOW_BACKEND_STORE_URI") == {
        "valueFrom": {"secretKeyRef": {"name": "mlflow-database", "key": "uri"}}
    }
    assert graph["mlflow-server"].inputs["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    assert graph["mlflow-server"].inputs["spec"]["replicas"] == 2


def test_several_servers_are_spread_and_survive_a_drain_and_one_does_not_block_it(build: Build) -> None:
    graph = build(lambda: program(database_secret="mlflow-database", replicas=2))

    template = graph["mlflow-server"].inputs["spec"]["template"]
    budget = graph["mlflow-disruption-budget"].inputs["spec"]
    assert budget["maxUnavailable"] == 1
    constraints = template["spec"]["topologySpreadConstraints"]
    assert [one["topologyKey"] for one in constraints] == ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]
    for selector in (budget["selector"], *(one["labelSelector"] for one in constraints)):
        assert selector["matchLabels"].items() <= template["metadata"]["labels"].items()
    single = build(program)
    assert "PodDisruptionBudget" not in single.kinds()
    assert "topologySpreadConstraints" not in single["mlflow-server"].inputs["spec"]["template"]["spec"]


def test_the_url_is_the_one_that_every_pipeline_expects(build: Build) -> None:
    outputs = build(program).outputs_of("mlflow")

    assert outputs == {"url": conventions.MLFLOW_URL, "service": "mlflow", "version": versions.MLFLOW}


def test_keys_of_the_store_are_in_a_secret_and_nowhere_else(build: Build) -> None:
    graph = build(lambda: program(artifact_store={**ARGS["artifact_store"], "credentials": _secret(KEYS)}))

    assert graph["mlflow-artifact-store"].inputs["stringData"] == Secret(KEYS)
    assert "hidden" not in str(graph["mlflow-server"].inputs)
    assert _container(graph)["envFrom"] == [{"secretRef": {"name": "mlflow-artifact-store"}}]


def test_a_cloud_identity_needs_no_keys(build: Build) -> None:
    graph = build(lambda: program(artifact_store={"uri": "s3://bucket/prefix"}))

    assert "Secret" not in graph.kinds()
    assert "envFrom" not in _container(graph)
    assert _container_variables(graph)["AWS_REGION"] == conventions.OBJECT_STORE_REGION


def test_artifacts_pass_through_the_server(build: Build) -> None:
    values = _container_variables(build(program))

    assert values["MLFLOW_SERVE_ARTIFACTS"] == "true"
    assert values["MLFLOW_ARTIFACTS_DESTINATION"] == "s3://mlflow/artifacts"
    assert values["MLFLOW_S3_ENDPOINT_URL"] == "http://store:8333"


def test_pods_may_use_every_name_of_the_service_with_the_port_and_without() -> None:
    hosts = _server.allowed_hosts("mlflow", "mlflow", "ml.example.org", "proxy:8080").split(",")

    for name in ("mlflow", "mlflow.mlflow", "mlflow.mlflow.svc", "mlflow.mlflow.svc.cluster.local", "localhost"):
        assert name in hosts
        assert f"{name}:*" in hosts
    assert {"ml.example.org", "ml.example.org:*", "proxy:8080"} <= set(hosts)
    assert "*" not in hosts


def test_the_image_comes_from_the_mirror(build: Build) -> None:
    image = _container(build(lambda: program(image_mirror="mirror.example.org")))["image"]

    assert image == f"mirror.example.org/mlflow/mlflow:v{versions.MLFLOW}-full"
    assert _container(build(program))["image"].startswith("ghcr.io/mlflow/mlflow:")


def test_the_pod_obeys_the_restricted_security_standard(build: Build) -> None:
    pod = build(program)["mlflow-server"].inputs["spec"]["template"]["spec"]

    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["containers"][0]["securityContext"]["readOnlyRootFilesystem"]


def test_the_server_may_ask_whose_a_token_is_and_what_a_namespace_is_and_nothing_else(build: Build) -> None:
    graph = build(lambda: program(namespace="tracking"))

    bindings = {one.inputs["metadata"]["name"]: one.inputs for one in graph.of_kind("ClusterRoleBinding")}
    assert {name: one["roleRef"]["name"] for name, one in bindings.items()} == {
        "tracking-mlflow-token-reviews": "system:auth-delegator",
        "tracking-mlflow-reads-namespaces": "tracking-mlflow-reads-namespaces",
    }
    account = {"kind": "ServiceAccount", "name": "mlflow", "namespace": "tracking"}
    assert all(one["subjects"] == [account] for one in bindings.values())
    (role,) = graph.of_kind("ClusterRole")
    assert role.inputs["rules"] == [{"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get"]}]
    assert graph["mlflow-server"].inputs["spec"]["template"]["spec"]["automountServiceAccountToken"]


def test_the_server_runs_the_files_that_the_component_gives_it(build: Build) -> None:
    graph = build(program)
    template = graph["mlflow-server"].inputs["spec"]["template"]

    assert set(graph["mlflow-code"].inputs["data"]) == {"serve.py", "kubernetes_identity.py"}
    assert {"name": "code", "configMap": {"name": "mlflow-code"}} in template["spec"]["volumes"]
    mount = next(one for one in _container(graph)["volumeMounts"] if one["name"] == "code")
    assert _container(graph)["command"] == ["python", f"{mount['mountPath']}/serve.py"]
    assert _container_variables(graph)["PYTHONPATH"] == mount["mountPath"]


def test_the_server_asks_for_the_audience_of_the_tokens_that_steps_send() -> None:
    """It has no conventions to import."""
    code = _server.CODE["kubernetes_identity.py"]
    assert f'\nAUDIENCE = "{conventions.MLFLOW_AUDIENCE}"\n' in code


def test_the_server_knows_workspaces_by_the_label_of_their_namespaces() -> None:
    (key,) = [key for key, value in conventions.labels(conventions.WORKSPACE, "birds").items() if value == "workspace"]
    code = _server.CODE["kubernetes_identity.py"]
    assert f'\nWORKSPACE_LABEL, WORKSPACE = "{key}", "{conventions.WORKSPACE}"\n' in code


def test_other_code_starts_other_pods(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    def annotations() -> dict[str, str]:
        return build(program)["mlflow-server"].inputs["spec"]["template"]["metadata"]["annotations"]

    before = annotations()
    monkeypatch.setattr(_server, "CODE", {**_server.CODE, "serve.py": "print()"})
    assert annotations() != before


def test_kubernetes_service_variables_cannot_shadow_the_settings(build: Build) -> None:
    assert build(program)["mlflow-server"].inputs["spec"]["template"]["spec"]["enableServiceLinks"] is False


def test_two_servers_live_in_one_stack(build: Build) -> None:
    graph = build(lambda: (program("one"), program("two", namespace="elsewhere")))

    assert len({one.urn for one in graph}) == len(graph.registrations)


def test_what_is_not_known_yet_is_no_obstacle(build: Build) -> None:
    graph = build(
        lambda: program(namespace=unknown("namespace"), image_mirror=unknown("registry"), workers=2), preview=True
    )

    assert {"Deployment", "Service"} <= graph.kinds()


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"replicas": 2}, "args.replicas must be 1 without args.database_secret"),
        ({"database_secret": "db", "storage_gib": 5}, "leave it out with args.database_secret"),
        ({"artifact_store": {"uri": "/tmp/x"}}, "args.artifact_store.uri must be a bucket and prefix"),
        ({"artifact_store": {}}, "args.artifact_store.uri is required"),
        ({"workers": 0}, "args.workers must be at least 1 process, got 0"),
        ({"allowed_hosts": [""]}, "args.allowed_hosts[0] must not be empty"),
        ({"alowed_hosts": []}, 'did you mean "allowed_hosts"?'),
    ],
)
def test_wrong_arguments_cost_one_line_and_no_resource(build: Build, changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ArgumentError) as error:
        build(lambda: program(**changes))

    assert complaint in str(error.value)


def _secret(value: Any) -> Any:
    import pulumi

    return pulumi.Output.secret(value)


def _container(graph: Any) -> dict[str, Any]:
    return graph["mlflow-server"].inputs["spec"]["template"]["spec"]["containers"][0]


def _variable(graph: Any, name: str) -> dict[str, Any]:
    (found,) = [entry for entry in _container(graph)["env"] if entry["name"] == name]
    return {key: value for key, value in found.items() if key != "name"}


def _container_variables(graph: Any) -> dict[str, Any]:
    return {entry["name"]: entry.get("value") for entry in _container(graph)["env"]}
