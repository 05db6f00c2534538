"""Every container of the platform on EKS that a chart lets us give requests and limits has them.

What there is to give is read from the charts' own keys, so that a container that a new version of a chart adds is seen.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import chart_keys
import pytest

from maintenance.extraction import ANYTHING, ISTIO_DEFAULTS
from tests.components.test_eks_platform import EVERYTHING, program
from tests.conftest import Build, Registration

OFF = {
    "argo-cd": {
        "commitServer": "commits nothing: it is off by default",
        "dex": "is turned off",
        "dex.initImage": "is turned off",
        "notifications": "is turned off",
        "redis": "gives way to redis-ha",
        "redis.exporter": "is off by default",
        "redisSecretInit": "is turned off",
        "server.extensions": "is off by default",
    },
    "argo-events": {"webhook": "is off by default"},
    "argo-workflows": {
        "crds.upgradeJob": "runs for full definitions only, which are turned off",
        "mainContainer": "is the default of pipelines' own steps, which have theirs",
    },
    "external-dns": {"provider.webhook": "is for providers other than AWS"},
    "external-secrets": {"genericTargets": "are kinds of objects, no container"},
    "kube-prometheus-stack": {
        "crds.upgradeJob": "is off by default",
        "prometheusOperator.admissionWebhooks.deployment": "is off by default",
        "prometheusOperator.admissionWebhooks.patch": "is turned off",
        "thanosRuler.thanosRulerSpec": "is off by default",
    },
    "seldon-core-operator": {"executor": "has keys of its own: cpuRequest, memoryLimit …"},
}
"""Chart → what stands before `resources` → why nothing is given there."""


def places(keys: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    """What stands before each `resources` of a chart, and what the chart itself gives there."""
    for key, below in keys.items() if isinstance(keys, dict) else ():
        if key == "resources":
            yield at.removesuffix("."), below
        elif key != ISTIO_DEFAULTS:
            yield from places(below, f"{at}{key}.")
    if not at and isinstance(keys, dict) and ISTIO_DEFAULTS in keys:
        yield from places(keys[ISTIO_DEFAULTS])


def bare(values: Mapping[str, Any], keys: Any) -> list[str]:
    """The places without requests of CPU and memory and a limit of memory, by our values and the chart's own."""
    return sorted(
        {place for place, default in places(keys) if not _whole(_given(values, place)) and not _whole(default)}
    )


def _given(values: Any, place: str) -> Any:
    for key in [*filter(None, place.split(".")), "resources"]:
        values = values.get(key, {}) if isinstance(values, Mapping) else {}
    return values


def _whole(resources: Any) -> bool:
    parts = resources if isinstance(resources, Mapping) else {}
    return {"cpu", "memory"} <= {*parts.get("requests", ())} and "memory" in parts.get("limits", ())


def _releases(build: Build) -> list[Registration]:
    upstream = {key: value for key, value in EVERYTHING.items() if key != "chart_repository"}
    return build(lambda: program(**upstream, replicas=3)).of_kind("Release")


def test_every_container_of_every_chart_has_requests_and_a_limit(build: Build) -> None:
    seen: dict[str, set[str]] = {}
    for one in _releases(build):
        chart = one.inputs["chart"].rpartition("/")[2]
        found = bare(one.inputs.get("values", {}), chart_keys.read(chart)["keys"])
        assert [place for place in found if place not in OFF.get(chart, {})] == [], chart
        seen.setdefault(chart, set()).update(found)

    assert len(seen) >= 15
    assert {chart: seen[chart] for chart in OFF} == {chart: {*reasons} for chart, reasons in OFF.items()}


@pytest.mark.parametrize(
    ("given", "complete"),
    [
        ({}, False),
        ({"requests": {"cpu": "1"}, "limits": {"memory": "1Gi"}}, False),
        ({"requests": {"cpu": "1", "memory": "1Gi"}}, False),
        ({"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"memory": "1Gi"}}, True),
    ],
)
def test_a_container_without_them_would_be_seen(given: dict[str, Any], complete: bool) -> None:
    keys = {"server": {"resources": ANYTHING, "replicas": "int"}}

    assert bare({"server": {"resources": given}}, keys) == ([] if complete else ["server"])
    assert bare({"resources": given}, {ISTIO_DEFAULTS: {"resources": "anything"}}) == ([] if complete else [""])
