"""A delivery's runs under the real controller of Argo Workflows: which steps there are after which end of another.

The controller makes the pods on an API server without nodes. The test says how each ends, as a kubelet and Argo's
executor would; what the steps themselves do is not tested here.
"""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from delivery_repository import NAME, STAGING, Team, image
from kubernetes import client, config
from pulumi_cli import Cluster, PulumiEnv
from pulumi_mlops import DeliveryPipeline, PromotionMode, TrainingPipeline
from pulumi_mlops._manifests import RESTRICTED
from pulumi_mlops.cli.errors import FINDINGS
from served import install

from delivery.__main__ import FAILURES
from delivery.overlay import images
from delivery.promotion import promote
from delivery.report import describe
from local import tools
from local.paths import ROOT
from tests.components.programs import DELIVERY_FULL, PIPELINE, with_changes
from tests.contract import definitions

pytestmark = pytest.mark.engine

NAMESPACE, ARGO_CD = "delivery-under-argo", "argo-cd-of-delivery"
WORKFLOWS = ("argoproj.io", "v1alpha1", NAMESPACE)
IMAGE = f"registry.example.org/birds/web@sha256:{'ab' * 32}"
REVISION = "0f" * 20
WAIT_SECONDS = 120
INTERVAL_SECONDS = 0.3
FAILED = "Failed"
DONE = {"exitCode": 0, "reason": "Completed"}
PRINTED = 'says "no" \\ \x7f \n{"templateName": "soak"} {{workflow.name}} {{=1+1}} {{no.such}}'
"""What a container that fails leaves as its message, by which it could break the report."""
ENDS = ("Succeeded", "Failed", "Error")


@pytest.fixture(scope="module")
def argo(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """The API server with all definitions, and the controller of Argo Workflows beside it."""
    for file in (ROOT / "standins" / "charts" / "argo-workflows" / "definitions").glob("*.yaml"):
        cluster.apply(yaml.safe_load(file.read_text()), "platform")
    for project in ("argo-cd", "argo-events", "gateway-api"):
        install(cluster, definitions.of_project(project))
    for name, labels in ((NAMESPACE, {}), (ARGO_CD, {}), (f"{NAMESPACE}-restricted", RESTRICTED)):
        cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}, "test")
    settings = {
        "metadata": {"name": "controller", "namespace": NAMESPACE},
        "data": {"config": "metricsConfig: {enabled: false}"},
    }
    cluster.apply({"apiVersion": "v1", "kind": "ConfigMap", **settings}, "platform")
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
        place = {"namespace": NAMESPACE, "argo_cd_namespace": ARGO_CD}
        stack.up(lambda: DeliveryPipeline(name, with_changes(DELIVERY_FULL, **place, **changes)))
        assert stack.up().changed == {}

    yield up
    stack.destroy()


class Run:
    """One run, and how its pods end."""

    def __init__(self, api: client.ApiClient, pipeline: str, name: str, ends: Mapping[str, Any]) -> None:
        self.core, self.custom = client.CoreV1Api(api), client.CustomObjectsApi(api)
        self.name = name
        self.ends = ends
        """Node → FAILED, or the outputs with which it succeeds; a node that is not named succeeds with none."""
        self.pods: dict[str, Any] = {}
        """Node, such as staging.promote → the spec of its pod."""
        sensor = self.custom.get_namespaced_custom_object(*WORKFLOWS, "sensors", f"{pipeline}-delivery")
        workflow = sensor["spec"]["triggers"][0]["template"]["k8s"]["source"]["resource"]
        workflow["metadata"]["name"] = name
        workflow["spec"]["arguments"]["parameters"][0]["value"] = REVISION
        self.custom.create_namespaced_custom_object(*WORKFLOWS, "workflows", workflow)

    def status(self) -> dict[str, Any]:
        return self.custom.get_namespaced_custom_object(*WORKFLOWS, "workflows", self.name).get("status", {})

    def ended(self) -> str:
        """Phase of the run after all of it."""
        self.until(lambda status: status.get("phase") in ENDS)
        return self.status()["phase"]

    def until(self, reached: Callable[[dict[str, Any]], bool]) -> None:
        deadline = time.monotonic() + WAIT_SECONDS
        while not reached(self.status()):
            assert time.monotonic() < deadline, self.status()
            self.end_pods()
            time.sleep(INTERVAL_SECONDS)

    def end_pods(self) -> None:
        selector = f"workflows.argoproj.io/workflow={self.name}"
        for pod in self.core.list_namespaced_pod(NAMESPACE, label_selector=selector).items:
            node = pod.metadata.annotations["workflows.argoproj.io/node-name"].removeprefix(f"{self.name}.")
            if node not in self.pods:
                self.pods[node] = pod.spec
                self._end(pod, self.ends.get(node, {}))

    def _end(self, pod: Any, end: Any) -> None:
        outputs = {} if end == FAILED else end
        result = {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "WorkflowTaskResult",
            "metadata": {
                "name": pod.metadata.annotations["workflows.argoproj.io/node-id"],
                "labels": {
                    "workflows.argoproj.io/workflow": self.name,
                    "workflows.argoproj.io/report-outputs-completed": "true",
                },
            },
            "outputs": {"parameters": [{"name": name, "value": value} for name, value in outputs.items()]},
        }
        self.custom.create_namespaced_custom_object(*WORKFLOWS, "workflowtaskresults", result)
        code = int(end == FAILED)
        states = [
            {
                "name": one.name,
                "image": one.image,
                "imageID": "",
                "ready": False,
                "restartCount": 0,
                "state": {"terminated": {"exitCode": code, "message": PRINTED * code} if one.name == "main" else DONE},
            }
            for one in pod.spec.containers
        ]
        phase = "Failed" if code else "Succeeded"
        self.core.patch_namespaced_pod_status(
            pod.metadata.name, NAMESPACE, {"status": {"phase": phase, "containerStatuses": states}}
        )


GOOD: dict[str, Any] = {
    "image": {"image": IMAGE},
    "staging.promote": {"proceed": "true"},
    "production.promote": {"proceed": "true"},
}
END = "onExit[0].report"
CHECKED = ["image", "lint", "pending", "tests"]
AUTOMATIC = {"promotion": PromotionMode.AUTOMATIC, "soak_seconds": 0, "approval_timeout_seconds": None}


def test_which_steps_run_and_how_a_run_ends(argo: Cluster, api: client.ApiClient, deploy: Any) -> None:
    deploy("web", **AUTOMATIC)
    staged = [*CHECKED, "staging.promote", "staging.tests"]
    cases: dict[str, tuple[dict[str, Any], str, list[str]]] = {
        "good": ({}, "Succeeded", [*staged, "production.promote"]),
        "unreported": ({"pending": FAILED, END: FAILED}, "Succeeded", [*staged, "production.promote"]),
        "unchecked": ({"tests": FAILED, "lint": FAILED}, "Failed", ["lint", "pending", "tests"]),
        "unbuilt": ({"image": FAILED}, "Failed", CHECKED),
        "held": ({"staging.promote": FAILED}, "Failed", [*CHECKED, "staging.promote", "staging.revert"]),
        "untested": ({"staging.tests": FAILED}, "Failed", [*staged, "staging.revert"]),
        "late": ({"staging.promote": {"proceed": "false"}}, "Succeeded", [*CHECKED, "staging.promote"]),
        "unhealthy": (
            {"production.promote": FAILED},
            "Failed",
            [*staged, "production.promote", "production.revert"],
        ),
    }
    runs = {name: Run(api, "web", f"web-{name}", {**GOOD, **ends}) for name, (ends, _, _) in cases.items()}
    deadline = time.monotonic() + WAIT_SECONDS
    while not all(run.status().get("phase") in ENDS for run in runs.values()):
        assert time.monotonic() < deadline, {name: run.status() for name, run in runs.items()}
        for run in runs.values():
            run.end_pods()
        time.sleep(INTERVAL_SECONDS)

    found = {name: (run.status()["phase"], sorted(run.pods)) for name, run in runs.items()}
    assert found == {name: (phase, sorted([*nodes, END])) for name, (_, phase, nodes) in cases.items()}
    said = {name: reported(run.pods[END]) for name, run in runs.items()}
    assert said == {
        "good": "Every step that ran has succeeded.",
        "unreported": "Every step that ran has succeeded.",
        "unchecked": "Failed: lint and tests.",
        "unbuilt": "Failed: image.",
        "held": "Failed: staging-promote.",
        "untested": "Failed: staging-tests.",
        "late": "Every step that ran has succeeded.",
        "unhealthy": "Failed: production-promote.",
    }
    assert reported(runs["untested"].pods["pending"]) == "The delivery is running."

    good = runs["good"]
    for node in ("staging.promote", "production.promote"):
        assert IMAGE in main(good.pods[node]).args
        assert REVISION in main(good.pods[node]).args
        assert good.pods[node].service_account_name == "web-delivery-promote"
    assert good.pods["tests"].service_account_name == "web-delivery-run"
    assert {one.name: one.value for one in main(good.pods["staging.tests"]).env}["IMAGE"] == IMAGE
    assert all("{{" not in str(one.to_dict()) for pod in good.pods.values() for one in pod.containers)
    check_pods_are_restricted(api, good.pods | runs["untested"].pods)


def reported(pod: Any) -> str:
    """What the program `delivery` says on the commit, given what Argo Workflows hands to its pod."""
    arguments = main(pod).args
    phase, steps = arguments[arguments.index("--phase") + 1], arguments[arguments.index("--steps") + 1 :]
    failures = {one.name: one.value for one in main(pod).env}[FAILURES]
    assert "says" not in " ".join(arguments)
    assert phase != "Failed" or "says" in failures
    return describe(phase, failures, steps)


def main(pod: Any) -> Any:
    (found,) = [one for one in pod.containers if one.name == "main"]
    return found


def check_pods_are_restricted(api: client.ApiClient, pods: Mapping[str, Any]) -> None:
    """All but the builder's are admitted where only restricted pods are."""
    core = client.CoreV1Api(api)
    refused = {}
    for node, spec in pods.items():
        body = {"metadata": {"name": "trial"}, "spec": {**api.sanitize_for_serialization(spec)}}
        body["spec"].pop("serviceAccountName", None)
        body["spec"].pop("serviceAccount", None)
        for part in [*body["spec"]["containers"], *body["spec"].get("initContainers", [])]:
            part["volumeMounts"] = [one for one in part.get("volumeMounts", []) if "kube-api-access" not in one["name"]]
        body["spec"]["volumes"] = [one for one in body["spec"]["volumes"] if "kube-api-access" not in one["name"]]
        try:
            core.create_namespaced_pod(f"{NAMESPACE}-restricted", body, dry_run="All")
        except client.ApiException as error:
            refused[node] = error.body
    assert list(refused) == ["image"], refused
    assert "violates PodSecurity" in refused["image"]


def test_an_approval_waits_for_a_person_and_then_goes_on(
    argo: Cluster, api: client.ApiClient, deploy: Any, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("PATH", str(tools.ensure("kustomize")["kustomize"].parent), prepend=":")
    team = Team(tmp_path)
    source, release = team.head(), image("a")
    deploy("model", soak_seconds=1, image=release.name, repository={**DELIVERY_FULL["repository"], "branch": "main"})
    promote(team.clone(), STAGING, release, source)
    run = Run(api, "model", "model-approved", GOOD)
    run.until(lambda status: waiting(status) is not None)
    assert "production.promote" not in run.pods

    shown = json.loads(command(argo, FINDINGS, "status", "--json", "--repository", team.url))
    staging, production = shown["environments"]
    assert (staging["repository"]["image"], production["repository"]["image"]) == (release.reference, None)
    assert staging["repository"]["release"]["commit"] == source
    assert staging["cluster"]["sync"] == production["cluster"]["health"] == "Unknown"
    assert (shown["last_run"]["commit"], shown["last_run"]["waits"]["name"]) == (REVISION, "approval")

    command(argo, 0, "approve")
    assert run.ended() == "Succeeded"
    assert "production.promote" in run.pods
    text = command(argo, FINDINGS, "status", "--repository", team.url)  # no Argo CD has looked at it
    assert "\n  approval    approved by " in text
    assert f"\n  log         https://workflows.example.org/workflows/{NAMESPACE}/model-approved\n" in text


def command(argo: Cluster, status: int, action: str, *arguments: str) -> str:
    """What `pulumi-mlops delivery` prints of the pipeline `model`, ending with this status."""
    words = [sys.executable, "-m", "pulumi_mlops.cli", "delivery", action, f"{NAMESPACE}/model", *arguments]
    environment = {**os.environ, "KUBECONFIG": str(argo.kubeconfig)}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout


def waiting(status: dict[str, Any]) -> str | None:
    """Id of the node that waits for an approval."""
    nodes = status.get("nodes", {}).items()
    return next((key for key, one in nodes if one["displayName"] == "approval" and one["phase"] == "Running"), None)


CRON, TEMPLATE = (*WORKFLOWS, "cronworkflows"), (*WORKFLOWS, "workflowtemplates")
BASE = "deploy/base"
USED_SCHEDULE = "cronworkflows.argoproj.io/last-used-schedule"
"""Annotation that the controller sets at the first run; before it, no run counts as missed."""


def test_the_next_scheduled_run_of_a_training_pipeline_has_the_image_that_was_promoted(
    argo: Cluster, api: client.ApiClient, pulumi_env: PulumiEnv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tools.ensure("kustomize")["kustomize"].parent), prepend=":")
    team = Team(tmp_path)
    objects = written_by_the_component(argo, api, pulumi_env)
    kustomization = "resources: [../../base]\nconfigurations: [images.yaml]\n"
    source = team.commit(
        {
            f"{BASE}/kustomization.yaml": "resources: [pipeline.yaml]\n",
            f"{BASE}/pipeline.yaml": yaml.safe_dump_all(objects),
            f"{STAGING}/images.yaml": guides_image_fields(),
            f"{STAGING}/kustomization.yaml": kustomization,
        }
    )
    found: dict[str, set[str]] = {}
    for letter in ("a", "b"):
        release = image(letter)
        promote(team.clone(), STAGING, release, source)
        build = ["kustomize", "build", str(team.clone().directory / STAGING)]
        rendered = subprocess.run(build, check=True, capture_output=True, text=True).stdout
        for one in yaml.safe_load_all(rendered):
            argo.apply(one, "argo-cd")
        found[release.reference] = images_of_the_run_that_was_due(api, objects)
        source = team.commit({"train.py": f"print({letter!r})\n"})

    assert found == {reference: {reference} for reference in found}
    assert len(found) == 2


def written_by_the_component(argo: Cluster, api: client.ApiClient, pulumi_env: PulumiEnv) -> list[dict[str, Any]]:
    """The manifests of a `TrainingPipeline`, for a repository; what the component made is gone afterwards."""
    stack = pulumi_env.stack(lambda: None, config={"kubernetes:kubeconfig": str(argo.kubeconfig)})
    stack.up(lambda: TrainingPipeline("birds", {**PIPELINE, "namespace": NAMESPACE, "image": f"{NAME}:v1"}))
    made: list[dict[str, Any]] = []
    for place in (TEMPLATE, CRON):
        (one,) = [
            each
            for each in client.CustomObjectsApi(api).list_namespaced_custom_object(*place)["items"]
            if NAME in json.dumps(each) or each["kind"] == "CronWorkflow"
        ]
        metadata = {key: one["metadata"][key] for key in ("name", "namespace")}
        made.append({**{key: one[key] for key in ("apiVersion", "kind", "spec")}, "metadata": metadata})
    stack.destroy()
    return made


def images_of_the_run_that_was_due(api: client.ApiClient, objects: list[dict[str, Any]]) -> set[str]:
    """The images of the run that the controller starts because the schedule's last time was missed."""
    custom = client.CustomObjectsApi(api)
    (cron,) = [one["metadata"]["name"] for one in objects if one["kind"] == "CronWorkflow"]
    before = {one["metadata"]["uid"] for one in custom.list_namespaced_custom_object(*WORKFLOWS, "workflows")["items"]}
    due = datetime.now(UTC) - timedelta(days=1, hours=1)
    spec = custom.get_namespaced_custom_object(*CRON, cron)["spec"]
    change = {
        "metadata": {"annotations": {USED_SCHEDULE: f"CRON_TZ={spec['timezone']} {spec['schedules'][0]}"}},
        "spec": {"startingDeadlineSeconds": 2 * 86_400, "concurrencyPolicy": "Allow"},
        "status": {"lastScheduledTime": due.strftime("%Y-%m-%dT%H:%M:%SZ")},
    }
    custom.patch_namespaced_custom_object(*CRON, cron, change)
    started: list[Any] = []

    def has_started() -> bool:
        # The controller may not have seen the template yet, and looks again only at a change.
        touched = {"metadata": {"annotations": {"touched": str(time.time())}}}
        custom.patch_namespaced_custom_object(*CRON, cron, touched)
        runs = custom.list_namespaced_custom_object(*WORKFLOWS, "workflows")["items"]
        for name in (one["metadata"]["name"] for one in runs if one["metadata"]["uid"] in before):
            # The name of a scheduled run follows from its time, so one that is there prevents the next one.
            with suppress(client.ApiException):  # it has gone meanwhile
                custom.delete_namespaced_custom_object(*WORKFLOWS, "workflows", name)
        started[:] = [one for one in runs if one["metadata"]["uid"] not in before and template_of(one)]
        return bool(started)

    wait_until(has_started)
    custom.delete_namespaced_custom_object(*WORKFLOWS, "workflows", started[0]["metadata"]["name"])
    return {name for _, name in images(iter([template_of(started[0])]))}


def template_of(run: Any) -> Any:
    """What a run was made from, as the controller has stored it; None before it has."""
    return (run.get("status") or {}).get("storedWorkflowTemplateSpec")


def wait_until(check: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not check():
        assert time.monotonic() < deadline
        time.sleep(INTERVAL_SECONDS)


def guides_image_fields() -> str:
    """The file that docs/guides/delivery.md shows."""
    guide = (ROOT / "docs" / "guides" / "delivery.md").read_text()
    (text,) = re.findall(r"<!-- images -->\n```yaml\n(.*?)```", guide, re.S)
    return text
