"""What the cluster knows of a DeliveryPipeline: its settings, its newest run, and its environments in Argo CD."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any
from urllib.parse import quote

from pulumi_mlops import conventions
from pulumi_mlops.cli.cluster import Cluster, Refused, Unanswered
from pulumi_mlops.cli.errors import CommandError
from pulumi_mlops.cli.values import items, mapping

ARGO = "/apis/argoproj.io/v1alpha1"
ENVIRONMENTS = ("staging", "production")
APPROVAL = "approval"
NOT_FOUND = 404
ENDED_BADLY = ("Failed", "Error")


@dataclass(frozen=True)
class Environment:
    """An environment as the pipeline's workflow knows it."""

    name: str
    overlay: str
    application: str
    """<namespace>/<name> of Argo CD's Application."""


@dataclass(frozen=True)
class Pipeline:
    """The settings of a pipeline that matter to its users."""

    namespace: str
    name: str
    repository: str
    branch: str
    image: str
    environments: tuple[Environment, ...]
    run_address: str | None
    """Address of a run in Argo Workflows, with Argo's variables in it."""

    def environment(self, name: str) -> Environment:
        """The environment of this name."""
        return next(one for one in self.environments if one.name == name)


@dataclass(frozen=True)
class Deployed:
    """What Argo CD sees in an environment."""

    sync: str
    health: str
    revision: str
    images: tuple[str, ...]
    """The pipeline's own image, as the environment's objects name it."""
    message: str
    """Why something is not as it should be; empty where Argo CD gives no reason."""


@dataclass(frozen=True)
class Step:
    """A step of a run that failed, or that waits."""

    name: str
    message: str
    since: str
    """When it ended, or when it began to wait."""


@dataclass(frozen=True)
class Run:
    """One run of the pipeline."""

    name: str
    commit: str
    phase: str
    message: str
    started: str
    finished: str | None
    failed: tuple[Step, ...]
    waits: Step | None
    """The pause that it is in: `soak` or `approval`."""
    approval: str | None
    """What Argo noted about the approval, such as who gave it; None where there was none."""
    address: str | None


def read(cluster: Cluster, namespace: str, name: str) -> Pipeline:
    """The pipeline, from its WorkflowTemplate; raises CommandError where there is none."""
    path = f"{ARGO}/namespaces/{namespace}/workflowtemplates"
    try:
        found = cluster.get(f"{path}/{name}-delivery")
    except Refused as error:
        if error.status != NOT_FOUND:
            raise
        raise CommandError(
            f"there is no DeliveryPipeline {name!r} in namespace {namespace!r}; there: {_known(cluster, path)}"
        ) from None
    templates = {str(one["name"]): one for one in items(at(found, "spec", "templates"))}
    try:
        options = {one: _options(_promotion(templates, one)) for one in ENVIRONMENTS}
        first = options[ENVIRONMENTS[0]]
        argo_cd, _, _ = first["application"].partition("/")
        return Pipeline(
            namespace,
            name,
            first["repository"],
            first["branch"],
            first["name"],
            tuple(Environment(one, options[one]["overlay"], f"{argo_cd}/{name}-{one}") for one in ENVIRONMENTS),
            _options(templates["report"]).get("target-url"),
        )
    except KeyError as error:
        raise CommandError(
            f"WorkflowTemplate {name}-delivery of namespace {namespace} has no {error}: it is not that of a "
            "DeliveryPipeline of this version; update the stack that makes it"
        ) from None


def deployed(cluster: Cluster, environment: Environment, image: str) -> Deployed | str:
    """What Argo CD sees, or one sentence on why that is not known."""
    namespace, _, name = environment.application.partition("/")
    try:
        found = cluster.get(f"{ARGO}/namespaces/{namespace}/applications/{name}")
    except Refused as error:
        missing = error.status == NOT_FOUND
        return f"Argo CD has no Application {environment.application}" if missing else str(error)
    except Unanswered as error:
        return str(error)
    status = at(found, "status")
    failed = at(status, "operationState", "phase") in ENDED_BADLY
    conditions = items(at(status, "conditions"))
    reasons = [
        at(status, "operationState", "message") if failed else None,
        *(one.get("message") for one in conditions if "Error" in one.get("type", "")),
        at(status, "health", "message"),
    ]
    images: list[str] = at(status, "summary", "images") or []
    return Deployed(
        at(status, "sync", "status") or "Unknown",
        at(status, "health", "status") or "Unknown",
        at(status, "sync", "revision") or "",
        tuple(sorted(one for one in images if one.partition("@")[0] == image)),
        next((one_line(text) for text in reasons if text), ""),
    )


def runs(cluster: Cluster, pipeline: Pipeline) -> list[Run]:
    """The runs that are still in the cluster, the newest first."""
    labels = conventions.selector(conventions.DELIVERY_PIPELINE, pipeline.name)
    query = {"labelSelector": ",".join(f"{key}={value}" for key, value in labels.items())}
    listed = items(cluster.get(f"{ARGO}/namespaces/{pipeline.namespace}/workflows", query)["items"])
    newest = sorted(listed, key=lambda one: str(one["metadata"]["creationTimestamp"]), reverse=True)
    return [_run(one, pipeline) for one in newest]


def approve(cluster: Cluster, pipeline: Pipeline, run: str) -> None:
    """Lets a run go on that waits for an approval, as `argo resume` does, and notes who did."""
    path = f"{ARGO}/namespaces/{pipeline.namespace}/workflows/{run}"
    found = cluster.get(path)
    waiting = [key for key, one in _nodes(found).items() if _is_pause(one) and one["templateName"] == APPROVAL]
    if not waiting:
        raise CommandError(f"run {run} does not wait for an approval")
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    who = cluster.post("/apis/authentication.k8s.io/v1/selfsubjectreviews", review)["status"]["userInfo"]["username"]
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    ended = {"phase": "Succeeded", "finishedAt": now, "message": f"approved by {who}"}
    # The version makes it fail where the controller has written in between.
    version = {"resourceVersion": found["metadata"]["resourceVersion"]}
    cluster.patch(path, {"metadata": version, "status": {"nodes": dict.fromkeys(waiting, ended)}})


def one_line(text: str) -> str:
    """A text from elsewhere on one line, without what a terminal would obey."""
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())


def at(node: Any, *path: str) -> Any:
    """What is at a path of JSON objects; None where nothing is there."""
    for key in path:
        if node is None:
            return None
        node = node.get(key)
    return node


def _run(workflow: Mapping[str, Any], pipeline: Pipeline) -> Run:
    metadata = workflow["metadata"]
    parameters = items(at(workflow, "spec", "arguments", "parameters"))
    nodes = [*_nodes(workflow).values()]
    failed = (one for one in nodes if one.get("type") == "Pod" and one.get("phase") in ENDED_BADLY)
    approval = [one for one in nodes if one.get("templateName") == APPROVAL and one.get("phase") == "Succeeded"]
    address = pipeline.run_address
    if address is not None:
        for key in ("namespace", "name"):
            address = address.replace(f"{{{{workflow.{key}}}}}", quote(metadata[key]))
    return Run(
        metadata["name"],
        next((one.get("value") or "" for one in parameters if one["name"] == "revision"), ""),
        at(workflow, "status", "phase") or "Pending",
        one_line(at(workflow, "status", "message") or ""),
        metadata["creationTimestamp"],
        at(workflow, "status", "finishedAt"),
        tuple(_step(one, "finishedAt") for one in _in_order(failed)),
        next((_step(one, "startedAt") for one in nodes if _is_pause(one)), None),
        one_line(approval[0].get("message") or "approved") if approval else None,
        address,
    )


def _nodes(workflow: object) -> dict[str, Any]:
    return mapping(at(workflow, "status", "nodes"))


def _is_pause(node: object) -> bool:
    return at(node, "type") == "Suspend" and at(node, "phase") == "Running"


def _in_order(nodes: Iterable[object]) -> list[object]:
    return sorted(nodes, key=lambda one: str(at(one, "finishedAt") or "~"))


def _step(node: object, time: str) -> Step:
    return Step(at(node, "templateName") or "", one_line(at(node, "message") or ""), at(node, time) or "")


def _promotion(templates: Mapping[str, object], environment: str) -> object:
    """The step that gets a release into an environment, by itself or by a pull request."""
    return templates.get(f"{environment}-propose") or templates[f"{environment}-promote"]


def _options(template: object) -> dict[str, str]:
    """The options of the program `delivery` in a template, without their dashes."""
    arguments: list[str] = mapping(template)["container"]["args"]
    return {key.removeprefix("--"): value for key, value in pairwise(arguments) if key.startswith("--")}


def _known(cluster: Cluster, path: str) -> str:
    name, instance = (f"app.kubernetes.io/{key}" for key in ("name", "instance"))
    listed = items(cluster.get(path, {"labelSelector": f"{name}={conventions.DELIVERY_PIPELINE}"})["items"])
    return ", ".join(sorted(str(one["metadata"]["labels"][instance]) for one in listed)) or "none"
