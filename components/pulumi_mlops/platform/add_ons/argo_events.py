"""Argo Events: what happens outside starts workflows inside.

Owns its namespace, the controller and one event bus a namespace that asks for it. Does not own: event sources, sensors
and their service accounts, nor the namespaces of the buses.
"""

from collections.abc import Sequence
from typing import NotRequired

import pulumi
import pulumi_kubernetes as k8s

from pulumi_mlops import conventions, versions
from pulumi_mlops._args import Argument
from pulumi_mlops._manifests import Manifest, container_security, gib, name_of, pod_security, resources
from pulumi_mlops._rules import quantity
from pulumi_mlops.contract.rules import at_least, dns_label, not_empty
from pulumi_mlops.platform._chart_values import budget, mirrored, spread
from pulumi_mlops.platform._charts import Chart
from pulumi_mlops.platform._statements import Statement, statement
from pulumi_mlops.platform.add_on import (
    ONE_RELEASE,
    AddOn,
    AddOnArgs,
    ChartRelease,
    HelmValues,
    ReplicatedArgs,
    add_on_inputs,
    check_add_on,
)

CHART = Chart("argo-events", "https://argoproj.github.io/argo-helm", versions.ARGO_EVENTS_CHART)
UPSTREAM_REGISTRY = "quay.io"
NATS_REGISTRY = "docker.io"
SERVICE_ACCOUNT = "argo-events-controller-manager"
"""Service account of the controller. It has no AWS identity: event sources on SQS or SNS use their own account."""
EVENT_BUS = "default"
"""The bus that event sources and sensors use unless they name another."""
BUS_REPLICAS = 3
"""The fewest with which JetStream keeps an event when a node is lost."""


class ArgoEventsArgs(AddOnArgs, ReplicatedArgs):
    """Arguments of `ArgoEvents`."""

    bus_namespaces: NotRequired[list[str]]
    """Further namespaces that get an event bus, created elsewhere; the controller's own has one. A bus is three pods;
    default none. Plain: each is a resource."""
    memory: NotRequired[pulumi.Input[str]]
    """Memory of a controller, request and limit; default "256Mi"."""
    bus_memory: NotRequired[pulumi.Input[str]]
    """Memory of each of a bus's three servers, request and limit; default "512Mi"."""
    bus_storage_gib: NotRequired[pulumi.Input[int]]
    """Volume of each of a bus's three servers in GiB; default 10, at least 1."""
    bus_storage_class: NotRequired[pulumi.Input[str] | None]
    """Storage class of those volumes, ReadWriteOnce; default: the cluster's default class."""
    keep_definitions: NotRequired[bool]
    """Whether the resource definitions survive `destroy`; default true. When false, `destroy` deletes them and with
    them every event source, sensor and bus."""


ARGUMENTS = {
    "bus_namespaces": Argument(default=[], rule=dns_label),
    "memory": Argument(default="256Mi", rule=quantity),
    "bus_memory": Argument(default="512Mi", rule=quantity),
    "bus_storage_gib": Argument(default=10, rule=at_least(1, "GiB")),
    "bus_storage_class": Argument(rule=not_empty),
}


class ArgoEvents(pulumi.ComponentResource):
    """Argo Events with an event bus that keeps what it was given.

    ```python
    from pulumi_mlops.platform import ArgoEvents

    events = ArgoEvents("argo-events", {"bus_namespaces": ["delivery"]})
    pulumi.export("event_bus", events.event_bus)
    ```
    """

    namespace: pulumi.Output[str]
    """Namespace of the controller, known before it is installed."""
    release: pulumi.Output[str]
    """Name of the Helm release, known once the controller runs. Event sources and sensors depend on it."""
    event_bus: pulumi.Output[str]
    """Name of the bus in each namespace that has one, known once all were asked for."""

    def __init__(self, name: str, args: ArgoEventsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        checked = check_add_on(ArgoEvents, name, args, ArgoEventsArgs, ARGUMENTS)
        super().__init__("pulumi-mlops:index:ArgoEvents", name, add_on_inputs(args), opts)
        installed = ADD_ON.install(self, name, checked)
        called = checked["object_name"] or name
        self.namespace = installed.namespace
        places = {"bus": self.namespace, **{f"bus-{place}": place for place in checked["bus_namespaces"]}}
        buses = [
            k8s.apiextensions.CustomResource(
                f"{name}-{role}",
                api_version="argoproj.io/v1alpha1",
                kind="EventBus",
                metadata={"name": EVENT_BUS, "namespace": place, "labels": conventions.labels("event-bus", called)},
                spec=bus_spec(checked),
                opts=pulumi.ResourceOptions(parent=self, depends_on=[installed.main]),
            )
            for role, place in places.items()
        ]
        self.release = installed.release
        self.event_bus = pulumi.Output.all(*(name_of(bus) for bus in buses)).apply(lambda names: names[0])
        self.register_outputs({"namespace": self.namespace, "release": self.release, "event_bus": self.event_bus})


def values(name: str, args: ArgoEventsArgs) -> HelmValues:
    """Values of the chart."""
    replicas = args["replicas"]
    mirror = args["image_mirror"]
    return {
        "fullnameOverride": name,
        "crds": {"install": True, "keep": args["keep_definitions"]},
        "global": {
            "image": {"repository": mirrored(mirror, UPSTREAM_REGISTRY, "argoproj/argo-events")},
            "securityContext": pod_security(),
        },
        "configs": {
            "jetstream": {
                "streamConfig": {"replicas": BUS_REPLICAS},
                # The chart's own list ends with a NATS that gets no fixes any more. A bus whose version is not listed
                # gets no pods, hence one list for both.
                "versions": [
                    {
                        "version": versions.NATS,
                        "natsImage": mirrored(mirror, NATS_REGISTRY, f"library/nats:{versions.NATS}"),
                        "metricsExporterImage": mirrored(
                            mirror, NATS_REGISTRY, f"natsio/prometheus-nats-exporter:{versions.NATS_EXPORTER}"
                        ),
                        "configReloaderImage": mirrored(
                            mirror, NATS_REGISTRY, f"natsio/nats-server-config-reloader:{versions.NATS_RELOADER}"
                        ),
                        "startCommand": "/nats-server",
                    }
                ],
            }
        },
        "controller": {
            "replicas": replicas,  # more than one elect a leader
            "pdb": budget(replicas),
            "resources": resources("50m", args["memory"]),
            "containerSecurityContext": container_security(),
            "serviceAccount": {"create": True, "name": SERVICE_ACCOUNT},
            "topologySpreadConstraints": spread(),  # the chart adds the controller's selector
        },
    }


def bus_spec(args: ArgoEventsArgs) -> Manifest:
    """Spec of an EventBus on JetStream; the older NATS Streaming is dead."""
    small = {"resources": resources("20m", "64Mi"), "securityContext": container_security()}
    storage_class = {"storageClassName": args["bus_storage_class"]} if args["bus_storage_class"] is not None else {}
    return {
        "jetstream": {
            "version": versions.NATS,
            "replicas": BUS_REPLICAS,
            "persistence": {
                "accessMode": "ReadWriteOnce",
                "volumeSize": gib(args["bus_storage_gib"]),
                **storage_class,
            },
            "securityContext": pod_security(),
            "containerTemplate": {
                "resources": resources("100m", args["bus_memory"]),
                "securityContext": container_security(),
            },
            "metricsContainerTemplate": small,
            "reloaderContainerTemplate": small,
            # The bus speaks its own TLS, which a mesh's proxy would not understand.
            "metadata": {"labels": {"sidecar.istio.io/inject": "false"}},
            "affinity": {
                "podAntiAffinity": {
                    "preferredDuringSchedulingIgnoredDuringExecution": [
                        {
                            "weight": 100,
                            "podAffinityTerm": {
                                "labelSelector": {
                                    "matchLabels": {"controller": "eventbus-controller", "eventbus-name": EVENT_BUS}
                                },
                                "topologyKey": key,
                            },
                        }
                        for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
                    ]
                }
            },
        }
    }


def statements(queue_arns: Sequence[pulumi.Input[str]]) -> list[Statement]:
    """What the role of an event source on SQS must be allowed, in its own namespace and by its own account."""
    return [
        statement(["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:ReceiveMessage"], queue_arns)
    ]


ADD_ON = AddOn(
    component=ArgoEvents,
    once_because=ONE_RELEASE,
    main=ChartRelease(chart=CHART, values=values),
    namespace=conventions.ARGO_EVENTS_NAMESPACE,
    images=(
        "argoproj/argo-events",
        "library/nats",
        "natsio/prometheus-nats-exporter",
        "natsio/nats-server-config-reloader",
    ),
)
