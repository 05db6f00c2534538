"""The objects of a recorded release, rendered by the real helm, and the comment that shows them."""

import dataclasses
import functools
import http.server
import json
import random
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pulumi_mlops.review import chart_findings, charts, cli, rules
from pulumi_mlops.review.findings import Level
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


def found(preview: Preview, helm: Path, **options: Any) -> list[tuple[str, str]]:
    """(rule, message) of what `up` would refuse."""
    charts_of = charts.rendered([preview], helm, **options)
    return [(one.rule, one.message) for one in chart_findings.findings([preview], charts_of)]


def test_values_that_a_chart_refuses_are_a_finding_unless_the_preview_hides_some(helm: Path) -> None:
    assert found(release(), helm) == []
    ((rule, message),) = found(release(lambda inputs: inputs.update(values={"login": "open"})), helm)
    assert rule == "chart-renders"
    assert "refuses its values: helm says: Error: template: web/templates/web.yaml" in message
    assert found(release(lambda inputs: inputs.update(values={"login": "[secret]"})), helm) == []


def exception(rule: str, resource: str, until: str = "2027-01-31") -> list[rules.Exemption]:
    fields = {"stack": "test", "resource": resource, "rule": rule, "reason": "this chart asks the cluster itself"}
    entry = [*(f'{key} = "{value}"' for key, value in fields.items()), f"until = {until}"]
    return rules.read("\n".join(["[[exception]]", *entry]), "review-exceptions.toml")


def test_a_finding_about_a_chart_is_excepted_by_an_entry_for_its_release_until_that_ends(helm: Path) -> None:
    refusing = release(lambda inputs: inputs.update(values={"login": "open"}))
    (step,) = [one for one in refusing.steps if one.type == charts.RELEASE]
    rendered = charts.rendered([refusing], helm)

    def left(*exceptions: rules.Exemption, today: date = date(2026, 12, 1)) -> list[str]:
        return [one.rule for one in chart_findings.findings([refusing], rendered, exceptions, today)]

    assert left() == ["chart-renders"]
    assert left(*exception("chart-renders", step.name)) == []
    assert left(*exception("chart-renders", step.name), today=date(2027, 2, 1)) == ["chart-renders"]
    assert left(*exception("chart-renders", "another")) == ["chart-renders"]
    assert left(*exception("release-size", step.name)) == ["chart-renders"]


@pytest.fixture
def repository(helm: Path, tmp_path: Path) -> Iterator[tuple[str, list[str]]]:
    """Address of a chart repository with a chart whose values are pasted into a container, and what was fetched."""
    chart = tmp_path / "sloppy"
    shutil.copytree(recorded.CHART, chart)
    web = chart / "templates" / "web.yaml"
    web.write_text(
        web.read_text().replace(
            "          env:", "          {{- toYaml .Values.security | nindent 10 }}\n          env:"
        )
    )
    served = tmp_path / "served"
    for words in (["package", str(chart), "--destination", str(served)], ["repo", "index", str(served)]):
        subprocess.run([helm, *words], check=True, capture_output=True)
    asked: list[str] = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_request(self, code: Any = "-", size: Any = "-") -> None:
            asked.append(self.path)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(served)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()


def test_a_chart_of_a_repository_is_fetched_where_asked_for_and_its_objects_have_only_fields_that_exist(
    helm: Path, repository: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    address, asked = repository
    for one in ("CACHE", "CONFIG", "DATA"):
        monkeypatch.setenv(f"HELM_{one}_HOME", str(tmp_path / "home" / one))

    def with_values(inputs: dict[str, Any]) -> None:
        security = {"allowPrivilegeEscalation": False}
        inputs.update(
            chart="web",
            version="1.0.0",
            repositoryOpts={"repo": address},
            values={"security": security, "login": {"token": "x"}},
        )

    assert found(release(with_values), helm) == []
    assert asked == []
    ((rule, message),) = found(release(with_values), helm, fetch=True)
    assert rule == "unknown-field"
    assert message.startswith("the chart web 1.0.0 makes with these values Deployment web, whose kind has no field ")
    assert "spec.template.spec.containers[0].allowPrivilegeEscalation" in message


def test_a_release_that_helm_could_not_keep_is_a_finding(helm: Path, tmp_path: Path) -> None:
    chart = tmp_path / "large"
    shutil.copytree(recorded.CHART, chart)

    def judged(size: int) -> list[tuple[str, str, Level]]:
        (chart / "notes.bin").write_bytes(random.Random(1).randbytes(size))  # which does not get smaller by packing
        large = release(lambda inputs: inputs.update(chart=str(chart), values={"login": {"token": "x"}}))
        rendered = charts.rendered([large], helm)
        return [(one.rule, one.message, one.level) for one in chart_findings.findings([large], rendered)]

    assert judged(400_000) == []
    ((_, _, near),) = judged(740_000)
    assert near is Level.WARNING
    ((rule, message, level),) = judged(900_000)
    assert (rule, level) == ("release-size", Level.BLOCKING)
    assert message.startswith(f"helm keeps the release of the chart {chart}")
    assert message.endswith("and Kubernetes admits 1024 KiB")


def test_a_repository_that_does_not_answer_is_said_and_no_finding(helm: Path) -> None:
    away = release(lambda inputs: inputs.update(chart="web", repositoryOpts={"repo": "http://127.0.0.1:9"}))
    assert "helm pull says: " in only(charts.rendered([away], helm, fetch=True)).problem
    assert found(away, helm, fetch=True) == []


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
