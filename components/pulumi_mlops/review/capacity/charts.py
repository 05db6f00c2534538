"""The pods that a Helm release starts, from its values: the facts about charts are in charts.toml."""

import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from pulumi_mlops.review.capacity.workload import Workload
from pulumi_mlops.review.cost.pods import pod
from pulumi_mlops.review.json_data import Json, JsonObject, is_false, is_true, items, mapping, strings
from pulumi_mlops.review.values import NotReadable, at, is_hidden, number

FILE = Path(__file__).with_name("charts.toml")


@cache
def facts() -> JsonObject:
    """Name of the chart → what is known of it: see the head of the file."""
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


def chart_of(inputs: JsonObject) -> str:
    """Name of a release's chart, whether it comes from a repository, a registry or a directory."""
    return str(inputs.get("chart") or "").rstrip("/").rpartition("/")[2]


def started(inputs: JsonObject) -> Iterator[Workload]:
    """What a release with these inputs starts.

    Raises:
        NotReadable: nothing is known of the chart, or its values are hidden.
    """
    name = chart_of(inputs)
    if name not in facts():
        raise NotReadable("what the chart starts is not known")
    chart = mapping(facts()[name])
    values = _Values(inputs.get("values"), mapping(chart.get("defaults")))
    for one in map(mapping, items(chart.get("workload"))):
        if _runs(one, values):
            yield _workload(str(inputs.get("name") or ""), one, values)


class _Values:
    """Values of a release over those of its chart."""

    def __init__(self, given: object, defaults: JsonObject) -> None:
        if is_hidden(given):
            raise NotReadable("its values are not known")
        self._given = mapping(given)
        self._defaults = defaults

    def get(self, path: str) -> Json:
        """The value at a dotted path."""
        found = at(self._given, path)
        if is_hidden(found):
            raise NotReadable(f"{path} is not known")
        return self._defaults.get(path) if found is None else found


def _runs(one: JsonObject, values: _Values) -> bool:
    needed, against = (str(one.get(key) or "") for key in ("when", "unless"))
    return not (needed and is_false(values.get(needed) or False)) and not (against and is_true(values.get(against)))


def _workload(release: str, one: JsonObject, values: _Values) -> Workload:
    apart = one.get("apart")
    spec = {
        "containers": [_container(place, values) for place in items(one["containers"])],
        "initContainers": [_container(place, values) for place in items(one.get("init"))],
    }
    return Workload(
        "-".join(part for part in (release, str(one.get("name") or "")) if part),
        _replicas(one, values),
        pod(spec),
        selector={},
        apart=is_true(values.get(apart) if isinstance(apart, str) else apart),
        every_node=is_true(one.get("every_node")),
        not_on_karpenter=is_true(one.get("own_nodes")),
    )


def _replicas(one: JsonObject, values: _Values) -> int:
    given = (values.get(path) for path in strings(one.get("replicas")))
    said = next((found for found in given if found is not None), 1)
    return int(number({"replicas": said}, "replicas"))


def _container(place: Json, values: _Values) -> dict[str, Json]:
    if isinstance(place, str):
        return {"resources": values.get(place) or {}}
    return {"resources": {"requests": {kind: values.get(str(path)) for kind, path in mapping(place).items()}}}
