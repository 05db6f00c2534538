"""The contract of the Kubernetes stand-in says what its code does: the same names, and a test for each behaviour."""

import re
from pathlib import Path

import pytest

from local.paths import ROOT
from standins.plugins.kubernetes import helm, immutable, manifests, options, readiness

CONTRACT = (ROOT / "standins" / "plugins" / "kubernetes" / "CONTRACT.md").read_text()
SOURCES = {"S", "H", "A", "D", "N", "R", "–"}


def rows(section: str) -> list[list[str]]:
    """The cells of a section's table, without its head."""
    text = CONTRACT.partition(f"## {section}\n")[2].partition("\n## ")[0]
    lines = [line for line in text.splitlines() if line.startswith("| ") or line.startswith("|-")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def listed(beginning: str) -> list[str]:
    """The names in code quotes of a paragraph, after its colon."""
    (paragraph,) = [one for one in CONTRACT.split("\n\n") if one.startswith(beginning)]
    return re.findall(r"`([^`]+)`", paragraph.partition(":")[2])


@pytest.mark.parametrize("section", ["Objects", "Helm releases"])
def test_each_behaviour_has_a_source_and_a_test_that_there_is(section: str) -> None:
    files = [*Path(ROOT, "tests", "engine").glob("test_*.py"), *Path(ROOT, "tests", "unit").glob("test_*.py")]
    there = {name for file in files for name in re.findall(r"^def (test_\w+)\(", file.read_text(), re.MULTILINE)}
    found = rows(section)

    assert len(found) > 6
    for behaviour, sources, tests in found:
        assert set(sources.split(", ")) <= SOURCES, behaviour
        named = re.findall(r"`(test_\w+)`", tests)
        assert named, behaviour
        assert set(named) <= there, behaviour


def test_each_difference_says_both_sides() -> None:
    assert len(rows("Where they differ, and why")) > 6
    for published, here, *_ in rows("Where they differ, and why"):
        assert published, here
        assert here, published


@pytest.mark.parametrize(
    ("beginning", "code"),
    [
        ("Annotations", manifests.ANNOTATIONS),
        ("Provider options", options.HONOURED),
        ("Inputs of a release", helm.HONOURED),
        ("Kinds that are waited for", sorted(kind for _, kind in readiness.CHECKS)),
    ],
)
def test_what_is_honoured_is_what_the_contract_lists(beginning: str, code: list[str]) -> None:
    assert listed(beginning) == list(code)


def test_the_kinds_with_changes_that_replace_are_those_of_the_contract() -> None:
    (paragraph,) = [one for one in CONTRACT.split("\n\n") if one.startswith("Changes that replace")]
    kinds = {kind for _, kind in immutable.BY_KIND} | {"ConfigMap"}

    assert re.findall(r"`([^`]+)`", paragraph.partition("by kind:")[2]) == sorted(kinds)


def test_a_release_is_replaced_for_its_name_and_namespace_alone() -> None:
    old = {"name": "a", "namespace": "b", "chart": "c", "version": "1", "values": {"x": 1}}
    new = {"name": "z", "namespace": "y", "chart": "w", "version": "2", "values": {"x": 3}}

    found, delete_first = helm.difference(old, new, [])

    assert {change.path for change in found if change.replaces} == {("name",), ("namespace",)}
    assert {change.path for change in found} > {("name",), ("namespace",), ("version",)}
    assert delete_first is False
