"""`Any` switches the type checker off: how often each package says it, so that the number can only fall."""

import ast
from collections import Counter
from pathlib import Path

from local.paths import ROOT

LIBRARY = ROOT / "components" / "pulumi_mlops"
CEILINGS = {
    "cli": 43,
    "database": 17,
    "delivery_pipeline": 1,
    "foundation": 3,
    "model_endpoint": 1,
    "platform": 16,
    "review": 4,
    "training_pipeline": 4,
    "workspace": 0,
    "the library's own modules": 29,
    "the contract": 22,
    "delivery": 15,
    "local": 65,
    "maintenance": 49,
    "ml": 272,
    "stacks": 58,
}
"""Package → the most it may have. What is left reads what other people's APIs answer: a cluster, AWS, MLflow, a data
frame. Code that adds one finds a type, or takes another away; code that takes some away lowers the number to what is
there."""


def uses(source: str) -> int:
    """How often a module says `Any`, its import left out; an annotation in quotes counts as well."""
    found = 0
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Name):
            found += node.id == "Any"
        elif isinstance(node, ast.Attribute):
            found += node.attr == "Any" and isinstance(node.value, ast.Name) and node.value.id == "typing"
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and "Any" in node.value:
            found += _quoted(node.value)
    return found


def _quoted(text: str) -> int:
    try:
        return uses(text) if len(text) < 200 and "\n" not in text else 0
    except SyntaxError:
        return 0


def package(file: Path) -> str:
    """What a module counts for."""
    if not file.is_relative_to(LIBRARY):
        return file.relative_to(ROOT).parts[0]
    first, *rest = file.relative_to(LIBRARY).parts
    if first == "contract":
        return "the contract"
    return first if rest else "the library's own modules"


def counted() -> Counter[str]:
    """Package → how often it says `Any`."""
    found = Counter(dict.fromkeys(CEILINGS, 0))
    for top in (LIBRARY, *(ROOT / name for name in CEILINGS if (ROOT / name).is_dir())):
        for file in top.rglob("*.py"):
            found[package(file)] += uses(file.read_text())
    return found


def test_no_package_says_any_more_often_than_before() -> None:
    found = counted()

    assert found.keys() == CEILINGS.keys(), "a package without a ceiling"
    above = {name: f"{number}, at most {CEILINGS[name]}" for name, number in found.items() if number > CEILINGS[name]}
    assert not above, "find a type, such as `object`, `Json` of review/json_data.py or a TypedDict"


def test_a_ceiling_follows_the_number_down() -> None:
    found = counted()

    assert not {name: number for name, number in found.items() if number < CEILINGS[name]}, "lower the ceilings"


def test_every_way_to_say_any_is_counted() -> None:
    source = "from typing import Any\nimport typing\nx: dict[str, Any] = {}\ny: typing.Any\nz = cast('list[Any]', x)\n"

    assert uses(source) == 3
    assert uses("'''Any text that is no code.'''\nAnything = 1\n") == 0
