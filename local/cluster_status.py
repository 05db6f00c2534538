"""What `make status` shows of a cluster: pods that are not ready, endpoints, the last and the next run.

It asks the cluster itself and nothing of Pulumi: every endpoint and pipeline that is there is shown, whoever made it.
"""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from kubernetes import client
from pulumi_mlops import conventions
from pulumi_mlops.contract.containers import HELD_ANNOTATION, MODEL_VERSION_ANNOTATION

from local import prediction, training
from local.cluster import Cluster
from local.progress import StepFailed
from local.schedule import next_start

REQUEST_SECONDS = 5
OURS = f"app.kubernetes.io/managed-by={conventions.PACKAGE}"
SERVICE_NAME = "kubernetes.io/service-name"  # on every EndpointSlice
CONTROLLER = "app.kubernetes.io/component=workflow-controller"
"""Label of the pods by which the chart of Argo Workflows runs its controller."""


@dataclass(frozen=True)
class Line:
    """One line of the status, and whether it tells of something that works."""

    text: str
    well: bool = True


def lines(cluster: Cluster) -> Iterator[Line]:
    """What runs in the cluster.

    Raises:
        StepFailed: the API server does not answer.
    """
    with cluster.api() as api:
        yield from _pods(api)
        yield from _services(api)
        yield from _endpoints(api, cluster.gateway_url)
        yield from _runs(api)


def _pods(api: client.ApiClient) -> Iterator[Line]:
    found = client.CoreV1Api(api).list_pod_for_all_namespaces(_request_timeout=REQUEST_SECONDS).items
    lasting = [pod for pod in found if not _comes_and_goes(pod)]
    waiting = [pod for pod in lasting if not _ready(pod)]
    yield Line(f"pods: {len(lasting) - len(waiting)} of {len(lasting)} ready", well=not waiting)
    for pod in waiting:
        yield Line(f"pod {pod.metadata.namespace}/{pod.metadata.name}: NOT ready: {_why(pod)}", well=False)


def _services(api: client.ApiClient) -> Iterator[Line]:
    """Those of our Services behind which no pod answers: a workload that was deleted has no pods that are not ready."""
    core, discovery = client.CoreV1Api(api), client.DiscoveryV1Api(api)
    services = core.list_service_for_all_namespaces(label_selector=OURS, _request_timeout=REQUEST_SECONDS).items
    slices = discovery.list_endpoint_slice_for_all_namespaces(_request_timeout=REQUEST_SECONDS).items
    answering = {_service_of(one) for one in slices if any(_serves(endpoint) for endpoint in one.endpoints or [])}
    for service in services:
        namespace, name = service.metadata.namespace, service.metadata.name
        if (namespace, name) not in answering:
            yield Line(f"service {namespace}/{name}: NO pod answers; `make plan` shows what is gone", well=False)


def _service_of(endpoint_slice: Any) -> tuple[str, str]:
    return endpoint_slice.metadata.namespace, (endpoint_slice.metadata.labels or {}).get(SERVICE_NAME, "")


def _serves(endpoint: Any) -> bool:
    return endpoint.conditions is None or endpoint.conditions.ready is not False


def _comes_and_goes(pod: Any) -> bool:
    """Whether it is a pod of a workflow or a Job, or about to end: none of these has to be ready."""
    owners = {owner.kind for owner in pod.metadata.owner_references or []}
    return bool(owners & {"Workflow", "Job"}) or pod.metadata.deletion_timestamp is not None


def _ready(pod: Any) -> bool:
    return any(one.type == "Ready" and one.status == "True" for one in pod.status.conditions or [])


def _why(pod: Any) -> str:
    """The reason that its first container gives, else the first condition that is not met."""
    for container in pod.status.container_statuses or []:
        state = container.state.waiting or container.state.terminated
        if state and state.reason:
            return f"{state.reason}, {container.restart_count} restarts"
    unmet = [one for one in pod.status.conditions or [] if one.status != "True"]
    return (unmet[0].message or unmet[0].reason or unmet[0].type) if unmet else pod.status.phase


def _endpoints(api: client.ApiClient, gateway_url: str) -> Iterator[Line]:
    selector = f"app.kubernetes.io/name={conventions.MODEL_ENDPOINT}"
    found = client.AppsV1Api(api).list_deployment_for_all_namespaces(
        label_selector=selector, _request_timeout=REQUEST_SECONDS
    )
    deployments = [one for one in found.items if not one.metadata.name.endswith("-canary")]
    with ThreadPoolExecutor(8) as pool:
        yield from pool.map(lambda one: _endpoint(one, gateway_url), deployments)


def _endpoint(deployment: Any, gateway_url: str) -> Line:
    name, namespace = deployment.metadata.name, deployment.metadata.namespace
    url = f"{gateway_url}{conventions.prediction_path(namespace, name)}{conventions.PREDICTIONS}"
    annotations = deployment.metadata.annotations or {}
    wanted = (deployment.spec.template.metadata.annotations or {}).get(MODEL_VERSION_ANNOTATION)
    ready, all_of_them = deployment.status.ready_replicas or 0, deployment.spec.replicas
    said = f"endpoint {namespace}/{name}: version {wanted or 'none yet'}, {ready} of {all_of_them} replicas ready"
    if HELD_ANNOTATION in annotations:
        said += f", HELD ({annotations[HELD_ANNOTATION]}; `make release` lets the pipeline move it again)"
    problem = prediction.problem(url)
    if problem is None:
        return Line(f"{said}, answers at {url}", well=ready >= all_of_them)
    return Line(f"{said}, does NOT answer: {problem}", well=False)


def _runs(api: client.ApiClient) -> Iterator[Line]:
    custom = client.CustomObjectsApi(api)

    def listed(kind: str) -> list[dict[str, Any]]:
        try:
            return custom.list_cluster_custom_object(
                training.GROUP, training.VERSION, kind, _request_timeout=REQUEST_SECONDS
            )["items"]
        except client.ApiException as error:
            if error.status == 404:  # no Argo Workflows
                return []
            raise StepFailed(f"{kind} cannot be listed: {error.reason}") from None

    workflows = sorted(listed("workflows"), key=lambda one: one["metadata"]["creationTimestamp"])
    last = {_pipeline_of(run): run for run in workflows}
    for pipeline, run in last.items():
        yield Line(f"pipeline {'/'.join(pipeline)}: last run {_outcome(run)}")
    crons = listed("cronworkflows")
    if crons or workflows:
        yield from _controller(api)
    for cron in crons:
        yield Line(f"pipeline {cron['metadata']['namespace']}/{cron['metadata']['name']}: {_next(cron['spec'])}")


def _controller(api: client.ApiClient) -> Iterator[Line]:
    found = client.CoreV1Api(api).list_pod_for_all_namespaces(
        label_selector=CONTROLLER, _request_timeout=REQUEST_SECONDS
    )
    if not any(_ready(pod) for pod in found.items):
        yield Line("Argo Workflows: NO controller runs, so no pipeline does", well=False)


def _pipeline_of(workflow: Mapping[str, Any]) -> tuple[str, str]:
    metadata, spec = workflow["metadata"], workflow["spec"]
    template = spec.get("workflowTemplateRef", {}).get("name") or metadata["name"]
    return metadata["namespace"], template


def _outcome(run: Mapping[str, Any]) -> str:
    status = run.get("status") or {}
    phase, name = status.get("phase") or "not begun", run["metadata"]["name"]
    when = status.get("finishedAt") or status.get("startedAt") or run["metadata"]["creationTimestamp"]
    if phase == "Succeeded":
        results = training.outputs({"status": {"nodes": status.get("nodes") or {}}})
        return f"{name} succeeded {when}: version {results.get('version')}, {results.get('verdict')}"
    if phase in training.TERMINAL:
        return f"{name} {phase.upper()} {when}: {training.reason(status)}"
    return f"{name} {phase.lower()} since {when}"


def _next(spec: Mapping[str, Any]) -> str:
    if spec.get("suspend"):
        return "the schedule is suspended"
    zone, schedules = spec.get("timezone") or "Etc/UTC", spec.get("schedules") or [spec.get("schedule", "")]
    starts = [start for one in schedules if (start := next_start(one, zone, datetime.now(UTC)))]
    if not starts:
        return f"next run by schedule {', '.join(schedules)} ({zone})"
    return f"next run {min(starts):%Y-%m-%d %H:%M} {zone}"
