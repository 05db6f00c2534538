"""Golden files have the names of pins, and no version that a bump would change there."""

import re
from pathlib import Path
from typing import Any

import pytest
from pulumi_mlops import versions
from pulumi_mlops.foundation import _managed_addons

from local.paths import ROOT
from tests import pins

GOLDEN = sorted((ROOT / "tests" / "components" / "__snapshots__").glob("*.ambr"))
PINS = {name: value for name, value in vars(versions).items() if name.isupper() and isinstance(value, str)}
NOT_INSTALLED_BY_A_COMPONENT = {
    "ARGO_WORKFLOWS_CHART": "comes from a directory there, which names no version: see test_upstream.py",
    "GATEWAY_API": "definitions, which are data of the package: see test_upstream.py",
    "KSERVE_XGBOOST": "is part of an image of KServe's",
    "KUBERNETES": "is that of the one-machine node: see test_tools.py",
    "ML": "tags the team's images, which a program names",
}


def test_every_pin_is_in_a_golden_file_where_its_version_reaches_a_chart_or_an_image() -> None:
    """A name stands only where the value is that pin's version, so that this says that the pins are installed."""
    found = {name.strip("<>") for file in GOLDEN for name in pins.NAME.findall(file.read_text(encoding="utf-8"))}

    assert found == PINS.keys() - NOT_INSTALLED_BY_A_COMPONENT.keys()


@pytest.mark.parametrize("file", GOLDEN, ids=lambda file: file.stem)
def test_a_bump_changes_no_golden_file(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    versions_there = [
        f"{name} {value}"
        for name, value in PINS.items()
        if value.count(".") >= 2 and re.search(rf"(?<![\d.]){re.escape(value.removeprefix('v'))}(?!\d|\.\d)", text)
    ]

    assert versions_there == [], "tests/pins.py does not say that a pin stands there"


def test_a_version_that_is_not_the_pins_stays_as_it_is() -> None:
    release = {"chart": "oci://mirror.example.org/charts/cert-manager", "version": versions.EXTERNAL_DNS}
    image = {"image": "docker.io/library/postgres:16", "other": f"docker.io/other:{versions.POSTGRES}"}

    assert pins.named(pins.RELEASE, release) == release
    assert pins.named("kubernetes:apps/v1:Deployment", image) == image


@pytest.mark.parametrize(
    ("resource", "inputs", "name"),
    [
        (pins.RELEASE, {"chart": "cert-manager", "version": versions.CERT_MANAGER}, "<CERT_MANAGER>"),
        ("aws:eks/addon:Addon", {"addonName": "coredns", "addonVersion": versions.EKS_COREDNS}, "<EKS_COREDNS>"),
        ("x:y:Z", {"deep": [{"image": f"r:5000/mlflow/mlflow:v{versions.MLFLOW}-full"}]}, ":v<MLFLOW>-full"),
        ("eks:index:Cluster", {"version": versions.EKS_KUBERNETES}, "<EKS_KUBERNETES>"),
    ],
)
def test_the_version_of_a_pin_is_its_name(resource: str, inputs: dict[str, Any], name: str) -> None:
    assert name in repr(pins.named(resource, inputs))


def test_every_add_on_of_eks_has_its_pin() -> None:
    assert {addon: PINS[pin] for addon, pin in pins.ADDONS.items()} == _managed_addons.ADDONS


def test_two_recordings_that_differ_in_pinned_versions_alone_are_the_same_without_them() -> None:
    def release(version: str, tag: str) -> dict[str, Any]:
        values = {"global": {"tag": tag, "replicas": 2}, "image": f"docker.io/library/nats:{tag}"}
        return {"chart": "istiod", "version": version, "values": values}

    without = pins.unversioned(pins.RELEASE, release("1.2.3", "4.5.6"))

    assert without == pins.unversioned(pins.RELEASE, release("1.2.4", "5.0.0"))
    assert without != pins.unversioned(pins.RELEASE, release("1.2.4", "v5.0.0"))  # as no image of Istio is tagged
    assert without["values"] == {"global": {"tag": "<pin>", "replicas": 2}, "image": "docker.io/library/nats:<pin>"}
