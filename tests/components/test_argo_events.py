from typing import Any

import pytest
from pulumi_mlops import ArgumentError, conventions, versions
from pulumi_mlops.platform import ArgoEvents
from pulumi_mlops.platform.add_ons import argo_events
from syrupy.assertion import SnapshotAssertion

from tests.components.delivery_addons import ARGO_EVENTS, ARGO_EVENTS_FULL
from tests.conftest import Build, unknown


def program(name: str = "argo-events", **changes: Any) -> ArgoEvents:
    return ArgoEvents(name, {**ARGO_EVENTS, **changes})  # type: ignore[typeddict-item]


def values(build: Build, release: str = "argo-events-release", **changes: Any) -> dict[str, Any]:
    return build(lambda: program(**changes))[release].inputs["values"]


def test_the_smallest_is_as_reviewed(build: Build, snapshot: SnapshotAssertion) -> None:
    assert build(program).contract() == snapshot


def test_the_fullest_is_as_reviewed(build: Build, snapshot: SnapshotAssertion) -> None:
    assert build(lambda: program(**ARGO_EVENTS_FULL)).contract() == snapshot


def test_the_release_is_known_when_it_is_ready_and_the_namespace_before(build: Build) -> None:
    outputs = build(program, preview=True).outputs_of("argo-events")

    assert outputs["release"] == "<unknown>"
    assert outputs["namespace"] == conventions.ARGO_EVENTS_NAMESPACE
    assert build(program).outputs_of("argo-events")["release"] == "argo-events"


def test_what_is_not_known_yet_is_no_obstacle(build: Build) -> None:
    graph = build(lambda: program(namespace=unknown("n"), image_mirror=unknown("r")), preview=True)

    assert graph.of_kind("Release")


def test_each_namespace_that_asks_has_one_bus_after_the_controller(build: Build) -> None:
    graph = build(lambda: program(bus_namespaces=["delivery"]))

    buses = graph.of_kind("EventBus")
    assert [one.inputs["metadata"]["namespace"] for one in buses] == ["argo-events", "delivery"]
    assert {one.inputs["metadata"]["name"] for one in buses} == {"default"}
    assert all(graph["argo-events-release"].urn in one.dependencies for one in buses)
    assert graph.outputs_of("argo-events")["event_bus"] == "default"


def test_the_bus_asks_for_a_version_that_the_controller_knows(build: Build) -> None:
    graph = build(program)

    (known,) = graph["argo-events-release"].inputs["values"]["configs"]["jetstream"]["versions"]
    assert graph["argo-events-bus"].inputs["spec"]["jetstream"]["version"] == known["version"] == versions.NATS
    assert known["natsImage"] == f"docker.io/library/nats:{versions.NATS}"


def test_the_bus_keeps_events_through_the_loss_of_a_node(build: Build) -> None:
    bus = build(program)["argo-events-bus"].inputs["spec"]["jetstream"]

    assert bus["replicas"] == 3
    assert bus["persistence"] == {"accessMode": "ReadWriteOnce", "volumeSize": "10Gi"}
    terms = bus["affinity"]["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
    assert [term["podAffinityTerm"]["topologyKey"] for term in terms] == [
        "topology.kubernetes.io/zone",
        "kubernetes.io/hostname",
    ]


def test_the_bus_obeys_the_restricted_security_standard_outside_the_mesh(build: Build) -> None:
    bus = build(program)["argo-events-bus"].inputs["spec"]["jetstream"]

    assert bus["securityContext"]["runAsNonRoot"]
    for part in ("containerTemplate", "metricsContainerTemplate", "reloaderContainerTemplate"):
        assert bus[part]["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert bus[part]["resources"]["limits"]["memory"]
    assert bus["metadata"]["labels"] == {"sidecar.istio.io/inject": "false"}


def test_one_mirror_serves_every_image(build: Build) -> None:
    text = str(values(build, image_mirror="mirror.example.org"))

    assert text.count("mirror.example.org/") == 4
    assert not [public for public in ("quay.io", "docker.io") if public in text]


def test_several_controllers_survive_a_drain_and_one_does_not_block_it(build: Build) -> None:
    assert values(build)["controller"]["pdb"] == {"enabled": True, "maxUnavailable": 1}
    assert values(build, replicas=1)["controller"]["pdb"] == {"enabled": False}
    assert values(build)["controller"]["serviceAccount"]["name"] == argo_events.SERVICE_ACCOUNT


def test_an_event_source_reads_its_queue_alone() -> None:
    queue = "arn:aws:sqs:eu-central-1:111122223333:models"
    (statement,) = argo_events.statements([queue])

    assert statement["resources"] == [queue]
    assert not [action for action in statement["actions"] if "*" in action or "Send" in action]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"bus_namespaces": ["A B"]}, "args.bus_namespaces[0] must be a DNS label"),
        ({"replicas": 0}, "args.replicas must be between 1 and 10 replicas, got 0"),
        ({"memory": "much"}, "args.memory must be a Kubernetes quantity"),
        ({"bus_memory": "much"}, "args.bus_memory must be a Kubernetes quantity"),
        ({"bus_storage_gib": 0}, "args.bus_storage_gib must be at least 1 GiB, got 0"),
        ({"bus_storage_class": ""}, "args.bus_storage_class must not be empty"),
        ({"bus_storage": 1}, 'did you mean "bus_storage_'),
    ],
)
def test_wrong_arguments_cost_one_line_and_no_resource(build: Build, changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ArgumentError, match='ArgoEvents "argo-events"') as error:
        build(lambda: program(**changes))

    assert complaint in str(error.value)


@pytest.mark.parametrize("changes", [{"replicas": 1}, {"replicas": 10}, {"bus_storage_gib": 1}])
def test_the_limits_themselves_are_allowed(build: Build, changes: dict[str, Any]) -> None:
    assert build(lambda: program(**changes)).of_kind("EventBus")
