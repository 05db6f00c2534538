"""What the images of `make deliver` are made of: one recipe each, all on the base.

A Dockerfile's directory is its build context; what is built here or comes with a module of upstream's is added to it.
"""

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from local import tools
from local.paths import ROOT

NAMES = ("delivery", "gitea", "registry", "buildkit", "nats", "argo-events", "redis", "argocd")

PROGRAMS = {
    "delivery": ("kustomize",),
    "gitea": ("gitea",),
    "buildkit": ("buildkitd", "buildctl"),
    "argo-events": ("argo-events",),
    "argocd": ("argocd", "kustomize"),
}
"""Which of the tools go into an image."""

VERSIONED = {"gitea": "gitea", "buildkit": "buildkitd", "argo-events": "argo-events", "argocd": "argocd"}
"""The tool whose version an image has."""

PACKAGES = {
    "delivery": ("git", "python3-yaml"),
    "gitea": ("git",),
    "registry": ("docker-registry", "apache2-utils"),
    "buildkit": ("runc", "rootlesskit", "uidmap", "libcap2-bin", "mawk"),
    "redis": ("redis-server",),
    "argocd": ("git",),
}
"""Debian packages of an image."""

SCRIPTS = {
    "buildkit": ("buildkitd", "examples/buildctl-daemonless/buildctl-daemonless.sh"),
    "argocd": ("argocd", "hack/git-verify-wrapper.sh"),
}
"""A script that upstream's image has, in the module of one of the tools."""


def programs(names: Iterable[str]) -> list[str]:
    """The tools that go into these images; a name that is none of ours has none."""
    return [program for name in names for program in PROGRAMS.get(name, ())]


def files(name: str, recipe: Path, built: Mapping[str, Path]) -> dict[str, Path]:
    """The build context of an image: path in it → file here."""
    found = {file.name: file for file in recipe.parent.iterdir() if file != recipe}
    found |= {program: built[program] for program in PROGRAMS.get(name, ())}
    if name in SCRIPTS:
        program, path = SCRIPTS[name]
        found[Path(path).name] = tools.source_of(program) / path
    if name == "delivery":
        found |= {str(file.relative_to(ROOT)): file for file in (ROOT / "delivery").glob("*.py")}
    elif name == "gitea":
        source = tools.source_of("gitea")
        pages = (file for part in ("templates", "options", "public") for file in (source / part).rglob("*"))
        found |= {f"static/{file.relative_to(source)}": file for file in pages if file.is_file()}
    elif name == "nats":
        found["nats-server"] = Path(sys.prefix) / "bin" / "nats-server"
    return found


def version(name: str) -> str:
    """What the image's tag begins with."""
    return f"v{tools.version_of(VERSIONED[name])}" if name in VERSIONED else "1"
