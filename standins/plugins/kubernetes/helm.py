"""`helm.v3.Release` by the helm program itself: install, upgrade, read and uninstall of one release.

What helm refuses is refused, as by the published provider: a release of a killed run is not continued here. Does not
own: the chart, and how helm is run (`helm_program`).
"""

import hashlib
import os
from pathlib import Path
from typing import Any

import yaml

from standins.plugins.diff import Change, changes
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
FLAGS = {
    "install": {"atomic": "--atomic", "createNamespace": "--create-namespace", "waitForJobs": "--wait-for-jobs"},
    "upgrade": {"atomic": "--atomic", "cleanupOnFail": "--cleanup-on-fail", "waitForJobs": "--wait-for-jobs"},
}
"""Inputs that are flags of each operation."""


def check(cluster: Cluster, inputs: Object, old: Object, request: Any) -> Object:
    """Fills in the release's name and namespace, and the version of a chart that is a local directory or file.

    Raises:
        Refused: an input that this stand-in does not honour, or a local chart that cannot be loaded.
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
    given = {key: value for key, value in inputs.items() if value is not None}
    return {"name": name, "namespace": cluster.options.namespace, **given, **_version(cluster, reveal(given))}


def _version(cluster: Cluster, plain: Object) -> Object:
    """The version that a local chart says; the published provider loads every chart, this one fetches none."""
    if has_unknowns(plain) or not is_local(plain["chart"]):
        return {}
    what = f"chart {plain['chart']} cannot be loaded"
    return {"version": str(yaml.safe_load(run(cluster, "show", "chart", plain["chart"], what=what))["version"])}


def is_local(chart: str) -> bool:
    """Whether a chart is a directory or a file, as Helm decides it."""
    return Path(chart).expanduser().exists()


def difference(old: Object, new: Object, ignored: list[str]) -> tuple[list[Change], bool]:
    """What changed of the inputs; of a chart's content only its version is one."""
    return changes(old, new, [("name",), ("namespace",)], [parse(path) for path in ignored]), False


def create(task: Task, inputs: Object) -> tuple[str, Object]:
    """Installs the release.

    Raises:
        Refused: the chart does not render, or a release has this name, in whatever state.
        NotReady: it is installed but did not become ready.
    """
    plain, cluster = reveal(inputs), task.cluster
    if task.preview:
        return "", _previewed(cluster, inputs, plain)
    cluster.connected()
    before = release(cluster, plain["name"], plain["namespace"])
    place = identifier(plain["namespace"], plain["name"])
    return place, _carried_out(task, inputs, "install", before)


def update(task: Task, inputs: Object) -> Object:
    """Upgrades the release, also from a failed state.

    Raises:
        Refused: the chart does not render, or helm refused it, such as during another operation.
        NotReady: it was changed but did not become ready.
    """
    if task.preview:
        return _previewed(task.cluster, inputs, reveal(inputs))
    plain = reveal(inputs)
    task.cluster.connected()
    before = release(task.cluster, plain["name"], plain["namespace"])
    return _carried_out(task, inputs, "upgrade", before)


def read(task: Task, inputs: Object) -> tuple[Object, Object] | None:
    """The release as helm knows it; None when it has gone."""
    cluster = task.cluster
    if cluster.client is None and cluster.options.delete_unreachable:
        return None
    cluster.connected()
    namespace, name = parse_identifier(task.place)
    found = release(cluster, name, namespace or cluster.options.namespace)
    if found is None:
        return None
    known = inputs or {"name": name, "namespace": namespace, "chart": found.chart}
    return _state(found, known), known


def delete(task: Task, state: Object) -> None:
    """Uninstalls the release and waits until its objects are gone.

    Raises:
        Refused: helm refused, such as a release that is gone already.
    """
    cluster = task.cluster
    if cluster.client is None and cluster.options.delete_unreachable:
        return
    cluster.connected()
    namespace, name = parse_identifier(task.place)
    limit = task.timeout or float(state.get("timeout") or READY_SECONDS)
    task.say("waiting for helm uninstall")
    run(
        cluster, "uninstall", name, "--namespace", namespace or "default", "--wait", "--cascade",
        "foreground", "--timeout", f"{limit:.0f}s", what=f"Helm release {task.place} could not be uninstalled",
    )  # fmt: skip


def _previewed(cluster: Cluster, inputs: Object, plain: Object) -> Object:
    """Inputs, and what is known of the status. A preview renders no chart: what does not render fails in an update."""
    if has_unknowns(plain) or (cluster.client is None and not is_local(plain["chart"])):
        return inputs
    return {**inputs, "status": {"status": UNKNOWN, "name": plain["name"], "namespace": plain["namespace"]}}


def _carried_out(task: Task, inputs: Object, verb: str, before: Release | None) -> Object:
    plain, cluster = reveal(inputs), task.cluster
    place = identifier(plain["namespace"], plain["name"])
    limit = task.timeout or float(plain.get("timeout") or READY_SECONDS)
    flags = ["--timeout", f"{limit:.0f}s"]
    flags += [flag for option, flag in FLAGS[verb].items() if plain.get(option)]
    if not plain.get("skipAwait"):
        flags.append("--wait")
    if plain.get("description"):
        flags += ["--description", plain["description"]]
    task.say(f"waiting for helm {verb}")
    with values_files(plain) as files:
        try:
            run(
                cluster, verb, plain["name"], *chart_words(plain), *files, *flags,
                what=f"Helm release {place} could not be {verb.removesuffix('e')}ed",
            )  # fmt: skip
        except Refused as error:
            found = release(cluster, plain["name"], plain["namespace"])
            if found is None or found == before or cluster.cancelled.is_set():
                raise
            message = str(error) + _reasons(cluster, plain)
            raise NotReady(message, place, _state(found, inputs)) from error
    found = release(cluster, plain["name"], plain["namespace"])
    if found is None:
        raise Refused(f"Helm release {place} was installed, but helm no longer knows it")
    return _state(found, inputs)


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
