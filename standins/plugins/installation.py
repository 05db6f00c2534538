"""Puts plugins where the Pulumi CLI looks: the published ones when they can be had, else this package's stand-ins."""

import importlib.metadata
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent import futures
from dataclasses import dataclass
from pathlib import Path

from local.paths import CACHE, ROOT
from local.progress import StepFailed

DOWNLOAD_SECONDS = 30.0
"""How long `pulumi plugin install` may take to say that there is nothing; a published plugin is about 40 MB."""
RETRY_SECONDS = 24 * 3600.0
"""A plugin that could not be had is asked for again after a day, or at once with PULUMI_MLOPS_PLUGINS=published."""
CHOICE = "PULUMI_MLOPS_PLUGINS"
"""`stand-in` never downloads, `published` accepts nothing else; anything else does what the module's docstring says."""
MARK = "stand-in"
"""File beside a stand-in's executable: tells it from a published plugin."""
LANGUAGE = "pulumi-language-python"


@dataclass(frozen=True)
class Resource:
    """A provider plugin that has a stand-in."""

    name: str
    title: str
    distribution: str
    module: str

    @property
    def version(self) -> str:
        """The version that the installed SDK asks for."""
        return importlib.metadata.version(self.distribution)

    @property
    def directory(self) -> str:
        """Its directory below $PULUMI_HOME/plugins."""
        return f"resource-{self.name}-v{self.version}"


RESOURCES = (
    Resource("kubernetes", "Kubernetes provider", "pulumi-kubernetes", "standins.plugins.kubernetes.provider"),
    Resource("random", "random provider", "pulumi-random", "standins.plugins.random_provider"),
)
CLOUD = (
    Resource("aws", "AWS provider", "pulumi-aws", "standins.plugins.aws.provider"),
    Resource("eks", "EKS components", "pulumi-eks", "standins.plugins.eks.provider"),
)
"""What stacks on AWS need as well; stacks of one machine never wait for their download."""


def environment() -> dict[str, str]:
    """What `pulumi` needs in its environment to use what `install` made, and to ask nobody for anything else."""
    return {"PULUMI_SKIP_UPDATE_CHECK": "1", "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "1"}


def install(pulumi_home: Path, pulumi: Path | None = None, cloud: bool = False) -> list[str]:
    """Installs what a Python program with Kubernetes and random resources needs, and returns one line per stand-in.

    Published plugins that are there already are kept. Safe to call on every start; a warm call takes no time.

    Args:
        pulumi_home: `$PULUMI_HOME` of the runs to come.
        pulumi: the CLI; by default the one on PATH, else the built one.
        cloud: whether the program has AWS resources too.

    Raises:
        StepFailed: there is no Pulumi CLI, or published plugins were demanded and could not be had.
    """
    pulumi = pulumi or _find_pulumi()
    plugins = pulumi_home / "plugins"
    plugins.mkdir(parents=True, exist_ok=True)
    resources = (*RESOURCES, *CLOUD) if cloud else RESOURCES
    with futures.ThreadPoolExecutor(len(resources)) as pool:
        lines = list(pool.map(lambda resource: _install_resource(resource, plugins, pulumi), resources))
    return [line for line in (_install_language(plugins, pulumi), *lines) if line]


def _install_resource(resource: Resource, plugins: Path, pulumi: Path) -> str:
    place = plugins / resource.directory
    executable = f"pulumi-resource-{resource.name}"
    if (place / executable).exists() and not (place / MARK).exists():
        return ""
    why = _download(resource, place, pulumi)
    if not why:
        return ""
    if os.environ.get(CHOICE) == "published":
        raise StepFailed(
            f"plugins: the published {resource.title} {resource.version} could not be had ({why}); unset {CHOICE} to "
            "use the stand-in"
        )
    _write(place, executable, resource.module)
    return f"stand-in: {resource.title} {resource.version} (published plugin {why})"


def _download(resource: Resource, place: Path, pulumi: Path) -> str:
    """Gets the published plugin into place; returns why it could not be had, empty on success."""
    if os.environ.get(CHOICE) == "stand-in":
        return f"not wanted: {CHOICE}=stand-in"
    note = CACHE / "plugins" / f"{resource.directory}.refused"
    forced = os.environ.get(CHOICE) == "published"
    if not forced and note.is_file() and time.time() - note.stat().st_mtime < RETRY_SECONDS:
        return note.read_text()
    note.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=note.parent) as home:
        why = _try_download(resource, home, pulumi)
        if not why:
            shutil.rmtree(place, ignore_errors=True)
            shutil.move(Path(home, "plugins", resource.directory), place)
            note.unlink(missing_ok=True)
            return ""
    note.write_text(why)
    return why


def _try_download(resource: Resource, home: str, pulumi: Path) -> str:
    words = [str(pulumi), "plugin", "install", "resource", resource.name, resource.version, "--non-interactive"]
    settings = {**os.environ, "PULUMI_HOME": home, "PULUMI_SKIP_UPDATE_CHECK": "1"}
    try:
        done = subprocess.run(
            # Elsewhere than in a project: the CLI would read the project's files first.
            words, cwd=home, env=settings, capture_output=True, text=True, timeout=DOWNLOAD_SECONDS, check=False
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"could not be downloaded within {DOWNLOAD_SECONDS:.0f}s"
    if done.returncode == 0:
        return ""
    causes = [line for line in done.stderr.splitlines() if line.startswith(("warning: Error", "error:"))]
    return f"could not be downloaded: {causes[0].rpartition(': ')[2] if causes else done.stderr[-200:].strip()}"


def _install_language(plugins: Path, pulumi: Path) -> str:
    """The language host comes with a released CLI, beside its executable; one built from modules has none."""
    if (pulumi.resolve().parent / LANGUAGE).exists():
        return ""
    version = _cli_version(pulumi)
    _write(plugins / f"language-python-v{version}", LANGUAGE, "standins.plugins.language_host")
    return f"stand-in: Python language host {version} (this Pulumi CLI came without one)"


def _cli_version(pulumi: Path) -> str:
    done = subprocess.run(
        [str(pulumi), "version"], env={**os.environ, **environment()}, capture_output=True, text=True, check=False
    )
    version = done.stdout.strip().removeprefix("v")
    if done.returncode or not version:
        raise StepFailed(
            f"plugins: `{pulumi} version` failed: {done.stderr.strip()}; remove this executable, then run again"
        )
    return version


def _write(place: Path, executable: str, module: str) -> None:
    """Writes an executable that runs a module of this checkout with this environment's Python."""
    place.mkdir(parents=True, exist_ok=True)
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from {module} import main; main()"
    script = f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -P -c {shlex.quote(code)} "$@"\n'
    target = place / executable
    if target.is_file() and target.read_text() == script:
        return
    (place / MARK).write_text("pulumi-mlops: a stand-in, see standins/plugins\n")
    temporary = target.with_suffix(".new")
    temporary.write_text(script)
    temporary.chmod(0o755)
    temporary.replace(target)


def _find_pulumi() -> Path:
    from local.tools import ensure

    return ensure("pulumi")["pulumi"]
