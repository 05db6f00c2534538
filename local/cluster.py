"""Which cluster the local stacks go to: the one that KUBE_CONTEXT names, or this machine's own node."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml
from kubernetes import client, config
from urllib3.exceptions import HTTPError

from local import node
from local.progress import StepFailed

NODE = "node"
"""Name of this machine's own cluster."""


@dataclass(frozen=True)
class Cluster:
    """A reachable cluster, and what the platform's settings need to know of it."""

    name: str
    """Names the directory that holds the state of the stacks."""
    kubeconfig: Path
    context: str
    """Empty: the kubeconfig's current one."""
    registry: str
    """Registry part of image references, as the cluster's nodes resolve it."""
    registry_push: str
    """The same registry, as this machine reaches it."""
    gateway_class: str
    gateway_url: str
    """Where the gateway's listener answers on this machine."""

    @contextmanager
    def api(self) -> Iterator[client.ApiClient]:
        """A Kubernetes API client for this cluster.

        Raises:
            StepFailed: inside of the block, the API server does not answer.
        """
        logging.getLogger("urllib3").setLevel(logging.ERROR)  # it would announce each try on the terminal
        with config.new_client_from_config(str(self.kubeconfig), self.context or None) as api:
            try:
                yield api
            except HTTPError as error:
                raise StepFailed(
                    f"the Kubernetes API does not answer ({type(error).__name__}); "
                    "`make status` shows what runs, `make up` starts what does not"
                ) from None


def chosen_context() -> str | None:
    """The kube context that the user names instead of a node of this machine's own."""
    return os.environ.get("KUBE_CONTEXT") or None


def target(*, whole: bool = False) -> Cluster:
    """The cluster that KUBE_CONTEXT names, else this machine's node; starts and repairs nothing.

    Raises:
        StepFailed: there is none, or, if it must be `whole`, a part of the node does not work.
    """
    if context := chosen_context():
        return from_context(context)
    running = node.running()
    if running is None:
        raise StepFailed("the node does not run here; `make up` starts it, or set KUBE_CONTEXT to a cluster of yours")
    if whole and (broken := [part.name for part in node.status() if not part.healthy]):
        raise StepFailed(f"the node runs, but not all of it works ({', '.join(broken)}); `make up` repairs it")
    return of_node(running)


def of_node(running: node.Node) -> Cluster:
    """The cluster that is this machine's own node."""
    return Cluster(
        name=NODE,
        kubeconfig=running.kubeconfig,
        context="",
        registry=running.registry,
        registry_push=running.registry_push,
        gateway_class=running.gateway_class,
        gateway_url=running.gateway_url,
    )


def from_context(context: str) -> Cluster:
    """The cluster that KUBE_CONTEXT names, with a registry that the user runs and a GatewayClass that it offers.

    Raises:
        StepFailed: a setting is missing, or the cluster does not answer or has no Gateway API.
    """
    registry = _required(
        context, "IMAGE_REGISTRY", "a registry that this machine can push to and the cluster pull from"
    )
    gateway_url = _required(context, "GATEWAY_URL", "where the cluster's gateway answers, such as http://192.0.2.7")
    kubeconfig = _kubeconfig_of(context)
    try:
        api = config.new_client_from_config(str(kubeconfig), context)
        client.VersionApi(api).get_code(_request_timeout=10)
    except Exception as error:  # urllib3 and the client raise a dozen types; each means the same to the reader
        raise StepFailed(f"KUBE_CONTEXT={context}: its API server does not answer: {error}") from None
    return Cluster(
        name=f"context-{context.replace('/', '-').replace(':', '-')}",
        kubeconfig=kubeconfig,
        context=context,
        registry=registry,
        registry_push=os.environ.get("IMAGE_REGISTRY_PUSH", registry),
        gateway_class=os.environ.get("GATEWAY_CLASS") or _only_gateway_class(api, context),
        gateway_url=gateway_url.rstrip("/"),
    )


def _kubeconfig_of(context: str) -> Path:
    listed = [Path(name) for name in os.environ.get("KUBECONFIG", "").split(os.pathsep) if name]
    known: list[str] = []
    for file in listed or [Path.home() / ".kube" / "config"]:
        names = _contexts(file)
        if context in names:
            return file
        known += names
    places = " or ".join(map(str, listed)) or "~/.kube/config"
    raise StepFailed(
        f"KUBE_CONTEXT={context}: no context of this name in {places}, which has {', '.join(known) or 'none'}"
    )


def _contexts(file: Path) -> list[str]:
    if not file.exists():  # as kubectl has it
        return []
    try:
        return [named["name"] for named in yaml.safe_load(file.read_text())["contexts"]]
    except (OSError, yaml.YAMLError, TypeError, KeyError) as error:
        raise StepFailed(f"{file} cannot be read as a kubeconfig: {error}") from None


def _required(context: str, variable: str, meaning: str) -> str:
    if value := os.environ.get(variable):
        return value
    raise StepFailed(
        f"KUBE_CONTEXT={context} is set but {variable} is not: set it to {meaning}, "
        "or unset KUBE_CONTEXT to use this machine's own node"
    )


def _only_gateway_class(api: client.ApiClient, context: str) -> str:
    try:
        listed = client.CustomObjectsApi(api).list_cluster_custom_object(
            "gateway.networking.k8s.io", "v1", "gatewayclasses"
        )
    except client.ApiException as error:
        raise StepFailed(
            f"KUBE_CONTEXT={context}: the cluster does not offer the Gateway API ({error.reason}); "
            "install an implementation (Istio, Envoy Gateway, Traefik …), or unset KUBE_CONTEXT"
        ) from None
    names = [item["metadata"]["name"] for item in listed["items"]]
    if len(names) != 1:
        raise StepFailed(f"KUBE_CONTEXT={context}: set GATEWAY_CLASS to one of {names or 'none: install one first'}")
    return names[0]
