"""What the pages for contributors name exists: files, directories, commands of the Makefile."""

import re

import pytest

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
    _, _, table = text("docs/architecture.md").partition("## To change this, touch that")
    rows = [row.strip("|").split("|") for row in table.splitlines() if row.startswith("| ")]

    assert len(rows) >= 10
    for change, files, *_ in rows[1:]:
        assert re.findall(r"`[^`]+`", files), change
