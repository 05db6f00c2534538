"""A REST endpoint that serves one model, inside the cluster and behind the gateway.

Owns the server, its scaling and its route. Does not own: the model version it serves (the training pipeline's), the
gateway (the platform's), the namespace and the model store (`Workspace`).
"""

from collections.abc import Mapping

import pulumi
import pulumi_kubernetes as k8s

from pulumi_mlops import conventions
from pulumi_mlops._args import check_args, inputs
from pulumi_mlops._derived import derived
from pulumi_mlops._manifests import Manifest, after, name_of
from pulumi_mlops._rules import object_name
from pulumi_mlops.model_endpoint import _access, _arguments, _pod, _serving
from pulumi_mlops.model_endpoint._access import AccessArgs, JwtArgs, OpenAccessArgs
from pulumi_mlops.model_endpoint._arguments import (
    ARGUMENTS,
    AutoscalingArgs,
    CanaryArgs,
    EndpointRuntime,
    ModelEndpointArgs,
)

__all__ = [
    "AccessArgs",
    "AutoscalingArgs",
    "CanaryArgs",
    "EndpointRuntime",
    "JwtArgs",
    "ModelEndpoint",
    "ModelEndpointArgs",
    "OpenAccessArgs",
]

CANARY = "canary"
MAX_NAME = 63 - len(f"-{CANARY}")  # the canary's Service needs a name as well
POD_ANNOTATIONS = "spec.template.metadata.annotations"
REPLICAS = "spec.replicas"
"""Ignored as a whole, though a training pipeline owns one key of it, the model version: pulumi-kubernetes splits an
ignored path at each dot, so a path to a key with a dot has no effect, and every later change of the Deployment would
conflict with the pipeline."""


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
            problems=lambda checked: [*_arguments.problems(checked, args), *_access.problems(checked, name)],
            name_rule=object_name(MAX_NAME),
        )
        super().__init__("pulumi-mlops:index:ModelEndpoint", name, inputs(args), opts)
        self._name = name
        self._args = checked
        namespace = pulumi.Output.from_input(checked["namespace"])
        self._prefix = derived(checked["namespace"], lambda ns: conventions.prediction_path(ns, name))
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
        labels = _pod.labels(server, self._args["labels"])
        more = {"annotations": annotations} if annotations else {}
        return {"name": server, "namespace": self._args["namespace"], "labels": labels, **more}


def internal_url(namespace: str, endpoint: str) -> str:
    """URL of the prediction request inside the cluster."""
    host = conventions.service_host(endpoint, namespace)
    return f"http://{host}:{conventions.ENDPOINT_PORT}{conventions.PREDICTIONS}"
