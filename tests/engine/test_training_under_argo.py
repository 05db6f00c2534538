"""Runs of a training pipeline by the real controller of Argo Workflows; a double of the kubelet ends their pods."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml
from kubernetes import client, config
from pulumi_cli import Cluster, PulumiEnv
from pulumi_mlops import TrainingPipeline
from pulumi_mlops._manifests import RESTRICTED

from local import tools
from local.paths import ROOT
from ml import notify, step
from tests.components.programs import PIPELINE, with_changes

pytestmark = pytest.mark.engine

NAMESPACE = "training-under-argo"
GROUP = ("argoproj.io", "v1alpha1", NAMESPACE)
WAIT_SECONDS = 120
LAST_SCHEDULE = "cronworkflows.argoproj.io/last-used-schedule"
"""The schedule that the controller knows; after a change of it, it makes up for no run."""


@pytest.fixture(scope="module")
def argo(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """The API server with Argo's definitions, and the controller beside it as a process that watches one namespace."""
    for file in (ROOT / "standins" / "charts" / "argo-workflows" / "definitions").glob("*.yaml"):
        cluster.apply(yaml.safe_load(file.read_text()), "platform")
    for kind, metadata, content in (
        ("Namespace", {"name": NAMESPACE, "labels": RESTRICTED}, {}),
        ("ServiceAccount", {"name": "pipeline", "namespace": NAMESPACE}, {}),
        (
            "ConfigMap",
            {"name": "controller", "namespace": NAMESPACE},
            {"data": {"config": "metricsConfig: {enabled: false}"}},
        ),
    ):
        cluster.apply({"apiVersion": "v1", "kind": kind, "metadata": metadata, **content}, "platform")
    controller = tools.ensure("workflow-controller")["workflow-controller"]
    command = [controller, "--kubeconfig", cluster.kubeconfig, "--namespaced", "--namespace", NAMESPACE]
    command += ["--configmap", "controller", "--executor-image", "argoexec:1"]
    log = tmp_path_factory.mktemp("controller") / "log"
    with log.open("w") as output:
        environment = {**os.environ, "LEADER_ELECTION_DISABLE": "true", "DEFAULT_REQUEUE_TIME": "1s"}
        running = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
        try:
            yield cluster
        finally:
            running.terminate()
            running.wait(timeout=30)
            print(log.read_text()[-20_000:])


@pytest.fixture(scope="module")
def api(argo: Cluster) -> Iterator[client.ApiClient]:
    with config.new_client_from_config(str(argo.kubeconfig)) as made:
        yield made


@pytest.fixture
def deploy(argo: Cluster, pulumi_env: PulumiEnv) -> Iterator[Callable[..., None]]:
    """Creates a pipeline by the real engine; it is destroyed afterwards."""
    stack = pulumi_env.stack(lambda: None, config={"kubernetes:kubeconfig": str(argo.kubeconfig)})

    def up(name: str, **changes: Any) -> None:
        stack.up(lambda: TrainingPipeline(name, with_changes(PIPELINE, namespace=NAMESPACE, **changes)))

    yield up
    stack.destroy()


def until(found: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + WAIT_SECONDS
    while (result := found()) is None:
        assert time.monotonic() < deadline, "nothing came in time"
        time.sleep(0.3)
    return result


def pod_of(api: client.ApiClient, workflow: str, node: str) -> Any | None:
    selector = f"workflows.argoproj.io/workflow={workflow}"
    pods = client.CoreV1Api(api).list_namespaced_pod(NAMESPACE, label_selector=selector).items
    key = "workflows.argoproj.io/node-name"
    return next((pod for pod in pods if pod.metadata.annotations[key].startswith(f"{workflow}.{node}")), None)


def environment(pod: Any) -> dict[str, str]:
    (main,) = [one for one in pod.spec.containers if one.name == "main"]
    return {one.name: one.value for one in main.env}


def submit(api: client.ApiClient, pipeline: str, name: str, **parameters: str) -> None:
    """What `argo submit --from workflowtemplate/<pipeline>` does."""
    given = [{"name": key, "value": value} for key, value in parameters.items()]
    spec = {"workflowTemplateRef": {"name": pipeline}, "arguments": {"parameters": given}}
    body = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"name": name}, "spec": spec}
    client.CustomObjectsApi(api).create_namespaced_custom_object(*GROUP, "workflows", body)


def end(api: client.ApiClient, pod: Any, sentence: str = "", **outputs: str) -> None:
    """What the kubelet and Argo's executor do when the step ends: well with these outputs, or with this sentence."""
    key = "workflows.argoproj.io/"
    result = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "WorkflowTaskResult",
        "metadata": {
            "name": pod.metadata.annotations[f"{key}node-id"],
            "labels": {
                f"{key}workflow": pod.metadata.labels[f"{key}workflow"],
                f"{key}report-outputs-completed": "true",
            },
        },
        "outputs": {"parameters": [{"name": name, "value": value} for name, value in outputs.items()]},
    }
    client.CustomObjectsApi(api).create_namespaced_custom_object(*GROUP, "workflowtaskresults", result)
    code = 65 if sentence else 0
    failed = {"exitCode": code, "reason": "Error", "message": sentence}
    states = [
        {
            "name": one.name,
            "image": one.image,
            "imageID": "",
            "ready": False,
            "restartCount": 0,
            "state": {"terminated": failed if sentence and one.name == "main" else {"exitCode": 0}},
        }
        for one in pod.spec.containers
    ]
    status = {"phase": "Failed" if sentence else "Succeeded", "containerStatuses": states}
    client.CoreV1Api(api).patch_namespaced_pod_status(pod.metadata.name, NAMESPACE, {"status": status})


def phase(api: client.ApiClient, workflow: str) -> str | None:
    """How the run ended, if it has."""
    found = client.CustomObjectsApi(api).get_namespaced_custom_object(*GROUP, "workflows", workflow)
    reached = found.get("status", {}).get("phase")
    return reached if reached in ("Succeeded", "Failed", "Error") else None


def test_a_scheduled_run_has_the_date_of_its_schedule_and_one_by_hand_may_name_another(
    api: client.ApiClient, deploy: Callable[..., None]
) -> None:
    deploy("daily", schedule="0 3 * * *", timezone="Pacific/Kiritimati", starting_deadline_seconds=7 * 24 * 3600)
    custom = client.CustomObjectsApi(api)
    # As if the controller had been away at the last time of the schedule: it makes up for the run at once.
    before = datetime.now(UTC) - timedelta(hours=25)
    away = {
        "metadata": {"annotations": {LAST_SCHEDULE: "CRON_TZ=Pacific/Kiritimati 0 3 * * *"}},
        "status": {"lastScheduledTime": before.strftime("%Y-%m-%dT%H:%M:%SZ")},
    }
    custom.patch_namespaced_custom_object(*GROUP, "cronworkflows", "daily", away)
    run = until(lambda: next(iter(custom.list_namespaced_custom_object(*GROUP, "workflows")["items"]), None))
    name = run["metadata"]["name"]
    given = environment(until(lambda: pod_of(api, name, "load")))
    scheduled = datetime.fromisoformat(run["metadata"]["annotations"]["workflows.argoproj.io/scheduled-time"])
    assert datetime.fromisoformat(given["DATA_DATE"]) == scheduled
    assert given["TIMEZONE"] == "Pacific/Kiritimati"
    assert scheduled.astimezone(UTC).hour == 13
    custom.delete_namespaced_custom_object(*GROUP, "workflows", name)

    submit(api, "daily", "backfill", date="2026-01-31")
    assert environment(until(lambda: pod_of(api, "backfill", "load")))["DATA_DATE"] == "2026-01-31"
    custom.delete_namespaced_custom_object(*GROUP, "workflows", "backfill")
    submit(api, "daily", "by-hand")
    assert not environment(until(lambda: pod_of(api, "by-hand", "load")))["DATA_DATE"]


SENTENCE = step.termination_message('no "column" \\ named {{workflow.name}} {{{=1+1}} and <more>')


def test_people_are_told_of_a_run_that_fails_and_of_a_version_that_does_not_pass(
    api: client.ApiClient, deploy: Callable[..., None]
) -> None:
    deploy("told", endpoint="told", notification={"secret": "chat", "argo_workflows_url": "https://w.example.org/"})
    submit(api, "told", "fails")
    end(api, until(lambda: pod_of(api, "fails", "load")), SENTENCE)
    pod = until(lambda: pod_of(api, "fails", "onExit"))
    given = environment(pod)
    assert given["RUN_STATUS"] == "Failed"
    assert notify.failure(given["RUN_FAILURES"]) == ("load", SENTENCE)
    assert given["RUN_URL"] == f"https://w.example.org/workflows/{NAMESPACE}/fails"
    (main,) = [one for one in pod.spec.containers if one.name == "main"]
    (url,) = [one.value_from.secret_key_ref for one in main.env if one.name == "NOTIFICATION_URL"]
    assert (url.name, url.key) == ("chat", "url")
    end(api, pod)
    assert until(lambda: phase(api, "fails")) == "Failed"

    submit(api, "told", "refused")
    outputs = {"train": {"version": "1"}, "evaluate": {"passed": "false", "verdict": "no"}}
    for name in ("load", "preprocess", "train", "evaluate"):
        end(api, until(lambda name=name: pod_of(api, "refused", name)), **outputs.get(name, {}))
    pod = until(lambda: pod_of(api, "refused", "onExit"))
    assert environment(pod)["RUN_STATUS"] == "Succeeded"
    end(api, pod, "the address of the notification answered 404")
    assert until(lambda: phase(api, "refused")) == "Succeeded"  # a message that is not sent is no failure of the run
