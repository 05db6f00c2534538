"""`make bump` and `make generate`, on copies of the files that they change."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from pulumi_mlops import versions

from local.paths import ROOT
from maintenance import bump, generate, locks

VERSIONS = "components/pulumi_mlops/versions.py"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files of a repository in which pins stand; locks are not resolved, and Go changes nothing."""
    for name in (
        VERSIONS,
        "pyproject.toml",
        "requirements",
        "local/tools",
        ".github/workflows",
        *bump.STAND_INS.values(),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "go").write_text(f'#!/bin/sh\necho "$PWD $@" >> {tmp_path}/go\n')
    (tmp_path / "bin" / "go").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")
    monkeypatch.setattr(bump, "ROOT", tmp_path)
    monkeypatch.setattr(
        locks, "compile_locks", lambda upgrades: (tmp_path / "compiled").write_text("\n".join(upgrades))
    )
    return tmp_path


def changed(root: Path) -> dict[str, list[str]]:
    """File → the lines that are new in it."""
    found = {}
    for file in (
        root / VERSIONS,
        root / "pyproject.toml",
        *root.glob("local/tools/*/go.mod"),
        *root.glob(".github/*/*"),
        *root.glob("standins/charts/*/Chart.yaml"),
    ):
        name = str(file.relative_to(root))
        before, after = (ROOT / name).read_text().splitlines(), file.read_text().splitlines()
        if lines := [line.strip() for line in after if line not in before]:
            found[name] = lines
    return found


@pytest.mark.parametrize("pin", sorted(bump.constants()))
def test_each_pin_of_the_library_can_be_changed_and_nothing_else_changes(pin: str) -> None:
    source = (ROOT / VERSIONS).read_text()
    after = bump.in_versions(source, pin, "99.0.1")

    module: dict[str, object] = {"__name__": "versions"}
    exec(compile(after.replace("@dataclass(frozen=True)", "@dataclass"), VERSIONS, "exec"), module)
    assert {name: module[name] for name in bump.constants()} == {**bump.constants(), pin: "99.0.1"}


def test_a_chart_is_one_line(root: Path) -> None:
    assert bump.bump("CERT_MANAGER", "v9.9.9") == ["CERT_MANAGER"]

    (line,) = changed(root).pop(VERSIONS)
    assert '"v9.9.9"' in line
    assert not (root / "compiled").exists()


def test_mlflow_moves_in_both_files_and_in_the_locks(root: Path) -> None:
    bump.bump("mlflow", "9.9.9")

    assert changed(root).keys() == {VERSIONS, "pyproject.toml"}
    assert re.findall(r'"(mlflow\S*)==9\.9\.9"', (root / "pyproject.toml").read_text()) == [
        "mlflow-skinny",
        "mlflow[auth]",
    ]
    assert (root / "compiled").read_text().splitlines() == ["mlflow==9.9.9", "mlflow-skinny==9.9.9"]


def test_a_package_moves_in_every_group(root: Path) -> None:
    bump.bump("xgboost-cpu", "9.9.9")

    text = (root / "pyproject.toml").read_text()
    assert len(re.findall(r'"xgboost-cpu==9\.9\.9"', text)) == len(re.findall("xgboost-cpu==", text)) == 3


def test_a_package_that_only_the_locks_pin_is_upgraded_there(root: Path) -> None:
    bump.bump("ruff", "9.9.9")

    assert changed(root) == {}
    assert (root / "compiled").read_text() == "ruff==9.9.9"


def test_what_cannot_be_resolved_is_one_sentence(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(_: object) -> None:
        raise subprocess.CalledProcessError(1, ["uv"])

    monkeypatch.setattr(locks, "compile_locks", refuses)

    with pytest.raises(
        bump.BadPin, match=r"uv did not resolve ruff 9\.9\.9, see above: pyproject\.toml may be changed"
    ):
        bump.bump("ruff", "9.9.9")


def test_kubernetes_moves_in_both_files_with_its_libraries(root: Path) -> None:
    bump.bump("tools/kubernetes", "1.99.7")

    assert changed(root).keys() == {VERSIONS, "local/tools/kubernetes/go.mod"}
    text = (root / "local/tools/kubernetes/go.mod").read_text()
    assert "k8s.io/kubernetes v1.99.7\n" in text
    assert "k8s.io/client-go v0.99.7 // indirect\n" in text
    old = versions.KUBERNETES.removeprefix("1.")
    assert not re.findall(rf"k8s\.io/\S+ v[01]\.{re.escape(old)}\b", text)
    assert (root / "go").read_text() == f"{root}/local/tools/kubernetes mod tidy\n"


def test_argo_workflows_moves_in_its_stand_in_too(root: Path) -> None:
    bump.bump("ARGO_WORKFLOWS", "3.99.1")

    new = changed(root)
    assert new.keys() == {VERSIONS, "local/tools/argo-workflows/go.mod", "standins/charts/argo-workflows/Chart.yaml"}
    assert "appVersion: v3.99.1" in new["standins/charts/argo-workflows/Chart.yaml"]


def test_the_pulumi_cli_moves_in_the_workflows_too(root: Path) -> None:
    bump.bump("tools/pulumi", "3.999.1")

    new = changed(root)
    assert new.keys() == {"local/tools/pulumi/go.mod", *bump.WORKFLOWS}
    assert [new[workflow] for workflow in bump.WORKFLOWS] == [["default: 3.999.1"]] * 2


@pytest.mark.parametrize(
    ("pin", "version", "complaint"),
    [
        ("CERT_MANGER", "v1.2.3", r'got "CERT_MANGER"; did you mean CERT_MANAGER\?'),
        ("helm", "3.2.1", r"did you mean .*tools/helm"),
        ("CERT_MANAGER", "1.2.3", r'VERSION of CERT_MANAGER must be like "v[\d.]+", got "1.2.3"'),
        ("KUBERNETES", "v1.2.3", r'VERSION of KUBERNETES must be like "[\d.]+", got "v1.2.3"'),
        ("ISTIO", "latest", r'VERSION of ISTIO must be like "[\d.]+", got "latest"'),
        ("ISTIO", "", r"VERSION of ISTIO must be like"),
    ],
)
def test_what_is_no_pin_or_no_version_of_it_changes_nothing(root: Path, pin: str, version: str, complaint: str) -> None:
    with pytest.raises(bump.BadPin, match=complaint):
        bump.bump(pin, version)

    assert changed(root) == {}


def test_pins_that_move_together_have_one_version_now() -> None:
    known = bump.names()
    for group in bump.TOGETHER:
        assert len({known[pin] for pin in group}) == 1, group


def test_every_generator_is_checked_by_the_command_or_by_a_test() -> None:
    for one in generate.GENERATORS:
        assert one.check or one.tested_by, one.files
        assert not one.tested_by or (ROOT / one.tested_by).is_file()


def test_the_check_fails_if_one_generated_file_is_out_of_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "fine.py").write_text("")
    (tmp_path / "old.py").write_text("raise SystemExit('old')")
    monkeypatch.setattr(generate, "ROOT", tmp_path)
    fine, old = (generate.Generator(name, (name,), (name,)) for name in ("fine", "old"))

    assert generate.check([fine]) == 0
    assert generate.check([old, fine]) == 1


def test_what_this_machine_cannot_generate_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "record.py").write_text("import os; open('made', 'w').write(os.environ['PULUMI_MLOPS_RECORD'])")
    monkeypatch.setattr(generate, "ROOT", tmp_path)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    made = generate.Generator("recordings", ("record",), record=True)
    cannot = generate.Generator("pictures", ("record",), program="no-such-browser")

    assert generate.generate([made]) == 0
    assert (tmp_path / "made").read_text() == "1"
    assert generate.generate([cannot]) == 1
    assert "pictures: not made, no-such-browser is not on PATH" in capfd.readouterr().err
