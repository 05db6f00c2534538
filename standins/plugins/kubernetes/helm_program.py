"""The helm program: its arguments, its files, and what it says of a release.

Values and credentials reach helm through files that only this user can read, never through its arguments, which every
process on the machine can.
"""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from standins.plugins.kubernetes.cluster import Cluster
from standins.plugins.kubernetes.options import HELM_SETTINGS
from standins.plugins.plugin import Refused
from standins.plugins.values import ASSET, SIGNATURE, Object

REPOSITORY = {"repo": "--repo", "caFile": "--ca-file"}
"""Credentials are refused: helm takes them as arguments."""


def chart_words(plain: Object) -> list[str]:
    """Arguments that name the chart and the namespace it goes to."""
    words = [plain["chart"], "--namespace", plain["namespace"]]
    if plain.get("version"):
        words += ["--version", plain["version"]]
    if plain.get("skipCrds"):
        words.append("--skip-crds")
    if plain.get("dependencyUpdate"):
        words.append("--dependency-update")
    for option, value in (plain.get("repositoryOpts") or {}).items():
        words += [REPOSITORY[option], value]
    return words


@contextmanager
def values_files(plain: Object) -> Iterator[list[str]]:
    """Arguments that name the values' files, which exist as long as the block runs."""
    with tempfile.TemporaryDirectory(prefix="pulumi-mlops-helm-") as directory:
        words = []
        for number, asset in enumerate([*(plain.get("valueYamlFiles") or []), plain.get("values") or {}]):
            path = Path(directory, f"{number}.yaml")
            path.touch(mode=0o600)
            path.write_text(_yaml(asset))
            words += ["--values", str(path)]
        yield words


def _yaml(value: Any) -> str:
    if isinstance(value, dict) and value.get(SIGNATURE) == ASSET:
        if "text" in value:
            return value["text"]
        if "path" in value:
            return Path(value["path"]).read_text()
        raise Refused("helm.v3.Release input valueYamlFiles must hold file or string assets, got a remote one")
    return yaml.safe_dump(value)


@dataclass(frozen=True)
class Release:
    """What helm knows of a release."""

    name: str
    namespace: str
    revision: int
    status: str
    chart: str
    version: str
    app_version: str

    def outputs(self) -> Object:
        """The `status` output of the published provider."""
        return {
            "appVersion": self.app_version,
            "chart": self.chart,
            "name": self.name,
            "namespace": self.namespace,
            "revision": self.revision,
            "status": self.status,
            "version": self.version,
        }


def release(cluster: Cluster, name: str, namespace: str) -> Release | None:
    """The release, or None when helm does not know it."""
    what = f"Helm release {namespace}/{name} could not be read"
    place = ("--namespace", namespace, "--output", "json")
    listed = json.loads(run(cluster, "list", "--all", "--filter", f"^{name}$", *place, what=what) or "[]")
    if not listed:
        return None
    found = listed[0]
    described = json.loads(run(cluster, "get", "metadata", name, *place, what=what))
    return Release(
        name=name,
        namespace=namespace,
        revision=int(found["revision"]),
        status=found["status"],
        chart=described.get("chart", ""),
        version=described.get("version", ""),
        app_version=described.get("appVersion", ""),
    )


def program() -> str:
    """The helm executable.

    Raises:
        Refused: there is none.
    """
    given = os.environ.get("PULUMI_MLOPS_HELM") or shutil.which("helm")
    if given:
        return given
    from local.tools import ensure

    try:
        return str(ensure("helm")["helm"])
    except Exception as error:
        raise Refused(f"helm is needed for helm.v3.Release and could not be had: {error}") from error


def run(cluster: Cluster, *words: str, what: str) -> str:
    """Runs helm and returns what it printed.

    Raises:
        Refused: it failed; the message begins with `what` and quotes helm's own.
    """
    with tempfile.NamedTemporaryFile("w", prefix="pulumi-mlops-kubeconfig-", suffix=".json") as kubeconfig:
        json.dump(cluster.options.kubeconfig or {}, kubeconfig)
        kubeconfig.flush()
        environment = {**os.environ, "KUBECONFIG": kubeconfig.name}
        for setting, value in cluster.options.helm.items():
            environment[HELM_SETTINGS[setting]] = str(value)
        command = [program(), *words]
        if cluster.options.kubeconfig and cluster.options.context:
            command += ["--kube-context", cluster.options.context]
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        process = subprocess.Popen(command, env=environment, text=True, **pipes)
        while True:
            try:
                printed, complained = process.communicate(timeout=0.5)
                break
            except subprocess.TimeoutExpired:
                if cluster.cancelled.is_set():
                    process.terminate()
    if process.returncode:
        lines = [line for line in complained.strip().splitlines() if not line.startswith(("WARNING", "level="))]
        raise Refused(f"{what}: {' '.join(lines[-6:]).removeprefix('Error: ')}")
    return printed
