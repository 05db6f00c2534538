"""`make destroy` of a platform on AWS: first what others have in the cluster, then all but the data, then the rest.

The real engine and a real API server; AWS calls are answered here, and pods and controllers are pretended.
"""

import json
import os
import re
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import operators
import pytest
import stand_in_charts
from aws import Aws
from aws_stacks import network_of_a_platform
from checkout import Checkout, checkout
from pulumi_cli import Cluster

from local import foundation_outputs, tools
from local.engine import PROJECT
from local.node.control_plane import ControlPlane
from tests.deletion_order import outliving

pytestmark = pytest.mark.engine

PLATFORM, FOUNDATION = "platform-dev", "foundation-dev"
OF_KUBERNETES = {"default", "kube-node-lease", "kube-public", "kube-system"}
DATABASE = "mlflow-database-instance"


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """An empty cluster of this module's own."""
    with operators.cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running


def definition(kind: str, group: str, **names: Any) -> dict[str, Any]:
    """A definition of a kind whose objects may have any fields."""
    plural = f"{kind.lower()}s"
    form = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1alpha1", "served": True, "storage": True, "schema": {"openAPIV3Schema": form}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural, **names},
            "versions": [version],
        },
    }


APPLICATION = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "Application",
    "metadata": {"name": "churn", "namespace": "argocd", "finalizers": ["resources-finalizer.argocd.argoproj.io"]},
}
BUCKET = {
    "apiVersion": "example.org/v1alpha1",
    "kind": "TeamBucket",
    "metadata": {"name": "customers", "namespace": "churn"},
}
OF_A_TEAM: list[dict[str, Any]] = [
    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "churn"}},
    APPLICATION,
    BUCKET,
    {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "scores", "namespace": "churn"},
        "spec": {"type": "LoadBalancer", "ports": [{"port": 80}], "selector": {"app": "scores"}},
    },
    {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": "pvc-1"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "capacity": {"storage": "1Gi"},
            "claimRef": {"namespace": "churn", "name": "models"},
            "csi": {"driver": "ebs.csi.aws.com", "volumeHandle": "vol-1"},
            "persistentVolumeReclaimPolicy": "Delete",
            "storageClassName": "gp3",
        },
    },
    {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "models", "namespace": "churn"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
            "storageClassName": "gp3",
            "volumeName": "pvc-1",
        },
    },
]
LEFT = [
    "Application argocd/churn",
    "Service churn/scores",
    "PersistentVolumeClaim churn/models",
    "TeamBucket churn/customers",
]
COMMANDS = [
    "kubectl delete --namespace argocd applications.argoproj.io churn",
    "kubectl delete --namespace churn services scores",
    "kubectl delete --namespace churn persistentvolumeclaims models",
    "kubectl delete --namespace churn teambuckets.example.org customers",
]


# What Crossplane makes by itself when it starts, and what Helm leaves of Istio.
USAGES = {
    "apiVersion": "admissionregistration.k8s.io/v1",
    "kind": "ValidatingWebhookConfiguration",
    "metadata": {"name": "crossplane-no-usages"},
    "webhooks": [
        {
            "name": "nousages.protection.crossplane.io",
            "admissionReviewVersions": ["v1"],
            "clientConfig": {"service": {"name": "crossplane-webhooks", "namespace": "crossplane-system"}},
            "objectSelector": {"matchLabels": {"crossplane.io/in-use": "true"}},
            "rules": [{"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["DELETE"], "resources": ["*"]}],
            "sideEffects": "None",
        }
    ],
}


def by(kind: str, place: str, name: str) -> list[str]:
    return ["--namespace", place, kind, name]


def delete_as_told(said: str, cluster: Cluster) -> None:
    """Runs the commands as they were printed. Argo CD and the driver of volumes are played beside it."""
    kubectl = tools.ensure("kubectl")["kubectl"]
    environment = {
        **os.environ,
        "KUBECONFIG": str(cluster.kubeconfig),
        "PATH": f"{kubectl.parent}:{os.environ['PATH']}",
    }
    ended = threading.Event()

    def controllers() -> None:
        while not ended.wait(0.2):
            found = cluster.get("argoproj.io/v1alpha1", "Application", "churn", "argocd")
            if found and found["metadata"].get("deletionTimestamp"):
                patch = '{"metadata": {"finalizers": null}}'
                words = [
                    "patch",
                    *by("applications.argoproj.io", "argocd", "churn"),
                    "--type",
                    "merge",
                    "--patch",
                    patch,
                ]
                subprocess.run([kubectl, *words], env=environment, check=False, capture_output=True)
            volume = cluster.get("v1", "PersistentVolume", "pvc-1")
            if volume and volume["status"].get("phase") in ("Released", "Failed"):
                cluster.delete("v1", "PersistentVolume", "pvc-1")

    thread = threading.Thread(target=controllers, daemon=True)
    thread.start()
    try:
        for command in re.findall(r"^ +(kubectl .*)$", said, re.MULTILINE):
            done = subprocess.run(
                ["bash", "-c", command], env=environment, capture_output=True, text=True, timeout=120, check=False
            )
            assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    finally:
        ended.set()
        thread.join()
    assert cluster.get("v1", "PersistentVolumeClaim", "models", "churn") is None


def deletions(said: str) -> dict[str, tuple[int, int, str]]:
    """Resource → number of the line that said its deletion had begun, of the one that said it had ended, and type."""
    found: dict[str, tuple[int, int, str]] = {}
    for number, line in enumerate(said.splitlines()):
        if match := re.match(r" - +(\S+) (\S+) (deleting|deleted)\b", line):
            kind, name, event = match.groups()
            first = found.get(name, (number, number, kind))[0]
            found[name] = (first, number, kind) if event == "deleted" else (min(first, number), number, kind)
    return found


@dataclass(frozen=True)
class Life:
    """A protected platform, beside which a team has things in the cluster; the tests below end it step by step."""

    place: Checkout
    cluster: Cluster
    before: list[str]
    """What the account had before."""


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory, pulumi_home: Path, aws_server: Aws, plane: ControlPlane) -> Life:
    network, cluster = network_of_a_platform(aws_server), Cluster(plane.kubeconfig)
    before = aws_server.leftovers()
    directory = tmp_path_factory.mktemp("platform")
    place = checkout(directory / "mine", pulumi_home, aws_server, PLATFORM)
    place.environment["PULUMI_MLOPS_HELM"] = str(tools.ensure("helm")["helm"])
    found_it(place, plane.kubeconfig.read_text(), **network)
    (directory / "charts").mkdir()
    charts = stand_in_charts.write(directory / "charts")
    place.configure(PLATFORM, chart_repository=str(charts), protect_data=True)
    place.up(PLATFORM)
    for one in (
        definition("Application", "argoproj.io"),
        definition("TeamBucket", "example.org", categories=["claim"]),
        definition("Sidecar", "networking.istio.io"),
        USAGES,
    ):
        cluster.apply(one, "somebody")
    for kinds in ("example.org/v1alpha1/teambuckets", "argoproj.io/v1alpha1/applications"):
        eventually(lambda kinds=kinds: cluster.client.request("GET", f"/apis/{kinds}"))
    for one in OF_A_TEAM:
        cluster.apply(one, "somebody")
    eventually(lambda: assert_bound(cluster))
    return Life(place, cluster, before)


def test_protected_data_and_then_what_others_have_stop_it(life: Life, aws_server: Aws) -> None:
    there = aws_server.leftovers()

    protected = life.place.local("destroy", PLATFORM, "--yes", fails=True)
    assert f"nothing was deleted, since stack {PLATFORM} protects resources that hold data:" in protected
    assert f"- {DATABASE} (aws:rds/instance:Instance)" in protected

    refused = life.place.local("destroy", PLATFORM, "--keep-data", "--yes", fails=True)
    assert f"nothing was deleted, since stack {PLATFORM} removes the controllers" in refused
    assert "have to delete 4 objects that it did not make" in refused
    assert re.findall(r"^  - (.*)$", refused, re.MULTILINE) == LEFT
    assert re.findall(r"^ +(kubectl .*)$", refused, re.MULTILINE) == COMMANDS
    assert "Traceback" not in refused
    assert aws_server.leftovers() == there
    assert life.cluster.get("apps/v1", "Deployment", "argocd", "argocd")

    delete_as_told(refused, life.cluster)


def test_then_all_goes_in_its_order_but_the_data(life: Life, aws_server: Aws) -> None:
    kept = life.place.local("destroy", PLATFORM, "--keep-data", "--yes")

    assert f"stays: {DATABASE} (" in kept
    assert "removed the ValidatingWebhookConfiguration crossplane-no-usages, whose server is gone" in kept
    assert life.cluster.get(USAGES["apiVersion"], USAGES["kind"], "crossplane-no-usages") is None
    (command,) = re.findall(r"kubectl delete customresourcedefinitions (.*)$", kept, re.MULTILINE)
    assert {"applications.argoproj.io", "sidecars.networking.istio.io"} <= set(command.split())
    assert "teambuckets.example.org" not in command
    document = json.loads((life.place.directory / f"{PLATFORM}.kept.import.json").read_text())
    assert DATABASE in {one["name"] for one in document["resources"]}
    assert [one["type"] for one in document["resources"] if one["type"].startswith("kubernetes:")] == []
    assert_in_order(kept)
    assert namespaces(life.cluster) == {"churn", *OF_KUBERNETES}
    assert len(aws_server.client("rds").describe_db_instances()["DBInstances"]) == 1


def test_without_protection_nothing_stays(life: Life, aws_server: Aws) -> None:
    life.place.configure(PLATFORM, protect_data=False)
    # The definitions of kinds that a protected platform leaves in the cluster.
    life.place.environment["PULUMI_K8S_UPSERT_EXISTING_OBJECTS"] = "true"
    life.place.up(PLATFORM)

    gone = life.place.local("destroy", PLATFORM, "--yes")

    assert_in_order(gone)
    assert aws_server.leftovers() == life.before
    assert namespaces(life.cluster) == {"churn", *OF_KUBERNETES}


def namespaces(cluster: Cluster) -> set[str]:
    return {one["metadata"]["name"] for one in cluster.client.request("GET", "/api/v1/namespaces")["items"]}


def assert_in_order(said: str) -> None:
    """Every custom resource was gone before the controller of its kind began to go, and MLflow before its database."""
    found = deletions(said)
    assert len(found) > 50
    pairs = [(name, need) for name, (_, _, kind) in found.items() for need in outliving(kind)]
    pairs += [("public-load-balancer", "aws-load-balancer-controller-release"), ("mlflow-server", DATABASE)]
    known = [(name, need) for name, need in pairs if need in found]
    assert len(known) > 20
    assert [(name, need) for name, need in known if found[name][1] >= found[need][0]] == []


def assert_bound(cluster: Cluster) -> None:
    claim = cluster.get("v1", "PersistentVolumeClaim", "models", "churn")
    assert claim
    assert claim["status"]["phase"] == "Bound"


def eventually(check: Any) -> None:
    """Waits until what is checked holds; the last failure is raised."""
    deadline = threading.Event()
    for attempt in range(100):
        try:
            check()
        except Exception:
            if attempt == 99:
                raise
            deadline.wait(0.2)
        else:
            return


def found_it(place: Checkout, kubeconfig: str, **outputs: Any) -> None:
    """Gives the environment a foundation of these outputs."""
    place.pulumi("stack", "init", FOUNDATION)
    known = {**foundation_outputs.example(FOUNDATION), "kubeconfig": kubeconfig, **outputs}
    place.pretend(FOUNDATION, [foundation_outputs.resource(PROJECT, FOUNDATION, known)])
