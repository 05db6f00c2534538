"""The developer components under the real engine and a real API server, with the CRDs of their custom resources."""

import json
from collections.abc import Callable
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
import pytest
from kubernetes import client, config
from pulumi_cli import Cluster, Failed, PulumiEnv, Stack
from pulumi_mlops import ModelEndpoint, TrainingPipeline, Workspace, conventions
from pulumi_mlops._manifests import RESTRICTED
from pulumi_mlops.contract.containers import MODEL_VERSION_ANNOTATION
from pulumi_mlops.platform import Platform, ReviewWorkflow

from local.paths import ROOT
from tests.components.delivery_addons import REVIEW_FULL
from tests.components.programs import ENDPOINT_FULL, PIPELINE_FULL, with_changes
from tests.contract import definitions

pytestmark = pytest.mark.engine

CREDENTIALS = {conventions.ACCESS_KEY_ID_KEY: "a2V5", conventions.SECRET_ACCESS_KEY_KEY: "c2VjcmV0"}
VERSION = "20260301-000000-00000000"


@pytest.fixture(scope="module")
def platform(cluster: Cluster) -> Cluster:
    """The API server as the platform leaves it: the CRDs, and the object store's credentials."""
    for project in ("argo-workflows", "gateway-api", "prometheus-operator"):
        for definition in definitions.of_project(project):
            cluster.apply(definition, "platform")
    namespace = conventions.OBJECT_STORE_NAMESPACE
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}, "platform")
    metadata = {"name": conventions.OBJECT_STORE_CREDENTIALS_SECRET, "namespace": namespace}
    cluster.apply({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": CREDENTIALS}, "platform")
    return cluster


@pytest.fixture
def stack(pulumi_env: PulumiEnv, platform: Cluster) -> Stack:
    return pulumi_env.stack(lambda: None, config={"kubernetes:kubeconfig": str(platform.kubeconfig)})


def team(namespace: str, pipeline: dict[str, Any] | None = None, endpoint: dict[str, Any] | None = None) -> Any:
    """A program with everything that a team declares."""

    def program() -> None:
        pulumi.runtime.register_stack_transformation(without_waiting)
        workspace = Workspace("birds", {"namespace": namespace, "protect_models": False})
        server = ModelEndpoint(
            "penguins", with_changes(ENDPOINT_FULL, namespace=workspace.namespace, **(endpoint or {}))
        )
        place = {"namespace": workspace.namespace, "endpoint": server.deployment}
        TrainingPipeline("penguins", with_changes(PIPELINE_FULL, **place, **(pipeline or {})))

    return program


def without_waiting(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
    """No pod ever runs here, so no Deployment gets ready and no Service finds an endpoint."""
    if args.type_ not in ("kubernetes:apps/v1:Deployment", "kubernetes:core/v1:Service"):
        return None
    given = args.props["metadata"]
    metadata = {**given, "annotations": {**given.get("annotations", {}), "pulumi.com/skipAwait": "true"}}
    return pulumi.ResourceTransformationResult({**args.props, "metadata": metadata}, args.opts)


def model_version(platform: Cluster, namespace: str) -> str:
    found = platform.get("apps/v1", "Deployment", "penguins", namespace)
    assert found
    return found["spec"]["template"]["metadata"]["annotations"][MODEL_VERSION_ANNOTATION]


def move(platform: Cluster, namespace: str, version: str) -> None:
    """What the deploy step of a pipeline does."""
    annotations = {MODEL_VERSION_ANNOTATION: version}
    manifest = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "penguins", "namespace": namespace},
        "spec": {"template": {"metadata": {"annotations": annotations}}},
    }
    platform.apply(manifest, "training-pipeline")


@pytest.fixture
def admit(platform: Cluster) -> Callable[[str, dict[str, Any]], None]:
    """Asks the API server whether it admits a pod, without making one."""
    settings = client.Configuration()
    config.load_kube_config(str(platform.kubeconfig), client_configuration=settings)
    api = client.CoreV1Api(client.ApiClient(settings))

    def ask(namespace: str, pod: dict[str, Any]) -> None:
        body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "trial"}, "spec": pod}
        api.create_namespaced_pod(namespace, body, dry_run="All", field_validation="Strict")

    return ask


def argo_pod(template: dict[str, Any], step: str) -> dict[str, Any]:
    """The pod that Argo makes of a step: its own two containers beside ours, and the template's patch on them."""
    spec = template["spec"]
    (found,) = [one for one in spec["templates"] if one["name"] == step]
    patch = json.loads(spec["podSpecPatch"])
    executor = {"image": "argoexec", "volumeMounts": [{"name": "var-run-argo", "mountPath": "/var/run/argo"}]}
    return {
        "serviceAccountName": spec["serviceAccountName"],
        "securityContext": spec["securityContext"],
        "restartPolicy": "Never",
        "initContainers": [{**executor, **one} for one in patch["initContainers"]] + found.get("initContainers", []),
        "containers": [
            *({**executor, **one} for one in patch["containers"]),
            {**found["container"], "name": "main"},
        ],
        "volumes": [*spec["volumes"], {"name": "var-run-argo", "emptyDir": {}}],
    }


def test_a_team_comes_and_goes_and_leaves_nothing(stack: Stack, platform: Cluster, admit: Any) -> None:
    planned = stack.preview(team("comes-and-goes"))
    made = stack.up()
    assert planned.changed == made.changed
    assert stack.up().changed == {}
    stack.refresh()
    assert stack.up().changed == {}
    assert model_version(platform, "comes-and-goes") == ENDPOINT_FULL["model_version"]
    assert not any(value in stack.state() for value in CREDENTIALS.values())
    check_pods_are_admitted(platform, "comes-and-goes", admit)
    stack.destroy()
    assert platform.get("v1", "Namespace", "comes-and-goes") is None


def check_pods_are_admitted(platform: Cluster, namespace: str, admit: Any) -> None:
    template = platform.get("argoproj.io/v1alpha1", "WorkflowTemplate", "penguins", namespace)
    assert template
    for step in ("load", "preprocess", "train", "evaluate", "deploy"):
        admit(namespace, argo_pod(template, step))
    unpatched = argo_pod(template, "load")
    del unpatched["containers"][0]["securityContext"]
    with pytest.raises(client.ApiException, match="violates PodSecurity"):
        admit(namespace, unpatched)


def test_a_review_is_admitted_where_only_restricted_pods_are(stack: Stack, platform: Cluster, admit: Any) -> None:
    def program() -> None:
        place = k8s.core.v1.Namespace("place", metadata={"name": "reviews", "labels": RESTRICTED})
        k8s.core.v1.ServiceAccount("review", metadata={"name": "review", "namespace": place.metadata["name"]})
        ReviewWorkflow("churn", with_changes(REVIEW_FULL, namespace=place.metadata["name"]))

    stack.up(program)
    assert stack.up().changed == {}
    template = platform.get("argoproj.io/v1alpha1", "WorkflowTemplate", "review-churn", "reviews")
    assert template
    pod = argo_pod(template, "review")
    assert [one["name"] for one in pod["initContainers"]] == ["init", "checkout", "preview"]
    admit("reviews", pod)
    del pod["initContainers"][2]["securityContext"]
    with pytest.raises(client.ApiException, match="violates PodSecurity"):
        admit("reviews", pod)


def test_an_update_keeps_the_version_that_a_pipeline_gave_the_endpoint(stack: Stack, platform: Cluster) -> None:
    stack.up(team("keeps-version"))
    move(platform, "keeps-version", VERSION)
    assert stack.up().changed == {}

    changed = stack.up(
        team("keeps-version", pipeline={"target": "kind"}, endpoint={"image": "registry.example.org/ml-server:2"})
    )
    assert {name for name, step in changed.steps.items() if step["op"] != "read"} == {
        "penguins",  # the components themselves, which have other arguments
        "penguins-deployment",
        "penguins-canary-deployment",
        "penguins-settings",
    }
    assert model_version(platform, "keeps-version") == VERSION
    settings = platform.get("v1", "ConfigMap", "penguins-settings", "keeps-version")
    assert settings
    assert json.loads(settings["data"]["settings.json"])["target"] == "kind"


def replicas(platform: Cluster, namespace: str) -> int:
    found = platform.get("apps/v1", "Deployment", "penguins", namespace)
    assert found
    return found["spec"]["replicas"]


def scale(platform: Cluster, namespace: str, number: int) -> None:
    """What an autoscaler does, through the subresource, as the controller manager."""
    settings = client.Configuration()
    config.load_kube_config(str(platform.kubeconfig), client_configuration=settings)
    client.AppsV1Api(client.ApiClient(settings)).patch_namespaced_deployment_scale(
        "penguins", namespace, {"spec": {"replicas": number}}, field_manager="kube-controller-manager"
    )


def scaled(namespace: str, **endpoint: Any) -> Callable[[], None]:
    return team(namespace, endpoint={"autoscaling": None, "canary": None, **endpoint})


def test_an_endpoint_goes_over_to_an_autoscaler_and_back_without_losing_a_replica(
    stack: Stack, platform: Cluster
) -> None:
    between = {"min_replicas": 3, "max_replicas": 6}
    stack.up(scaled("goes-over", replicas=3))

    stack.up(scaled("goes-over", autoscaling=between))
    assert replicas(platform, "goes-over") == 3
    scale(platform, "goes-over", 5)
    stack.up(scaled("goes-over", autoscaling=between, image="registry.example.org/ml-server:2"))
    assert replicas(platform, "goes-over") == 5, "the autoscaler's number stays at an update"

    stack.up(scaled("goes-over", replicas=4))
    assert replicas(platform, "goes-over") == 4


def test_an_endpoint_with_an_autoscaler_starts_with_its_least_number(stack: Stack, platform: Cluster) -> None:
    stack.up(scaled("starts-with", autoscaling={"min_replicas": 2, "max_replicas": 6}))

    assert replicas(platform, "starts-with") == 2


def test_servers_and_steps_with_gpus_are_stored_as_the_scheduler_needs_them(stack: Stack, platform: Cluster) -> None:
    spot: Any = {"key": "spot", "operator": "Exists", "effect": "NoExecute"}
    place: Any = {"gpus": 1, "node_selector": {"accelerator": "nvidia"}, "tolerations": [spot]}
    group: Any = {"effect": "NoSchedule", "key": "nvidia.com/gpu", "operator": "Exists"}
    stack.up(team("with-gpus", endpoint=place, pipeline={"steps": {"train": place}}))

    server = platform.get("apps/v1", "Deployment", "penguins", "with-gpus")
    training = platform.get("argoproj.io/v1alpha1", "WorkflowTemplate", "penguins", "with-gpus")
    assert server
    assert training
    templates = {one["name"]: one for one in training["spec"]["templates"]}
    pod = server["spec"]["template"]["spec"]
    for stored, container in ((pod, pod["containers"][0]), (templates["train"], templates["train"]["container"])):
        assert container["resources"]["limits"]["nvidia.com/gpu"] == "1"
        assert stored["nodeSelector"] == {"accelerator": "nvidia"}
        assert group in stored["tolerations"]
        assert spot in stored["tolerations"]
    assert "nvidia.com/gpu" not in templates["load"]["container"]["resources"]["limits"]


PLATFORM: Any = {
    "gateway_class": "istio",
    "gateway_url": "https://models.example.org",
    "chart_repository": str(ROOT / "standins" / "charts"),
}
WEST: Any = {**PLATFORM, "resource_prefix": "west-"}


def test_one_stack_has_the_platforms_of_two_clusters(stack: Stack, platform: Cluster) -> None:
    kubeconfig = platform.kubeconfig.read_text()

    def program() -> None:
        for name, args in (("platform", PLATFORM), ("west", WEST)):
            cluster = k8s.Provider(f"{name}-cluster", kubeconfig=kubeconfig)
            Platform(name, args, pulumi.ResourceOptions(providers=[cluster]))

    planned = stack.preview(program)

    assert planned.changed.keys() == {"create"}
    assert planned.changed["create"] % 2 == 1, "as many of each platform, and the stack"
    assert len([name for name in planned.steps if name.startswith("west")]) > 15


def test_two_platforms_of_one_cluster_are_one_line(stack: Stack) -> None:
    def program() -> None:
        Platform("platform", PLATFORM)
        Platform("west", WEST)

    with pytest.raises(Failed) as caught:
        stack.preview(program)

    text = str(caught.value)
    assert 'Platform "west": its cluster already has Platform "platform", and can have only one platform' in text
    assert "Traceback" not in text
