"""Waiting for an object to become ready or to be gone, with progress on the terminal and one clear error at the end."""

import time
from collections.abc import Iterator

from standins.plugins.kubernetes.client import Client, NotServed
from standins.plugins.kubernetes.cluster import Task
from standins.plugins.kubernetes.diagnosis import explain
from standins.plugins.kubernetes.names import Kind, annotations, identifier, metadata
from standins.plugins.kubernetes.readiness import DEFAULT_TIMEOUT_SECONDS, Check, check_for
from standins.plugins.kubernetes.waitfor import parse
from standins.plugins.plugin import Refused
from standins.plugins.values import Object

POLL_SECONDS = (0.1, 0.2, 0.3, 0.5, 0.5, 1.0)
"""Pauses between looks; the last one repeats. A watch would save requests, not time."""
READY_SECONDS = 600.0
GONE_SECONDS = 600.0


class GaveUp(Exception):
    """The object is there but not ready; `live` is how it looked last."""

    def __init__(self, message: str, live: Object) -> None:
        super().__init__(message)
        self.live = live


def timeout(manifest: Object, requested: float, default: float) -> float:
    """Seconds to wait: the resource's customTimeouts, else its annotation, else the default.

    Raises:
        Refused: the annotation is no number.
    """
    if requested > 0:
        return requested
    text = annotations(manifest).get("pulumi.com/timeoutSeconds")
    if text is None:
        return default
    try:
        return float(text)
    except (TypeError, ValueError):
        raise Refused(f"annotation pulumi.com/timeoutSeconds must be a number of seconds, got {text!r}") from None


def skipped(manifest: Object) -> bool:
    """Whether the program asked not to wait for this object."""
    return annotations(manifest).get("pulumi.com/skipAwait") == "true"


def check_of(kind: Kind, manifest: Object) -> Check | None:
    """What to wait for: the program's own conditions, else the kind's; None for nothing."""
    if skipped(manifest):
        return None
    wanted = annotations(manifest).get("pulumi.com/waitFor")
    return parse(wanted) if wanted else check_for(kind)


def until_ready(task: Task, kind: Kind, manifest: Object, live: Object) -> Object:
    """The object once it is ready.

    Raises:
        GaveUp: it failed, the time passed, or the run was cancelled; the message says what stands in the way.
    """
    check = check_of(kind, manifest)
    if check is None:
        return live
    client = task.cluster.connected()
    limit = timeout(manifest, task.timeout, DEFAULT_TIMEOUT_SECONDS.get(kind.kind, READY_SECONDS))
    meta, begin, shown = metadata(live), time.monotonic(), ""
    label = f"{kind.kind} {identifier(meta.get('namespace'), meta['name'])}"
    for pause in _pauses():
        progress = check(live, client)
        if progress.ready:
            if shown:
                task.say("")
            return live
        if progress.failed:
            raise GaveUp(_sentence(f"{label} cannot become ready: {progress.message}", kind, live, client), live)
        waited = time.monotonic() - begin
        if waited >= limit:
            raise GaveUp(
                _sentence(f"{label} was not ready after {limit:.0f}s: {progress.message}", kind, live, client), live
            )
        if progress.message != shown:
            task.say(f"waiting: {progress.message}")
            shown = progress.message
        if task.cluster.cancelled.wait(max(min(pause, limit - waited), 0.01)):
            raise GaveUp(f"{label} was not ready when the run was cancelled: {progress.message}", live)
        found = client.get(kind, meta.get("namespace"), meta["name"])
        if found is None:
            raise GaveUp(f"{label} was deleted by somebody else while Pulumi waited for it", live)
        live = found
    raise AssertionError("unreachable")


def until_gone(task: Task, kind: Kind, namespace: str | None, name: str, limit: float) -> None:
    """Returns when the object no longer exists.

    Raises:
        Refused: the time passed or the run was cancelled; the message says what holds the object.
    """
    begin, uid, client = time.monotonic(), None, task.cluster.connected()
    label = f"{kind.kind} {identifier(namespace, name)}"
    for pause in _pauses():
        try:
            live = client.get(kind, namespace, name)
        except NotServed:
            return
        uid = uid or metadata(live or {}).get("uid")
        if live is None or metadata(live).get("uid") != uid:
            return
        holders = ", ".join(metadata(live).get("finalizers") or [])
        why = f"held by finalizers {holders}" if holders else "it still exists"
        notes = _remaining(live)
        if time.monotonic() - begin >= limit:
            raise Refused(
                f"{label} was not deleted after {limit:.0f}s: {why}{notes}; look at `kubectl get {kind.kind.lower()} "
                f"{name}{f' --namespace {namespace}' if namespace else ''} --output yaml`, then run the command again"
            )
        if time.monotonic() - begin > 1:
            task.say(f"waiting for the deletion: {why}{notes}")
        if task.cluster.cancelled.wait(pause):
            raise Refused(f"{label} was not deleted yet when the run was cancelled: {why}")


def _remaining(live: Object) -> str:
    """What a namespace says of the objects still in it."""
    told = [
        item.get("message", "")
        for item in (live.get("status") or {}).get("conditions") or []
        if item.get("status") == "True" and item.get("type", "").startswith("Namespace")
    ]
    return "".join(f"; {message}" for message in told if message)


def _sentence(begin: str, kind: Kind, live: Object, client: Client) -> str:
    meta = metadata(live)
    place = f" --namespace {meta['namespace']}" if meta.get("namespace") else ""
    reasons = "".join(f"\n  - {reason}" for reason in explain(kind, live, client))
    return f"{begin}{reasons}\n  look at: kubectl describe {kind.kind.lower()} {meta['name']}{place}"


def _pauses() -> Iterator[float]:
    yield from POLL_SECONDS
    while True:
        yield POLL_SECONDS[-1]
