"""Every custom resource of the library is admitted by its CRD, without a field that the CRD does not know."""

import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from pulumi_mlops import ModelEndpoint, PostgresDatabase, TrainingPipeline, versions
from pulumi_mlops.platform import ArgoCD, ArgoEvents, ArgoWorkflows, Crossplane, ReviewWorkflow

from tests.components import delivery_addons as addons
from tests.components.programs import (
    DATABASE_RDS,
    DATABASE_RDS_FULL,
    ENDPOINT,
    ENDPOINT_FULL,
    PIPELINE,
    PIPELINE_FULL,
)
from tests.conftest import Build

SCHEMAS = Path(__file__).parent / "schemas"
ARGO_WORKFLOWS = (versions.ARGO_WORKFLOWS, "4.1.2")
"""The version that runs on one machine, and the newest line."""


def schema(file: str, kind: str) -> dict[str, Any]:
    return _closed(json.loads(gzip.decompress((SCHEMAS / f"{file}.json.gz").read_bytes()))[kind])


def _closed(node: Any) -> Any:
    """As JSON schema: the API server's own extensions spelt out, and unknown fields an error instead of dropped."""
    if not isinstance(node, dict):
        return node
    if node.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"]}
    closed = {key: value for key, value in node.items() if key not in ("format", "x-kubernetes-validations")}
    for key in ("items", "additionalProperties", "not"):
        if key in node:
            closed[key] = _closed(node[key])
    for key in ("anyOf", "allOf", "oneOf"):
        closed.pop(key, None)  # the API server's own CEL and union rules; it checks them in the engine tests
    if "properties" in node:
        closed["properties"] = {name: _closed(part) for name, part in node["properties"].items()}
        if not node.get("x-kubernetes-preserve-unknown-fields"):
            closed.setdefault("additionalProperties", False)
    return closed


@cache
def validator(file: str, kind: str) -> Draft7Validator:
    root = schema(file, kind)
    root["properties"]["metadata"] = {"type": "object"}
    return Draft7Validator(root)


def problems(build: Build, program: Any, file: str, kinds: set[str]) -> list[str]:
    found = []
    seen = set()
    for one in build(program):
        if one.kind in kinds:
            seen.add(one.kind)
            errors = validator(file, one.kind).iter_errors(one.inputs)
            found += [f"{one.kind} {'.'.join(map(str, error.path))}: {error.message}" for error in errors]
    assert seen == kinds
    return found


@pytest.mark.parametrize("version", ARGO_WORKFLOWS)
@pytest.mark.parametrize("args", [PIPELINE, PIPELINE_FULL], ids=["smallest", "fullest"])
def test_workflows_are_valid_for_argo(build: Build, version: str, args: Any) -> None:
    kinds = {"WorkflowTemplate", "CronWorkflow"}
    file = f"argo-workflows-{version}"
    assert problems(build, lambda: TrainingPipeline("penguins", args), file, kinds) == []


@pytest.mark.parametrize("version", ARGO_WORKFLOWS)
@pytest.mark.parametrize("args", [addons.REVIEW, addons.REVIEW_FULL], ids=["smallest", "fullest"])
def test_reviews_are_valid_for_argo(build: Build, version: str, args: Any) -> None:
    file = f"argo-workflows-{version}"
    assert problems(build, lambda: ReviewWorkflow("birds", args), file, {"WorkflowTemplate"}) == []


@pytest.mark.parametrize("args", [ENDPOINT, ENDPOINT_FULL], ids=["smallest", "fullest"])
def test_routes_are_valid_for_the_gateway_api(build: Build, args: Any) -> None:
    file = f"gateway-api-{versions.GATEWAY_API}"
    assert problems(build, lambda: ModelEndpoint("penguins", args), file, {"HTTPRoute"}) == []


def test_monitors_are_valid_for_prometheus_operator(build: Build) -> None:
    (file,) = [path.name.removesuffix(".json.gz") for path in SCHEMAS.glob("prometheus-operator-*")]
    assert problems(build, lambda: ModelEndpoint("penguins", ENDPOINT_FULL), file, {"ServiceMonitor"}) == []


@pytest.mark.parametrize("args", [DATABASE_RDS, DATABASE_RDS_FULL], ids=["smallest", "fullest"])
def test_external_secrets_are_valid_for_their_operator(build: Build, args: Any) -> None:
    (file,) = [path.name.removesuffix(".json.gz") for path in SCHEMAS.glob("external-secrets-*")]
    assert problems(build, lambda: PostgresDatabase("birds", args), file, {"ExternalSecret"}) == []


@pytest.mark.parametrize("args", [addons.ARGO_CD, addons.ARGO_CD_FULL], ids=["smallest", "fullest"])
def test_routes_of_web_interfaces_are_valid_for_the_gateway_api(build: Build, args: Any) -> None:
    file = f"gateway-api-{versions.GATEWAY_API}"
    assert problems(build, lambda: ArgoCD("argocd", args), file, {"HTTPRoute"}) == []
    full = addons.ARGO_WORKFLOWS_FULL
    assert problems(build, lambda: ArgoWorkflows("argo-workflows", full), file, {"HTTPRoute"}) == []


@pytest.mark.parametrize("args", [addons.CROSSPLANE, addons.CROSSPLANE_FULL], ids=["smallest", "fullest"])
def test_packages_are_valid_for_crossplane(build: Build, args: Any) -> None:
    kinds = {"Provider", "Function", "DeploymentRuntimeConfig", "ManagedResourceActivationPolicy"}
    kinds |= {"ImageConfig"} if "image_registry" in args else set()
    file = f"crossplane-{versions.CROSSPLANE}"
    assert problems(build, lambda: Crossplane("crossplane", args), file, kinds) == []


def test_the_providers_configuration_is_valid_for_the_family(build: Build) -> None:
    file = f"crossplane-provider-aws-{versions.CROSSPLANE_AWS}"
    assert problems(build, lambda: Crossplane("crossplane", {}), file, {"ClusterProviderConfig"}) == []


@pytest.mark.parametrize("args", [addons.ARGO_EVENTS, addons.ARGO_EVENTS_FULL], ids=["smallest", "fullest"])
def test_event_buses_are_objects_as_argo_events_knows_them(build: Build, args: Any) -> None:
    """The definition admits any spec: what stands in it, the component's own test has to say."""
    (file,) = [path.name.removesuffix(".json.gz") for path in SCHEMAS.glob("argo-events-*")]
    assert problems(build, lambda: ArgoEvents("argo-events", args), file, {"EventBus"}) == []


def test_a_field_that_the_crd_does_not_know_would_be_found() -> None:
    spec = {"entrypoint": "x", "templates": [{"name": "x", "container": {"image": "y", "comand": ["z"]}}]}
    manifest = {"apiVersion": "argoproj.io/v1alpha1", "kind": "WorkflowTemplate", "metadata": {}, "spec": spec}
    (error,) = validator(f"argo-workflows-{versions.ARGO_WORKFLOWS}", "WorkflowTemplate").iter_errors(manifest)
    assert "'comand' was unexpected" in error.message
