"""Why an object is not ready, in the words of its conditions, its pods, their logs and the cluster's events."""

from standins.plugins.kubernetes.client import ApiError, Client, NotServed, Unreachable
from standins.plugins.kubernetes.names import Kind, metadata
from standins.plugins.kubernetes.readiness import condition
from standins.plugins.values import Object

POD = Kind("", "v1", "Pod")
EVENT = Kind("", "v1", "Event")
REPLICA_SET = Kind("apps", "v1", "ReplicaSet")
WITH_PODS = ("Deployment", "StatefulSet", "DaemonSet", "Job", "ReplicaSet", "Service")
PODS_QUOTED, EVENTS_QUOTED, LOG_LINES = 3, 3, 5
QUIET = ("ContainerCreating", "PodInitializing")
"""Waiting reasons that say nothing by themselves."""


def explain(kind: Kind, live: Object, client: Client) -> list[str]:
    """Sentences that say what stands in the way, the most telling first; empty when nothing is known."""
    try:
        found = _conditions(live)
        if kind.kind == "Pod":
            found += describe_pod(live, client)
        elif kind.kind in WITH_PODS:
            found += _pods(kind, live, client)
        return [*dict.fromkeys(found + _events(kind.kind, live, client))]
    except (ApiError, NotServed, Unreachable) as error:
        return [f"what stands in the way could not be read: {error}"]


def _conditions(live: Object) -> list[str]:
    """Conditions that report trouble: those that are False, and those whose True is the trouble."""
    trouble = {"ReplicaFailure": "True", "Failed": "True", "FailureTarget": "True"}
    return [
        f"condition {item['type']}={item['status']}: {item.get('message') or item.get('reason')}"
        for item in (live.get("status") or {}).get("conditions") or []
        if item.get("status") == trouble.get(item.get("type"), "False") and (item.get("message") or item.get("reason"))
    ]


def _pods(kind: Kind, live: Object, client: Client) -> list[str]:
    meta, spec = metadata(live), live.get("spec") or {}
    selector = spec.get("selector") or {}
    labels = selector if kind.kind == "Service" else selector.get("matchLabels") or {}
    if not labels:
        return []
    query = ",".join(f"{key}={value}" for key, value in labels.items())
    pods = client.list(POD, meta.get("namespace"), labelSelector=query)
    found: list[str] = []
    if kind.kind == "Deployment":
        for replica_set in client.list(REPLICA_SET, meta.get("namespace"), labelSelector=query):
            found += _events("ReplicaSet", replica_set, client)
    if not pods:
        return [*found, "it has no pods"] if kind.kind != "Service" else [*found, "no pod matches its selector"]
    unready = [item for item in pods if condition(item, "Ready").get("status") != "True"]
    newest = sorted(unready, key=lambda item: metadata(item).get("creationTimestamp", ""), reverse=True)
    for pod in newest[:PODS_QUOTED]:
        found += describe_pod(pod, client)
    return found


def describe_pod(pod: Object, client: Client) -> list[str]:
    """What keeps a pod from being ready."""
    meta, status = metadata(pod), pod.get("status") or {}
    name, found = meta.get("name", ""), []
    scheduled = condition(pod, "PodScheduled")
    if scheduled.get("status") == "False":
        found.append(f"pod {name} is not scheduled: {scheduled.get('message') or scheduled.get('reason')}")
    elif not scheduled and not status.get("containerStatuses"):
        found.append(f"pod {name} has not been looked at by a scheduler")
    for container in [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]:
        found += _container(pod, container, client)
    return found + _events("Pod", pod, client)


def _container(pod: Object, container: Object, client: Client) -> list[str]:
    meta, state = metadata(pod), container.get("state") or {}
    label = f"pod {meta.get('name')}, container {container.get('name')}"
    ended = state.get("terminated") or {}
    last = (container.get("lastState") or {}).get("terminated") or {}
    held = state.get("waiting") or {}
    found = []
    if held.get("reason") and held["reason"] not in QUIET:
        found.append(f"{label} is waiting: {held['reason']}" + (f": {held['message']}" if held.get("message") else ""))
    crash = ended if ended.get("exitCode") else last
    if crash.get("exitCode") is not None and crash.get("exitCode") != 0:
        said = (crash.get("message") or "").strip()
        found.append(
            f"{label} exited with {crash['exitCode']} ({crash.get('reason', '')})" + (f": {said}" if said else "")
        )
        printed = client.log(
            meta.get("namespace", "default"), meta["name"], container["name"], previous=not ended, lines=LOG_LINES
        ).strip()
        if printed and printed != said:
            found.append(
                f"{label} last printed:\n" + "\n".join(f"    {line}" for line in printed.splitlines()[-LOG_LINES:])
            )
    running = state.get("running")
    if running and not container.get("ready") and not found:
        found.append(f"{label} runs but does not pass its readiness probe")
    return found


def _events(kind: str, subject: Object, client: Client) -> list[str]:
    meta = metadata(subject)
    selector = f"involvedObject.kind={kind},involvedObject.name={meta.get('name')},type=Warning"
    events = client.list(EVENT, meta.get("namespace") or "default", fieldSelector=selector)
    events.sort(key=lambda item: item.get("lastTimestamp") or item.get("eventTime") or "", reverse=True)
    return [
        f"event on {kind} {meta.get('name')}: {item.get('reason')}: {(item.get('message') or '').strip()}"
        for item in events[:EVENTS_QUOTED]
    ]
