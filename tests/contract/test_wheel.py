"""What a team installs: built without a network, it holds the import package and nothing else."""

import ast
import json
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from email.parser import Parser
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from maintenance.long_description import long_description

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    directory = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(directory), str(ROOT)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    (path,) = directory.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        yield archive


def metadata(wheel: zipfile.ZipFile, file: str) -> str:
    (name,) = [one for one in wheel.namelist() if one.endswith(f".dist-info/{file}")]
    return wheel.read(name).decode()


def test_it_has_exactly_one_top_level_package(wheel: zipfile.ZipFile) -> None:
    tops = {name.partition("/")[0] for name in wheel.namelist()}
    assert tops == {"pulumi_mlops", f"pulumi_mlops-{PROJECT['version']}.dist-info"}


def test_it_holds_every_source_file_and_no_leftovers(wheel: zipfile.ZipFile) -> None:
    sources = ROOT / "components"
    expected = {
        str(path.relative_to(sources))
        for path in (sources / "pulumi_mlops").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {name for name in wheel.namelist() if name.startswith("pulumi_mlops/")} == expected


def test_the_engine_looks_for_no_plugin_of_its_name(wheel: zipfile.ZipFile) -> None:
    assert json.loads(wheel.read("pulumi_mlops/pulumi-plugin.json")) == {"resource": False}


def test_type_checkers_use_its_annotations(wheel: zipfile.ZipFile) -> None:
    assert "pulumi_mlops/py.typed" in wheel.namelist()


def test_it_needs_only_the_pulumi_sdks(wheel: zipfile.ZipFile) -> None:
    message = Parser().parsestr(metadata(wheel, "METADATA"))
    needs = [Requirement(line) for line in message.get_all("Requires-Dist") or []]
    always = [need for need in needs if need.marker is None]
    assert {need.name for need in always} == {"pulumi", "pulumi-kubernetes", "pulumi-random"}
    assert {str(need) for need in always} == {str(Requirement(line)) for line in PROJECT["dependencies"]}
    assert {need.name for need in needs} - {need.name for need in always} == {
        "pulumi-aws",
        "pulumi-eks",
        "kubernetes",
        "boto3",
        "dnspython",
    }
    assert message["License-Expression"] == "Apache-2.0"


def test_its_long_description_is_the_readme_without_links_that_lead_nowhere(wheel: zipfile.ZipFile) -> None:
    _, _, text = metadata(wheel, "METADATA").partition("\n\n")

    assert text.startswith("# pulumi-mlops\n")
    assert "set up, test and propose a change | CONTRIBUTING.md |" in text
    assert "command (`docs/aws.md` in the repository)" in text
    assert [place for place in re.findall(r"\]\(([^)]+)\)", text) if not place.startswith("https://")] == []


def test_its_long_description_links_to_the_tag_of_the_release_where_the_repository_has_a_page() -> None:
    readme = "![a](docs/a.svg) [b](docs/b.md#c) [d](#e) [f](https://example.org/f)"

    assert long_description(readme, "1.2.3", "https://git.example.org/o/p") == (
        "![a](https://git.example.org/o/p/raw/v1.2.3/docs/a.svg) "
        "[b](https://git.example.org/o/p/blob/v1.2.3/docs/b.md#c) d [f](https://example.org/f)"
    )


def test_it_imports_nothing_that_only_this_repository_has(wheel: zipfile.ZipFile) -> None:
    folders = {path.name for path in ROOT.iterdir() if path.is_dir()}
    assert {"local", "standins", "maintenance", "ml", "stacks"} <= folders
    found = [
        f"{file} imports {module}"
        for file in wheel.namelist()
        if file.endswith(".py")
        for node in ast.walk(ast.parse(wheel.read(file)))
        for module in _imported(node)
        if module.partition(".")[0] in folders
    ]
    assert found == []


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []


def test_its_commands_are_there(wheel: zipfile.ZipFile) -> None:
    lines = metadata(wheel, "entry_points.txt").splitlines()

    assert "pulumi-mlops = pulumi_mlops.cli.main:main" in lines
    assert "pulumi-mlops-review = pulumi_mlops.review.cli:main" in lines


def test_it_works_from_where_it_is_installed(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path)
    code = "import pulumi_mlops as p; print(p.__file__); [getattr(p, name) for name in p.__all__]"
    ran = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(ran.stdout.strip()) == tmp_path / "pulumi_mlops" / "__init__.py"
