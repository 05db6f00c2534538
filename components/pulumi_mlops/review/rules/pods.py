"""How pods run: within limits, without rights over the node, and asked for only when they can answer."""

from collections.abc import Iterator

from pulumi_mlops.review.findings import Level
from pulumi_mlops.review.json_data import JsonObject, is_true, items, joined, leaves, mapping
from pulumi_mlops.review.pods import Container, Pod, kind_of
from pulumi_mlops.review.resource_types.facts import Unknown
from pulumi_mlops.review.resources import Resource, Resources
from pulumi_mlops.review.rules._rule import Rule, Verdict, Violation
from pulumi_mlops.review.values import is_hidden

NEEDED = (("requests", "cpu"), ("requests", "memory"), ("limits", "memory"))
"""No limit of CPU: to throttle a pod while the node has time to spare helps nobody."""
HOST_NAMESPACES = ("hostNetwork", "hostPID", "hostIPC")
HARMLESS_CAPABILITIES = ("NET_BIND_SERVICE",)
"""What the restricted Pod Security Standard lets a container add."""
RELEASE = "kubernetes:helm.sh/v3:Release"


def _resources(resource: Resource, resources: Resources) -> Iterator[Verdict]:
    for pod in resource.pods:
        yield from map(Unknown, pod.hidden)
        whole = pod.spec.get("resources")  # of the pod; a step of Argo has none of its own
        for container in pod.containers:
            yield from _sized(container, mapping(whole))


def _sized(container: Container, whole: JsonObject) -> Iterator[Verdict]:
    own = container.spec.get("resources")
    missing: list[str] = []
    for kind, what in NEEDED:
        amounts = mapping(own).get(kind)
        if is_hidden(own) or is_hidden(amounts) or is_hidden(mapping(amounts).get(what)):
            yield Unknown(f"{container.path}.resources")
            return
        if mapping(amounts).get(what) is None and mapping(whole.get(kind)).get(what) is None:
            missing.append(f"{kind}.{what}")
    if missing:
        yield Violation(f"{container.path}.resources lacks {', '.join(missing)}")


def _security(resource: Resource, resources: Resources) -> Iterator[Verdict]:
    for pod in resource.pods:
        yield from map(Unknown, pod.hidden)
        yield from _host(pod)
        context = pod.spec.get("securityContext")
        for container in pod.containers:
            yield from _rights(container, context)
    if resource.type == RELEASE:
        yield from _values(resource)


def _host(pod: Pod) -> Iterator[Verdict]:
    for key in HOST_NAMESPACES:
        if is_hidden(pod.spec.get(key)):
            yield Unknown(joined(pod.path, key))
        elif is_true(pod.spec.get(key)):
            yield Violation(f"{joined(pod.path, key)} is true: the pod shares it with the node")
    for index, volume in enumerate(items(pod.spec.get("volumes"))):
        at = f"{joined(pod.path, 'volumes')}[{index}]"
        if is_hidden(volume):
            yield Unknown(at)
        elif "hostPath" in mapping(volume):
            yield Violation(
                f"{at}.hostPath is {mapping(mapping(volume)['hostPath']).get('path')}, a directory of the node"
            )


def _rights(container: Container, shared: object) -> Iterator[Verdict]:
    own, at = container.spec.get("securityContext"), f"{container.path}.securityContext"
    if is_hidden(own) or (is_hidden(shared) and not _decides(mapping(own))):
        yield Unknown(at)
        return
    context = {**mapping(shared), **mapping(own)}
    for key in ("privileged", "allowPrivilegeEscalation"):
        if is_hidden(context.get(key)):
            yield Unknown(f"{at}.{key}")
        elif is_true(context.get(key)):
            yield Violation(f"{at}.{key} is true")
    added = mapping(context.get("capabilities")).get("add")
    for one in items(added):
        if is_hidden(one):
            yield Unknown(f"{at}.capabilities.add")
        elif one not in HARMLESS_CAPABILITIES:
            yield Violation(f"{at}.capabilities.add has {one}")
    user, not_root = context.get("runAsUser"), context.get("runAsNonRoot")
    if user in (0, "0"):
        yield Violation(f"{at}.runAsUser is 0, which is root")
    elif is_hidden(user) or is_hidden(not_root):
        yield Unknown(at)
    elif not is_true(not_root) and not user:
        yield Violation(f"{at} says neither runAsNonRoot nor runAsUser: the image may run as root")


def _decides(context: JsonObject) -> bool:
    """Whether a container's own context says who it runs as, whatever its pod's says."""
    return "runAsUser" in context or "runAsNonRoot" in context


def _values(resource: Resource) -> Iterator[Verdict]:
    """What a chart's values demand in plain words; what the chart itself does is not in the preview."""
    for path, key, value in leaves(mapping(resource.inputs.get("values")), "values"):
        if key in ("privileged", "allowPrivilegeEscalation", *HOST_NAMESPACES) and is_true(value):
            yield Violation(f"{path} is true")
        elif key == "runAsUser" and value in (0, "0"):
            yield Violation(f"{path} is 0, which is root")


def _kind(resource: Resource) -> str:
    return kind_of(resource.type)


def _readiness(resource: Resource, resources: Resources) -> Iterator[Verdict]:
    if _kind(resource) not in ("Deployment", "StatefulSet", "DaemonSet"):
        return
    (pod,) = resource.pods
    services = resources.groups(resource, _kind).get("Service", [])
    if not any(_selects(one, resource, pod) for one in services):
        return
    yield from map(Unknown, pod.hidden)
    serving = [one for one in pod.containers if not one.starts]
    announced = [one for one in serving if one.spec.get("ports")]
    for container in announced or serving:
        if container.spec.get("readinessProbe") is None:
            yield Violation(f"{container.path} is behind a Service and has no readinessProbe")


def _selects(service: Resource, workload: Resource, pod: Pod) -> bool:
    """Whether the Service sends requests to the workload's pods; labels that are not known yet may be the ones."""
    selector = mapping(mapping(service.inputs.get("spec")).get("selector"))
    namespaces = [mapping(one.inputs.get("metadata")).get("namespace") for one in (service, workload)]
    return (
        bool(selector)
        and _alike(*namespaces)
        and all(key in pod.labels and _alike(value, pod.labels[key]) for key, value in selector.items())
    )


def _alike(one: object, other: object) -> bool:
    return one == other or is_hidden(one) or is_hidden(other)


RULES = (
    Rule(
        id="resources",
        level=Level.WARNING,
        title="containers must have requests of CPU and memory, and a limit of memory",
        why="without requests the scheduler overcommits nodes; without a limit one memory leak evicts other pods",
        fix="set resources.requests.cpu, resources.requests.memory and resources.limits.memory",
        unknown="an amount, or a whole pod, that is known only after `up` is not judged",
        check=_resources,
    ),
    Rule(
        id="pod-security",
        level=Level.BLOCKING,
        title="pods must not be privileged, run as root, or use the host's files or namespaces",
        why="an attacker who escapes from such a pod controls the node and every pod on it",
        fix="set runAsNonRoot, remove added capabilities, and use a claim or an emptyDir instead of hostPath",
        unknown="a security context that is known only after `up` is not judged; of a chart only the values are",
        check=_security,
    ),
    Rule(
        id="readiness",
        level=Level.WARNING,
        title="containers behind a Service must have a readiness probe",
        why="without a probe, requests reach pods that cannot answer yet, at every start and rollout",
        fix="add a readinessProbe to the container that serves the port",
        unknown="labels and namespaces that are known only after `up` count as those of the Service",
        check=_readiness,
        whole_stack=True,
    ),
)
