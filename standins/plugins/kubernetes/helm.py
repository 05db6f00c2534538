"""`helm.v3.Release` by the helm program itself: install, upgrade, read and uninstall of one release.

Does not own: the chart, and how helm is run (`helm_program`).
"""

import hashlib
import os
from pathlib import Path
from typing import Any

from standins.plugins.diff import UPDATE, Change, changes
from standins.plugins.kubernetes.client import ApiError, Unreachable
from standins.plugins.kubernetes.cluster import Cluster, Task
from standins.plugins.kubernetes.diagnosis import POD, PODS_QUOTED, describe_pod
from standins.plugins.kubernetes.helm_program import REPOSITORY, Release, chart_words, release, run, values_files
from standins.plugins.kubernetes.names import identifier, parse_identifier
from standins.plugins.kubernetes.readiness import condition
from standins.plugins.paths import parse
from standins.plugins.plugin import NotReady, Refused
from standins.plugins.values import UNKNOWN, Object, has_unknowns, mark_like, reveal

HONOURED = (
    "atomic", "chart", "cleanupOnFail", "compat", "createNamespace", "dependencyUpdate", "description", "name",
    "namespace", "repositoryOpts", "skipAwait", "skipCrds", "timeout", "valueYamlFiles", "values", "version",
    "waitForJobs",
)  # fmt: skip
READY_SECONDS = 300.0
"""Helm's own default for --timeout, and the published provider's."""
CHECKSUM = "__chartChecksum"
FLAGS = {
    "atomic": "--atomic",
    "cleanupOnFail": "--cleanup-on-fail",
    "createNamespace": "--create-namespace",
    "waitForJobs": "--wait-for-jobs",
}


def check(cluster: Cluster, inputs: Object, old: Object, request: Any) -> Object:
    """Fills in the release's name and namespace.

    Raises:
        Refused: an input that this stand-in does not honour.
    """
    for name, value in inputs.items():
        if name not in HONOURED and value not in (None, False, "", [], {}):
            raise Refused(
                f"helm.v3.Release input {name} is not implemented by the Kubernetes provider stand-in: leave it out, "
                "or use the published plugin"
            )
    for name in reveal(inputs.get("repositoryOpts") or {}):
        if name not in REPOSITORY:
            raise Refused(
                f"helm.v3.Release input repositoryOpts.{name} is not implemented by the Kubernetes provider stand-in: "
                "leave it out, or use the published plugin"
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


def create(task: Task, inputs: Object) -> tuple[str, Object]:
    """Installs the release.

    One that a failed run left half installed under this name is repaired; one that stands is taken over where existing
    objects are.

    Raises:
        Refused: the chart does not render, or another release has this name.
        NotReady: it is installed but did not become ready.
    """
    plain, cluster = reveal(inputs), task.cluster
    if task.preview:
        return "", _previewed(cluster, inputs, plain)
    cluster.connected()
    found = release(cluster, plain["name"], plain["namespace"])
    whole = found and found.status not in ("failed", "pending-install", "uninstalled", "uninstalling")
    if whole and not cluster.options.upsert:
        raise Refused(
            f"Helm release {plain['namespace']}/{plain['name']} already exists and is not in this stack: give the "
            f"release another name, or run `helm uninstall {plain['name']} --namespace {plain['namespace']}`"
        )
    place = identifier(plain["namespace"], plain["name"])
    return place, _upgrade(task, inputs)


def update(task: Task, inputs: Object) -> Object:
    """Upgrades the release, also from a failed state.

    Raises:
        Refused: the chart does not render or helm refused it.
        NotReady: it was changed but did not become ready.
    """
    if task.preview:
        return _previewed(task.cluster, inputs, reveal(inputs))
    task.cluster.connected()
    return _upgrade(task, inputs)


def read(task: Task, state: Object, inputs: Object) -> tuple[Object, Object] | None:
    """The release as helm knows it; None when it has gone."""
    cluster = task.cluster
    if cluster.client is None and cluster.options.delete_unreachable:
        return None
    cluster.connected()
    namespace, name = parse_identifier(task.place)
    found = release(cluster, name, namespace or cluster.options.namespace)
    if found is None or found.status in ("uninstalled", "uninstalling"):
        return None
    known = inputs or {"name": name, "namespace": namespace, "chart": found.chart}
    kept = {CHECKSUM: value} if (value := reveal(state).get(CHECKSUM)) else {}
    return {**_state(found, known), **kept}, known


def delete(task: Task, state: Object) -> None:
    """Uninstalls the release and waits until its objects are gone; one that is gone already is no error."""
    cluster = task.cluster
    if cluster.client is None and cluster.options.delete_unreachable:
        return
    cluster.connected()
    namespace, name = parse_identifier(task.place)
    limit = task.timeout or float(state.get("timeout") or READY_SECONDS)
    task.say("waiting for helm uninstall")
    run(
        cluster, "uninstall", name, "--namespace", namespace or "default", "--ignore-not-found", "--wait", "--cascade",
        "foreground", "--timeout", f"{limit:.0f}s", what=f"Helm release {task.place} could not be uninstalled",
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
    """Inputs, after the chart has rendered with these values; no cluster is asked.

    A chart that would have to be fetched is not rendered where there is no cluster either: a plan needs no network.
    """
    if has_unknowns(plain) or (cluster.client is None and not checksum(plain["chart"])):
        return inputs
    flags = ["--kube-version", cluster.client.version()] if cluster.client else []
    label = f"Helm release {plain['namespace']}/{plain['name']}"
    with values_files(plain) as files:
        run(cluster, "template", plain["name"], *chart_words(plain), *files, *flags, what=f"{label} does not render")
    return {**inputs, "status": {"status": UNKNOWN, "name": plain["name"], "namespace": plain["namespace"]}}


def _upgrade(task: Task, inputs: Object) -> Object:
    plain, cluster = reveal(inputs), task.cluster
    place = identifier(plain["namespace"], plain["name"])
    limit = task.timeout or float(plain.get("timeout") or READY_SECONDS)
    flags = ["--timeout", f"{limit:.0f}s"]
    flags += [flag for option, flag in FLAGS.items() if plain.get(option)]
    if not plain.get("skipAwait"):
        flags.append("--wait")
    if plain.get("description"):
        flags += ["--description", plain["description"]]
    _unlock(cluster, plain["name"], plain["namespace"])
    task.say("waiting for helm upgrade --install")
    sums = {CHECKSUM: checksum(plain["chart"])} if checksum(plain["chart"]) else {}
    with values_files(plain) as files:
        try:
            run(
                cluster, "upgrade", plain["name"], *chart_words(plain), *files, "--install", *flags,
                what=f"Helm release {place} could not be installed",
            )  # fmt: skip
        except Refused as error:
            found = release(cluster, plain["name"], plain["namespace"])
            if found is None or cluster.cancelled.is_set():
                raise
            message = str(error) + _reasons(cluster, plain)
            raise NotReady(message, place, {**_state(found, inputs), **sums}) from error
    found = release(cluster, plain["name"], plain["namespace"])
    if found is None:
        raise Refused(f"Helm release {place} was installed, but helm no longer knows it")
    return {**_state(found, inputs), **sums}


def _unlock(cluster: Cluster, name: str, namespace: str) -> None:
    """Clears the mark that an interrupted helm leaves, which would make every later upgrade fail."""
    found = release(cluster, name, namespace)
    if found and found.status.startswith("pending-"):
        verb = "uninstall" if found.status == "pending-install" else "rollback"
        what = f"the {found.status.removeprefix('pending-')} that was interrupted could not be undone"
        run(cluster, verb, name, "--namespace", namespace, "--wait", what=what)


def _reasons(cluster: Cluster, plain: Object) -> str:
    """What keeps the release's pods from being ready; helm itself only says that the time has passed."""
    try:
        label = f"app.kubernetes.io/instance={plain['name']}"
        pods = cluster.connected().list(POD, plain["namespace"], labelSelector=label)
        unready = [pod for pod in pods if condition(pod, "Ready").get("status") != "True"]
        found = [line for pod in unready[:PODS_QUOTED] for line in describe_pod(pod, cluster.connected())]
    except (ApiError, Unreachable):
        return ""
    return "".join(f"\n  - {reason}" for reason in found)


def _state(found: Release, inputs: Object) -> Object:
    version = {} if inputs.get("version") else {"version": found.version}
    return mark_like({**inputs, **version, "status": found.outputs()}, inputs)
