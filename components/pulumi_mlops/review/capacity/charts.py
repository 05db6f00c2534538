"""The pods that a Helm release starts, from its values: the facts about charts are in charts.toml."""

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pulumi_mlops.review.capacity.workload import Workload
from pulumi_mlops.review.cost.pods import pod
from pulumi_mlops.review.values import NotReadable, at, is_false, is_hidden, is_true, mapping, number

FILE = Path(__file__).with_name("charts.toml")


@cache
def facts() -> Mapping[str, Any]:
    """Name of the chart → what is known of it: see the head of the file."""
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


def chart_of(inputs: Mapping[str, object]) -> str:
    """Name of a release's chart, whether it comes from a repository, a registry or a directory."""
    return str(inputs.get("chart") or "").rstrip("/").rpartition("/")[2]


def started(inputs: Mapping[str, object]) -> Iterator[Workload]:
    """What a release with these inputs starts.

    Raises:
        NotReadable: nothing is known of the chart, or its values are hidden.
    """
    chart = facts().get(chart_of(inputs))
    if chart is None:
        raise NotReadable("what the chart starts is not known")
    values = _Values(inputs.get("values"), mapping(chart.get("defaults")))
    for one in chart.get("workload", ()):
        if _runs(one, values):
            yield _workload(str(inputs.get("name") or ""), one, values)


class _Values:
    """Values of a release over those of its chart."""

    def __init__(self, given: object, defaults: Mapping[str, object]) -> None:
        if is_hidden(given):
            raise NotReadable("its values are not known")
        self._given = mapping(given)
        self._defaults = defaults

    def get(self, path: str) -> Any:
        """The value at a dotted path."""
        found = at(self._given, path)
        if is_hidden(found):
            raise NotReadable(f"{path} is not known")
        return self._defaults.get(path) if found is None else found


def _runs(one: Mapping[str, Any], values: _Values) -> bool:
    needed, against = one.get("when"), one.get("unless")
    return not (needed and is_false(values.get(needed) or False)) and not (against and is_true(values.get(against)))


def _workload(release: str, one: Mapping[str, Any], values: _Values) -> Workload:
    apart = one.get("apart", False)
    spec = {
        "containers": [_container(place, values) for place in one["containers"]],
        "initContainers": [_container(place, values) for place in one.get("init", ())],
    }
    return Workload(
        "-".join(part for part in (release, one.get("name", "")) if part),
        _replicas(one, values),
        pod(spec),
        selector={},
        apart=is_true(values.get(apart)) if isinstance(apart, str) else apart,
        every_node=one.get("every_node", False),
        not_on_karpenter=one.get("own_nodes", False),
    )


def _replicas(one: Mapping[str, Any], values: _Values) -> int:
    given = (values.get(path) for path in one.get("replicas", ()))
    said = next((found for found in given if found is not None), 1)
    return int(number({"replicas": said}, "replicas"))


def _container(place: Any, values: _Values) -> dict[str, Any]:
    if isinstance(place, str):
        return {"resources": values.get(place) or {}}
    return {"resources": {"requests": {kind: values.get(path) for kind, path in place.items()}}}
