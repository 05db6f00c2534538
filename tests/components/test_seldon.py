from typing import Any

import pytest
from pulumi_mlops import ArgumentError, conventions, versions
from pulumi_mlops.platform import Seldon
from pulumi_mlops.platform.add_ons import seldon
from syrupy.assertion import SnapshotAssertion

from tests.components.delivery_addons import SELDON, SELDON_FULL
from tests.conftest import Build, unknown


def program(name: str = "seldon", **changes: Any) -> Seldon:
    return Seldon(name, {**SELDON, **changes})  # type: ignore[typeddict-item]


def values(build: Build, release: str = "seldon-release", **changes: Any) -> dict[str, Any]:
    return build(lambda: program(**changes))[release].inputs["values"]


def test_the_smallest_is_as_reviewed(build: Build, snapshot: SnapshotAssertion) -> None:
    assert build(program).contract() == snapshot


def test_the_fullest_is_as_reviewed(build: Build, snapshot: SnapshotAssertion) -> None:
    assert build(lambda: program(**SELDON_FULL)).contract() == snapshot


def test_the_release_is_known_when_it_is_ready_and_the_namespace_before(build: Build) -> None:
    outputs = build(program, preview=True).outputs_of("seldon")

    assert outputs["release"] == "<unknown>"
    assert outputs["namespace"] == conventions.SELDON_NAMESPACE
    assert build(program).outputs_of("seldon")["release"] == "seldon"


def test_what_is_not_known_yet_is_no_obstacle(build: Build) -> None:
    graph = build(lambda: program(namespace=unknown("n"), image_mirror=unknown("r")), preview=True)

    assert graph.of_kind("Release")


def test_it_is_the_last_version_under_the_apache_licence(build: Build) -> None:
    (pin,) = [one for one in versions.PINS if one.version == build(program)["seldon-release"].inputs["version"]]

    assert pin.version.split(".")[:2] == ["1", "17"]
    assert pin.licence == "Apache-2.0"
    assert any(one.name.startswith("Seldon Core") for one in versions.REFUSED)


def test_certificates_are_cert_managers_and_nobody_is_told(build: Build) -> None:
    found = values(build)

    assert found["certManager"] == {"enabled": True}
    assert found["usageMetrics"] == {"enabled": False}
    assert "crd" not in found


def test_istio_is_touched_only_on_request(build: Build) -> None:
    assert values(build)["istio"] == {"enabled": False}
    assert values(build, istio_gateway="mesh/models")["istio"] == {"enabled": True, "gateway": "mesh/models"}


def test_the_operator_may_run_in_a_restricted_namespace(build: Build) -> None:
    manager = values(build)["manager"]

    security = manager["containerSecurityContext"]["securityContext"]  # merged into the container by the template
    assert security["allowPrivilegeEscalation"] is False
    assert security["runAsNonRoot"] is True
    assert manager["memoryLimit"] == manager["memoryRequest"] == "1Gi"
    assert values(build)["serviceAccount"]["name"] == seldon.SERVICE_ACCOUNT


def test_one_mirror_serves_every_image(build: Build) -> None:
    text = str(values(build, image_mirror="mirror.example.org"))

    servers = len(seldon.MLSERVER_FLAVOURS) + len(seldon.OTHER_SERVERS)
    assert text.count("mirror.example.org") == 5 + servers
    assert not [public for public in ("docker.io", "nvcr.io") if public in text]


def test_a_predictor_reads_its_models_and_writes_nothing() -> None:
    found = seldon.statements(["arn:aws:s3:::models"])

    assert [one["resources"] for one in found] == [["arn:aws:s3:::models"], ["arn:aws:s3:::models/*"]]
    assert found[1]["actions"] == ["s3:GetObject"]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"istio_gateway": "seldon-gateway"}, "args.istio_gateway must be a gateway such as"),
        ({"memory": "much"}, "args.memory must be a Kubernetes quantity"),
        ({"namespace": "A"}, "args.namespace must be a DNS label"),
        ({"image_mirror": ""}, "args.image_mirror must be a registry as images name it"),
        ({"istio": "x"}, 'did you mean "istio_gateway"?'),
    ],
)
def test_wrong_arguments_cost_one_line_and_no_resource(build: Build, changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ArgumentError, match='Seldon "seldon"') as error:
        build(lambda: program(**changes))

    assert complaint in str(error.value)
