"""`helm.v3.Release` by the helm program itself: install, upgrade, read and uninstall of one release.

Does not own: the chart. Values reach helm through files that only this user can read, never through its arguments.
"""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from local.providers.kubernetes.diff import UPDATE, Change, changes
from local.providers.kubernetes.names import identifier, parse_identifier
from local.providers.kubernetes.objects import Cluster
from local.providers.kubernetes.options import HELM_SETTINGS
from local.providers.kubernetes.paths import parse
from local.providers.plugin import NotReady, Refused
from local.providers.values import ASSET, SIGNATURE, UNKNOWN, Object, has_unknowns, mark_like, reveal

HONOURED = (
    "atomic", "chart", "cleanupOnFail", "compat", "createNamespace", "dependencyUpdate", "description", "name", "namespace",
    "repositoryOpts", "skipAwait", "skipCrds", "timeout", "valueYamlFiles", "values", "version", "waitForJobs",
)  # fmt: skip
REPOSITORY = {"repo": "--repo", "caFile": "--ca-file"}
"""Credentials are refused: helm takes them as arguments, which every process on the machine can read."""
READY_SECONDS = 300.0
"""Helm's own default for --timeout, and the published provider's."""
CHECKSUM = "__chartChecksum"
_SETTING_VARIABLES = dict(
    zip(HELM_SETTINGS, ("HELM_DRIVER", "HELM_REPOSITORY_CACHE", "HELM_REPOSITORY_CONFIG", "HELM_REGISTRY_CONFIG", "HELM_PLUGINS"), strict=True)
)  # fmt: skip


def check(cluster: Cluster, inputs: Object, old: Object, request: Any) -> Object:
    """Fills in the release's name and namespace.

    Raises:
        Refused: an input that this stand-in does not honour.
    """
    for name, value in inputs.items():
        if name not in HONOURED and value not in (None, False, "", [], {}):
            raise Refused(
                f"helm.v3.Release input {name} is not implemented by the Kubernetes provider stand-in: leave it out, or use the "
                "published plugin"
            )
    for name in reveal(inputs.get("repositoryOpts") or {}):
        if name not in REPOSITORY:
            raise Refused(
                f"helm.v3.Release input repositoryOpts.{name} is not implemented by the Kubernetes provider stand-in: leave it "
                "out, or use the published plugin"
            )
    if not inputs.get("chart"):
        raise Refused("helm.v3.Release needs the input chart: a path, or a chart's name with repository_opts.repo")
    seed = request.randomSeed or os.urandom(32)
    name = reveal(old.get("name")) or f"{request.name}-{hashlib.sha256(seed).hexdigest()[:8]}"
    return {"name": name, "namespace": cluster.options.namespace, **{k: v for k, v in inputs.items() if v is not None}}


def difference(old: Object, new: Object, state: Object, ignored: list[str]) -> tuple[list[Change], bool]:
    """What changed: inputs, and the content of a chart that is a local directory or file."""
    replacing = [("name",), ("namespace",)]
    found = changes(old, new, replacing, [parse(path) for path in ignored])
    before, after = state.get(CHECKSUM), checksum(new.get("chart", ""))
    if after and before and before != after and not any(change.path[0] == "chart" for change in found):
        found.append(Change(("chart",), UPDATE))
    return found, False


def create(cluster: Cluster, urn: str, inputs: Object, requested: float, *, preview: bool) -> tuple[str, Object]:
    """Installs the release; one that a failed run left half installed under this id is repaired.

    Raises:
        Refused: the chart does not render, or another release has this name.
        NotReady: it is installed but did not become ready.
    """
    plain = reveal(inputs)
    if preview:
        return "", _previewed(cluster, inputs, plain)
    cluster.connected()
    found = _status(cluster, plain["name"], plain["namespace"])
    if found and found["info"]["status"] not in ("failed", "pending-install", "uninstalled", "uninstalling"):
        raise Refused(
            f"Helm release {plain['namespace']}/{plain['name']} already exists and is not in this stack: give the release another "
            f"name, or run `helm uninstall {plain['name']} --namespace {plain['namespace']}`"
        )
    place = identifier(plain["namespace"], plain["name"])
    return place, _upgrade(cluster, urn, inputs, requested)


def update(cluster: Cluster, urn: str, place: str, inputs: Object, requested: float, *, preview: bool) -> Object:
    """Upgrades the release, also from a failed state.

    Raises:
        Refused: the chart does not render or helm refused it.
        NotReady: it was changed but did not become ready.
    """
    if preview:
        return _previewed(cluster, inputs, reveal(inputs))
    cluster.connected()
    return _upgrade(cluster, urn, inputs, requested)


def read(cluster: Cluster, place: str, state: Object, inputs: Object) -> tuple[Object, Object] | None:
    """The release as helm knows it; None when it has gone."""
    if cluster.client is None and cluster.options.delete_unreachable:
        return None
    cluster.connected()
    namespace, name = parse_identifier(place)
    found = _status(cluster, name, namespace or cluster.options.namespace)
    if found is None or found["info"]["status"] in ("uninstalled", "uninstalling"):
        return None
    known = inputs or {
        "name": name,
        "namespace": namespace,
        "chart": found.get("chart", {}).get("metadata", {}).get("name", ""),
    }
    return {**_state(found, known), CHECKSUM: reveal(state).get(CHECKSUM)}, known


def delete(cluster: Cluster, urn: str, place: str, state: Object, requested: float) -> None:
    """Uninstalls the release and waits until its objects are gone; one that is gone already is no error."""
    if cluster.client is None and cluster.options.delete_unreachable:
        return
    cluster.connected()
    namespace, name = parse_identifier(place)
    limit = requested or float(state.get("timeout") or READY_SECONDS)
    cluster.log.status(urn, "waiting for helm uninstall")
    _run(
        cluster, "uninstall", name, "--namespace", namespace or "default", "--ignore-not-found", "--wait", "--cascade",
        "foreground", "--timeout", f"{limit:.0f}s", what=f"Helm release {place} could not be uninstalled",
    )  # fmt: skip


def checksum(chart: str) -> str:
    """A digest of a local chart's content; empty for a chart that helm fetches."""
    path = Path(chart).expanduser()
    if not chart or not path.exists():
        return ""
    digest = hashlib.sha256()
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if file.is_file():
            digest.update(str(file.relative_to(path)).encode() + b"\0")
            digest.update(file.read_bytes())
    return digest.hexdigest()


def _previewed(cluster: Cluster, inputs: Object, plain: Object) -> Object:
    """Inputs, after the chart has rendered with these values; no cluster is asked."""
    if has_unknowns(plain):
        return inputs
    flags = ["--kube-version", cluster.client.version()] if cluster.client else []
    label = f"Helm release {plain['namespace']}/{plain['name']}"
    with _files(plain) as files:
        _run(cluster, "template", plain["name"], *_chart(plain), *files, *flags, what=f"{label} does not render")
    return {**inputs, "status": {"status": UNKNOWN, "name": plain["name"], "namespace": plain["namespace"]}}


def _upgrade(cluster: Cluster, urn: str, inputs: Object, requested: float) -> Object:
    plain = reveal(inputs)
    place = identifier(plain["namespace"], plain["name"])
    limit = requested or float(plain.get("timeout") or READY_SECONDS)
    flags = ["--timeout", f"{limit:.0f}s"]
    for option, flag in (
        ("createNamespace", "--create-namespace"), ("atomic", "--atomic"), ("cleanupOnFail", "--cleanup-on-fail"),
        ("waitForJobs", "--wait-for-jobs"),
    ):  # fmt: skip
        flags += [flag] if plain.get(option) else []
    if not plain.get("skipAwait"):
        flags.append("--wait")
    if plain.get("description"):
        flags += ["--description", plain["description"]]
    _unlock(cluster, plain["name"], plain["namespace"])
    cluster.log.status(urn, "waiting for helm upgrade --install")
    sums = {CHECKSUM: checksum(plain["chart"])} if checksum(plain["chart"]) else {}
    with _files(plain) as files:
        try:
            _run(
                cluster, "upgrade", plain["name"], *_chart(plain), *files, "--install", *flags,
                what=f"Helm release {place} could not be installed",
            )  # fmt: skip
        except Refused as error:
            found = _status(cluster, plain["name"], plain["namespace"])
            if found is None or cluster.cancelled.is_set():
                raise
            raise NotReady(str(error), place, {**_state(found, inputs), **sums}) from error
    found = _status(cluster, plain["name"], plain["namespace"])
    if found is None:
        raise Refused(f"Helm release {place} was installed, but helm no longer knows it")
    return {**_state(found, inputs), **sums}


def _unlock(cluster: Cluster, name: str, namespace: str) -> None:
    """Clears the mark that an interrupted helm leaves, which would make every later upgrade fail."""
    found = _status(cluster, name, namespace)
    if not found or not found["info"]["status"].startswith("pending-"):
        return
    if found["info"]["status"] == "pending-install":
        _run(
            cluster,
            "uninstall",
            name,
            "--namespace",
            namespace,
            "--wait",
            what="the interrupted installation could not be removed",
        )
    else:
        _run(
            cluster,
            "rollback",
            name,
            "--namespace",
            namespace,
            "--wait",
            what="the interrupted upgrade could not be undone",
        )


def _state(found: Object, inputs: Object) -> Object:
    info, described = found.get("info") or {}, (found.get("chart") or {}).get("metadata") or {}
    status = {
        "appVersion": described.get("appVersion"), "chart": described.get("name"), "name": found.get("name"),
        "namespace": found.get("namespace"), "revision": found.get("version"), "status": info.get("status"),
        "version": described.get("version"),
    }  # fmt: skip
    version = {"version": described["version"]} if described.get("version") and not inputs.get("version") else {}
    return mark_like({**inputs, **version, "status": {k: v for k, v in status.items() if v is not None}}, inputs)


def _chart(plain: Object) -> list[str]:
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
def _files(plain: Object) -> Iterator[list[str]]:
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


def _status(cluster: Cluster, name: str, namespace: str) -> Object | None:
    """What helm says of a release, with its chart's metadata; None when it does not know it."""
    what = f"Helm release {namespace}/{name} could not be read"
    listed = _run(
        cluster, "list", "--all", "--namespace", namespace, "--filter", f"^{name}$", "--output", "json", what=what
    )
    found = next((item for item in json.loads(listed or "[]") if item["name"] == name), None)
    if found is None:
        return None
    chart, _, version = found["chart"].partition("-")
    described = _run(cluster, "get", "metadata", name, "--namespace", namespace, "--output", "json", what=what)
    details = json.loads(described)
    return {
        "name": name,
        "namespace": namespace,
        "version": int(found["revision"]),
        "info": {"status": found["status"]},
        "chart": {
            "metadata": {
                "name": details.get("chart", chart),
                "version": details.get("version", version),
                "appVersion": details.get("appVersion"),
            }
        },
    }


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


def _run(cluster: Cluster, *words: str, what: str) -> str:
    """Runs helm and returns what it printed.

    Raises:
        Refused: it failed; the message begins with `what` and quotes helm's own.
    """
    with tempfile.NamedTemporaryFile("w", prefix="pulumi-mlops-kubeconfig-", suffix=".json") as kubeconfig:
        json.dump(cluster.options.kubeconfig or {}, kubeconfig)
        kubeconfig.flush()
        environment = {**os.environ, "KUBECONFIG": kubeconfig.name}
        for setting, value in cluster.options.helm.items():
            environment[_SETTING_VARIABLES[setting]] = str(value)
        flags = (
            ["--kube-context", cluster.options.context]
            if cluster.options.context and cluster.options.kubeconfig
            else []
        )
        process = subprocess.Popen(
            [program(), *words, *flags], env=environment, text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
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
