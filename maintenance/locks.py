"""The hash-pinned environments of requirements/: `python -m maintenance.locks compile` writes, `check` verifies them.

Every lock is compiled from a dependency group of pyproject.toml. None records where a package came from, so that plain
pip and uv take each package from whatever index the machine is configured for.
"""

import re
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

from local.paths import ROOT

REQUIREMENTS = ROOT / "requirements"
CONSTRAINED = ("ml-pipeline", "ml-server", "mlflow")
"""Locks that hold the same versions as the development environment, in which they are tested."""


def compile_locks(upgrades: Sequence[str] = ()) -> None:
    """Resolves every lock again with uv.

    Versions stay as they are, except for what pyproject.toml no longer admits and the upgrades (`ruff==0.15.1`).
    """
    base = [
        "uv", "pip", "compile", "--quiet", "--generate-hashes", "--no-annotate", "--no-header",
        "--no-emit-index-url", "--no-emit-find-links", "--python-version", "3.11",
        *(f"--upgrade-package={one}" for one in upgrades),
    ]  # fmt: skip
    subprocess.run([*base, "--universal", "--group", "dev", "-o", "requirements/dev.txt"], cwd=ROOT, check=True)
    for group in CONSTRAINED:
        output = f"requirements/{group}.txt"
        subprocess.run(
            [*base, "--universal", "--group", group, "-c", "requirements/dev.txt", "-o", output], cwd=ROOT, check=True
        )
    subprocess.run([*base, "--universal", "--group", "policy", "-o", "requirements/policy.txt"], cwd=ROOT, check=True)
    # seldon-core's pins exist for CPython 3.11 and 3.12 only: no universal resolution.
    subprocess.run([*base, "--group", "seldon", "-o", "requirements/seldon.txt"], cwd=ROOT, check=True)


def problems() -> list[str]:
    """What is wrong with the committed locks, one sentence each."""
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    found = [
        f"requirements/{name}.txt is missing: run `make lock`"
        for name in ("dev", *CONSTRAINED, "seldon", "policy")
        if not (REQUIREMENTS / f"{name}.txt").is_file()
    ]
    pins_of = {path.stem: pinned(path) for path in REQUIREMENTS.glob("*.txt")}
    for name, pins in pins_of.items():
        text = (REQUIREMENTS / f"{name}.txt").read_text()
        if address := re.search(r"\w+://\S+", text):
            found.append(f"requirements/{name}.txt names an address ({address.group()}): locks must not")
        found += [
            f"requirements/{name}.txt lacks {wanted}: run `make lock`"
            for wanted in groups[name]
            if isinstance(wanted, str) and _name(wanted) not in pins
        ]
        for package, versions in pins.items():
            known = pins_of["dev"].get(package, versions)
            if name in CONSTRAINED and not versions & known:
                found.append(
                    f"requirements/{name}.txt has {package} {versions}, the tests run with {known}: `make lock`"
                )
    return found


def _name(requirement: str) -> str:
    return re.split(r"[\[<>=~!; ]", requirement)[0].lower().replace("_", "-")


def pinned(path: Path) -> dict[str, set[str]]:
    """Package → versions (several where they depend on the Python version) in a lock."""
    pins: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^ ;\\]+)", path.read_text(), re.MULTILINE):
        pins.setdefault(_name(name), set()).add(version)
    return pins


if __name__ == "__main__":
    if sys.argv[1:] == ["compile"]:
        compile_locks()
    elif sys.argv[1:] == ["check"]:
        complaints = problems()
        sys.exit("\n".join(complaints) or 0)
    else:
        sys.exit("usage: python -m maintenance.locks compile|check")
