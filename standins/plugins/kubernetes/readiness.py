"""When an object counts as ready, kind by kind, read from the object itself and, where it must be, its neighbours."""

from collections.abc import Callable
from dataclasses import dataclass

from standins.plugins.kubernetes.client import Client
from standins.plugins.kubernetes.names import Kind, metadata
from standins.plugins.values import Object


@dataclass(frozen=True)
class Progress:
    """How far an object has come: ready, failed for good, or waiting for what the message says."""

    ready: bool
    message: str = ""
    failed: bool = False


READY = Progress(ready=True)


def waiting(message: str) -> Progress:
    """Not ready yet."""
    return Progress(ready=False, message=message)


def failed(message: str) -> Progress:
    """Will never be ready as it stands."""
    return Progress(ready=False, message=message, failed=True)


Check = Callable[[Object, Client], Progress]

DEFAULT_TIMEOUT_SECONDS: dict[str, float] = {"PersistentVolumeClaim": 300.0}
"""Where the published provider waits for another time than ten minutes."""


def condition(live: Object, name: str) -> Object:
    """The status condition of that type, or an empty object."""
    found = (live.get("status") or {}).get("conditions") or []
    return next((item for item in found if item.get("type") == name), {})


def _seen(live: Object) -> bool:
    observed = (live.get("status") or {}).get("observedGeneration", 0)
    return observed >= metadata(live).get("generation", 0)


def _number(source: Object, field: str, default: int = 0) -> int:
    value = source.get(field)
    return default if value is None else int(value)


def deployment(live: Object, client: Client) -> Progress:
    """Ready when every replica runs the current template and is available, and no old one is left."""
    spec, status = live.get("spec") or {}, live.get("status") or {}
    wanted = _number(spec, "replicas", 1)
    if not _seen(live):
        return waiting("the deployment controller has not seen it yet")
    progressing = condition(live, "Progressing")
    if progressing.get("reason") == "ProgressDeadlineExceeded":
        return failed(f"its progress deadline passed: {progressing.get('message', '')}")
    updated, total = _number(status, "updatedReplicas"), _number(status, "replicas")
    available = _number(status, "availableReplicas")
    if updated < wanted:
        return waiting(f"{updated} of {wanted} replicas updated")
    if total > updated:
        return waiting(f"{total - updated} old replicas still to end")
    if available < updated:
        return waiting(f"{available} of {wanted} replicas available")
    return READY


def stateful_set(live: Object, client: Client) -> Progress:
    """Ready when every replica of the current revision is ready; with `OnDelete`, as soon as it is stored."""
    spec, status = live.get("spec") or {}, live.get("status") or {}
    strategy = spec.get("updateStrategy") or {}
    wanted = _number(spec, "replicas", 1)
    if not _seen(live):
        return waiting("the statefulset controller has not seen it yet")
    ready, updated = _number(status, "readyReplicas"), _number(status, "updatedReplicas")
    if ready < wanted:
        return waiting(f"{ready} of {wanted} replicas ready")
    partition = _number(strategy.get("rollingUpdate") or {}, "partition")
    if strategy.get("type") != "OnDelete" and updated < wanted - partition:
        return waiting(f"{updated} of {wanted - partition} replicas updated")
    return READY


def daemon_set(live: Object, client: Client) -> Progress:
    """Ready when every node that should run it runs the current template."""
    status = live.get("status") or {}
    if not _seen(live):
        return waiting("the daemonset controller has not seen it yet")
    wanted = _number(status, "desiredNumberScheduled")
    updated, available = _number(status, "updatedNumberScheduled"), _number(status, "numberAvailable")
    on_delete = ((live.get("spec") or {}).get("updateStrategy") or {}).get("type") == "OnDelete"
    if updated < wanted and not on_delete:
        return waiting(f"{updated} of {wanted} pods updated")
    if available < wanted:
        return waiting(f"{available} of {wanted} pods available")
    return READY


def job(live: Object, client: Client) -> Progress:
    """Ready when complete, or when it is suspended and so will not run."""
    broken = condition(live, "Failed")
    if broken.get("status") == "True":
        return failed(f"the job failed ({broken.get('reason', '')}): {broken.get('message', '')}")
    if condition(live, "Complete").get("status") == "True" or (live.get("spec") or {}).get("suspend"):
        return READY
    status = live.get("status") or {}
    wanted = _number(live.get("spec") or {}, "completions", 1)
    done, active, lost = (_number(status, field) for field in ("succeeded", "active", "failed"))
    return waiting(f"{done} of {wanted} pods succeeded, {active} running, {lost} failed")


def pod(live: Object, client: Client) -> Progress:
    """Ready when its Ready condition says so, or when it has succeeded."""
    status = live.get("status") or {}
    if status.get("phase") == "Failed":
        return failed(f"the pod failed: {status.get('message') or status.get('reason') or 'see its containers'}")
    if status.get("phase") == "Succeeded" or condition(live, "Ready").get("status") == "True":
        return READY
    return waiting(f"the pod is {status.get('phase', 'Pending')}")


def claim(live: Object, client: Client) -> Progress:
    """Ready when bound, or when its class binds only for the first pod that uses it."""
    phase = (live.get("status") or {}).get("phase", "Pending")
    if phase == "Bound":
        return READY
    if phase == "Lost":
        return failed("its volume is lost")
    name = (live.get("spec") or {}).get("storageClassName")
    if name:
        found = client.get(Kind("storage.k8s.io", "v1", "StorageClass"), None, name)
        if found and found.get("volumeBindingMode") == "WaitForFirstConsumer":
            return READY
        if found is None:
            return waiting(f"there is no StorageClass {name!r}")
    return waiting("no volume is bound yet" if name else "no volume is bound, and it names no StorageClass")


def service(live: Object, client: Client) -> Progress:
    """Ready when a pod answers behind it, and a load balancer has its address; some services have neither."""
    spec = live.get("spec") or {}
    if spec.get("type") == "LoadBalancer" and not ((live.get("status") or {}).get("loadBalancer") or {}).get("ingress"):
        return waiting("the load balancer has no address yet")
    if spec.get("type") == "ExternalName" or spec.get("clusterIP") == "None" or not spec.get("selector"):
        return READY
    meta = metadata(live)
    slices = client.list(
        Kind("discovery.k8s.io", "v1", "EndpointSlice"),
        meta.get("namespace"),
        labelSelector=f"kubernetes.io/service-name={meta['name']}",
    )
    endpoints = [item for found in slices for item in found.get("endpoints") or []]
    if any((item.get("conditions") or {}).get("ready", True) for item in endpoints):
        return READY
    return waiting(f"{len(endpoints)} pods match its selector, none is ready")


def definition(live: Object, client: Client) -> Progress:
    """Ready when the API server serves the new kind."""
    names = condition(live, "NamesAccepted")
    if names.get("status") == "False":
        return failed(f"its names were not accepted: {names.get('message', '')}")
    if condition(live, "Established").get("status") != "True":
        return waiting("the API server has not established it yet")
    spec = live.get("spec") or {}
    for version in spec.get("versions") or []:
        if version.get("served"):
            kind = Kind(spec["group"], version["name"], spec["names"]["kind"])
            if client.serves(kind):
                continue
            return waiting(f"the API server does not serve {kind} yet")
    return READY


CHECKS: dict[tuple[str, str], Check] = {
    ("apps", "Deployment"): deployment,
    ("apps", "StatefulSet"): stateful_set,
    ("apps", "DaemonSet"): daemon_set,
    ("batch", "Job"): job,
    ("", "Pod"): pod,
    ("", "PersistentVolumeClaim"): claim,
    ("", "Service"): service,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): definition,
}


def check_for(kind: Kind) -> Check | None:
    """How to tell that an object of a kind is ready; None where being stored is enough."""
    return CHECKS.get((kind.group, kind.kind))
