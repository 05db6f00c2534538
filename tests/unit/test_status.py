"""What `make status` says, and when it fails: nothing runs, the node is gone, or a part of it does not work."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client
from pulumi_mlops.contract.containers import HELD_ANNOTATION, MODEL_VERSION_ANNOTATION

from local import cluster, cluster_status, node, prediction, services, status
from local.cluster_status import Line
from local.node import PartStatus
from local.progress import StepFailed

VERSION = "20261124-144422-dbe82f51"
RUNNING = node.Node(Path("admin.kubeconfig"), "registry", "push", "class", "http://gateway")


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """What is printed on a machine on which nothing was ever started."""
    lines: list[str] = []
    monkeypatch.setattr(status, "say", lines.append)
    monkeypatch.setattr(status, "STATE", tmp_path)
    monkeypatch.setattr(services, "running", dict)
    monkeypatch.setattr(node, "running", lambda: None)
    monkeypatch.setattr(node, "status", list)
    monkeypatch.delenv("KUBE_CONTEXT", raising=False)
    return lines


def with_parts(monkeypatch: pytest.MonkeyPatch, *parts: PartStatus, lines: list[Line] | StepFailed) -> None:
    def in_cluster(_: object) -> list[Line]:
        if isinstance(lines, StepFailed):
            raise lines
        return lines

    monkeypatch.setattr(node, "running", lambda: RUNNING)
    monkeypatch.setattr(node, "status", lambda: list(parts))
    monkeypatch.setattr(cluster, "target", lambda: None)
    monkeypatch.setattr(cluster_status, "lines", in_cluster)


ETCD, DEAD = PartStatus("etcd", 7, healthy=True), PartStatus("traefik", None, healthy=False)


def test_a_machine_on_which_nothing_was_started_is_well(said: list[str]):
    assert status.show()
    assert said == ["nothing runs; `make up` starts it"]


def test_a_node_that_is_gone_although_a_platform_was_brought_up_is_not(said: list[str], tmp_path: Path):
    (tmp_path / "node-stacks").mkdir()

    assert not status.show()
    assert "the node does not run, although a platform was brought up" in said[0]


def test_all_of_it_works(said: list[str], monkeypatch: pytest.MonkeyPatch):
    with_parts(monkeypatch, ETCD, lines=[Line("pods: 3 of 3 ready")])

    assert status.show()
    assert said == ["etcd: healthy (process 7)", "pods: 3 of 3 ready"]


@pytest.mark.parametrize(
    ("parts", "lines", "line"),
    [
        ((ETCD, DEAD), [Line("pods: 3 of 3 ready")], "traefik: NOT healthy (no process)"),
        ((ETCD,), [Line("pod a/b: NOT ready: x", well=False)], "pod a/b: NOT ready: x"),
        ((ETCD,), StepFailed("the Kubernetes API does not answer"), "the Kubernetes API does not answer"),
    ],
)
def test_one_part_that_does_not_work_fails_it(
    said: list[str], monkeypatch: pytest.MonkeyPatch, parts: tuple[PartStatus, ...], lines: Any, line: str
):
    with_parts(monkeypatch, *parts, lines=lines)

    assert not status.show()
    assert line in said
    assert said[-1] == "not all of it works; `make up` starts what does not run"


def test_where_nothing_runs_no_client_of_a_cluster_is_imported():
    heavy = "{'kubernetes', 'pulumi', 'pulumi_aws', 'boto3'} & {name.partition('.')[0] for name in sys.modules}"
    script = f"import sys; import local.__main__, local.status; print({heavy})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout == "set()\n"


def endpoint(held: str | None = None, ready: int = 2) -> Any:
    metadata = {"name": "penguins", "namespace": "team", "annotations": {HELD_ANNOTATION: held} if held else None}
    template = client.V1PodTemplateSpec(metadata=client.V1ObjectMeta(annotations={MODEL_VERSION_ANNOTATION: VERSION}))
    spec = client.V1DeploymentSpec(replicas=2, selector=client.V1LabelSelector(), template=template)
    state = client.V1DeploymentStatus(ready_replicas=ready)
    return client.V1Deployment(metadata=client.V1ObjectMeta(**metadata), spec=spec, status=state)


@pytest.mark.parametrize(
    ("deployment", "problem", "well", "text"),
    [
        (
            endpoint(),
            None,
            True,
            f"version {VERSION}, 2 of 2 replicas ready, answers at http://g/seldon/team/penguins/",
        ),
        (endpoint(ready=1), None, False, "1 of 2 replicas ready, answers"),
        (endpoint(), "POST x answered 503: no model", False, "does NOT answer: POST x answered 503: no model"),
        (endpoint(held="at 1 by ada"), None, True, "HELD (at 1 by ada; `make release`"),
    ],
)
def test_an_endpoint_is_shown_with_its_version_and_whether_it_answers(
    monkeypatch: pytest.MonkeyPatch, deployment: Any, problem: str | None, well: bool, text: str
):
    monkeypatch.setattr(prediction, "problem", lambda _: problem)

    line = cluster_status._endpoint(deployment, "http://g")

    assert text in line.text
    assert line.well is well


def run(phase: str, **more: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "p-1", "namespace": "team", "creationTimestamp": "2026-11-29T22:00:00Z"},
        "spec": {"workflowTemplateRef": {"name": "p"}},
        "status": {"phase": phase, "startedAt": "2026-11-29T22:00:01Z", **more},
    }


OUTPUTS = [{"name": "version", "value": VERSION}, {"name": "verdict", "value": "accuracy 0.98 reaches 0.9"}]


@pytest.mark.parametrize(
    ("workflow", "text"),
    [
        (
            run("Succeeded", nodes={"e": {"phase": "Succeeded", "outputs": {"parameters": OUTPUTS}}}),
            f"p-1 succeeded 2026-11-29T22:00:01Z: version {VERSION}, accuracy 0.98 reaches 0.9",
        ),
        (run("Failed", message="out of memory"), "p-1 FAILED 2026-11-29T22:00:01Z: out of memory"),
        (run("Running"), "p-1 running since 2026-11-29T22:00:01Z"),
    ],
)
def test_the_last_run_is_shown_with_its_verdict(workflow: dict[str, Any], text: str):
    assert cluster_status._outcome(workflow) == text


def test_the_next_run_is_shown_in_the_schedules_time_zone():
    shown = cluster_status._next({"schedules": ["0 3 * * *"], "timezone": "Europe/Berlin"})

    assert shown.startswith("next run 20")
    assert shown.endswith(" 03:00 Europe/Berlin")
    assert cluster_status._next({"schedules": ["@every 6h"]}) == "next run by schedule @every 6h (Etc/UTC)"
    assert cluster_status._next({"schedules": ["0 3 * * *"], "suspend": True}) == "the schedule is suspended"


def pod(kind: str = "ReplicaSet", *, ready: bool, deleted: bool = False) -> Any:
    owner = client.V1OwnerReference(api_version="v1", kind=kind, name="x", uid="x")
    metadata = client.V1ObjectMeta(name="web", namespace="team", owner_references=[owner])
    metadata.deletion_timestamp = datetime.now(UTC) if deleted else None
    condition = client.V1PodCondition(type="Ready", status=str(ready), message="no space left")
    return client.V1Pod(metadata=metadata, status=client.V1PodStatus(conditions=[condition], phase="Pending"))


def test_pods_that_are_not_ready_are_named_and_those_that_come_and_go_are_not(monkeypatch: pytest.MonkeyPatch):
    found = [pod(ready=True), pod(ready=False), pod("Workflow", ready=False), pod(ready=False, deleted=True)]
    listed = client.V1PodList(items=found)
    monkeypatch.setattr(client.CoreV1Api, "list_pod_for_all_namespaces", lambda *_, **__: listed)

    assert list(cluster_status._pods(client.ApiClient())) == [
        Line("pods: 1 of 2 ready", well=False),
        Line("pod team/web: NOT ready: no space left", well=False),
    ]


def endpoint_slice(service: str, *, ready: bool) -> Any:
    endpoint = client.V1Endpoint(addresses=["10.0.0.1"], conditions=client.V1EndpointConditions(ready=ready))
    metadata = client.V1ObjectMeta(namespace="team", labels={"kubernetes.io/service-name": service})
    return client.V1EndpointSlice(address_type="IPv4", endpoints=[endpoint], metadata=metadata)


def test_a_service_whose_workload_was_deleted_is_named(monkeypatch: pytest.MonkeyPatch):
    services = [
        client.V1Service(metadata=client.V1ObjectMeta(name=name, namespace="team")) for name in ("web", "gone", "empty")
    ]
    slices = [endpoint_slice("web", ready=True), endpoint_slice("gone", ready=False)]
    asked: dict[str, Any] = {}

    def list_services(*_: object, **arguments: Any) -> Any:
        asked.update(arguments)
        return client.V1ServiceList(items=services)

    monkeypatch.setattr(client.CoreV1Api, "list_service_for_all_namespaces", list_services)
    monkeypatch.setattr(
        client.DiscoveryV1Api,
        "list_endpoint_slice_for_all_namespaces",
        lambda *_, **__: client.V1EndpointSliceList(items=slices),
    )

    assert [(line.text.partition(";")[0], line.well) for line in cluster_status._services(client.ApiClient())] == [
        ("service team/gone: NO pod answers", False),
        ("service team/empty: NO pod answers", False),
    ]
    assert asked["label_selector"] == "app.kubernetes.io/managed-by=pulumi-mlops"


@pytest.mark.parametrize(("pods", "lines"), [([pod(ready=True)], 0), ([pod(ready=False)], 1), ([], 1)])
def test_pipelines_without_a_controller_are_not_well(monkeypatch: pytest.MonkeyPatch, pods: list[Any], lines: int):
    listed = client.V1PodList(items=pods)
    monkeypatch.setattr(client.CoreV1Api, "list_pod_for_all_namespaces", lambda *_, **__: listed)

    found = list(cluster_status._controller(client.ApiClient()))

    assert len(found) == lines
    assert not any(line.well for line in found)
