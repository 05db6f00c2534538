"""One row an argument: its default is the one that the description tells."""

import ast
import inspect
import re
import sys
from enum import Enum
from itertools import pairwise
from pathlib import Path
from typing import Any, is_typeddict

import pytest
from pulumi_mlops._args import Argument
from pulumi_mlops.platform.add_on import COMMON, ChartArgs

from tests.contract.api import COMPONENTS, args_of


def table(component: type) -> dict[str, Argument] | None:
    """The component's rows, beside the class or beside the type of its arguments, and those that add-ons share."""
    schema = args_of(component)
    modules = (sys.modules[one.__module__] for one in (component, schema))
    own = next((found for module in modules if (found := getattr(module, "ARGUMENTS", None)) is not None), None)
    if own is None or set(ChartArgs.__annotations__) - set(schema.__annotations__):
        return own
    return {key: row for key, row in COMMON.items() if key in schema.__annotations__} | own


CONVERTED = {name: component for name, component in COMPONENTS.items() if table(component) is not None}


def descriptions(schema: type) -> dict[str, str]:
    """Argument → its description, the string after it in the source; those of inherited arguments as well."""
    module = sys.modules[schema.__module__]
    source = ast.parse(Path(inspect.getfile(module)).read_text())
    found = next(node for node in source.body if isinstance(node, ast.ClassDef) and node.name == schema.__name__)
    bases = (eval(ast.unparse(base), vars(module)) for base in found.bases)
    inherited = {key: text for base in bases if is_typeddict(base) for key, text in descriptions(base).items()}
    return inherited | {
        field.target.id: " ".join(text.value.value.split())
        for field, text in pairwise(found.body)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant)
    }


def told(description: str, path: str = "") -> str | None:
    """The default in a description: "default 5", "default `shared`", "default none"; None where it tells another one.

    What follows "default:" is told in words and not compared. Where several arguments share a description, it names
    those that differ by the last key before theirs: "default 1800, train 21600".
    """
    for key in path.split(".")[-2:-1]:
        if found := re.search(rf"default [\w./-]+,[\w ,./-]*\b{re.escape(key)} (\w+)", description):
            return found[1]
    found = re.search(r"""(?<!'s )\bdefault (`[^`]+`|"[^"]+"|[\w./-]+)""", description)
    return found[1].strip('`".') if found else None


def written(default: Any) -> str:
    """A row's default as descriptions write it."""
    if default in (None, [], {}):
        return "none"
    if isinstance(default, list) and len(default) == 1:
        return written(default[0])
    if isinstance(default, Enum):
        return str(default.value)
    return str(default).lower() if isinstance(default, bool) else str(default)


def nested(hint: Any) -> list[type]:
    """The TypedDicts inside a type."""
    if is_typeddict(hint):
        return [hint]
    return [one for part in getattr(hint, "__args__", ()) for one in nested(part)]


def rows(schema: type, arguments: dict[str, Argument], path: str = "") -> dict[str, tuple[str, Argument, bool]]:
    """Dotted path → description, row, and whether the argument must be given; at any depth."""
    every: dict[str, tuple[str, Argument, bool]] = {}
    for key, text in descriptions(schema).items():
        at = f"{path}{key}"
        every[at] = (text, arguments.get(at, Argument()), key in schema.__required_keys__)
        for inner in nested(schema.__annotations__[key]):
            star = "*." if "dict[" in str(schema.__annotations__[key]) else ""
            every |= rows(inner, arguments, f"{at}.{star}")
    return every


def test_every_component_has_a_table() -> None:
    assert {name for name in COMPONENTS if name not in CONVERTED} == set()


@pytest.mark.parametrize("name", sorted(CONVERTED))
def test_the_default_in_a_description_is_the_one_in_the_row(name: str) -> None:
    arguments = table(CONVERTED[name]) or {}
    for path, (text, row, _) in rows(args_of(CONVERTED[name]), arguments).items():
        default = told(text, path)
        if default is not None:
            assert (path, written(row.default)) == (path, default)
        elif "default:" not in text:
            assert (path, written(row.default)) == (path, "none"), "its description tells no default"


@pytest.mark.parametrize("name", sorted(CONVERTED))
def test_every_row_is_that_of_an_argument_and_required_ones_have_no_default(name: str) -> None:
    arguments = table(CONVERTED[name]) or {}
    every = rows(args_of(CONVERTED[name]), arguments)
    with_fields = {path.rpartition(".")[0].removesuffix(".*") for path in every}
    keys_of_free_dicts = {path for path in arguments if path.rpartition(".")[0] in set(every) - with_fields}
    assert {path.removesuffix(".*") for path in arguments} - keys_of_free_dicts <= set(every)
    assert [path for path, (_, row, required) in every.items() if required and row.default is not None] == []


def test_every_argument_of_an_add_on_has_a_description() -> None:
    for name, component in CONVERTED.items():
        schema = args_of(component)
        assert (name, set(descriptions(schema))) == (name, set(schema.__annotations__))


def test_a_shared_description_tells_the_default_of_each() -> None:
    text = "Seconds; default 1800, train 21600, deploy 900."
    assert [told(text, f"steps.{step}.seconds") for step in ("load", "train", "deploy")] == ["1800", "21600", "900"]


@pytest.mark.parametrize(
    ("description", "default"),
    [
        ("Port; default 80.", "80"),
        ("Name; default `shared`, that of every workspace.", "shared"),
        ('Memory; default "1Gi".', "1Gi"),
        ("Whether; default true: Pulumi refuses.", "true"),
        ("Address; default: the platform's.", None),
        ("Class; default: the cluster's default class.", None),
        ("Required.", None),
    ],
)
def test_defaults_are_found_in_descriptions(description: str, default: str | None) -> None:
    assert told(description) == default
