"""What the add-ons set for pods and containers has the form that the chart's templates need at that place."""

from typing import Any

import pytest
import shapes
from test_addon_values import VALUES
from test_delivery_values import CASES, both

from tests.conftest import Build

FACTS = shapes.facts()
RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}


@pytest.fixture
def everything_set(build: Build) -> list[tuple[str, dict[str, Any]]]:
    """Chart and values of each way in which an add-on is installed."""
    of_infrastructure = [(one.values[0], one.values[1]) for one in VALUES]
    of_delivery = [(case.chart, inputs.get("values", {})) for case in CASES for inputs in both(case, build)]
    return [*of_infrastructure, *of_delivery]


def test_every_part_of_a_pod_has_the_form_of_the_place_where_the_chart_puts_it(everything_set) -> None:
    wrong = [
        f"{chart}: {path}: {problem}"
        for chart, values in everything_set
        for path, value in shapes.parts_of_pods(values)
        if path in FACTS.get(chart, {})
        for problem in FACTS[chart][path].problems(value)
    ]

    assert wrong == []


def test_it_is_known_where_every_part_of_a_pod_is_put_and_no_fact_is_left_over(everything_set) -> None:
    set_somewhere = {(chart, path) for chart, values in everything_set for path, _ in shapes.parts_of_pods(values)}

    assert set_somewhere == {(chart, path) for chart, paths in FACTS.items() for path in paths}, (
        f"read the chart's template and say in {shapes.DATA.name} what the value becomes"
    )


def test_fields_of_a_security_context_among_those_of_the_container_are_found() -> None:
    place = FACTS["seldon-core-operator"]["manager.containerSecurityContext"]

    assert list(place.problems(RESTRICTED)) == [f"{field} is no field of Container" for field in RESTRICTED]
    assert list(place.problems({"securityContext": RESTRICTED})) == []
    assert list(place.problems({"resources": {}})) == ["resources is set by the chart itself"]


def test_a_variable_that_the_chart_sets_itself_is_found() -> None:
    place = FACTS["argo-workflows"]["controller.extraEnv"]

    assert list(place.problems([{"name": "LEADER_ELECTION_DISABLE", "value": "true"}])) == [
        "LEADER_ELECTION_DISABLE is set by the chart itself"
    ]


@pytest.mark.parametrize(
    ("type_name", "value", "problem"),
    [
        ("ResourceRequirements", {"request": {"cpu": "1"}}, "request is no field of ResourceRequirements"),
        ("ResourceRequirements", {"requests": {"cpu": 1}}, "requests.cpu must be str, got 1"),
        ("ResourceRequirements", [], "it must be a ResourceRequirements, got []"),
        ("PodSecurityContext", {"fsGroup": "1"}, "fsGroup must be int, got '1'"),
        ("PodSecurityContext", {"capabilities": {}}, "capabilities is no field of PodSecurityContext"),
        ("SecurityContext", {"capabilities": {"drop": "ALL"}}, "capabilities.drop must be a list"),
        ("list[EnvVar]", {"A": "b"}, "it must be a list"),
        ("list[EnvVar]", [{"name": "A", "value": True}], "[0].value must be str, got True"),
        ("list[Toleration]", [{"tolerationSeconds": True}], "[0].tolerationSeconds must be int, got True"),
        ("Affinity", {"nodeAffinity": {"required": {}}}, "nodeAffinity.required is no field of NodeAffinity"),
    ],
)
def test_another_form_is_one_sentence(type_name: str, value: Any, problem: str) -> None:
    assert list(shapes.Shape(type_name).problems(value)) == [problem]
