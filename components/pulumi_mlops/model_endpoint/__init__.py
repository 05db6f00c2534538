"""A REST endpoint that serves one model, inside the cluster and behind the gateway.

Owns the server, its scaling and its route. Does not own: the model version it serves (the training pipeline's), the
gateway (the platform's), the namespace and the model store (`Workspace`).
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import NotRequired, TypedDict

import pulumi
import pulumi_kubernetes as k8s

from pulumi_mlops import conventions
from pulumi_mlops._args import (
    Argument,
    between,
    check_args,
    dns_label,
    inputs,
    matches,
    not_empty,
    object_name,
    quantity,
)
from pulumi_mlops._manifests import ImagePullPolicy, Manifest, after, name_of
from pulumi_mlops.model_endpoint import _access, _serving
from pulumi_mlops.model_endpoint._access import AccessArgs, OpenAccessArgs
from pulumi_mlops.model_endpoint._access import JwtArgs as JwtArgs

CANARY = "canary"
MAX_NAME = 63 - len(f"-{CANARY}")  # the canary's Service needs a name as well
MAX_REPLICAS = 100
MAX_DRAIN_SECONDS = 300
POD_ANNOTATIONS = "spec.template.metadata.annotations"
REPLICAS = "spec.replicas"
"""Ignored as a whole, though a training pipeline owns one key of it, the model version: pulumi-kubernetes splits an
ignored path at each dot, so a path to a key with a dot has no effect, and every later change of the Deployment would
conflict with the pipeline."""


class EndpointRuntime(StrEnum):
    """What serves the model."""

    PYTHON = "PYTHON"
    """The library's own server: Seldon v1 and Open Inference v2 over HTTP."""


class AutoscalingArgs(TypedDict):
    """Between which numbers of replicas the endpoint scales with its CPU use."""

    min_replicas: int
    """Least number of replicas, at least 1. Plain, like all numbers of replicas: they decide which objects exist."""
    max_replicas: int
    """Greatest number of replicas, at most 100."""
    cpu_percent: NotRequired[pulumi.Input[int]]
    """CPU use, in percent of the request, that is aimed at, from 1 to 500; default 70."""


class CanaryArgs(TypedDict):
    """A second model version that answers a part of the requests at the gateway."""

    model_version: pulumi.Input[str]
    """Model version, which exists in the model store."""
    weight_percent: int
    """Part of the requests in percent, from 0 to 100. Plain, because the rest is computed from it."""


class ModelEndpointArgs(TypedDict):
    """Arguments of `ModelEndpoint`."""

    namespace: pulumi.Input[str]
    """Namespace of a `Workspace`."""
    image: pulumi.Input[str]
    """Image of the server, by tag or digest; it runs `python -m ml.serve`."""
    runtime: NotRequired[EndpointRuntime]
    """What serves the model; default PYTHON, the only one. Plain, because it decides which objects exist."""
    model_name: NotRequired[pulumi.Input[str] | None]
    """Name of the model in the model store; default: the component's name."""
    model_version: NotRequired[pulumi.Input[str] | None]
    """Version to serve from the beginning; default none. Later changes are ignored: the training pipeline moves it."""
    replicas: NotRequired[int]
    """Number of replicas, from 1 to 100; default 2. Not together with `autoscaling`."""
    autoscaling: NotRequired[AutoscalingArgs | None]
    """Scaling with the CPU use, in place of `replicas`; the cluster needs a metrics server."""
    canary: NotRequired[CanaryArgs | None]
    """A second version beside the current one; default none. It has one replica and is not moved by the pipeline."""
    cpu: NotRequired[pulumi.Input[str]]
    """CPU requested by a replica; default 100m. There is no CPU limit."""
    memory: NotRequired[pulumi.Input[str]]
    """Memory requested by a replica, which is also the limit; default 512Mi."""
    image_pull_policy: NotRequired[pulumi.Input[ImagePullPolicy]]
    """When the node pulls the image; default IfNotPresent."""
    drain_seconds: NotRequired[int]
    """Time in seconds that an ending replica keeps serving while it is taken out of the load balancing, from 1 to 300;
    default 5. Plain, because the pod's grace period is computed from it."""
    access: NotRequired[AccessArgs | None]
    """Who gets predictions at the gateway; `{}`: clients with an API key. Callers inside the cluster need no key.
    Required where the gateway faces the internet, or `open_access`. Default none: anyone who reaches the gateway gets
    predictions. A change restarts the pods, one by one; a change of a key does not."""
    open_access: NotRequired[OpenAccessArgs | None]
    """The exception to that: a reason why everybody who knows the URL gets predictions, and its last day."""
    hosts: NotRequired[list[pulumi.Input[str]] | None]
    """Host names that the route answers to; default: all of the gateway's."""
    gateway_name: NotRequired[pulumi.Input[str]]
    """Name of the Gateway; default `public`, the platform's."""
    gateway_namespace: NotRequired[pulumi.Input[str]]
    """Namespace of the Gateway; default `gateway`, the platform's."""
    service_monitor: NotRequired[bool]
    """Whether to create a ServiceMonitor of Prometheus' operator, whose CRDs must exist; default false."""
    models_claim: NotRequired[pulumi.Input[str]]
    """Volume claim that holds the models; default `models`, the workspace's."""
    labels: NotRequired[dict[str, pulumi.Input[str]] | None]
    """Labels of every object and pod, besides the standard ones."""


ARGUMENTS = {
    "namespace": Argument(rule=dns_label),
    "image": Argument(rule=not_empty),
    "runtime": Argument(default=EndpointRuntime.PYTHON),
    "model_name": Argument(rule=dns_label),
    "model_version": Argument(
        rule=matches("([A-Za-z0-9][A-Za-z0-9._-]*)?", "the name of a directory in the model store, or empty")
    ),
    "replicas": Argument(default=2, rule=between(1, MAX_REPLICAS, "replicas")),
    "autoscaling.min_replicas": Argument(rule=between(1, MAX_REPLICAS, "replicas")),
    "autoscaling.max_replicas": Argument(rule=between(1, MAX_REPLICAS, "replicas")),
    "autoscaling.cpu_percent": Argument(default=70, rule=between(1, 500, "percent")),
    "canary.model_version": Argument(
        rule=matches("[A-Za-z0-9][A-Za-z0-9._-]*", "the name of a directory in the model store")
    ),
    "canary.weight_percent": Argument(rule=between(0, 100, "percent")),
    "cpu": Argument(default="100m", rule=quantity),
    "memory": Argument(default="512Mi", rule=quantity),
    "image_pull_policy": Argument(default=ImagePullPolicy.IF_NOT_PRESENT),
    # Between "this pod is ending" and the end of its server; the gateway needs that long to hear of it.
    "drain_seconds": Argument(default=5, rule=between(1, MAX_DRAIN_SECONDS, "seconds")),
    **_access.ARGUMENTS,
    "hosts": Argument(rule=not_empty),
    "gateway_name": Argument(default=conventions.GATEWAY_NAME, rule=dns_label),
    "gateway_namespace": Argument(default=conventions.GATEWAY_NAMESPACE, rule=dns_label),
    "service_monitor": Argument(default=False),
    "models_claim": Argument(default=conventions.MODELS_CLAIM, rule=dns_label),
}


class ModelEndpoint(pulumi.ComponentResource):
    """A model behind `/seldon/<namespace>/<name>` at the gateway and `http://<name>.<namespace>` in the cluster.

    Before the first training run it is up and answers predictions with 503.

    With `access`, the gateway's requests go to a port of their own, 8001, where the server asks each for an API key or
    a token. Behind a gateway that faces the internet it must be given, or `open_access`, the exception.

    The annotations of its pods belong to the training pipeline, which writes the model version there. Pulumi ignores
    all of them after the Deployment is created, so a program cannot add or change one later, for instance with a
    transform. Labels of pods are not affected.

    ```python
    from pulumi_mlops import ModelEndpoint

    endpoint = ModelEndpoint("penguins", {"namespace": "penguins", "image": "registry.example.org/ml-server:1"})
    pulumi.export("path", endpoint.path)
    ```
    """

    path: pulumi.Output[str]
    """Path of the prediction request at the gateway's host."""
    internal_url: pulumi.Output[str]
    """URL of the prediction request inside the cluster."""
    service: pulumi.Output[str]
    """Name of the Service, on port 8000."""
    deployment: pulumi.Output[str]
    """Name of the Deployment, which a training pipeline moves."""

    def __init__(self, name: str, args: ModelEndpointArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        checked = check_args(
            ModelEndpoint,
            name,
            args,
            ModelEndpointArgs,
            ARGUMENTS,
            problems=lambda checked: [*_problems(checked, args), *_access.problems(checked, name)],
            name_rule=object_name(MAX_NAME),
        )
        super().__init__("pulumi-mlops:index:ModelEndpoint", name, inputs(args), opts)
        self._name = name
        self._args = checked
        namespace = pulumi.Output.from_input(checked["namespace"])
        self._prefix = namespace.apply(lambda ns: conventions.prediction_path(ns, name))
        self._child = pulumi.ResourceOptions(parent=self)

        account = self._create_service_account()
        deployment, service = self._create_server(account)
        self._create_scaling()
        canary = self._create_canary(account)
        self._create_issuer_policy(bool(canary))
        self._create_monitor()
        self._create_route([service, *canary])

        self.path = pulumi.Output.concat(self._prefix, conventions.PREDICTIONS)
        self.internal_url = namespace.apply(lambda ns: internal_url(ns, name))
        self.service = name_of(service)
        self.deployment = name_of(deployment)
        self.register_outputs(
            {
                "path": self.path,
                "internal_url": self.internal_url,
                "service": self.service,
                "deployment": self.deployment,
            }
        )

    def _create_service_account(self) -> k8s.core.v1.ServiceAccount:
        """An identity without rights and without a token, so that the endpoint is not the namespace's default one."""
        return k8s.core.v1.ServiceAccount(
            f"{self._name}-service-account",
            metadata=self._metadata(self._name),
            automount_service_account_token=False,
            opts=self._child,
        )

    def _create_server(self, account: pulumi.Resource) -> tuple[k8s.apps.v1.Deployment, k8s.core.v1.Service]:
        scaled = self._args["autoscaling"] is not None
        version = "" if self._args["model_version"] is None else self._args["model_version"]
        metadata = self._metadata(self._name)
        # What the pipeline and the autoscaler own is ignored below; all else is the program's, also a number of
        # replicas that an autoscaler has owned: without this, the way back to a fixed number is a conflict.
        metadata["annotations"] = {"pulumi.com/patchForce": "true"}
        deployment = k8s.apps.v1.Deployment(
            f"{self._name}-deployment",
            metadata=metadata,
            spec=_serving.deployment(self._name, self._name, self._args, version, _serving.least_replicas(self._args)),
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[account],
                ignore_changes=[POD_ANNOTATIONS, *([REPLICAS] if scaled else [])],
            ),
        )
        return deployment, self._create_service("service", self._name, deployment)

    def _create_canary(self, account: pulumi.Resource) -> list[pulumi.Resource]:
        canary = self._args["canary"]
        if canary is None:
            return []
        server = f"{self._name}-{CANARY}"
        version = canary["model_version"]
        deployment = k8s.apps.v1.Deployment(
            f"{self._name}-canary-deployment",
            metadata=self._metadata(server),
            spec=_serving.deployment(self._name, server, self._args, version, replicas=1),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[account]),
        )
        # The route waits for both: requests must not reach a canary that is not there.
        return [deployment, self._create_service("canary-service", server, deployment)]

    def _create_service(self, role: str, server: str, deployment: k8s.apps.v1.Deployment) -> k8s.core.v1.Service:
        return k8s.core.v1.Service(
            f"{self._name}-{role}",
            metadata=self._metadata(server),
            spec=_serving.service(server, self._args),
            opts=after(deployment, self),
        )

    def _create_scaling(self) -> None:
        if self._args["autoscaling"] is not None:
            k8s.autoscaling.v2.HorizontalPodAutoscaler(
                f"{self._name}-autoscaler",
                metadata=self._metadata(self._name),
                spec=_serving.autoscaler(self._name, self._args["autoscaling"]),
                opts=self._child,
            )
        if _serving.most_replicas(self._args) > 1:
            k8s.policy.v1.PodDisruptionBudget(
                f"{self._name}-disruption-budget",
                metadata=self._metadata(self._name),
                spec=_serving.disruption_budget(self._name),
                opts=self._child,
            )

    def _create_issuer_policy(self, canary: bool) -> None:
        """A workspace lets servers reach nothing outside; those that check tokens must reach who signs them."""
        access = self._args["access"]
        if access is not None and access["jwt"] is not None:
            servers = [self._name, *([f"{self._name}-{CANARY}"] if canary else [])]
            k8s.networking.v1.NetworkPolicy(
                f"{self._name}-issuer-policy",
                metadata=self._metadata(f"{self._name}-issuer"),
                spec=_serving.issuer_policy(servers, access["jwt"]),
                opts=self._child,
            )

    def _create_monitor(self) -> None:
        if self._args["service_monitor"]:
            k8s.apiextensions.CustomResource(
                f"{self._name}-service-monitor",
                api_version="monitoring.coreos.com/v1",
                kind="ServiceMonitor",
                metadata=self._metadata(self._name),
                spec=_serving.service_monitor(self._name),
                opts=self._child,
            )

    def _create_route(self, needs: list[pulumi.Resource]) -> None:
        canary = None if self._args["canary"] is None else f"{self._name}-{CANARY}"
        k8s.apiextensions.CustomResource(
            f"{self._name}-route",
            api_version="gateway.networking.k8s.io/v1",
            kind="HTTPRoute",
            metadata=self._metadata(self._name, _access.annotations(self._args)),
            spec=_serving.route(self._prefix, self._name, self._args, canary),
            opts=pulumi.ResourceOptions(parent=self, depends_on=needs),
        )

    def _metadata(self, server: str, annotations: Mapping[str, str] | None = None) -> Manifest:
        labels = _serving.labels(server, self._args["labels"])
        more = {"annotations": annotations} if annotations else {}
        return {"name": server, "namespace": self._args["namespace"], "labels": labels, **more}


def internal_url(namespace: str, endpoint: str) -> str:
    """URL of the prediction request inside the cluster."""
    host = conventions.service_host(endpoint, namespace)
    return f"http://{host}:{conventions.ENDPOINT_PORT}{conventions.PREDICTIONS}"


def _problems(args: ModelEndpointArgs, given: Mapping[str, object]) -> Iterator[str]:
    autoscaling = args["autoscaling"]
    if autoscaling is None:
        return
    least, most = autoscaling["min_replicas"], autoscaling["max_replicas"]
    if given.get("replicas") is not None:
        yield f"args.replicas must be left out where args.autoscaling is given, got {args['replicas']}"
    if least > most:
        yield f"args.autoscaling.min_replicas must be at most args.autoscaling.max_replicas ({most}), got {least}"
