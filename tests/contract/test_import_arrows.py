"""Which package may import which: the arrows point one way."""

import ast
from pathlib import Path

import pulumi_mlops
import pytest

PACKAGE = Path(pulumi_mlops.__file__).parent
MODULES = [path for path in PACKAGE.rglob("*.py") if "_container_files" not in path.parts]
DEVELOPER = ("workspace", "database", "training_pipeline", "model_endpoint", "delivery_pipeline")
NOT_IN_THE_WHEEL = ("local", "standins", "maintenance", "ml", "delivery", "stacks", "tests", "bench")
FORBIDDEN = {
    **dict.fromkeys(DEVELOPER, ("platform", "foundation")),
    "workspace": ("platform",),  # on EKS it makes its role by foundation.WorkloadIdentity
    "contract": (*DEVELOPER, "foundation", "platform", "review", "cli"),
    "foundation": (*DEVELOPER, "platform"),
    "review": (*DEVELOPER, "foundation", "platform"),
}
"""Part of the library → parts that it must not import. The private modules at the top are below all of them."""


def imported(path: Path) -> set[str]:
    """Full names of the modules that a module imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {one.name for one in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            names |= {node.module or "", *(f"{node.module}.{one.name}" for one in node.names)}
    return names


def part(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def reaches(path: Path, parts: tuple[str, ...]) -> set[str]:
    return {name for name in imported(path) if name.startswith("pulumi_mlops.") and name.split(".")[1] in parts}


@pytest.mark.parametrize("name", FORBIDDEN)
def test_a_part_imports_only_what_is_below_it(name: str) -> None:
    modules = [path for path in MODULES if part(path) == name]
    assert modules
    assert {path: found for path in modules if (found := reaches(path, FORBIDDEN[name]))} == {}


def test_shared_private_modules_import_no_part() -> None:
    modules = [path for path in PACKAGE.glob("_*.py") if not path.name.startswith("__")]
    parts = (*DEVELOPER, "foundation", "platform", "review")
    assert {path: found for path in modules if (found := reaches(path, parts))} == {}


def test_the_wheel_imports_nothing_that_is_not_in_it() -> None:
    outside = {(path, name) for path in MODULES for name in imported(path) if name.split(".")[0] in NOT_IN_THE_WHEEL}
    assert outside == set()


BORROWED = {
    "database._arguments": "platform",
    "database._backend": "platform",
    "database._rds_settings": "platform",
    "foundation._images": "cli",
    "foundation._subnets": "cli",
    "platform._deletion": "cli",
    "platform.add_ons._argo_server": "platform",
    "platform.add_ons._descriptions": "platform",
    "platform.add_ons._public_gateway_args": "platform",
    "platform.object_store._args": "platform",
}
"""Private module of a folder → part of the library that also imports it: databases by manifest have the arguments of
those by component, `cli` looks for what the components made, and a whole platform gives its parts their arguments."""


def private_module(name: str) -> str:
    """The module whose name begins with an underscore, on the way to an imported name; empty where there is none."""
    parts = name.split(".")
    for number, one in enumerate(parts):
        if one.startswith("_") and not one.startswith("__"):
            place = PACKAGE.joinpath(*parts[1 : number + 1])
            return ".".join(parts[1 : number + 1]) if place.is_dir() or place.with_suffix(".py").exists() else ""
    return ""


def test_a_private_module_serves_its_own_folder() -> None:
    found: set[tuple[str, str]] = set()
    for path in MODULES:
        folder = ".".join(path.relative_to(PACKAGE).parent.parts)
        for name in imported(path):
            private = private_module(name) if name.startswith("pulumi_mlops.") else ""
            owner = private.rpartition(".")[0]
            below = f"{folder}.".startswith(f"{owner}." if owner else "")
            passes_on = path.name == "__init__.py" and f"{owner}.".startswith(f"{folder}." if folder else "")
            if private and not below and not passes_on:
                found.add((private, part(path)))

    assert found == set(BORROWED.items())
