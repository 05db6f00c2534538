"""What is known of the pods of charts is what the charts render, at the versions that the library installs."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest
from pulumi_mlops.review.capacity import charts
from pulumi_mlops.review.capacity.workload import Workload
from pulumi_mlops.review.cost.pods import Pod, pod

from maintenance import rendered, upstream, upstream_files

CHARTS = [data for data in upstream.DATA if data.kind is upstream.RENDERED]
OTHER_NAMES = {"istiod", "kserve-resources"}
"""Charts whose objects are not named after the release."""


def test_there_are_facts_of_every_chart_at_the_version_that_the_library_installs() -> None:
    """That a file is of the pinned version is tested with the other data (test_upstream.py)."""
    assert set(charts.facts()) == {data.name for data in CHARTS} == set(upstream_files.charts())
    assert {data.name: data.read()["version"].removeprefix("v") for data in CHARTS} == {
        data.name: data.pinned.removeprefix("v") for data in CHARTS
    }


@pytest.mark.parametrize("data", CHARTS, ids=lambda data: data.name)
def test_the_pods_are_those_that_the_chart_renders(data: upstream.Data) -> None:
    releases = rendered.inputs(data.name)
    content = data.read()["content"]
    assert releases.keys() == content.keys() != set()

    for stack, release in releases.items():
        found = [one for one in charts.started(release) if not _by_operator(data.name, one)]
        assert Counter(map(_size, found)) == Counter(_rendered(one) for one in content[stack]), stack
        by_name = {one.name: one.number for one in found}
        if data.name not in OTHER_NAMES:
            assert by_name.keys() == {one["name"] for one in content[stack]}
            numbers = {one["name"]: one["replicas"] for one in content[stack] if one["replicas"] is not None}
            assert {name: by_name[name] for name in numbers} == numbers


def _by_operator(chart: str, one: Workload) -> bool:
    named = [each["name"] for each in charts.facts()[chart]["workload"] if each.get("by_operator")]
    return one.name.endswith(tuple(f"-{name}" for name in named))


def _size(one: Workload) -> tuple[Pod, bool]:
    return one.pod, one.every_node


def _rendered(one: Mapping[str, Any]) -> tuple[Pod, bool]:
    spec = {
        key: [{"resources": {"requests": requests}} for requests in one[part].values()]
        for key, part in (("containers", "containers"), ("initContainers", "init"))
    }
    return pod(spec), one["kind"] == "DaemonSet"


def test_what_the_monitoring_operator_makes_is_counted_as_well() -> None:
    (release,) = rendered.inputs("kube-prometheus-stack").values()
    found = {one.name: one.number for one in charts.started(release)}

    assert {name: found[f"monitoring-{name}"] for name in ("prometheus", "alertmanager")} == {
        "prometheus": 3,
        "alertmanager": 3,
    }
