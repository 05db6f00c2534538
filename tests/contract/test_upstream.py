"""The data files of other projects' releases: each is of the pinned version, and can be made again."""

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pytest
from pulumi_mlops import versions

from maintenance import extraction, fields, upstream, upstream_files
from maintenance.upstream import DATA, Data


def test_the_data_of_other_projects_are_of_the_pinned_versions() -> None:
    """The one test that fails after a pin was changed; it names the command that makes the data."""
    assert upstream.out_of_date() == []


def test_every_file_has_its_line_and_every_line_its_file() -> None:
    folders = {data.file.parent for data in DATA}

    assert {file for folder in folders for file in folder.glob("*.json*")} == {
        fields.FILE,
        *(data.file for data in DATA),
    }
    assert len({data.file for data in DATA}) == len(DATA) == len({str(data) for data in DATA})


def test_no_file_has_a_version_in_its_name() -> None:
    assert [data.name for data in DATA if re.search(r"\d+\.\d+", data.file.name)] == []


def test_there_are_keys_of_every_chart_that_the_library_installs_by_the_pin_that_it_installs() -> None:
    installed = upstream_files.charts()
    pins = {data.name: data.pinned for data in DATA if data.kind is upstream.CHART}
    pins["argo-workflows"] = versions.ARGO_WORKFLOWS_CHART  # the keys are those of the chart on EKS

    assert pins == {name: chart.version for name, chart in installed.items()}


def test_a_file_of_another_version_is_one_sentence_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "EXTERNAL_SECRETS", "9.9.9")
    files = upstream.named("EXTERNAL_SECRETS")
    was = files[0].read()["pin"]

    assert upstream.out_of_date(files) == [
        f"{file} is of EXTERNAL_SECRETS {was}, the pin is 9.9.9: run `python -m maintenance.upstream_files {name}`"
        for file, name in (
            ("tests/contract/data/charts/external-secrets.json.gz", "chart/external-secrets"),
            ("tests/contract/data/rendered/external-secrets.json.gz", "rendered/external-secrets"),
            ("tests/contract/schemas/external-secrets.json.gz", "definitions/external-secrets"),
        )
    ]


def test_a_chart_that_a_module_of_the_platform_names_has_its_lines_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tiny.py").write_text(
        'CHART = Chart(\n    "tiny", "https://charts.example.org", versions.CERT_MANAGER\n)'
    )
    monkeypatch.setattr(upstream, "PLATFORM", tmp_path)

    assert upstream.pins_of_charts() == {"tiny": "CERT_MANAGER", "argo-workflows": "ARGO_WORKFLOWS_4_CHART"}


def test_a_file_that_has_not_been_made_yet_is_one_sentence_with_the_command() -> None:
    data = Data(upstream.CHART, "tiny", "CERT_MANAGER")

    assert upstream.out_of_date([data]) == [
        "tests/contract/data/charts/tiny.json.gz is missing: run `python -m maintenance.upstream_files chart/tiny`"
    ]


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Data:
    """A file in an empty directory, of a chart in a Go module."""
    monkeypatch.setattr(versions, "CERT_MANAGER", "v7.0.0")
    kind = dataclasses.replace(upstream.CHART, files=str(tmp_path / "{}.json.gz"))
    return Data(kind, "tiny", "CERT_MANAGER", "charts/tiny", "example/tiny", "example.org/tiny")


def test_a_file_is_made_from_the_go_module_of_the_pinned_version(
    data: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chart = tmp_path / "module" / "charts" / "tiny"
    chart.mkdir(parents=True)
    (chart / "values.yaml").write_text("replicas: 1\n")
    program = tmp_path / "go"
    program.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/asked\necho \'{{"Dir": "{tmp_path}/module"}}\'\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    upstream_files.make(data)

    assert (tmp_path / "asked").read_text() == "mod download -json example.org/tiny@v7.0.0\n"
    content = {"keys": {"replicas": "int"}, "schema": None}
    assert data.read() == {"pin": "v7.0.0", "version": "7.0.0", "content": content}


def test_what_cannot_be_downloaded_here_is_one_sentence_with_the_command_for_elsewhere(
    data: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "go").write_text("#!/bin/sh\necho 'no such host' >&2\nexit 1\n")
    (tmp_path / "go").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    with pytest.raises(upstream_files.NotAvailable) as error:
        upstream_files.make(data)

    where = "get charts/tiny of example/tiny at that release elsewhere"
    command = "python -m maintenance.upstream_files chart/tiny --version 7.0.0 --directory DIRECTORY"
    reason = "chart/tiny 7.0.0 cannot be downloaded here (go: no such host)"
    assert str(error.value) == f"{reason}: {where}, and run `{command}`"
    assert not data.file.exists()


def test_a_release_with_a_number_of_its_own_has_to_be_named() -> None:
    with pytest.raises(upstream_files.NotAvailable, match=r"another number than the pin .* --version VERSION`"):
        upstream_files.make(upstream.one(upstream.DEFINITIONS, "prometheus-operator"))


def test_an_unknown_name_is_refused_with_those_that_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        upstream_files.main(["certmanager"])

    assert "certmanager is neither a pin nor one of chart/argo-cd, " in capsys.readouterr().err


def test_definitions_keep_their_kinds_and_lose_their_descriptions(tmp_path: Path) -> None:
    def definition(kind: str) -> dict[str, Any]:
        text = {"type": "string", "description": "Prose."}
        schema = {"properties": {"description": text, "=": {"enum": ["="]}}, "description": "Prose."}
        versions = [{"name": "v1", "schema": {"openAPIV3Schema": schema}}]
        spec = {"names": {"kind": kind}, "versions": versions}
        return {"kind": "CustomResourceDefinition", "metadata": {"name": kind, "x": 1}, "spec": spec}

    made = [definition("A"), definition("B"), {"kind": "Service"}]
    (tmp_path / "all.yaml").write_text("\n---\n".join(map(json.dumps, made)).replace('"=": {', "=: {"))

    (kept,) = extraction.definitions(tmp_path, {"B"})

    assert kept["metadata"] == {"name": "B"}
    schema = kept["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    assert schema == {"properties": {"description": {"type": "string"}, "=": {"enum": ["="]}}}
    assert len(extraction.definitions(tmp_path, set())) == 2


def test_a_schema_keeps_what_its_kinds_refer_to(tmp_path: Path) -> None:
    file = tmp_path / "schema.json"
    refers = {"properties": {"b": {"$ref": "#/definitions/x.B"}}}
    file.write_text(json.dumps({"definitions": {"x.A": refers, "x.B": {"type": "object"}, "x.C": {}}}))

    assert extraction.json_schema(file, {"A"}) == {
        "A": {"$ref": "#/definitions/x.A"},
        "definitions": {"x.A": refers, "x.B": {"type": "object"}},
    }


@pytest.mark.parametrize(("problems", "status"), [([], 0), (["one is old", "two is old"], 1)])
def test_the_check_prints_what_is_out_of_date(
    problems: list[str], status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(upstream, "out_of_date", lambda: problems)

    assert upstream_files.main(["--check"]) == status
    assert capsys.readouterr().err.splitlines() == problems
