"""What the pages for contributors name exists: files, directories, commands of the Makefile."""

import ast
import re

import pytest
from pulumi_mlops.contract.steps import STEPS
from pulumi_mlops.training_pipeline._arguments import StepsArgs

from local.paths import ROOT

PAGES = ("docs/architecture.md", "CONTRIBUTING.md")
DIRECTORIES = "bench|components|docs|findings|local|maintenance|ml|policies|standins|stacks|tests"


def text(page: str) -> str:
    return (ROOT / page).read_text()


def named(page: str) -> set[str]:
    """The paths in code on a page, those with a part to be filled in (`<name>`) and patterns left out."""
    found = re.findall(rf"`((?:{DIRECTORIES})/[^`\s]*)`", text(page))
    return {path for path in found if not re.search(r"[<*{]", path)}


@pytest.mark.parametrize("page", PAGES)
def test_every_path_that_a_page_names_exists(page: str) -> None:
    paths = named(page)

    assert len(paths) >= 4
    assert [path for path in sorted(paths) if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_link_of_a_page_leads_to_a_file(page: str) -> None:
    directory = (ROOT / page).parent
    places = {place.partition("#")[0] for place in re.findall(r"\]\(((?!https?:)[^)\s]+)\)", text(page))}

    assert places
    assert [place for place in sorted(places) if not (directory / place).exists()] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_the_makefile_that_a_page_names_exists(page: str) -> None:
    commands = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))

    assert set(re.findall(r"`make ([a-z-]+)", text(page))) <= commands


def test_the_table_of_changes_says_which_files_each_touches() -> None:
    _, _, table = (
        text("docs/architecture.md").partition("## Worked examples")[0].partition("## To change this, touch that")
    )
    rows = [row.strip("|").split("|") for row in table.splitlines() if row.startswith("| ")]

    assert len(rows) >= 10
    for change, files, *_ in rows[1:]:
        assert re.findall(r"`[^`]+`", files), change


TARGETS = (4, 1, 4, 4, 3, 1, 2, 0)
"""Files by hand that a change may take at most, in the order of the worked examples."""


def worked_examples() -> list[list[str]]:
    _, _, section = text("docs/architecture.md").partition("## Worked examples")
    rows = [row.strip("|").split("|") for row in section.splitlines() if row.startswith("| ")]
    return [[cell.strip() for cell in row] for row in rows[1:]]


def test_each_worked_example_names_as_many_files_as_it_says() -> None:
    for change, by_hand, generated, _ in worked_examples():
        for cell in (by_hand, generated):
            number = int(re.match(r"\d+", cell)[0])  # type: ignore[index]
            assert len(re.findall(rf"`(?:{DIRECTORIES})/[^`\s]*`", cell)) == number, change


def test_no_worked_example_takes_more_files_than_its_target() -> None:
    numbers = [int(by_hand.partition(":")[0]) for _, by_hand, *_ in worked_examples()]

    assert len(numbers) == len(TARGETS)
    assert [at_most for number, at_most in zip(numbers, TARGETS, strict=True) if number > at_most] == []


def test_the_name_of_a_step_is_written_in_the_contract_alone() -> None:
    """So that a step is added there, in its module, and where its own arguments are typed. `train` is a command too."""
    sources = [path for folder in ("components", "ml", "local", "stacks") for path in (ROOT / folder).rglob("*.py")]
    names = {
        (node.value, str(path.relative_to(ROOT)))
        for path in sources
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and node.value in STEPS and node.value != "train"
    }

    assert {file for _, file in names} == {"components/pulumi_mlops/contract/steps.py"}
    assert [*StepsArgs.__annotations__] == [*STEPS]
    assert [step for step in STEPS if not (ROOT / "ml" / f"{step}.py").exists()] == []
