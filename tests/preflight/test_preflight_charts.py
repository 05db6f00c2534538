"""Charts of releases, fetched and rendered by a helm of this machine that answers as helm does."""

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
from pulumi_mlops.cli.preflight.account import Account
from pulumi_mlops.cli.preflight.checks import charts
from pulumi_mlops.cli.preflight.results import Outcome, Result
from simulated_account import new, planned

RELEASE = "kubernetes:helm.sh/v3:Release"
DEPLOYMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web"},
    "spec": {"template": {"spec": {"containers": [{"name": "web", "image": "127.0.0.1:1/web:1"}]}}},
}
PULLS = """case "$1" in
pull) while [ "$1" != --untardir ]; do shift; done; mkdir -p "$2/web"; touch "$2/web/Chart.yaml";;
"""


@pytest.fixture
def helm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Writes the helm that is on PATH."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    def write(script: str) -> None:
        (tmp_path / "helm").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "helm").chmod(0o755)

    return write


def asked(**inputs: Any) -> list[Result]:
    release = {"chart": "web", "version": "1.2.3", "repositoryOpts": {"repo": "https://charts.example.org"}}
    return list(charts.rendered(planned(new(RELEASE, **release, **inputs)), Account(None, "", "", "")))


def test_a_chart_that_renders_is_fine_and_its_images_are_asked_for(helm: Any) -> None:
    helm(f"{PULLS}template) printf '%s' {shlex.quote(json.dumps(DEPLOYMENT))};;\nesac")
    chart, image = asked()
    assert (chart.outcome, chart.what) == (Outcome.OK, "web 1.2.3")
    assert image.what.startswith("127.0.0.1:1/web:1: ")


def test_a_chart_that_cannot_be_fetched_is_a_finding_with_helms_reason(helm: Any) -> None:
    helm('echo \'Error: chart "web" version "1.2.3" not found\' >&2; exit 1')
    (found,) = asked()
    assert found.outcome is Outcome.FINDING
    assert found.what == 'web 1.2.3: helm pull says: Error: chart "web" version "1.2.3" not found'
    assert "chart_repository" in found.fix


def test_values_that_a_chart_refuses_are_a_finding_and_hidden_ones_are_not_checked(helm: Any) -> None:
    helm(f"{PULLS}template) echo 'Error: size is missing' >&2; exit 1;;\nesac")
    (refused,) = asked(values={"replicas": 1})
    assert refused.outcome is Outcome.FINDING
    assert refused.what == "web 1.2.3 refuses its values: helm says: Error: size is missing"
    (hidden,) = asked(values={"password": "[secret]"})
    assert hidden.outcome is Outcome.NOT_CHECKED


def test_without_helm_charts_are_not_checked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (found,) = asked()
    assert found.outcome is Outcome.NOT_CHECKED
    assert "no helm on PATH" in found.what


def test_a_stack_without_charts_needs_no_helm() -> None:
    assert list(charts.rendered(planned(), Account(None, "", "", ""))) == []
