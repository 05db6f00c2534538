"""Installs the parts of a delivery by the manifests of their releases, with the images of this machine."""

import json
import os
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from pulumi_mlops import conventions

from local import node, tools
from local.cluster import Cluster
from local.progress import StepFailed, step

MANIFESTS = Path(__file__).resolve().parent / "manifests"
FIELD_MANAGER = "pulumi-mlops-delivery"
READY_SECONDS = 300
"""Longest time until a part is ready; on a busy machine a first start pulls and unpacks 100 MB each."""

Manifest = dict[str, Any]

ARGO_CD = tuple(
    f"manifests/{part}"
    for part in (
        *("crds", "cluster-rbac/application-controller", "cluster-rbac/server", "base/config", "base/redis"),
        *("base/application-controller", "base/repo-server", "base/server"),
    )
)
"""What is used of Argo CD: no Dex, no notifications, no ApplicationSets."""

NAMES = {
    "forge": {"gitea": "gitea", "registry": "registry"},
    "event-bus": {"nats": "nats"},
    "argo-events": {"quay.io/argoproj/argo-events": "argo-events"},
    "argo-cd": {"quay.io/argoproj/argocd": "argocd", "public.ecr.aws/docker/library/redis": "redis"},
}
"""Part → image in its manifests → image of `local.images`."""

WORKLOADS = {
    "forge": ("forge", ("deployment/gitea", "deployment/registry")),
    "event-bus": ("argo-events", ("deployment/nats",)),
    "argo-events": ("argo-events", ("deployment/controller-manager",)),
    "argo-cd": (
        conventions.ARGO_CD_NAMESPACE,
        (
            *(f"deployment/argocd-{part}" for part in ("redis", "repo-server", "server")),
            "statefulset/argocd-application-controller",
        ),
    ),
}
"""Part → its namespace, and what has to be ready there."""


def install(cluster: Cluster, images: Mapping[str, str]) -> None:
    """Brings the parts up, or to what they should be, and returns once all are ready.

    Raises:
        StepFailed: the API server refuses an object, or a part does not get ready.
    """
    for part in NAMES:
        apply(cluster, render(part, images))
    for part, (namespace, workloads) in WORKLOADS.items():
        with step(f"delivery: {part}"):
            for workload in workloads:
                limit = f"--timeout={READY_SECONDS}s"
                kubectl(cluster, "rollout", "status", workload, f"--namespace={namespace}", limit)


def remove(cluster: Cluster, images: Mapping[str, str], namespaces: Iterable[str]) -> None:
    """Deletes the parts with their definitions, the namespaces and all that is in them, and returns when it is gone."""
    for part in reversed(NAMES):
        options = ("--ignore-not-found", f"--timeout={READY_SECONDS}s")
        kubectl(cluster, "delete", *options, "--filename=-", given=render(part, images))
    kubectl(cluster, "delete", "namespace", "--ignore-not-found", f"--timeout={READY_SECONDS}s", *namespaces)


def render(part: str, images: Mapping[str, str]) -> str:
    """The manifests of one part, as YAML."""
    directory = node.home() / "delivery" / part
    directory.mkdir(parents=True, exist_ok=True)
    chosen = _kustomization(part, images, directory)
    (directory / "kustomization.yaml").write_text(yaml.safe_dump(chosen))
    command = [str(tools.ensure("kustomize")["kustomize"]), "build", str(directory)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise StepFailed(f"delivery: the manifests of {part} cannot be rendered: {done.stderr.strip()}")
    return done.stdout


def _kustomization(part: str, images: Mapping[str, str], directory: Path) -> Manifest:
    made: Manifest = {
        "sortOptions": {"order": "legacy"},  # namespaces and definitions first
        "images": [_image(name, images[image]) for name, image in NAMES[part].items()],
    }
    if part == "argo-events":
        bases = [tools.source_of("argo-events") / "manifests/cluster-install"]
        variable = {"name": "ARGO_EVENTS_IMAGE", "value": images["argo-events"]}
        made["patches"] = [_patch("Deployment", "controller-manager", _container("controller-manager", variable))]
    elif part == "argo-cd":
        source = tools.source_of("argocd")
        bases = [source / base for base in ARGO_CD]
        made["namespace"] = conventions.ARGO_CD_NAMESPACE
        without_gnupg = {"name": "ARGOCD_GPG_ENABLED", "value": "false"}
        made["patches"] = [
            # The gateway ends TLS where there is any; Argo CD would redirect the Git host's webhook.
            _patch("ConfigMap", "argocd-cmd-params-cm", {"data": {"server.insecure": "true"}}),
            _patch("Deployment", "argocd-repo-server", _container("argocd-repo-server", without_gnupg)),
        ]
    else:
        bases = [MANIFESTS / part]
    return {**made, "resources": [os.path.relpath(base, directory) for base in bases]}


def _image(name: str, reference: str) -> Manifest:
    repository, _, tag = reference.rpartition(":")
    return {"name": name, "newName": repository, "newTag": tag}


def _patch(kind: str, name: str, change: Manifest) -> Manifest:
    group = {"ConfigMap": "v1", "Deployment": "apps/v1"}[kind]
    return {"patch": yaml.safe_dump({"apiVersion": group, "kind": kind, "metadata": {"name": name}, **change})}


def _container(name: str, variable: Manifest) -> Manifest:
    return {"spec": {"template": {"spec": {"containers": [{"name": name, "env": [variable]}]}}}}


def apply(cluster: Cluster, manifests: str | Iterable[Manifest]) -> None:
    """Server-side apply of YAML or of objects; what they hold is in no argument and no file."""
    if not isinstance(manifests, str):
        manifests = json.dumps({"apiVersion": "v1", "kind": "List", "items": [*manifests]})
    options = ("--server-side", "--force-conflicts", f"--field-manager={FIELD_MANAGER}")
    kubectl(cluster, "apply", *options, "--filename=-", given=manifests)


def kubectl(cluster: Cluster, *arguments: str, given: str | None = None) -> str:
    """What kubectl prints; raises StepFailed with its own words where it fails."""
    program = str(tools.ensure("kubectl")["kubectl"])
    context = [f"--context={cluster.context}"] if cluster.context else []
    command = [program, f"--kubeconfig={cluster.kubeconfig}", *context, *arguments]
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise StepFailed(f"`kubectl {' '.join(arguments)}` failed: {done.stderr.strip()}")
    return done.stdout
