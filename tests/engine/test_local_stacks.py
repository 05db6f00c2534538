"""The stacks of this repository under the real engine, against a real API server without nodes."""

import dataclasses
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import team
import yaml
from kubernetes import client, config
from pulumi_cli import killed
from pulumi_mlops.review import reading, rules

from local import drift, tools, up
from local.cluster import Cluster
from local.engine import PENGUINS, PLATFORM, STACKS, Engine
from local.node.control_plane import ControlPlane, control_plane
from local.paths import ROOT
from local.progress import StepFailed
from standins import plugins
from tests.engine.kubelet import pretending

pytestmark = pytest.mark.engine

REGISTRY = "registry.example.org"
SETTINGS = {
    PLATFORM: {
        "image_mirror": REGISTRY,
        "gateway_class": "example",
        "gateway_url": "http://192.0.2.1",
        "chart_repository": str(ROOT / "standins" / "charts"),
    },
    PENGUINS: {"image_registry": REGISTRY},
}
TRACKED = [ROOT / "stacks" / f"Pulumi.{stack}.yaml" for stack in STACKS]


@pytest.fixture(scope="module")
def engine_of(tmp_path_factory: pytest.TempPathFactory, pulumi_home: Path) -> Any:
    """`engine_of(kubeconfig)`: the CLI as `make up` uses it, with the session's plugins and a state of its own."""
    programs = tools.ensure("pulumi", "helm")

    def make(kubeconfig: Path) -> Engine:
        directory = tmp_path_factory.mktemp("stacks")
        (directory / "home").symlink_to(pulumi_home)
        engine = _Engine(programs["pulumi"], directory, kubeconfig)
        engine.prepare()
        return engine

    return make


class _Engine(Engine):
    def environment(self) -> dict[str, str]:
        return {
            **super().environment(),
            **plugins.environment(),
            "PULUMI_MLOPS_HELM": str(tools.ensure("helm")["helm"]),
        }

    def said(self, *arguments: str) -> str:
        """What the CLI prints, also when it fails."""
        command = [str(self.executable), *arguments, "--non-interactive", "--color", "never"]
        done = subprocess.run(command, cwd=ROOT, env=self.environment(), capture_output=True, text=True, check=False)
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A cluster of this module's own, with what a cluster has before the platform comes."""
    with control_plane(tmp_path_factory.mktemp("cluster")) as running:
        with config.new_client_from_config(str(running.kubeconfig)) as api:
            for file in sorted((ROOT / "local" / "node" / "crds").glob("*.yaml")):
                for document in yaml.safe_load_all(file.read_text()):
                    client.ApiextensionsV1Api(api).create_custom_resource_definition(document)
            storage, core = client.StorageV1Api(api), client.CoreV1Api(api)
            for name in ("standard", "shared"):
                default = {"storageclass.kubernetes.io/is-default-class": str(name == "standard").lower()}
                metadata = {"name": name, "annotations": default}
                storage.create_storage_class({"metadata": metadata, "provisioner": "kubernetes.io/no-provisioner"})
            for number in range(4):
                core.create_persistent_volume(_volume(f"standard-{number}", "standard", "ReadWriteOnce"))
            core.create_persistent_volume(_volume("shared-0", "shared", "ReadWriteMany"))
        with pretending(running.kubeconfig):
            yield running


@pytest.fixture(scope="module")
def stacks(plane: ControlPlane, engine_of: Any) -> Engine:
    """Both stacks, brought up."""
    engine: Engine = engine_of(plane.kubeconfig)
    before = [file.read_bytes() for file in TRACKED]
    for stack in STACKS:
        engine.configure(stack, SETTINGS[stack])
        engine.up(stack)
    assert [file.read_bytes() for file in TRACKED] == before, "a run has written into the tracked settings"
    return engine


def test_the_example_says_where_its_predictions_are(stacks: Engine) -> None:
    outputs = stacks.outputs(PENGUINS)

    assert outputs["prediction_path"] == "/seldon/penguins/penguins/api/v1.0/predictions"
    assert outputs["workflow_template"] == "penguins"


def test_a_second_up_changes_nothing(stacks: Engine) -> None:
    for stack in STACKS:
        stacks.up(stack, "--expect-no-changes")


def test_the_program_of_the_readme_comes_up_beside_the_example(
    stacks: Engine, plane: ControlPlane, tmp_path: Path
) -> None:
    with team.brought_up(stacks.executable, tmp_path / "team", stacks.environment()) as churn:
        assert "unchanged" in churn.run("up", "--yes", "--skip-preview", "--expect-no-changes")
        with config.new_client_from_config(str(plane.kubeconfig)) as api:
            steps = client.CoreV1Api(api).read_namespaced_config_map("platform", "churn").data
        made = churn.resources()

    assert steps["MLFLOW_TRACKING_URI"] == stacks.outputs(PLATFORM)["mlflow_url"]
    assert steps["AWS_ENDPOINT_URL_S3"] == stacks.outputs(PLATFORM)["object_store_endpoint"]
    assert "churn-object-store-secret" in made
    assert "churn-identity" not in made


def test_two_previews_are_the_same(stacks: Engine) -> None:
    first, second = stacks.preview_json(PLATFORM), stacks.preview_json(PLATFORM)

    assert first["changeSummary"].keys() == {"same"}
    assert _without_times(first) == _without_times(second)


def test_no_resource_breaks_a_rule_of_reviews(stacks: Engine) -> None:
    previews = [
        reading.read(json.dumps(stacks.preview_json(stack, "--show-sames")), stack) for stack in (PLATFORM, PENGUINS)
    ]

    assert min(len(one.steps) for one in previews) > 10
    assert rules.check(previews) == []
    assert rules.undecided(previews) == []


def test_a_refresh_finds_nothing_that_the_cluster_changed(stacks: Engine) -> None:
    for stack in STACKS:
        text = stacks.said("refresh", "--yes", "--expect-no-changes", *_of(stacks, stack))
        assert "error" not in text, text


def test_what_somebody_changed_by_hand_is_told_apart_and_repaired(stacks: Engine, plane: ControlPlane) -> None:
    engine = dataclasses.replace(stacks, takes_over=True)
    level, namespace = "pod-security.kubernetes.io/enforce", "penguins"
    with config.new_client_from_config(str(plane.kubeconfig)) as api:
        apps, core, networking = client.AppsV1Api(api), client.CoreV1Api(api), client.NetworkingV1Api(api)
        cron = ("argoproj.io", "v1alpha1", namespace, "cronworkflows", "penguins")
        policies = {one.metadata.name for one in networking.list_namespaced_network_policy(namespace).items}
        replicas = apps.read_namespaced_deployment("penguins", namespace).spec.replicas
        gone = min(policies)

        changed = {"spec": {"replicas": replicas + 1}}
        apps.patch_namespaced_deployment("penguins", namespace, changed, field_manager="somebody")
        labels = {"metadata": {"labels": {level: "privileged"}}}
        core.patch_namespace(namespace, labels, field_manager="somebody")
        networking.delete_namespaced_network_policy(gone, namespace)
        client.CustomObjectsApi(api).delete_namespaced_custom_object(*cron)

        seen = Cluster("test", plane.kubeconfig, "", "registry", "registry", "traefik", "http://gateway")
        told = drift.sentences(engine, seen, PENGUINS)
        assert drift.sentences(engine, seen, PLATFORM) == []
        assert len(told) == 4, told
        assert any(line == "Deployment penguins-deployment was changed: spec.replicas (by somebody)" for line in told)
        assert any(line.startswith("Namespace ") and f'{level}"] (by somebody)' in line for line in told), told
        assert any(line.startswith("NetworkPolicy ") and "is gone" in line for line in told), told
        assert any(line.startswith("CronWorkflow ") and "is gone" in line for line in told), told

        engine.up(PENGUINS, "--refresh")

        assert apps.read_namespaced_deployment("penguins", namespace).spec.replicas == replicas
        assert core.read_namespace(namespace).metadata.labels[level] == "restricted"
        assert {one.metadata.name for one in networking.list_namespaced_network_policy(namespace).items} == policies
        assert client.CustomObjectsApi(api).get_namespaced_custom_object(*cron)
    assert drift.sentences(engine, seen, PENGUINS) == []
    stacks.up(PENGUINS, "--expect-no-changes")


def test_the_restricted_security_standard_admits_every_pod(stacks: Engine, plane: ControlPlane) -> None:
    with config.new_client_from_config(str(plane.kubeconfig)) as api:
        pods = client.CoreV1Api(api).list_pod_for_all_namespaces().items
        namespaces = client.CoreV1Api(api).list_namespace().items

    enforced = {n.metadata.name for n in namespaces if n.metadata.labels.get("pod-security.kubernetes.io/enforce")}
    assert enforced == {"object-store", "mlflow", "argo", "penguins"}
    assert enforced == {pod.metadata.namespace for pod in pods}


def test_every_image_comes_from_the_registry_of_the_settings(stacks: Engine, plane: ControlPlane) -> None:
    with config.new_client_from_config(str(plane.kubeconfig)) as api:
        pods = client.CoreV1Api(api).list_pod_for_all_namespaces().items

    images = {container.image for pod in pods for container in pod.spec.containers}
    assert images
    assert all(image.startswith(f"{REGISTRY}/") for image in images)


def test_the_secrets_of_the_store_are_not_readable_in_the_state(stacks: Engine, plane: ControlPlane) -> None:
    with config.new_client_from_config(str(plane.kubeconfig)) as api:
        secret = client.CoreV1Api(api).read_namespaced_secret("object-store-credentials", "object-store")
    from base64 import b64decode

    key = b64decode(secret.data["AWS_SECRET_ACCESS_KEY"]).decode()
    assert len(key) == 40
    files = [file for file in stacks.directory.rglob("*") if file.is_file() and "home" not in file.parts]
    assert files
    assert not [file for file in files if key.encode() in file.read_bytes()]


@pytest.mark.parametrize(
    ("stack", "wrong", "complaint"),
    [
        (PLATFORM, {"gatewayclass": "x"}, 'gatewayclass is unknown; did you mean "gateway_class"?'),
        (PENGUINS, {"schedule": "often"}, "args.schedule must be"),
    ],
)
def test_a_wrong_setting_costs_one_line_and_changes_nothing(
    stacks: Engine, stack: str, wrong: dict[str, str], complaint: str
) -> None:
    before = _resources(stacks, stack)
    stacks.configure(stack, {**SETTINGS[stack], **wrong})
    try:
        text = stacks.said("up", "--yes", "--skip-preview", *_of(stacks, stack))
    finally:
        stacks.configure(stack, SETTINGS[stack])

    assert complaint in text
    assert "Traceback" not in text
    assert before
    assert _resources(stacks, stack) == before


def test_destroy_leaves_nothing(stacks: Engine, plane: ControlPlane) -> None:
    for stack in reversed(STACKS):
        stacks.destroy(stack)

    with config.new_client_from_config(str(plane.kubeconfig)) as api:
        core, definitions = client.CoreV1Api(api), client.ApiextensionsV1Api(api)
        namespaces = {one.metadata.name for one in core.list_namespace().items}
        groups = {one.spec.group for one in definitions.list_custom_resource_definition().items}
        roles = [one.metadata.name for one in client.RbacAuthorizationV1Api(api).list_cluster_role().items]
    assert namespaces == {"default", "kube-node-lease", "kube-public", "kube-system"}
    assert groups == {"gateway.networking.k8s.io"}
    assert not [name for name in roles if "argo" in name]


def test_an_up_that_was_killed_during_a_helm_install_is_continued_by_the_next_one(
    engine_of: Any, plane: ControlPlane, capfd: pytest.CaptureFixture[str]
) -> None:
    """Also runs after the destruction of the others. What `make up` does of it: all but the node and the images."""
    engine = dataclasses.replace(engine_of(plane.kubeconfig), takes_over=True)
    engine.configure(PLATFORM, SETTINGS[PLATFORM])
    with config.new_client_from_config(str(plane.kubeconfig)) as api:
        core, apps = client.CoreV1Api(api), client.AppsV1Api(api)
        # A quota that lets no pod in: helm waits for the Deployment that it has made.
        core.create_namespace({"metadata": {"name": "argo"}})
        core.create_namespaced_resource_quota("argo", {"metadata": {"name": "no"}, "spec": {"hard": {"pods": "0"}}})
        run = [str(engine.executable), "up", "--yes", "--skip-preview", "--non-interactive", *_of(engine, PLATFORM)]
        killed(run, ROOT, engine.environment(), lambda: apps.list_namespaced_deployment("argo").items)
        core.delete_namespaced_resource_quota("no", "argo")

    engine.configure(PLATFORM, SETTINGS[PLATFORM])
    up.continue_interrupted(engine, PLATFORM)
    engine.up(PLATFORM, "--refresh")

    said = "Helm release argo/argo-workflows was pending-install: it has been uninstalled, so that it can be installed"
    assert said in capfd.readouterr().err
    up.continue_interrupted(engine, PLATFORM)
    assert capfd.readouterr().err == ""
    engine.up(PLATFORM, "--expect-no-changes")
    engine.destroy(PLATFORM)


def test_a_stack_that_holds_data_is_not_destroyed(engine_of: Any, plane: ControlPlane) -> None:
    """Runs after the destruction of the others: the names are free again."""
    engine = engine_of(plane.kubeconfig)
    engine.configure(PLATFORM, {**SETTINGS[PLATFORM], "protect_data": "true"})
    engine.up(PLATFORM)

    with pytest.raises(StepFailed, match="destroy"):
        engine.destroy(PLATFORM)

    with config.new_client_from_config(str(plane.kubeconfig)) as api:
        claims = client.CoreV1Api(api).list_persistent_volume_claim_for_all_namespaces().items
    assert {claim.metadata.name for claim in claims} == {"object-store-data", "mlflow-data"}


def _of(engine: Engine, stack: str) -> list[str]:
    return ["--stack", stack, "--config-file", str(engine.directory / f"Pulumi.{stack}.yaml")]


def _resources(engine: Engine, stack: str) -> dict[str, Any]:
    """What the state knows of, and when it last changed; the stack and what is only read record each run."""
    resources = json.loads(engine.said("stack", "export", "--stack", stack))["deployment"]["resources"]
    return {
        one["urn"]: (one.get("id"), one.get("modified"))
        for one in resources
        if one["type"] != "pulumi:pulumi:Stack" and not one.get("external")
    }


def _without_times(planned: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in planned.items() if key not in ("duration", "config")}


def _volume(name: str, storage_class: str, mode: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name},
        "spec": {
            "storageClassName": storage_class,
            "capacity": {"storage": "100Gi"},
            "accessModes": [mode],
            "hostPath": {"path": f"/nowhere/{name}"},
            "persistentVolumeReclaimPolicy": "Retain",
        },
    }
