"""The objects of a recorded release, rendered by the real helm, and the comment that shows them."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pulumi_mlops.review import charts, cli
from pulumi_mlops.review.preview import Operation, Preview
from pulumi_mlops.review.reading import read

from local import tools
from local.paths import ROOT
from tests.review import recorded

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def helm() -> Path:
    return tools.ensure("helm")["helm"]


def release(change: Callable[[dict[str, Any]], None] = lambda inputs: None) -> Preview:
    """The recorded release, with what `change` makes of its inputs after the change."""
    document = json.loads(recorded.text("helm-release").replace(recorded.PLACE, str(ROOT)))
    (step,) = [one for one in document["steps"] if one["op"] == "update"]
    change(step["newState"]["inputs"])
    return read(json.dumps(document), "test")


def only(found: dict[str, charts.Rendered]) -> charts.Rendered:
    (one,) = found.values()
    return one


def test_objects_of_both_sides_are_compared(helm: Path) -> None:
    found = only(charts.rendered([release()], helm))
    assert {(one.operation, one.type.rpartition(":")[2], one.name) for one in found.steps} == {
        (Operation.UPDATE, "Deployment", "web"),
        (Operation.UPDATE, "Secret", "web"),
        (Operation.CREATE, "ConfigMap", "web-debug"),
    }
    (deployment,) = [one for one in found.steps if one.type == "kubernetes:apps/v1:Deployment"]
    assert deployment.new
    (container,) = deployment.new.inputs["spec"]["template"]["spec"]["containers"]
    assert container["env"] == [{"name": "TOKEN", "value": "[secret]"}]


@pytest.mark.parametrize(("operation", "said"), [(Operation.CREATE, "create"), (Operation.DELETE, "delete")])
def test_a_release_that_comes_or_goes_has_all_its_objects(helm: Path, operation: Operation, said: str) -> None:
    made = release()
    steps = [
        dataclasses.replace(
            one,
            operation=operation,
            **({"old": None} if operation == Operation.CREATE else {"old": one.new, "new": None}),
        )
        for one in made.steps
        if one.type == charts.RELEASE
    ]
    found = only(charts.rendered([dataclasses.replace(made, steps=tuple(steps))], helm))
    assert [one.operation.value for one in found.steps] == [said] * 3


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"chart": "oci://registry.example.org/web"},
        {"chart": "/nowhere/web"},
        {"repositoryOpts": {"repo": "https://charts.example.org"}},
        {"valueYamlFiles": [{"path": "values.yaml"}]},
    ],
)
def test_a_chart_that_is_not_here_is_not_rendered(helm: Path, elsewhere: dict[str, Any]) -> None:
    assert charts.rendered([release(lambda inputs: inputs.update(elsewhere))], helm) == {}


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ("[secret]", "its values are secret as a whole"),
        ({"login": "[secret]"}, "helm says: Error: template: web/templates/web.yaml"),
    ],
)
def test_a_chart_that_does_not_render_says_so(helm: Path, values: Any, sentence: str) -> None:
    found = only(charts.rendered([release(lambda inputs: inputs.update(values=values))], helm))
    assert found.steps == ()
    assert found.problem.startswith(sentence)


def test_the_command_shows_the_objects_where_it_is_given_helm(
    helm: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "web.json"
    file.write_text(recorded.text("helm-release").replace(recorded.PLACE, str(ROOT)))
    assert cli.main(["comment", "--format", "github", "--helm", str(helm), str(file)]) == 0
    comment = capsys.readouterr().out
    assert "3 objects of its chart, as it is here, differ besides secrets" in comment
    assert (
        "<td><code>Deployment web</code></td><td><code>spec.replicas</code>: <code>1</code> → <code>2</code>" in comment
    )
    assert "<td><code>Secret web</code></td><td><code>stringData.seed</code>: secret changed" in comment
    assert "- `test`: 1 to update, 1 unchanged" in comment

    assert cli.main(["comment", "--format", "github", str(file)]) == 0
    comment = capsys.readouterr().out
    assert "the objects of its chart are not shown" in comment
    assert "Deployment web" not in comment
