"""The version of the chart of this repository: a release is upgraded where its values or its chart's version change."""

import hashlib
import re
from pathlib import Path

import pytest
import yaml

from standins import charts

CONTENT = "pulumi-mlops.dev/content"
PLACES = sorted(place.parent for place in charts.DIRECTORY.glob("*/Chart.yaml"))


def digest(chart: Path) -> str:
    """Of the chart's files and their names, its version among them; not of the recorded digest itself."""
    found = hashlib.sha256()
    for file in sorted(file for file in chart.rglob("*") if file.is_file()):
        text = re.sub(rf"^  {CONTENT}: .*\n", "", file.read_text(), flags=re.MULTILINE)
        found.update(f"{file.relative_to(chart)}\0{len(text)}\0{text}".encode())
    return found.hexdigest()


@pytest.mark.parametrize("chart", PLACES, ids=lambda place: place.name)
def test_the_version_of_a_chart_is_that_of_its_content(chart: Path) -> None:
    description = yaml.safe_load((chart / "Chart.yaml").read_text())

    assert description["annotations"][CONTENT] == digest(chart), (
        f"{chart.name} has changed since version {description['version']}: raise `version` in its Chart.yaml, which is "
        f"all that makes `pulumi up` install the change, then set {CONTENT} to the digest that this test says"
    )


def test_there_is_a_chart_and_every_part_of_it_counts(tmp_path: Path) -> None:
    assert [place.name for place in PLACES] == ["argo-workflows"]
    (tmp_path / "Chart.yaml").write_text(f"version: 0.1.0\nannotations:\n  {CONTENT}: some\n")
    before = digest(tmp_path)
    (tmp_path / "Chart.yaml").write_text(f"version: 0.1.0\nannotations:\n  {CONTENT}: other\n")
    assert digest(tmp_path) == before
    (tmp_path / "Chart.yaml").write_text(f"version: 0.1.1\nannotations:\n  {CONTENT}: other\n")
    raised = digest(tmp_path)
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "new.yaml").touch()
    assert len({before, raised, digest(tmp_path)}) == 3
