import ast
import importlib
import inspect
import textwrap
from typing import Any

import pulumi
import pytest
from pulumi_mlops import ArgumentError, conventions
from pulumi_mlops.platform import ArgoWorkflows, Gateway, MLflow, ObjectStore, Platform
from pulumi_mlops.platform.mlflow import _server

from tests.conftest import Build, Secret, unknown

ARGS: dict[str, Any] = {"gateway_class": "istio", "gateway_url": "https://models.example.org"}
COMPONENTS = [ArgoWorkflows, Gateway, MLflow, ObjectStore, Platform]
"""Those that one platform is made of; the add-ons of a cloud's cluster are tested one by one."""


def program(name: str = "platform", **changes: Any) -> Platform:
    return Platform(name, {**ARGS, **changes})


def test_every_part_is_where_workspaces_look_for_it(build: Build) -> None:
    graph = build(program)

    outputs = graph.outputs_of("platform")
    assert outputs["object_store_endpoint"] == conventions.OBJECT_STORE_ENDPOINT
    assert outputs["mlflow_url"] == conventions.MLFLOW_URL
    assert outputs["gateway_url"] == "https://models.example.org"
    names = {
        (one.inputs["metadata"].get("namespace"), one.inputs["metadata"]["name"]) for one in graph.of_kind("Secret")
    }
    assert (conventions.OBJECT_STORE_NAMESPACE, conventions.OBJECT_STORE_CREDENTIALS_SECRET) in names
    gateway = graph["public-gateway"].inputs["metadata"]
    assert (gateway["namespace"], gateway["name"]) == (conventions.GATEWAY_NAMESPACE, conventions.GATEWAY_NAME)


def test_namespaces_come_first_and_go_last(build: Build) -> None:
    graph = build(program)

    for name, namespace in (
        ("object-store-server", "platform-object-store"),
        ("mlflow-server", "platform-mlflow"),
        ("argo-workflows-release", "platform-argo"),
        ("public-gateway", "platform-gateway"),
    ):
        assert graph[namespace].urn in graph[name].dependencies


def test_a_service_comes_after_its_pods(build: Build) -> None:
    graph = build(program)

    assert {one.name for one in graph.of_kind("Service")} == {"object-store-service", "mlflow-service"}
    for server in ("object-store", "mlflow"):
        assert graph[f"{server}-server"].urn in graph[f"{server}-service"].dependencies


def test_mlflow_starts_beside_the_store_and_not_after_it(build: Build) -> None:
    graph = build(program)

    slow = {one.urn for one in graph if one.kind in ("StatefulSet", "Service") and "object-store" in one.name}
    assert slow
    assert not slow & graph["mlflow-server"].dependencies


def test_teams_cannot_touch_the_bucket_of_mlflow(build: Build) -> None:
    file = str(build(program)["object-store-identities"].inputs["stringData"])

    workspaces = file[file.index('"name": "workspaces"') - 400 : file.index('"name": "workspaces"')]
    assert "Write:data" in workspaces
    assert "mlflow" not in workspaces.rpartition('{"actions"')[2]


def test_nothing_that_holds_data_is_deleted_unless_told_so(build: Build) -> None:
    graph = build(program)

    protected = {one.name for one in graph if one.protect}
    assert protected == {"object-store-data", "mlflow-data", "platform-object-store", "platform-mlflow"}
    assert graph["argo-workflows-release"].inputs["values"]["crds"]["keep"] is True

    free = build(lambda: program(protect_data=False))
    assert not [one.name for one in free if one.protect]
    assert free["argo-workflows-release"].inputs["values"]["crds"]["keep"] is False


def test_one_mirror_serves_every_image(build: Build) -> None:
    graph = build(lambda: program(image_mirror="mirror.example.org"))

    text = str([one.inputs for one in graph if one.kind in ("StatefulSet", "Deployment", "Release")])
    assert text.count("mirror.example.org") == 4
    assert not [public for public in ("docker.io", "ghcr.io", "quay.io") if public in text]


def test_sizes_reach_their_parts(build: Build) -> None:
    sizes = {"object_store_storage_gib": 3, "mlflow_storage_gib": 2, "mlflow_memory": "2Gi", "argo_memory": "99Mi"}

    graph = build(lambda: program(sizes=sizes, storage_class="fast"))

    for name, size in (("object-store-data", "3Gi"), ("mlflow-data", "2Gi")):
        assert graph[name].inputs["spec"]["resources"]["requests"]["storage"] == size
        assert graph[name].inputs["spec"]["storageClassName"] == "fast"
    assert "'2Gi'" in str(graph["mlflow-server"].inputs)
    assert "'99Mi'" in str(graph["argo-workflows-release"].inputs)


def test_a_database_takes_the_place_of_mlflows_volume(build: Build) -> None:
    graph = build(lambda: program(mlflow_database_secret="runs", mlflow_allowed_hosts=["runs.example.org"]))

    assert [one.name for one in graph.of_kind("PersistentVolumeClaim")] == ["object-store-data"]
    assert "runs.example.org" in str(graph["mlflow-server"].inputs)


def test_only_secrets_hide_values_from_the_preview(build: Build) -> None:
    hiding = {one.name for one in build(program) if "Secret(value=" in repr(one.inputs) and one.kind != "MLflow"}

    assert hiding == {
        "object-store-credentials-mlflow",
        "object-store-credentials-workspaces",
        "object-store-identities",
        "mlflow-artifact-store",
    }


@pytest.mark.parametrize(
    ("url", "public"),
    [
        ("https://models.example.org", True),
        ("http://8.8.8.8", True),
        ("http://10.88.0.1", False),
        ("http://127.0.0.1:8080", False),
        ("http://localhost:8080", False),
        ("http://models", False),
        ("https://models.corp.internal", False),
    ],
)
def test_teams_are_told_whether_the_gateway_faces_the_internet(build: Build, url: str, public: bool) -> None:
    teams = build(lambda: program(gateway_url=url)).outputs_of("platform")["teams"]

    assert teams.get("public_gateway", False) is public


def test_a_preview_with_nothing_known_shows_every_object(build: Build) -> None:
    preview = build(lambda: program(gateway_class=unknown("c"), image_mirror=unknown("r")), preview=True)

    assert {one.name for one in build(program)} <= {one.name for one in preview}


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"gateway_url": "nowhere"}, "args.gateway_url must be a URL without a path"),
        ({"sizes": {"mlflow_storage_gib": 0}}, "args.sizes.mlflow_storage_gib must be at least 1 GiB, got 0"),
        ({"sizes": {"mlflow_disk_gib": 1}}, 'args.sizes has no argument "mlflow_disk_gib"'),
        ({"image_mirror": ""}, "args.image_mirror must be a registry as images name it"),
        ({"gateway_clas": "x"}, 'did you mean "gateway_class"?'),
    ],
)
def test_wrong_arguments_cost_one_line_and_no_resource(build: Build, changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ArgumentError) as error:
        build(lambda: program(**changes))

    assert complaint in str(error.value)
    assert 'Platform "platform"' in str(error.value)


@pytest.mark.parametrize("component", COMPONENTS, ids=lambda component: component.__name__)
def test_the_example_of_each_docstring_runs(build: Build, component: type) -> None:
    example = textwrap.dedent(inspect.getdoc(component).partition("```python\n")[2].partition("```")[0])  # type: ignore[union-attr]
    assert component.__name__ in example

    graph = build(lambda: exec(compile(example, component.__name__, "exec"), {"pulumi": pulumi}))

    assert graph.of_kind(component.__name__)


@pytest.mark.parametrize("component", COMPONENTS, ids=lambda component: component.__name__)
def test_the_type_token_is_a_literal(component: type) -> None:
    source = inspect.getsource(importlib.import_module(component.__module__))

    literals = {node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant)}

    assert f"pulumi-mlops:index:{component.__name__}" in literals


@pytest.mark.parametrize("component", [ArgoWorkflows, Gateway, MLflow, ObjectStore, Platform])
def test_registered_outputs_are_the_attributes_of_the_class(build: Build, component: type) -> None:
    graph = build(program)

    (registration,) = [one for one in graph if one.type == f"pulumi-mlops:index:{component.__name__}"]
    assert graph.outputs[registration.urn].keys() == inspect.get_annotations(component).keys()
    assert 3 <= len(graph.outputs[registration.urn]) <= 6


@pytest.mark.parametrize("preview", [False, True], ids=["update", "preview"])
def test_the_contract(build: Build, monkeypatch: pytest.MonkeyPatch, snapshot: Any, preview: bool) -> None:
    monkeypatch.setattr(_server, "CODE", {"serve.py": "what runs has tests of its own"})
    graph = build(lambda: program(image_mirror="mirror.example.org", chart_repository="/charts"), preview=preview)

    assert graph.contract() == snapshot


def test_keys_of_users_are_secret_outputs(build: Build) -> None:
    assert isinstance(build(program).outputs_of("object-store")["credentials"], Secret)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"mlflow_allowed_hosts": ["a", ""]}, "args.mlflow_allowed_hosts[1] must not be empty, got ''"),
        ({"mlflow_database_secret": "A"}, "args.mlflow_database_secret must be a DNS label"),
        (
            {"mlflow_database_secret": "db", "sizes": {"mlflow_storage_gib": 5}},
            "args.sizes.mlflow_storage_gib is the size of the SQLite file's volume: leave it out with "
            "args.mlflow_database_secret",
        ),
    ],
)
def test_what_a_part_refuses_is_an_error_of_the_platform(build: Build, changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ArgumentError) as error:
        build(lambda: program(**changes))
    assert str(error.value).startswith(f'Platform "platform": {complaint}')
