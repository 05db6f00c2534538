"""What docs/review.md shows for Argo Events: an event of a pull request becomes a run of the review's template.

Argo Events itself does not run here. Its own schema says which fields there are; an event in the form that its GitHub
source sends is led through the sensor's filters and parameters.
"""

import copy
import re
from functools import cache
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator
from pulumi_mlops.platform.review_workflow import _pod

from local.paths import ROOT
from maintenance import upstream
from tests.conftest import Build
from tests.contract import definitions, test_custom_resources
from tests.contract.event_wiring import dangling

TEXT = (ROOT / "docs" / "review.md").read_text()
EVENT: dict[str, Any] = {
    "headers": {"X-Github-Event": ["pull_request"]},
    "body": {
        "X-GitHub-Event": "pull_request",
        "action": "synchronize",
        "number": 12,
        "pull_request": {
            "number": 12,
            "state": "open",
            "base": {"ref": "main", "repo": {"full_name": "team/churn"}},
            "head": {"ref": "change", "sha": "0123456789abcdef" * 2 + "01234567", "repo": {"full_name": "team/churn"}},
        },
    },
}


def shown() -> dict[str, dict[str, Any]]:
    """The manifests of the page, by kind."""
    (text,) = re.findall(r"<!-- events -->\n```yaml\n(.*?)```", TEXT, re.DOTALL)
    return {one["kind"]: one for one in yaml.safe_load_all(text)}


@cache
def schema() -> dict[str, Any]:
    return _closed(upstream.content(upstream.JSON_SCHEMA, "event-sources-and-sensors"))


def _closed(node: Any) -> Any:
    """Unknown fields are errors."""
    if isinstance(node, list):
        return [_closed(part) for part in node]
    if not isinstance(node, dict):
        return node
    closed = {key: _closed(part) for key, part in node.items()}
    return closed | ({"additionalProperties": False} if isinstance(node.get("properties"), dict) else {})


def problems(manifest: dict[str, Any]) -> list[str]:
    validator = Draft7Validator({**schema()[manifest["kind"]], "definitions": schema()["definitions"]})
    given = {"status": {}, **manifest}
    return [f"{'.'.join(map(str, error.path))}: {error.message}" for error in validator.iter_errors(given)]


def at(event: Any, path: str) -> Any:
    for key in path.split("."):
        event = event.get(key) if isinstance(event, dict) else None
    return event


def workflow(event: dict[str, Any]) -> dict[str, Any] | None:
    """What the sensor makes of an event; None where a filter stops it."""
    spec = shown()["Sensor"]["spec"]
    (dependency,), (trigger,) = spec["dependencies"], spec["triggers"]
    if any(at(event, one["path"]) not in one["value"] for one in dependency["filters"]["data"]):
        return None
    made = copy.deepcopy(trigger["template"]["k8s"]["source"]["resource"])
    for one in trigger["template"]["k8s"]["parameters"]:
        value = at(event, one["src"]["dataKey"])
        assert value is not None, one
        place = made
        *way, last = one["dest"].split(".")
        for key in way:
            place = place[int(key)] if key.isdecimal() else place[key]
        place[last] = str(value)
    return made


def changed(**body: Any) -> dict[str, Any]:
    return {**EVENT, "body": {**EVENT["body"], **body}}


@pytest.mark.parametrize("kind", ["EventSource", "Sensor"])
def test_every_field_is_one_that_argo_events_knows(kind: str) -> None:
    assert problems(shown()[kind]) == []


@pytest.mark.parametrize(
    ("kind", "path", "field"),
    [
        ("EventSource", ("spec", "github", "churn"), "webhookSecrets"),
        ("Sensor", ("spec", "dependencies", 0), "eventSource"),
        ("Sensor", ("spec", "triggers", 0, "template", "k8s"), "op"),
    ],
)
def test_a_field_that_argo_events_does_not_know_would_be_found(kind: str, path: tuple[Any, ...], field: str) -> None:
    manifest = shown()[kind]
    place: Any = manifest
    for key in path:
        place = place[key]
    place[field] = "x"
    assert field in "\n".join(problems(manifest))


def test_the_sensor_waits_for_an_event_that_is_sent() -> None:
    assert dangling(shown().values()) == []


def test_an_event_starts_the_template_of_the_page_with_its_parameters(build: Build) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    (template,) = build(lambda: exec(code)).of_kind("WorkflowTemplate")
    run = workflow(EVENT)
    assert run

    assert run["spec"]["workflowTemplateRef"] == {"name": template.inputs["metadata"]["name"]}
    assert shown()["Sensor"]["metadata"]["namespace"] == template.inputs["metadata"]["namespace"]
    given = {one["name"]: one["value"] for one in run["spec"]["arguments"]["parameters"]}
    assert given == {
        "pull": "12",
        "revision": EVENT["body"]["pull_request"]["head"]["sha"],
        "base": "main",
        "head-repository": "team/churn",
    }
    assert list(given) == list(_pod.PARAMETERS)
    for version in definitions.ARGO_WORKFLOWS:
        as_template = {**run, "kind": "WorkflowTemplate"}  # whose spec is that of a Workflow
        assert test_custom_resources.problems(as_template, version) == []


@pytest.mark.parametrize("action", ["opened", "reopened", "synchronize", "synchronized"])
def test_what_changes_the_commit_is_reviewed(action: str) -> None:
    assert workflow(changed(action=action))


@pytest.mark.parametrize(
    "body",
    [{"action": "closed"}, {"action": "labeled"}, {"X-GitHub-Event": "issues", "action": "opened"}],
    ids=["closed", "labelled", "an issue"],
)
def test_other_events_start_nothing(body: dict[str, Any]) -> None:
    assert workflow(changed(**body)) is None


def test_only_who_knows_the_secret_starts_a_review() -> None:
    (source,) = shown()["EventSource"]["spec"]["github"].values()
    assert set(source["webhookSecret"]) == {"name", "key"}
