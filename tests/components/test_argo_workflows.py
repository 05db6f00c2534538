from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pulumi_mlops import ArgumentError, versions
from pulumi_mlops.platform import ArgoWorkflows
from pulumi_mlops.platform.add_ons import argo_workflows

from tests.components.addons import filled
from tests.conftest import Build, unknown

UPSTREAM_KEYS = Path(__file__).parent.parent / "data" / "argo-workflows-value-keys.txt"
FREE_FORM = ("resources", "podSecurityContext", "securityContext", "workflowDefaults", "retentionPolicy")
"""Values that the chart copies as they are: their own keys are Kubernetes' or Argo's, not the chart's."""


def program(name: str = "argo-workflows", **changes: Any) -> ArgoWorkflows:
    return ArgoWorkflows(name, {"namespace": "argo", **changes})


def values_of(release: str, **changes: Any) -> dict[str, Any]:
    return argo_workflows.values(release, filled(ArgoWorkflows, {"namespace": "argo", **changes}))


def test_one_pinned_release_of_upstreams_chart(build: Build) -> None:
    graph = build(program)

    assert graph.kinds() == {"ArgoWorkflows", "Release"}
    release = graph["argo-workflows-release"].inputs
    assert release["chart"] == "argo-workflows"
    assert release["version"] == versions.ARGO_WORKFLOWS_CHART
    assert release["repositoryOpts"] == {"repo": argo_workflows.CHART.repository}
    assert release["namespace"] == "argo"


@pytest.mark.parametrize(
    ("repository", "source"),
    [
        ("/srv/charts/", {"chart": "/srv/charts/argo-workflows"}),
        (
            "oci://registry.example.org/charts",
            {"chart": "oci://registry.example.org/charts/argo-workflows", "version": versions.ARGO_WORKFLOWS_CHART},
        ),
        (
            "https://charts.example.org",
            {
                "chart": "argo-workflows",
                "version": versions.ARGO_WORKFLOWS_CHART,
                "repository_opts": {"repo": "https://charts.example.org"},
            },
        ),
    ],
)
def test_the_chart_comes_from_a_repository_a_registry_or_a_directory(repository: str, source: dict[str, Any]) -> None:
    assert argo_workflows.CHART.source(repository) == source


def test_upstreams_chart_has_every_value_that_we_set() -> None:
    known = set(UPSTREAM_KEYS.read_text().split())

    ours = set(_paths(values_of("argo-workflows")))

    assert ours
    assert ours - known == set()


def test_the_stand_in_chart_says_what_it_does_with_every_value_that_we_set() -> None:
    chart = Path(__file__).parent.parent.parent / "standins" / "charts" / "argo-workflows" / "values.yaml"
    known = set(_paths(yaml.safe_load(chart.read_text())))

    assert set(_paths(values_of("argo-workflows"))) - known == set()


def test_images_come_from_the_mirror_in_our_version() -> None:
    values = values_of("a", image_mirror="mirror.example.org")

    assert values["images"]["tag"] == f"v{versions.ARGO_WORKFLOWS}"
    for part, repository in (("controller", "argoproj/workflow-controller"), ("executor", "argoproj/argoexec")):
        assert values[part]["image"] == {"registry": "mirror.example.org", "repository": repository}


def test_definitions_survive_unless_told_otherwise() -> None:
    assert values_of("a")["crds"]["keep"] is True
    assert values_of("a", keep_definitions=False)["crds"]["keep"] is False


def test_settings_reach_the_controller() -> None:
    values = values_of("a", requeue_milliseconds=2000, retained_workflows=7, memory="1Gi")

    assert {"name": "DEFAULT_REQUEUE_TIME", "value": "2000ms"} in values["controller"]["extraEnv"]
    assert set(values["controller"]["retentionPolicy"].values()) == {7}
    assert values["controller"]["resources"]["limits"] == {"memory": "1Gi"}


def test_the_executor_may_run_in_a_restricted_namespace() -> None:
    security = values_of("a")["executor"]["securityContext"]

    assert security["allowPrivilegeEscalation"] is False
    assert security["capabilities"] == {"drop": ["ALL"]}


def test_what_is_not_known_yet_is_no_obstacle(build: Build) -> None:
    graph = build(lambda: program(namespace=unknown("n"), image_mirror=unknown("registry")), preview=True)

    assert "Release" in graph.kinds()


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"requeue_milliseconds": 5}, "args.requeue_milliseconds must be between 10 and 10000 ms, got 5"),
        ({"requeue_milliseconds": 10_001}, "args.requeue_milliseconds must be between 10 and 10000 ms, got 10001"),
        ({"chart_repository": ""}, "args.chart_repository must not be empty"),
        ({"memory": "256 MB"}, "args.memory must be a Kubernetes quantity"),
        ({"chart_repo": "x"}, 'did you mean "chart_repository"?'),
    ],
)
def test_wrong_arguments_cost_one_line_and_no_resource(build: Build, changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ArgumentError) as error:
        build(lambda: program(**changes))

    assert complaint in str(error.value)


@pytest.mark.parametrize("milliseconds", [10, 10_000])
def test_the_limits_themselves_are_allowed(build: Build, milliseconds: int) -> None:
    assert build(lambda: program(requeue_milliseconds=milliseconds)).of_kind("Release")


def _paths(values: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in values.items():
        path = f"{prefix}{key}"
        if isinstance(value, dict) and value and key not in FREE_FORM:
            yield from _paths(value, f"{path}.")
        else:
            yield path
