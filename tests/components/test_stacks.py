import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import palmerpenguins
import pulumi
import pytest
from pulumi_mlops import conventions, platform_outputs, versions

from local.paths import ROOT
from local.prediction import EXAMPLE_ROWS
from stacks import configuration, penguins, platform, sample_data
from tests.conftest import Build

PLATFORM = {"gateway_class": "traefik", "gateway_url": "http://10.88.0.1", "image_mirror": "mirror.example.org"}
PENGUINS = {"image_registry": "mirror.example.org", "replicas": "1", "models_gib": "5"}


@pytest.fixture
def configure() -> Iterator[Any]:
    def _set(values: dict[str, str]) -> None:
        pulumi.runtime.set_all_config({f"pulumi-mlops:{key}": text for key, text in values.items()})

    yield _set
    pulumi.runtime.set_all_config({})


def test_the_platform_stack_is_the_platform_and_says_where_things_are(build: Build, configure: Any) -> None:
    configure({**PLATFORM, "protect_data": "false", "sizes": json.dumps({"mlflow_storage_gib": 2})})

    graph = build(platform.build)

    assert graph.outputs["stack"] == {
        "gateway_url": "http://10.88.0.1",
        "mlflow_url": conventions.MLFLOW_URL,
        "object_store_endpoint": conventions.OBJECT_STORE_ENDPOINT,
        "namespaces": ["object-store", "mlflow", "argo", "gateway"],
        "teams": platform_outputs.IN_CLUSTER,
    }
    assert not [one.name for one in graph if one.protect]
    assert graph["mlflow-data"].inputs["spec"]["resources"]["requests"]["storage"] == "2Gi"


def test_the_example_is_a_workspace_a_pipeline_and_an_endpoint(build: Build, configure: Any) -> None:
    configure({**PENGUINS, "pipeline_image": "steps:1", "server_image": "server:1"})

    graph = build(penguins.build)

    assert {"Workspace", "TrainingPipeline", "ModelEndpoint", "SampleData"} <= graph.kinds()
    assert graph.outputs["stack"] == {
        "namespace": "penguins",
        "workflow_template": "penguins",
        "cron_workflow": "penguins",
        "model_name": "penguins",
        "deployment": "penguins",
        "prediction_path": "/seldon/penguins/penguins/api/v1.0/predictions",
        "internal_url": "http://penguins.penguins.svc.cluster.local:8000/api/v1.0/predictions",
    }
    assert "steps:1" in str(graph["penguins-workflow-template"].inputs)
    assert "server:1" in str(graph["penguins-deployment"].inputs)


def test_images_that_are_not_named_are_those_of_this_release(build: Build, configure: Any) -> None:
    configure(PENGUINS)

    graph = build(penguins.build)

    for name, resource in (("ml-pipeline", "penguins-workflow-template"), ("ml-server", "penguins-deployment")):
        assert f"mirror.example.org/pulumi-mlops/{name}:{versions.ML}" in str(graph[resource].inputs)


def test_the_pipeline_reads_what_the_upload_writes(build: Build, configure: Any) -> None:
    configure(PENGUINS)

    graph = build(penguins.build)

    source = json.loads(graph["penguins-settings"].inputs["data"]["settings.json"])["source"]
    (container,) = graph["sample-data-upload"].inputs["spec"]["template"]["spec"]["containers"]
    assert container["command"][-2:] == [source["bucket"], source["key"]]
    assert container["command"][:3] == ["python", "-m", "ml.upload"]


def test_the_upload_is_let_through_to_the_object_store_and_nowhere_else(build: Build, configure: Any) -> None:
    configure(PENGUINS)

    graph = build(penguins.build)

    policy = graph["sample-data-egress"].inputs["spec"]
    assert policy["podSelector"]["matchLabels"].items() <= (
        graph["sample-data-upload"].inputs["spec"]["template"]["metadata"]["labels"].items()
    )
    (rule,) = policy["egress"]
    assert rule["ports"] == [{"port": conventions.OBJECT_STORE_PORT, "protocol": "TCP"}]


def test_other_data_mean_another_file_and_another_upload(
    build: Build, configure: Any, monkeypatch: Any, tmp_path: Any
) -> None:
    def names() -> tuple[str, str]:
        graph = build(penguins.build)
        volumes = graph["sample-data-upload"].inputs["spec"]["template"]["spec"]["volumes"]
        return graph["sample-data-file"].inputs["metadata"]["name"], volumes[0]["configMap"]["name"]

    configure(PENGUINS)
    before = names()
    other = tmp_path / "penguins.csv"
    other.write_text("species,island\nAdelie,Dream\n")
    monkeypatch.setattr(sample_data, "FILE", other)

    assert before[0] == before[1]
    assert names()[0] == names()[1] != before[0]


def test_the_example_data_are_the_published_ones() -> None:
    published = (ROOT / palmerpenguins.__path__[0] / "data" / "penguins.csv").read_bytes()

    assert hashlib.sha256(sample_data.FILE.read_bytes()).digest() == hashlib.sha256(published).digest()


def test_the_rows_that_make_predict_sends_have_the_models_columns(build: Build, configure: Any) -> None:
    configure(PENGUINS)
    document = json.loads(build(penguins.build)["penguins-settings"].inputs["data"]["settings.json"])
    header = sample_data.FILE.read_text().splitlines()[0].split(",")

    columns = [name for name in header if name != document["target"] and name not in document["features"]["drop"]]

    assert {len(row) for row in EXAMPLE_ROWS} == {len(columns)}
    assert set(columns) == {*document["features"]["numeric"], *document["features"]["categorical"]}


@pytest.mark.parametrize(("program", "values"), [(platform.build, PLATFORM), (penguins.build, PENGUINS)])
def test_a_context_puts_every_object_into_its_cluster(
    build: Build, configure: Any, program: Any, values: dict[str, str]
) -> None:
    configure({**values, "kube_context": "somewhere"})

    graph = build(program)

    (provider,) = [one for one in graph if one.type == "pulumi:providers:kubernetes"]
    assert provider.inputs["context"] == "somewhere"


def test_a_preview_with_nothing_known_shows_every_object(build: Build, configure: Any) -> None:
    for program, values in ((platform.build, PLATFORM), (penguins.build, PENGUINS)):
        configure(values)
        assert {one.name for one in build(program)} == {one.name for one in build(program, preview=True)}


@pytest.mark.parametrize(("program", "kind"), [(platform.build, "gateway_class"), (penguins.build, "image_registry")])
def test_a_stack_without_settings_creates_nothing_and_says_what_is_missing(
    build: Build, configure: Any, program: Any, kind: str
) -> None:
    configure({})

    with pytest.raises(configuration.SettingsError, match=kind):
        build(program)


def test_the_layer_called_platform_does_not_hide_the_standard_librarys_module() -> None:
    script = (
        "import runpy, sys\nsys.modules.pop('platform', None)\n"
        f"try: runpy.run_path({str(ROOT / 'stacks')!r}, run_name='__main__')\n"
        "except SystemExit as end: print(end.code)\n"
        "import platform\nprint(platform.system())"
    )
    done = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True, text=True, cwd=ROOT)

    assert done.stdout.split() == ["32", "Linux"]
    assert "setting pulumi-mlops:layer must be one of" in done.stderr
