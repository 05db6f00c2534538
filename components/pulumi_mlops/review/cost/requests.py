"""What the teams ask of the cluster, by namespace: requests of pods that run all the time, and sizes of volumes.

Not counted, but named: pods that come and go (jobs, workflows), one pod on every node, what controllers and charts
make, since a preview shows neither how often nor what.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from pulumi_mlops import _quantities
from pulumi_mlops.review import values
from pulumi_mlops.review.cost.names import name
from pulumi_mlops.review.cost.pods import Pod, pod
from pulumi_mlops.review.estimate import Requests
from pulumi_mlops.review.json_data import JsonObject, mapping
from pulumi_mlops.review.preview import UNKNOWN
from pulumi_mlops.review.resources import Resource
from pulumi_mlops.review.values import NotReadable

PACKAGE = "kubernetes"
REPLICATED = ("Deployment", "StatefulSet", "ReplicaSet", "ReplicationController")
COUNTED = (*REPLICATED, "Pod", "PersistentVolumeClaim")
LATER = "(known after apply)"
"""In the place of a namespace that is not known yet."""
DEFAULT_NAMESPACE = "default"
NOT_STEADY = {
    "DaemonSet": "requests of one pod on every node",
    "Job": "requests of pods that come and go",
    "CronJob": "requests of pods that come and go",
    "Workflow": "requests of pods that come and go",
    "CronWorkflow": "requests of pods that come and go",
    "WorkflowTemplate": "requests of pods that come and go",
    "ClusterWorkflowTemplate": "requests of pods that come and go",
    "Release": "requests of what a Helm release holds",
    "EventBus": "requests of pods that a controller makes",
    "InferenceService": "requests of pods that a controller makes",
    "SeldonDeployment": "requests of pods that a controller makes",
    "Prometheus": "requests of pods that a controller makes",
}
"""Kind → what of it is left out."""
INDIRECT = {
    "Service": "load balancers that the cluster makes",
    "Ingress": "load balancers that the cluster makes",
    "Gateway": "load balancers that the cluster makes",
    "NodePool": "nodes that Karpenter adds",
    "PersistentVolumeClaim": "disks that the cluster makes for claims",
    "StatefulSet": "disks that the cluster makes for claims",
}
"""Kind → what it makes a cloud charge for, outside of the preview."""


@dataclass
class Asked:
    """Requests on one side of the change, and what is left out of them."""

    by_namespace: dict[str, Requests] = field(default_factory=dict[str, Requests])
    left_out: Counter[str] = field(default_factory=Counter[str])
    """Words → number of objects."""

    def add(self, namespace: str, more: Requests) -> None:
        """Adds to what the namespace asks for."""
        so_far = self.by_namespace.get(namespace, Requests())
        self.by_namespace[namespace] = Requests(
            so_far.cpu_cores + more.cpu_cores,
            so_far.memory_gib + more.memory_gib,
            so_far.storage_gib + more.storage_gib,
        )


def asked(resources: Iterable[Resource]) -> Asked:
    """What the objects among the resources ask for."""
    objects = [one for one in resources if one.type.startswith(f"{PACKAGE}:")]
    found = Asked()
    least = smallest(objects)
    for one in objects:
        kind = one.kind
        if kind in NOT_STEADY:
            found.left_out[f"{NOT_STEADY[kind]}: {kind}"] += 1
        elif _makes_more(one, kind):
            found.left_out[f"{INDIRECT[kind]}: {kind}"] += 1
        try:
            _add(found, one, kind, least)
        except NotReadable:
            found.left_out[f"requests that are known only after apply: {kind}"] += 1
    return found


def _add(found: Asked, one: Resource, kind: str, least: Mapping[tuple[str, str, str], Decimal]) -> None:
    if kind not in COUNTED:
        return
    spec = _object(one.inputs, "spec")
    namespace = _namespace(one)
    if kind == "PersistentVolumeClaim":
        found.add(namespace, Requests(storage_gib=_storage(spec)))
    elif kind == "Pod":
        _add_pods(found, namespace, Decimal(1), pod(spec))
    else:
        number = replicas(one, least)
        _add_pods(found, namespace, number, pod(template(one)))
        for claim in values.elements(spec, "volumeClaimTemplates"):
            found.add(namespace, Requests(storage_gib=number * _storage(_object(mapping(claim), "spec"))))


def _add_pods(found: Asked, namespace: str, number: Decimal, one: Pod) -> None:
    found.add(namespace, Requests(number * one.cpu_cores, number * one.memory_gib))
    if one.silent:
        found.left_out["containers that ask for nothing"] += 1


def template(one: Resource) -> JsonObject:
    """Spec of the pods of a Deployment or its kin; raises NotReadable."""
    return _object(_object(_object(one.inputs, "spec"), "template"), "spec")


def replicas(one: Resource, least: Mapping[tuple[str, str, str], Decimal]) -> Decimal:
    """How many pods of a Deployment or its kin run all the time; `least` is what `smallest` found."""
    scaled = least.get((_namespace(one), one.kind, _name(one)))
    return values.number(_object(one.inputs, "spec"), "replicas", 1) if scaled is None else scaled


def smallest(objects: Iterable[Resource]) -> dict[tuple[str, str, str], Decimal]:
    """Namespace, kind and name of what an autoscaler moves → the smallest number of replicas, which is counted."""
    found: dict[tuple[str, str, str], Decimal] = {}
    for one in objects:
        if one.kind == "HorizontalPodAutoscaler":
            spec = mapping(one.inputs.get("spec"))
            target = mapping(spec.get("scaleTargetRef"))
            least = _quantities.parse(spec.get("minReplicas", 1))
            if target and least is not None:
                found[_namespace(one), str(target.get("kind")), str(target.get("name"))] = least
    return found


def _makes_more(one: Resource, kind: str) -> bool:
    if kind not in INDIRECT:
        return False
    spec = mapping(one.inputs.get("spec"))
    if kind == "Service":
        return spec.get("type") in ("LoadBalancer", UNKNOWN)
    return kind != "StatefulSet" or bool(spec.get("volumeClaimTemplates"))


def _metadata(one: Resource) -> JsonObject:
    return mapping(one.inputs.get("metadata"))


def _name(one: Resource) -> str:
    return str(_metadata(one).get("name"))


def _namespace(one: Resource) -> str:
    found = _metadata(one).get("namespace") or DEFAULT_NAMESPACE
    return LATER if found == UNKNOWN else name(found)


def _storage(spec: JsonObject) -> Decimal:
    size = _quantities.parse(_object(_object(spec, "resources"), "requests").get("storage"))
    if size is None:
        raise NotReadable("not known")
    return size / _quantities.GIB


def _object(owner: JsonObject, key: str) -> JsonObject:
    found = values.part(owner, key)
    if not found:
        raise NotReadable(f"{key} is not given")
    return found
