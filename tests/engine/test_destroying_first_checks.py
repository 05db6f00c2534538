"""`make destroy` before it deletes: a cluster that is gone, and a foundation on which something still stands."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from aws import Aws
from checkout import Checkout, checkout
from pulumi_cli import Cluster

from local import foundation_outputs, leftovers, stack_files
from local.engine import PROJECT
from local.progress import StepFailed

pytestmark = pytest.mark.engine

PLATFORM, FOUNDATION = "platform-dev", "foundation-dev"
NOWHERE = foundation_outputs.kubeconfig("mlops-dev", "https://127.0.0.1:1")
URN = f"urn:pulumi:{PLATFORM}::{PROJECT}::"
STACK = f"{URN}pulumi:pulumi:Stack::{PROJECT}-{PLATFORM}"
PROVIDER = f"{URN}pulumi:providers:kubernetes::cluster"
EKS = {
    "urn": f"urn:pulumi:{FOUNDATION}::{PROJECT}::eks:index:Cluster$aws:eks/cluster:Cluster::mlops-dev",
    "custom": True,
}


def platform(kubeconfig: str) -> list[dict[str, Any]]:
    """The state of a platform that has one namespace."""
    manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "argocd"}}
    secret = {**foundation_outputs.SECRET, "plaintext": json.dumps(kubeconfig)}
    return [
        {"urn": STACK, "type": "pulumi:pulumi:Stack", "custom": False},
        {
            "urn": PROVIDER, "type": "pulumi:providers:kubernetes", "custom": True, "id": "cluster-1", "parent": STACK,
            "inputs": {"kubeconfig": secret}, "outputs": {"kubeconfig": secret},
        },
        {
            "urn": f"{URN}kubernetes:core/v1:Namespace::argocd-namespace", "type": "kubernetes:core/v1:Namespace",
            "custom": True, "id": "argocd", "parent": STACK, "provider": f"{PROVIDER}::cluster-1", "inputs": manifest,
            "outputs": manifest,
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
    place.pulumi("stack", "init", FOUNDATION)
    outputs = foundation_outputs.example(FOUNDATION)
    place.pretend(FOUNDATION, [foundation_outputs.resource(PROJECT, FOUNDATION, outputs)])

    refused = place.local("destroy", FOUNDATION, "--yes", fails=True)
    assert (
        f"nothing was deleted, since stack {PLATFORM}, which stands on {FOUNDATION}, still has 1 resource, such as "
        f"argocd-namespace: `make destroy STACK={PLATFORM}` comes first"
    ) in refused

    place.pretend(PLATFORM, [])
    place.local("destroy", FOUNDATION, "--yes")


class Cli:
    """What the Pulumi CLI prints of a foundation, and of a platform's resources on it."""

    def __init__(self, *on_it: str, kubeconfig: str = NOWHERE, platforms: tuple[str, ...] = (PLATFORM,)) -> None:
        resources = [{"urn": STACK}, *({"urn": f"{URN}{one}"} for one in on_it)]
        self.said: dict[str, Any] = {
            "ls": [{"name": name} for name in (FOUNDATION, *platforms)],
            "export": {"deployment": {"resources": resources}},
            "output": {"kubeconfig": kubeconfig},
        }
        self.asked: list[str] = []

    def __call__(self, *words: str) -> str:
        self.asked.append(words[1])
        return json.dumps(self.said[words[1]])


def test_data_that_a_platform_left_holds_the_network_and_not_a_foundation_that_is_kept(
    capsys: pytest.CaptureFixture[str],
) -> None:
    kept = Cli("aws:rds/instance:Instance::mlflow-database-instance")

    with pytest.raises(StepFailed, match="still has 1 resource, such as mlflow-database-instance"):
        leftovers.before_foundation(FOUNDATION, [EKS], kept, keep_data=False)
    leftovers.before_foundation(FOUNDATION, [EKS], kept, keep_data=True)
    assert "output" not in kept.asked
    running = Cli("kubernetes:core/v1:Namespace::argocd-namespace")
    with pytest.raises(StepFailed, match="comes first"):
        leftovers.before_foundation(FOUNDATION, [EKS], running, keep_data=True)
    assert capsys.readouterr().err == ""


def test_the_platform_of_another_environment_does_not_matter() -> None:
    assert stack_files.settings("platform-prod")["environment"] == "prod"
    other = Cli("kubernetes:core/v1:Namespace::argocd-namespace", platforms=("platform-prod",))

    leftovers.before_foundation(FOUNDATION, [], other, keep_data=False)
    assert other.asked == ["ls"]


def test_a_cluster_that_goes_with_its_foundation_is_asked_for_what_would_stay_on_aws(cluster: Cluster) -> None:
    metadata = {"name": "forgotten", "namespace": "default"}
    door = {"apiVersion": "v1", "kind": "Service", "metadata": metadata}
    cluster.apply({**door, "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]}}, "somebody")
    there = Cli(kubeconfig=cluster.kubeconfig.read_text())

    with pytest.raises(StepFailed) as refused:
        leftovers.before_foundation(FOUNDATION, [EKS], there, keep_data=False)
    assert "the cluster goes with stack foundation-dev and has 1 object that it did not make" in str(refused.value)
    assert "  kubectl delete --namespace default services forgotten\n" in str(refused.value)

    cluster.delete("v1", "Service", "forgotten", "default")
    leftovers.before_foundation(FOUNDATION, [EKS], there, keep_data=False)


def test_a_cluster_that_does_not_answer_stops_no_foundation(capsys: pytest.CaptureFixture[str]) -> None:
    leftovers.before_foundation(FOUNDATION, [EKS], Cli(), keep_data=False)

    said = capsys.readouterr().err
    assert "could not be asked for load balancers and volumes that would stay on AWS: https://127.0.0.1:1" in said


def test_who_may_not_look_is_told_so(cluster: Cluster) -> None:
    nobody = yaml.safe_load(cluster.kubeconfig.read_text())
    nobody["users"][0]["user"] = {}
    state = platform(json.dumps(nobody))

    class Shown(Cli):
        def __call__(self, *words: str) -> str:
            assert "--show-secrets" in words
            return json.dumps({"deployment": {"resources": state}})

    with pytest.raises(StepFailed, match=r"cannot be asked .*: its API server answers 40[13]: "):
        leftovers.before_platform(PLATFORM, state, Shown())
