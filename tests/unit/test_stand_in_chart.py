"""The version of the chart of this repository: a release is upgraded where its values or its chart's version change."""

import shutil
from pathlib import Path

import pytest
import yaml

from standins import charts
from standins.charts import CONTENT, digest

PLACES = sorted(place.parent for place in charts.DIRECTORY.glob("*/Chart.yaml"))


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


def test_a_bump_of_its_program_raises_the_version_of_the_chart(tmp_path: Path) -> None:
    chart = Path(shutil.copytree(charts.DIRECTORY / "argo-workflows", tmp_path / "argo-workflows"))
    before = yaml.safe_load((chart / "Chart.yaml").read_text())

    charts.stand_in_for(chart, "3.99.1")

    after = yaml.safe_load((chart / "Chart.yaml").read_text())
    assert after["appVersion"] == "v3.99.1"
    *line, patch = before["version"].split(".")
    assert after["version"] == ".".join([*line, str(int(patch) + 1)])
    assert after["annotations"] == {CONTENT: digest(chart)}
    assert {key: value for key, value in after.items() if before[key] == value}.keys() == before.keys() - {
        "appVersion", "version", "annotations"
    }  # fmt: skip
