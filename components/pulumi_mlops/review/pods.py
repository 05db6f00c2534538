"""The pods that a Kubernetes resource makes, however deep in it they stand."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pulumi_mlops.review.json_data import Json, JsonObject, items, joined, mapping
from pulumi_mlops.review.values import is_hidden

TEMPLATES: Mapping[str, tuple[str, ...]] = {
    "Pod": (),
    "Deployment": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
    "DaemonSet": ("spec", "template"),
    "ReplicaSet": ("spec", "template"),
    "ReplicationController": ("spec", "template"),
    "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
}
"""Kind → where its pod's metadata and spec stand."""
WORKFLOWS: Mapping[str, tuple[str, ...]] = {
    "Workflow": ("spec",),
    "WorkflowTemplate": ("spec",),
    "ClusterWorkflowTemplate": ("spec",),
    "CronWorkflow": ("spec", "workflowSpec"),
}
"""Argo's kind → where the templates of its pods stand."""
CONTAINERS = ("initContainers", "containers")
STEP_CONTAINERS = ("container", "script", "initContainers", "sidecars")


@dataclass(frozen=True)
class Container:
    """One container of a pod."""

    path: str
    spec: JsonObject
    starts: bool = False
    """Whether it only prepares, and is gone when the pod serves."""


@dataclass(frozen=True)
class Pod:
    """What one template makes, as far as the preview tells it."""

    path: str
    spec: JsonObject
    """With `securityContext`, `volumes` and the switches of the host's namespaces, as in a PodSpec."""
    containers: tuple[Container, ...]
    hidden: tuple[str, ...] = ()
    """Paths of parts that are known only after `up`."""
    labels: JsonObject = field(default_factory=dict[str, Json])


def kind_of(type_token: str) -> str:
    """The kind of a Kubernetes object, such as Deployment; empty for anything else, and for patches of one."""
    kind = type_token.rpartition(":")[2]
    return kind if type_token.startswith("kubernetes:") and not kind.endswith("Patch") else ""


def started(type_token: str, inputs: JsonObject) -> Iterator[Pod]:
    """What a resource starts: one pod for a workload, one for each step of a workflow."""
    kind = kind_of(type_token)
    if (place := TEMPLATES.get(kind)) is not None:
        value, path = _at(inputs, place)
        yield _pod(value, path)
    elif (place := WORKFLOWS.get(kind)) is not None and "argoproj.io" in type_token:
        value, path = _at(inputs, place)
        yield from _steps(value, path)


def _at(value: Json, place: tuple[str, ...]) -> tuple[Json, str]:
    path = ""
    for part in place:
        if is_hidden(value):
            break
        value, path = mapping(value).get(part), joined(path, part)
    return value, path


def _pod(template: object, path: str) -> Pod:
    spec = mapping(template).get("spec")
    at = joined(path, "spec") if not is_hidden(template) else path
    if is_hidden(template) or is_hidden(spec):
        return Pod(at, {}, (), (at,))
    found, unknown = _containers(mapping(spec), at, CONTAINERS)
    metadata = mapping(mapping(template).get("metadata"))
    return Pod(at, mapping(spec), found, unknown, mapping(metadata.get("labels")))


def _steps(workflow: object, path: str) -> Iterator[Pod]:
    templates = mapping(workflow).get("templates")
    if is_hidden(workflow) or is_hidden(templates):
        yield Pod(path, {}, (), (joined(path, "templates"),))
        return
    shared = mapping(workflow)
    for index, one in enumerate(items(templates)):
        at = f"{joined(path, 'templates')}[{index}]"
        if is_hidden(one):
            yield Pod(at, {}, (), (at,))
            continue
        step = mapping(one)
        found, unknown = _containers(step, at, STEP_CONTAINERS)
        group, unknown_too = _containers(mapping(step.get("containerSet")), f"{at}.containerSet", CONTAINERS)
        if found or unknown or group or unknown_too:
            spec = {
                **{key: shared[key] for key in ("securityContext", "hostNetwork") if key in shared},
                **step,
                "volumes": [*items(shared.get("volumes")), *items(step.get("volumes"))],
            }
            yield Pod(at, spec, (*found, *group), (*unknown, *unknown_too))


def _containers(owner: JsonObject, path: str, keys: tuple[str, ...]) -> tuple[tuple[Container, ...], tuple[str, ...]]:
    found: list[Container] = []
    unknown: list[str] = []
    for key in keys:
        value = owner.get(key)
        for index, one in enumerate(items(value)):
            at = joined(path, key) if one is value else f"{joined(path, key)}[{index}]"
            if is_hidden(one):
                unknown.append(at)
            else:
                # A sidecar is an init container that goes on running.
                starts = key == "initContainers" and mapping(one).get("restartPolicy") != "Always"
                found.append(Container(at, mapping(one), starts))
    return tuple(found), tuple(unknown)
