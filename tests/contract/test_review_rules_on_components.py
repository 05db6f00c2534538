"""The review rules on what the components of the library make, with every value known."""

import inspect
import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pulumi
import pytest
from pulumi_mlops.review import rules
from pulumi_mlops.review.findings import Finding
from pulumi_mlops.review.preview import MASKED, UNKNOWN, Operation, Preview, State, Step

from stacks import foundation, penguins, platform
from tests import conftest
from tests.contract.api import COMPONENTS
from tests.contract.test_docstring_examples import CODE

TODAY = date(2026, 11, 26)
SETTINGS: dict[str, tuple[Callable[[], None], dict[str, str]]] = {
    "platform-local": (
        platform.build,
        {"gateway_class": "traefik", "gateway_url": "http://10.88.0.1", "image_mirror": "mirror.example.org"},
    ),
    "penguins-local": (penguins.build, {"image_registry": "mirror.example.org"}),
    "foundation-dev": (
        foundation.build,
        {
            "environment": "dev",
            "domain_name": "dev.ml.example.org",
            "zones": json.dumps(["eu-central-1a", "eu-central-1b"]),
            "node_groups": json.dumps(
                [{"name": "general", "instance_types": ["m7i.large"], "min_size": 2, "max_size": 5}]
            ),
        },
    ),
}

NEEDED = {"pulumi_mlops.DeliveryPipeline": [("pod-security", "web-workflow-template")]}
"""What a component cannot do without, so that a stack with it needs an exception: rootless BuildKit maps its users by
a setuid program."""


def shown(value: Any) -> Any:
    """A recorded value as a preview shows it."""
    if isinstance(value, conftest.Secret):
        return MASKED
    if isinstance(value, dict):
        return {key: shown(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [shown(inner) for inner in value]
    return UNKNOWN if value == conftest.UNKNOWN else value


def judged(graph: conftest.Graph, stack: str) -> list[Finding]:
    steps = [
        Step(Operation.CREATE, one.urn, new=State(inputs=shown(one.inputs), parent=one.parent, custom=True))
        for one in graph
        if not one.read
    ]
    assert steps
    return rules.check([Preview(stack, tuple(steps))], today=TODAY)


@pytest.mark.parametrize("preview", [True, False], ids=["preview", "update"])
@pytest.mark.parametrize("stack", SETTINGS)
def test_no_stack_breaks_a_rule(build: conftest.Build, stack: str, preview: bool) -> None:
    program, settings = SETTINGS[stack]
    config = {f"pulumi-mlops:{key}": value for key, value in settings.items()}
    pulumi.runtime.set_all_config({**config, "aws:region": "eu-central-1"})
    try:
        assert judged(build(program, preview=preview), stack) == []
    finally:
        pulumi.runtime.set_all_config({})


@pytest.mark.parametrize("name", COMPONENTS)
def test_no_component_breaks_a_rule_by_itself(build: conftest.Build, name: str) -> None:
    (code,) = CODE.findall(inspect.getdoc(COMPONENTS[name]) or "")
    findings = judged(build(lambda: exec(code, {"pulumi": pulumi}), preview=False), "examples-dev")
    # The examples give no tags; a stack does.
    found = [(one.rule, one.urn.rpartition("::")[2]) for one in findings if one.rule != "required-tags"]
    assert found == NEEDED.get(name, [])
