"""The event source and the sensor of a `DeliveryPipeline`: fields that Argo Events knows, names that fit together."""

from typing import Any

import pytest
from pulumi_mlops import DeliveryPipeline

from tests.components import custom_resources as resources
from tests.conftest import Build
from tests.contract.event_wiring import dangling
from tests.contract.test_review_events import problems


def made(build: Build, size: int) -> dict[str, dict[str, Any]]:
    return {one["kind"]: one for one in resources.made(build, DeliveryPipeline, size)}


@pytest.mark.parametrize("size", [0, 1])
@pytest.mark.parametrize("kind", ["EventSource", "Sensor"])
def test_every_field_is_one_that_argo_events_knows(build: Build, kind: str, size: int) -> None:
    assert problems(made(build, size)[kind]) == []


@pytest.mark.parametrize("size", [0, 1])
def test_the_sensor_waits_for_an_event_that_is_sent(build: Build, size: int) -> None:
    assert dangling(made(build, size).values()) == []


def test_the_run_that_it_starts_has_the_parameters_of_the_template(build: Build) -> None:
    objects = made(build, 0)
    (trigger,) = objects["Sensor"]["spec"]["triggers"]
    run = trigger["template"]["k8s"]["source"]["resource"]
    template = objects["WorkflowTemplate"]
    given, asked = (one["spec"]["arguments"]["parameters"] for one in (run, template))
    assert [one["name"] for one in given] == [one["name"] for one in asked]
    assert run["spec"]["workflowTemplateRef"]["name"] == template["metadata"]["name"]
    assert (
        run["metadata"]["namespace"] == template["metadata"]["namespace"] == objects["Sensor"]["metadata"]["namespace"]
    )
