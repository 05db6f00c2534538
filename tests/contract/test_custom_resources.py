"""Every custom resource of the library is admitted by its CRD, without a field that the CRD does not know.

The schemas alone, and quickly. Their rules and unions are an API server's to check, in tests/engine/test_admission.py.
"""

import inspect
import json
from functools import cache
from typing import Any

import pulumi
import pytest
from jsonschema import Draft7Validator
from pulumi_mlops.platform import Gateway

from tests.components import custom_resources as resources
from tests.conftest import Build
from tests.contract import definitions
from tests.contract.api import COMPONENTS
from tests.contract.test_docstring_examples import CODE

KINDS = {
    ("apiextensions.crossplane.io/v1", "CompositeResourceDefinition"),
    ("apiextensions.crossplane.io/v1", "Composition"),
    ("apiextensions.crossplane.io/v1alpha1", "ManagedResourceActivationPolicy"),
    ("apiextensions.crossplane.io/v2", "CompositeResourceDefinition"),
    ("argoproj.io/v1alpha1", "AppProject"),
    ("argoproj.io/v1alpha1", "Application"),
    ("argoproj.io/v1alpha1", "CronWorkflow"),
    ("argoproj.io/v1alpha1", "EventBus"),
    ("argoproj.io/v1alpha1", "EventSource"),
    ("argoproj.io/v1alpha1", "Sensor"),
    ("argoproj.io/v1alpha1", "WorkflowTemplate"),
    ("aws.m.upbound.io/v1beta1", "ClusterProviderConfig"),
    ("cert-manager.io/v1", "ClusterIssuer"),
    ("external-secrets.io/v1", "ClusterSecretStore"),
    ("external-secrets.io/v1", "ExternalSecret"),
    ("gateway.networking.k8s.io/v1", "Gateway"),
    ("gateway.networking.k8s.io/v1", "HTTPRoute"),
    ("karpenter.k8s.aws/v1", "EC2NodeClass"),
    ("karpenter.sh/v1", "NodePool"),
    ("monitoring.coreos.com/v1", "ServiceMonitor"),
    ("pkg.crossplane.io/v1", "Function"),
    ("pkg.crossplane.io/v1", "Provider"),
    ("pkg.crossplane.io/v1beta1", "DeploymentRuntimeConfig"),
    ("pkg.crossplane.io/v1beta1", "ImageConfig"),
}
"""Every custom kind that the library makes."""
WITHOUT = {
    "foundation.Cluster",
    "foundation.Domain",
    "foundation.Network",
    "foundation.Registry",
    "foundation.S3ObjectStore",
    "foundation.SharedFiles",
    "foundation.WorkloadIdentity",
    "platform.EfsStorageClass",
    "platform.ExternalDns",
    "platform.GatewayApi",
    "platform.HelmAddOn",
    "platform.Istio",
    "platform.KServe",
    "platform.LoadBalancerController",
    "platform.MLflow",
    "platform.Monitoring",
    "platform.NfsStorageClass",
    "platform.ObjectStore",
    "platform.Seldon",
    "Workspace",
}
"""Components that make none: resources on AWS, Kubernetes' own kinds, and charts, whose objects are their own."""


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
        closed.pop(key, None)
    if "properties" in node:
        closed["properties"] = {name: _closed(part) for name, part in node["properties"].items()}
        if not node.get("x-kubernetes-preserve-unknown-fields"):
            closed.setdefault("additionalProperties", False)
    return closed


@cache
def validator(api_version: str, kind: str, argo: str | None = None) -> Draft7Validator:
    known = definitions.of_project(argo) if argo else definitions.everything()
    root = _closed(definitions.schema(known, api_version, kind))
    root["properties"]["metadata"] = {"type": "object"}
    return Draft7Validator(root)


def problems(manifest: dict[str, Any], argo: str | None = None) -> list[str]:
    errors = validator(*resources.kind_of(manifest), argo).iter_errors(manifest)
    return [f"{manifest['kind']} {'.'.join(map(str, error.path))}: {error.message}" for error in errors]


@pytest.mark.parametrize(("component", "size"), resources.EACH, ids=resources.NAMES)
def test_every_custom_resource_is_valid_for_its_definition(build: Build, component: Any, size: int) -> None:
    assert [problem for one in resources.made(build, component, size) for problem in problems(one)] == []


@pytest.mark.parametrize("argo", definitions.ARGO_WORKFLOWS)
def test_workflows_are_valid_for_every_line_of_argo(build: Build, argo: str) -> None:
    made = [one for form in resources.EACH for one in resources.made(build, *form)]
    workflows = [one for one in made if one["kind"] in ("WorkflowTemplate", "CronWorkflow")]

    assert [problem for one in workflows for problem in problems(one, argo)] == []
    assert len(workflows) == 8


def test_the_kinds_that_the_library_makes_are_these(build: Build) -> None:
    made = [one for form in resources.EACH for one in resources.made(build, *form)]

    assert {resources.kind_of(one) for one in made} == KINDS


def test_every_component_is_looked_at() -> None:
    looked_at = {COMPONENTS[f"pulumi_mlops.{name}"] for name in WITHOUT} | set(resources.FORMS)

    assert looked_at == set(COMPONENTS.values())


@pytest.mark.parametrize("name", sorted(WITHOUT))
def test_a_component_that_is_not_looked_at_makes_none(build: Build, name: str) -> None:
    (code,) = CODE.findall(inspect.getdoc(COMPONENTS[f"pulumi_mlops.{name}"]) or "")

    assert resources.among(build(lambda: exec(code, {"pulumi": pulumi}))) == []


@pytest.mark.parametrize("argo", definitions.ARGO_WORKFLOWS)
def test_a_field_that_argo_does_not_know_would_be_found(argo: str) -> None:
    spec = {"entrypoint": "x", "templates": [{"name": "x", "container": {"image": "y", "comand": ["z"]}}]}
    manifest = {"apiVersion": "argoproj.io/v1alpha1", "kind": "WorkflowTemplate", "metadata": {}, "spec": spec}
    (error,) = problems(manifest, argo)
    assert "'comand' was unexpected" in error


def test_a_field_that_the_gateway_api_does_not_know_would_be_found(build: Build) -> None:
    (gateway,) = resources.made(build, Gateway, 0)
    (error,) = problems(json.loads(json.dumps(gateway).replace("allowedRoutes", "allowedRutes")))

    assert "'allowedRutes' was unexpected" in error
