"""Arguments of `ModelEndpoint`: what each means, its rule and its default, and which exclude each other."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import NotRequired, TypedDict

import pulumi

from pulumi_mlops import conventions
from pulumi_mlops._args import Argument
from pulumi_mlops._manifests import ImagePullPolicy
from pulumi_mlops._placement import MAX_GPUS, TolerationArgs, TolerationOperator, toleration_problem
from pulumi_mlops._rules import quantity
from pulumi_mlops.contract.rules import between, dns_label, matches, not_empty
from pulumi_mlops.model_endpoint import _access
from pulumi_mlops.model_endpoint._access import AccessArgs, OpenAccessArgs

MAX_REPLICAS = 100
MAX_DRAIN_SECONDS = 300


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
    gpus: NotRequired[int]
    """NVIDIA GPUs of each replica's own, from 0 to 16; default 0. The cluster needs nodes that offer `nvidia.com/gpu`,
    and the endpoint an image that computes on them: the library's own computes on CPUs."""
    node_selector: NotRequired[dict[str, pulumi.Input[str]] | None]
    """Labels of the nodes that the replicas may run on; default: any node."""
    tolerations: NotRequired[list[TolerationArgs] | None]
    """Taints that do not keep the replicas away; default none, with `gpus` that of `nvidia.com/gpu`."""
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
    "gpus": Argument(default=0, rule=between(0, MAX_GPUS)),
    "tolerations": Argument(rule=toleration_problem),
    "tolerations.operator": Argument(default=TolerationOperator.EQUAL),
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


def problems(args: ModelEndpointArgs, given: Mapping[str, object]) -> Iterator[str]:
    """Findings that concern several arguments; `given` are those of the user, without defaults."""
    autoscaling = args["autoscaling"]
    if autoscaling is None:
        return
    least, most = autoscaling["min_replicas"], autoscaling["max_replicas"]
    if given.get("replicas") is not None:
        yield f"args.replicas must be left out where args.autoscaling is given, got {args['replicas']}"
    if least > most:
        yield f"args.autoscaling.min_replicas must be at most args.autoscaling.max_replicas ({most}), got {least}"
