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
