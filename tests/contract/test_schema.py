"""What other languages get: Pulumi infers a schema from the argument types, and maps values through it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import grpc
import pulumi_mlops
import pytest
from pulumi.provider.experimental.component import ComponentProvider
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc
from pulumi_mlops import PostgresDatabase, TrainingPipeline, Workspace, conventions
from pulumi_mlops._schema import without_none
from syrupy.assertion import SnapshotAssertion

from tests.components.programs import DATABASE_IN_CLUSTER_FULL, DATABASE_RDS_FULL, PIPELINE_FULL, WORKSPACE_FULL
from tests.conftest import Build
from tests.contract.api import DEVELOPER_COMPONENTS

ROOT = Path(pulumi_mlops.__file__).parent.parent


@pytest.fixture(scope="module")
def provider() -> ComponentProvider:
    return ComponentProvider(list(DEVELOPER_COMPONENTS), conventions.PACKAGE)


@pytest.fixture(scope="module")
def schema(provider: ComponentProvider) -> dict[str, Any]:
    return json.loads(provider.schema or "")


def summary(schema: dict[str, Any]) -> dict[str, Any]:
    """Names, types and what is required: the part that a program in another language is compiled against."""

    def kind(field: dict[str, Any]) -> str:
        inner = field.get("items") or field.get("additionalProperties")
        name = field.get("$ref") or field["type"]
        return f"{name}[{kind(inner)}]" if inner else name

    def fields(properties: dict[str, Any], required: list[str]) -> dict[str, str]:
        return {name: kind(field) + ("" if name in required else "?") for name, field in sorted(properties.items())}

    resources = {
        token: {
            "inputs": fields(one["inputProperties"], one.get("requiredInputs", [])),
            "outputs": fields(one["properties"], one.get("required", [])),
        }
        for token, one in schema["resources"].items()
    }
    types = {
        token: [member["value"] for member in one["enum"]]
        if "enum" in one
        else fields(one["properties"], one.get("required", []))
        for token, one in schema["types"].items()
    }
    return {"resources": resources, "types": types}


def test_the_schema_is_as_reviewed(schema: dict[str, Any], snapshot: SnapshotAssertion) -> None:
    assert summary(schema) == snapshot


def test_every_component_input_and_output_is_described(schema: dict[str, Any]) -> None:
    for one in schema["resources"].values():
        assert one["description"]
        for field in [*one["inputProperties"].values(), *one["properties"].values()]:
            assert field["description"]
    for one in schema["types"].values():
        assert all(field["description"] for field in one.get("properties", {}).values())


def test_the_plugin_process_offers_the_same_schema(schema: dict[str, Any]) -> None:
    command = [sys.executable, "-m", "pulumi.run.plugin", conventions.PACKAGE, "127.0.0.1:1"]
    environment = {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT) as plugin:
        assert plugin.stdout
        try:
            with grpc.insecure_channel(f"127.0.0.1:{int(plugin.stdout.readline())}") as channel:
                stub = provider_pb2_grpc.ResourceProviderStub(channel)
                answer = stub.GetSchema(provider_pb2.GetSchemaRequest(), timeout=60)
        finally:
            plugin.terminate()
    assert summary(json.loads(answer.schema)) == summary(schema)


def _camel(value: Any) -> Any:
    """As another language sends it: names of fields in camelCase, every number a float."""

    def name(text: str) -> str:
        first, *rest = text.split("_")
        return first + "".join(word.capitalize() for word in rest)

    user_keys = {
        "labels",
        "tags",
        "client_security_group_ids",
        "columns",
        "renames",
        "engineered",
        "parameters",
        "service_account_annotations",
    }
    if isinstance(value, dict):
        return {name(key): without_none(part) if key in user_keys else _camel(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_camel(part) for part in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return getattr(value, "value", value)


@pytest.mark.parametrize(
    ("component", "args"),
    [
        (Workspace, WORKSPACE_FULL),
        (TrainingPipeline, PIPELINE_FULL),
        (PostgresDatabase, DATABASE_RDS_FULL),
        (PostgresDatabase, DATABASE_IN_CLUSTER_FULL),
    ],
)
def test_another_language_gets_the_same_resources(
    build: Build, provider: ComponentProvider, component: Any, args: Any
) -> None:
    def foreign() -> None:
        definition = provider._component_defs[component.__name__]
        component("penguins", provider.map_inputs(_camel(args), definition))

    assert build(foreign).contract() == build(lambda: component("penguins", args)).contract()
