"""`make destroy` before it deletes: a cluster that is gone, and a foundation on which something still stands."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from aws import Aws
from checkout import Checkout, checkout
from pulumi_cli import Cluster
from pulumi_mlops.cli import leftovers
from pulumi_mlops.cli.errors import CommandError
from pulumi_mlops.cli.leftovers import Obstacle

from local import foundation_outputs
from local.engine import PROJECT

pytestmark = pytest.mark.engine

PLATFORM, FOUNDATION = "platform-dev", "foundation-dev"
NOWHERE = foundation_outputs.kubeconfig("mlops-dev", "https://127.0.0.1:1")
URN = f"urn:pulumi:{PLATFORM}::{PROJECT}::"
STACK = f"{URN}pulumi:pulumi:Stack::{PROJECT}-{PLATFORM}"
PROVIDER = f"{URN}pulumi:providers:kubernetes::cluster"
BUILT_IN = f"{URN}pulumi:providers:pulumi::default"
CHART = f"{URN}pulumi-mlops:index:EksPlatform$kubernetes:helm.sh/v3:Release::argocd-release"
EKS = {
    "urn": f"urn:pulumi:{FOUNDATION}::{PROJECT}::pulumi-mlops:index:Cluster$aws:eks/cluster:Cluster::mlops-dev",
    "custom": True,
}


def platform(kubeconfig: str) -> list[dict[str, Any]]:
    """The state of a platform that has one namespace and one chart in it."""
    release = {"name": "argocd", "namespace": "argocd", "chart": "argo-cd"}
    manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "argocd"}}
    secret = {**foundation_outputs.SECRET, "plaintext": json.dumps(kubeconfig)}
    return [
        {"urn": STACK, "type": "pulumi:pulumi:Stack", "custom": False},
        {
            "urn": PROVIDER, "type": "pulumi:providers:kubernetes", "custom": True, "id": "cluster-1", "parent": STACK,
            "inputs": {"kubeconfig": secret}, "outputs": {"kubeconfig": secret},
        },
        {
            "urn": f"{URN}pulumi-mlops:index:EksPlatform$kubernetes:core/v1:Namespace::argocd-namespace",
            "type": "kubernetes:core/v1:Namespace",
            "custom": True, "id": "argocd", "parent": STACK, "provider": f"{PROVIDER}::cluster-1", "inputs": manifest,
            "outputs": manifest,
        },
        {
            "urn": CHART, "type": "kubernetes:helm.sh/v3:Release", "custom": True, "id": "argocd/argocd",
            "parent": STACK, "provider": f"{PROVIDER}::cluster-1", "inputs": release,
            "outputs": {**release, "status": {"name": "argocd", "namespace": "argocd"}},
        },
    ]  # fmt: skip


def reference(stack: str, name: str = "") -> list[dict[str, Any]]:
    """What a program that reads another stack's outputs has in its state."""
    place = {"name": name or f"organization/{PROJECT}/{stack}"}
    provider = {"urn": BUILT_IN, "type": "pulumi:providers:pulumi", "custom": True, "id": "built-in", "parent": STACK}
    return [
        provider,
        {
            "urn": f"{URN}pulumi:pulumi:StackReference::{stack}", "type": "pulumi:pulumi:StackReference",
            "custom": True, "external": True, "id": place["name"], "parent": STACK,
            "provider": f"{BUILT_IN}::built-in", "inputs": place, "outputs": place,
        },
    ]  # fmt: skip


@pytest.fixture
def place(tmp_path: Path, pulumi_home: Path, aws: Aws) -> Checkout:
    made = checkout(tmp_path / "mine", pulumi_home, aws, PLATFORM)
    made.pretend(PLATFORM, platform(NOWHERE))
    return made


def test_a_platform_whose_cluster_is_gone_goes_as_the_refusal_says(place: Checkout) -> None:
    refused = place.local("destroy", PLATFORM, "--yes", fails=True)

    assert "nothing was deleted, since the cluster cannot be asked what others still have in it: " in refused
    assert "https://127.0.0.1:1 cannot be reached" in refused
    assert f"`PULUMI_K8S_DELETE_UNREACHABLE=true pulumi refresh --stack {PLATFORM}`" in refused
    assert "Traceback" not in refused

    place.environment["PULUMI_K8S_DELETE_UNREACHABLE"] = "true"
    place.pulumi("refresh", "--stack", PLATFORM, "--yes", "--skip-preview")
    del place.environment["PULUMI_K8S_DELETE_UNREACHABLE"]
    place.local("destroy", PLATFORM, "--yes")
    state = json.loads(place.pulumi("stack", "export", "--stack", PLATFORM))
    assert state["deployment"].get("resources", []) == []


def test_a_foundation_does_not_go_from_under_its_platform(place: Checkout) -> None:
    place.pretend(PLATFORM, [*platform(NOWHERE), *reference(FOUNDATION)])
    place.pulumi("stack", "init", FOUNDATION)
    outputs = foundation_outputs.example(FOUNDATION)
    place.pretend(FOUNDATION, [foundation_outputs.resource(PROJECT, FOUNDATION, outputs)])

    refused = place.local("destroy", FOUNDATION, "--yes", fails=True)
    assert (
        f"nothing was deleted, since stack {PLATFORM}, which depends on {FOUNDATION}, still has 2 resources, such as "
        f"argocd-namespace, argocd-release\nRun `pulumi-mlops destroy {PLATFORM}` first"
    ) in refused

    place.pretend(PLATFORM, [])
    place.local("destroy", FOUNDATION, "--yes")


class Backend:
    """What the Pulumi CLI knows of a foundation, and of a stack beside it."""

    def __init__(self, *of_the_other: str, kubeconfig: Any = NOWHERE, refers_to: str = FOUNDATION) -> None:
        stack = {"urn": f"urn:pulumi:{FOUNDATION}::{PROJECT}::pulumi:pulumi:Stack::{PROJECT}-{FOUNDATION}"}
        self.states: dict[str, list[dict[str, Any]]] = {
            FOUNDATION: [{**stack, "outputs": {"kubeconfig": kubeconfig}}],
            PLATFORM: [*reference(refers_to), *({"urn": f"{URN}{one}"} for one in of_the_other)],
        }
        self.shown: list[str] = []

    def stacks(self) -> list[str]:
        return [f"organization/{PROJECT}/{name}" for name in self.states]

    def resources(self, stack: str, *, secrets: bool = False) -> list[dict[str, Any]]:
        if secrets:
            self.shown.append(stack)
        return self.states[stack.rpartition("/")[2]]


def first(backend: Backend, *, keep_data: bool = False) -> Obstacle | None:
    """What prevents a foundation with a cluster from being destroyed."""
    return next(leftovers.obstacles(FOUNDATION, [EKS], backend, keep_data=keep_data), None)


def test_data_that_a_platform_left_holds_the_network_and_not_a_foundation_that_is_kept(
    capsys: pytest.CaptureFixture[str],
) -> None:
    kept = Backend("aws:rds/instance:Instance::mlflow-database-instance")

    obstacle = first(kept)
    assert obstacle
    assert obstacle.reason.endswith("still has 1 resource, such as mlflow-database-instance")
    assert first(kept, keep_data=True) is None
    assert kept.shown == []
    obstacle = first(Backend("kubernetes:core/v1:Namespace::argocd-namespace"), keep_data=True)
    assert obstacle
    assert obstacle.advice == f"Run `pulumi-mlops destroy {PLATFORM}` first"
    assert capsys.readouterr().err == ""


def test_the_platform_of_another_environment_does_not_matter() -> None:
    other = Backend("kubernetes:core/v1:Namespace::argocd-namespace", refers_to="foundation-prod")

    assert first(other) is None
    assert other.shown == [FOUNDATION]


@pytest.mark.parametrize(
    ("name", "stands_on_it"),
    [
        (FOUNDATION, True),
        (f"organization/{PROJECT}/{FOUNDATION}", True),
        (f"acme/{PROJECT}/{FOUNDATION}", True),
        (f"organization/somebody-else/{FOUNDATION}", False),
        (f"organization/{PROJECT}/foundation-prod", False),
    ],
)
def test_a_reference_is_read_however_its_name_is_written(name: str, stands_on_it: bool) -> None:
    backend = Backend()
    backend.states[PLATFORM] = [*reference(FOUNDATION, name), {"urn": f"{URN}aws:s3/bucket:Bucket::data"}]

    assert bool(first(backend)) is stands_on_it


def test_a_cluster_that_goes_with_its_foundation_is_asked_for_what_would_stay_on_aws(cluster: Cluster) -> None:
    metadata = {"name": "forgotten", "namespace": "default"}
    door = {"apiVersion": "v1", "kind": "Service", "metadata": metadata}
    cluster.apply({**door, "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]}}, "somebody")
    secret = {**foundation_outputs.SECRET, "plaintext": json.dumps(cluster.kubeconfig.read_text())}
    there = Backend(kubeconfig=secret)

    obstacle = first(there)
    assert obstacle
    assert "the cluster is deleted with stack foundation-dev and has 1 object that it did not make" in obstacle.reason
    assert obstacle.reason.endswith("  kubectl delete --namespace default services forgotten")

    cluster.delete("v1", "Service", "forgotten", "default")
    assert first(there) is None


def test_a_cluster_that_does_not_answer_stops_no_foundation(capsys: pytest.CaptureFixture[str]) -> None:
    assert first(Backend()) is None

    said = capsys.readouterr().err
    assert "could not be asked for load balancers and volumes that would stay on AWS: https://127.0.0.1:1" in said


def test_who_may_not_look_is_told_so(cluster: Cluster) -> None:
    nobody = yaml.safe_load(cluster.kubeconfig.read_text())
    nobody["users"][0]["user"] = {}
    backend = Backend()
    backend.states = {PLATFORM: platform(json.dumps(nobody))}

    with pytest.raises(CommandError, match=r"cannot be asked .*: its API server answers 40[13]: "):
        next(leftovers.obstacles(PLATFORM, platform(json.dumps(nobody)), backend, keep_data=False))


def test_a_stack_of_somebody_else_is_not_judged() -> None:
    bucket = {"urn": f"{URN}aws:s3/bucket:Bucket::data", "custom": True}

    with pytest.raises(CommandError, match="stack other has no component of pulumi-mlops, such as data"):
        next(leftovers.obstacles("other", [bucket], Backend(), keep_data=False))


def test_a_teams_stack_takes_no_controller_away_and_asks_no_cluster() -> None:
    backend = Backend()
    state = [one for one in platform(NOWHERE) if one["urn"] != CHART]

    assert list(leftovers.obstacles(PLATFORM, state, backend, keep_data=False)) == []
    assert backend.shown == []
