"""What is made from plain values is plain: every Output costs time and memory until its resource is registered."""

import json
from typing import Any

import pulumi
import pytest
from pulumi_mlops import ModelEndpoint, TrainingPipeline
from pulumi_mlops._derived import derived, json_text

from tests.components.programs import ENDPOINT, PIPELINE
from tests.conftest import Build


def test_what_is_known_is_derived_at_once_and_an_output_later(build: Build) -> None:
    values: list[Any] = []

    def program() -> None:
        values.append(derived("birds", str.upper))
        pulumi.Output.all(derived(pulumi.Output.from_input("cats"), str.upper)).apply(values.extend)

    build(program)
    assert values == ["BIRDS", "CATS"]


def test_a_document_with_an_output_deep_inside_has_the_same_text_as_one_without(build: Build) -> None:
    document = {"b": [{"key": "value"}], "a": 1}
    texts: list[str] = []

    def program() -> None:
        later = json_text({"b": [{"key": pulumi.Output.from_input("value")}], "a": 1}, indent=2)
        pulumi.Output.all(later, json_text(document, indent=2)).apply(texts.extend)

    build(program)
    assert texts == [json.dumps(document, indent=2, sort_keys=True)] * 2


def test_pipelines_and_endpoints_with_plain_arguments_make_few_outputs(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = 0
    original = pulumi.Output.from_input

    def counted(value: Any) -> Any:
        nonlocal made
        made += 1
        return original(value)

    def program() -> None:
        monkeypatch.setattr(pulumi.Output, "from_input", counted)
        ModelEndpoint("birds", ENDPOINT)
        TrainingPipeline("penguins", PIPELINE)
        monkeypatch.undo()

    build(program)
    assert made <= 20
