"""Every value that the delivery and serving add-ons set is a key of the chart at the pinned version."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import chart_keys
import pytest
from jsonschema import Draft7Validator
from pulumi_mlops import versions
from pulumi_mlops.platform import ArgoCD, ArgoEvents, ArgoWorkflows, Crossplane, KServe, Monitoring, Seldon

from tests.components import delivery_addons as addons
from tests.conftest import Build

Program = Callable[[], Any]


@dataclass(frozen=True)
class Case:
    """One chart of one add-on."""

    chart: str
    version: str
    release: str
    """Name of the Release resource."""
    smallest: Program
    fullest: Program
    allowed: Mapping[str, str] = field(default_factory=dict)
    """Keys that the chart's values.yaml does not show, with the reason why they are right all the same."""

    def __str__(self) -> str:
        return self.chart


PDB = "shown in a comment of values.yaml, beside `enabled`"
CASES = [
    Case(
        "argo-cd",
        versions.ARGO_CD_CHART,
        "argocd-release",
        lambda: ArgoCD("argocd", addons.ARGO_CD),  # type: ignore[arg-type]
        lambda: ArgoCD("argocd", addons.ARGO_CD_FULL),  # type: ignore[arg-type]
        {
            "configs.cm.application.resourceTrackingMethod": "entries of argocd-cm are copied as they are",
            "configs.cm.oidc.config": "entries of argocd-cm are copied as they are",
            "configs.cm.resource.customizations": "entries of argocd-cm are copied as they are",
            "configs.params.server.insecure": "entries of argocd-cmd-params-cm are copied as they are",
            "redis-ha.redis.resources": "a value of the sub-chart redis-ha",
            "redis-ha.sentinel": "a value of the sub-chart redis-ha",
            "redis-ha.init": "a value of the sub-chart redis-ha",
            "redis-ha.splitBrainDetection": "a value of the sub-chart redis-ha",
            "redis-ha.podDisruptionBudget": "a value of the sub-chart redis-ha",
            "redis-ha.networkPolicy": "a value of the sub-chart redis-ha",
            "redis-ha.haproxy.networkPolicy": "a value of the sub-chart redis-ha",
            "redis-ha.haproxy.init": "a value of the sub-chart redis-ha",
            "redis-ha.haproxy.podDisruptionBudget": "a value of the sub-chart redis-ha",
            "redis-ha.haproxy.resources": "a value of the sub-chart redis-ha",
        },
    ),
    Case(
        "crossplane",
        versions.CROSSPLANE,
        "crossplane-release",
        lambda: Crossplane("crossplane", addons.CROSSPLANE),  # type: ignore[arg-type]
        lambda: Crossplane("crossplane", addons.CROSSPLANE_FULL),  # type: ignore[arg-type]
        {
            "securityContextCrossplane.capabilities": "the chart copies the container's security context as it is",
            "securityContextRBACManager.capabilities": "the chart copies the container's security context as it is",
        },
    ),
    Case(
        "argo-workflows",
        versions.ARGO_WORKFLOWS_4_CHART,
        "argo-workflows-release",
        lambda: ArgoWorkflows("argo-workflows", addons.ARGO_WORKFLOWS),  # type: ignore[arg-type]
        lambda: ArgoWorkflows("argo-workflows", addons.ARGO_WORKFLOWS_FULL),  # type: ignore[arg-type]
        {"server.pdb.maxUnavailable": PDB},
    ),
    Case(
        "argo-events",
        versions.ARGO_EVENTS_CHART,
        "argo-events-release",
        lambda: ArgoEvents("argo-events", addons.ARGO_EVENTS),  # type: ignore[arg-type]
        lambda: ArgoEvents("argo-events", addons.ARGO_EVENTS_FULL),  # type: ignore[arg-type]
        {
            "controller.pdb.maxUnavailable": PDB,
        },
    ),
    Case(
        "kserve-crd",
        versions.KSERVE,
        "kserve-definitions",
        lambda: KServe("kserve", addons.KSERVE),  # type: ignore[arg-type]
        lambda: KServe("kserve", addons.KSERVE_FULL),  # type: ignore[arg-type]
    ),
    Case(
        "kserve-resources",
        versions.KSERVE,
        "kserve-controller",
        lambda: KServe("kserve", addons.KSERVE),  # type: ignore[arg-type]
        lambda: KServe("kserve", addons.KSERVE_FULL),  # type: ignore[arg-type]
    ),
    Case(
        "kserve-runtime-configs",
        versions.KSERVE,
        "kserve-runtimes",
        lambda: KServe("kserve", addons.KSERVE),  # type: ignore[arg-type]
        lambda: KServe("kserve", addons.KSERVE_FULL),  # type: ignore[arg-type]
    ),
    Case(
        "seldon-core-operator",
        versions.SELDON,
        "seldon-release",
        lambda: Seldon("seldon", addons.SELDON),  # type: ignore[arg-type]
        lambda: Seldon("seldon", addons.SELDON_FULL),  # type: ignore[arg-type]
    ),
    Case(
        "kube-prometheus-stack",
        versions.KUBE_PROMETHEUS_STACK_CHART,
        "monitoring-release",
        lambda: Monitoring("monitoring", addons.MONITORING),  # type: ignore[arg-type]
        lambda: Monitoring("monitoring", addons.MONITORING_FULL),  # type: ignore[arg-type]
        {
            "grafana.resources": "a value of the sub-chart grafana",
            "grafana.sidecar.resources": "a value of the sub-chart grafana",
            "grafana.grafana.ini": "a value of the sub-chart grafana",
            "kube-state-metrics.resources": "a value of the sub-chart",
            "prometheus-node-exporter.resources": "a value of the sub-chart",
        },
    ),
]


def both(case: Case, build: Build) -> list[dict[str, Any]]:
    return [build(program)[case.release].inputs for program in (case.smallest, case.fullest)]


def unknown(case: Case, values: Mapping[str, Any]) -> list[str]:
    known = chart_keys.read(case.chart)["keys"]
    return [one for one in chart_keys.unknown_keys(values, known) if one.split(" is no value")[0] not in case.allowed]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_chart_knows_every_value_that_we_set(build: Build, case: Case) -> None:
    for inputs in both(case, build):
        assert unknown(case, inputs.get("values", {})) == []


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_chart_s_schema_admits_them(build: Build, case: Case) -> None:
    schema = chart_keys.read(case.chart)["schema"]
    for inputs in both(case, build):
        assert list(Draft7Validator(schema or {}).iter_errors(inputs.get("values", {}))) == []


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_release_is_of_the_chart_whose_keys_were_read(build: Build, case: Case) -> None:
    smallest, fullest = both(case, build)

    assert smallest["version"] == case.version
    assert smallest["chart"].rpartition("/")[2] == case.chart
    assert fullest["chart"] == f"oci://mirror.example.org/charts/{case.chart}"


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_allowance_is_used_and_says_why(build: Build, case: Case) -> None:
    known = chart_keys.read(case.chart)["keys"]
    used = {
        one.split(" is no value")[0]
        for inputs in both(case, build)
        for one in chart_keys.unknown_keys(inputs.get("values", {}), known)
    }

    assert used == set(case.allowed)
    assert all(case.allowed.values())


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_wrong_key_would_be_found_with_its_path(build: Build, case: Case) -> None:
    for inputs in both(case, build):
        values = {**inputs.get("values", {}), "replicaz": 2}
        nested = next((key for key, part in values.items() if isinstance(part, dict) and key not in case.allowed), None)
        found = unknown(case, values)
        assert [one.split(" ")[0] for one in found] == ["replicaz"]
        if nested and isinstance(chart_keys.read(case.chart)["keys"].get(nested), dict):
            wrong = {**inputs.get("values", {}), nested: {**inputs.get("values", {})[nested], "no-such-key": 1}}
            assert [one.split(" ")[0] for one in unknown(case, wrong)] == [f"{nested}.no-such-key"]


def test_every_runtime_of_kserves_chart_is_installed_or_switched_off_by_name(build: Build) -> None:
    (case,) = [one for one in CASES if one.chart == "kserve-runtime-configs"]
    chart = chart_keys.read(case.chart)["keys"]["kserve"]["servingruntime"]
    runtimes = {name for name, keys in chart.items() if isinstance(keys, dict) and "disabled" in keys}
    # The chart never reads `disabled` of this one: it comes and goes with `huggingfaceserver`.
    runtimes.remove("huggingfaceserver_multinode")

    for inputs in both(case, build):
        serving = inputs["values"]["kserve"]["servingruntime"]
        assert {name for name, settings in serving.items() if isinstance(settings, dict)} == runtimes


def test_every_server_of_seldons_chart_comes_through_the_mirror(build: Build) -> None:
    (case,) = [one for one in CASES if one.chart == "seldon-core-operator"]
    chart = chart_keys.read("seldon-core-operator")["keys"]["predictor_servers"]
    servers = build(case.fullest)[case.release].inputs["values"]["predictor_servers"]

    assert {(server, protocol) for server, of in chart.items() for protocol in of["protocols"]} == {
        (server, protocol)
        for server, of in servers.items()
        for protocol, image in of["protocols"].items()
        if image["image"].startswith("mirror.example.org/")
    }


@pytest.mark.parametrize("case", CASES, ids=str)
def test_no_value_is_a_secret(build: Build, case: Case) -> None:
    for inputs in both(case, build):
        assert "Secret(value=" not in repr(inputs)
