from typing import Any

import pulumi
import pytest
from pulumi_mlops import ArgumentError, conventions, versions
from pulumi_mlops.platform import KServe
from pulumi_mlops.platform.add_ons import kserve
from syrupy.assertion import SnapshotAssertion

from tests.components.delivery_addons import KSERVE, KSERVE_FULL
from tests.conftest import Build, unknown


def program(name: str = "kserve", **changes: Any) -> KServe:
    return KServe(name, {**KSERVE, **changes})  # type: ignore[typeddict-item]


def values(build: Build, release: str = "kserve-release", **changes: Any) -> dict[str, Any]:
    return build(lambda: program(**changes))[release].inputs["values"]


def test_the_smallest_is_as_reviewed(build: Build, snapshot: SnapshotAssertion) -> None:
    assert build(program).contract() == snapshot


def test_the_fullest_is_as_reviewed(build: Build, snapshot: SnapshotAssertion) -> None:
    assert build(lambda: program(**KSERVE_FULL)).contract() == snapshot


def test_the_release_is_known_when_it_is_ready_and_the_namespace_before(build: Build) -> None:
    outputs = build(program, preview=True).outputs_of("kserve")

    assert outputs["release"] == "<unknown>"
    assert outputs["namespace"] == conventions.KSERVE_NAMESPACE
    assert build(program).outputs_of("kserve")["release"] == "kserve-controller"


def test_what_is_not_known_yet_is_no_obstacle(build: Build) -> None:
    graph = build(lambda: program(namespace=unknown("n"), image_mirror=unknown("r")), preview=True)

    assert graph.of_kind("Release")


def test_definitions_controller_and_runtimes_come_in_this_order_and_go_in_the_reverse(build: Build) -> None:
    graph = build(program)

    assert graph["kserve-definitions"].urn in graph["kserve-controller"].dependencies
    assert graph["kserve-controller"].urn in graph["kserve-runtimes"].dependencies
    assert {one.inputs["version"] for one in graph.of_kind("Release")} == {versions.KSERVE}


def test_it_runs_without_knative_behind_the_platforms_gateway(build: Build) -> None:
    controller = values(build, "kserve-controller")["kserve"]["controller"]

    assert controller["deploymentMode"] == "Standard"
    assert controller["gateway"]["domain"] == "models.example.org"
    assert controller["gateway"]["ingressGateway"] == {
        "enableGatewayApi": True,
        "createGateway": False,
        "kserveGateway": "gateway/public",
        "className": "istio",
    }


def test_the_runtimes_that_were_asked_for_are_there_and_no_others(build: Build) -> None:
    def there(**changes: Any) -> set[str]:
        serving = values(build, "kserve-runtimes", **changes)["kserve"]["servingruntime"]
        assert serving.pop("enabled") is bool(changes.get("runtimes", True))
        return {runtime for runtime, settings in serving.items() if not settings["disabled"]}

    assert there() == {"mlserver", "sklearnserver"}
    assert there(runtimes=["pmmlserver"]) == {"pmmlserver"}
    assert there(runtimes=[]) == set()
    serving = values(build, "kserve-runtimes")["kserve"]["servingruntime"]
    assert serving["mlserver"]["tag"] == versions.MLSERVER


def test_one_mirror_serves_every_image(build: Build) -> None:
    for release, images in (("kserve-controller", 9), ("kserve-runtimes", 2)):
        text = str(values(build, release, image_mirror="mirror.example.org"))
        assert text.count("mirror.example.org/") == images
        assert not [public for public in ("quay.io", "docker.io") if public in text]


def test_a_service_reads_its_models_and_writes_nothing() -> None:
    found = kserve.statements(["arn:aws:s3:::models"])

    assert [one["resources"] for one in found] == [["arn:aws:s3:::models"], ["arn:aws:s3:::models/*"]]
    assert found[1]["actions"] == ["s3:GetObject"]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"domain": "https://models"}, "args.domain must be a domain name"),
        ({"domain": None}, "args.domain is required"),
        ({"runtimes": ["tensorflow"]}, "args.runtimes[0] must be one of mlserver"),
        ({"region": "here"}, "args.region must be the name of an AWS region"),
        ({"memory": "much"}, "args.memory must be a Kubernetes quantity"),
        ({"gateway_name": "A"}, "args.gateway_name must be a DNS label"),
        ({"gateway_class": ""}, "args.gateway_class must not be empty"),
    ],
)
def test_wrong_arguments_cost_one_line_and_no_resource(build: Build, changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ArgumentError, match='KServe "kserve"') as error:
        build(lambda: program(**changes))

    assert complaint in str(error.value)


def test_an_old_xgboost_is_installed_with_a_warning_and_only_on_request(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    warnings: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", lambda text, *_: warnings.append(text))

    build(program)
    assert warnings == []
    build(lambda: program(runtimes=["xgbserver"]))
    assert [f"XGBoost {versions.KSERVE_XGBOOST}," in one and "predicts wrong values" in one for one in warnings] == [
        True
    ]


def test_the_webhooks_are_not_throttled_at_the_chart_s_tenth_of_a_core(build: Build) -> None:
    resources = values(build, "kserve-controller", memory="2Gi")["kserve"]["controller"]["resources"]

    assert resources == {"requests": {"cpu": "100m", "memory": "2Gi"}, "limits": {"cpu": "1", "memory": "2Gi"}}


@pytest.mark.parametrize("runtime", kserve.RUNTIMES)
def test_every_runtime_can_be_asked_for(build: Build, runtime: str) -> None:
    assert build(lambda: program(runtimes=[runtime])).of_kind("Release")
