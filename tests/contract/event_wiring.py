"""Which sensors of Argo Events wait for an event that nothing sends.

A sensor's dependency names an event source and one of its events. The API server takes any name, and Argo Events then
waits for ever without a word; so the names are compared here, among the objects of one program. Covered: namespace,
event source, event, event bus, and the dependencies that a trigger's condition and parameters name. Not covered: what
is inside an event (filters, paths of data), and event sources that somebody else owns.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

DEFAULT_BUS = "default"
NO_EVENTS = {"template", "service", "eventBusName", "replicas"}
"""Fields of an EventSource's spec that are no kind of events."""


def dangling(objects: Iterable[Mapping[str, Any]]) -> list[str]:
    """One sentence for each name by which a sensor waits in vain, among manifests of all kinds."""
    known = [one for one in objects if one.get("kind") in ("EventSource", "Sensor")]
    sources = {_place(one): one["spec"] for one in known if one["kind"] == "EventSource"}
    return [problem for one in known if one["kind"] == "Sensor" for problem in _of_sensor(one, sources)]


def _of_sensor(sensor: Mapping[str, Any], sources: Mapping[tuple[str, str], Mapping[str, Any]]) -> Iterator[str]:
    namespace, name = _place(sensor)
    spec = sensor["spec"]
    for one in spec.get("dependencies", []):
        where = f"sensor {namespace}/{name}, dependency {one['name']}"
        source = sources.get((namespace, one["eventSourceName"]))
        if source is None:
            there = ", ".join(sorted(known for place, known in sources if place == namespace)) or "none"
            yield f"{where}: there is no event source {one['eventSourceName']} in the namespace; there is {there}"
            continue
        if one["eventName"] not in (events := events_of(source)):
            yield f"{where}: {one['eventSourceName']} has no event {one['eventName']}; it has {', '.join(events)}"
        if (bus := spec.get("eventBusName", DEFAULT_BUS)) != (its := source.get("eventBusName", DEFAULT_BUS)):
            yield f"{where}: the sensor listens to event bus {bus}, {one['eventSourceName']} sends to {its}"
    names = {one["name"] for one in spec.get("dependencies", [])}
    if not names:
        yield f"sensor {namespace}/{name} has no dependency"
    for trigger in spec.get("triggers", []):
        for used in sorted(set(_named_by(trigger)) - names):
            yield f"sensor {namespace}/{name}, trigger {trigger['template']['name']}: there is no dependency {used}"


def events_of(source: Mapping[str, Any]) -> list[str]:
    """Names of the events in an EventSource's spec, of whatever kind."""
    kinds = [value for key, value in source.items() if key not in NO_EVENTS and isinstance(value, Mapping)]
    return sorted(event for kind in kinds for event in kind)


def _named_by(node: Any) -> Iterator[str]:
    """Dependencies that a trigger names: in its condition, such as `push && !tag`, and as sources of parameters."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            if key == "dependencyName":
                yield value
            elif key == "conditions" and isinstance(value, str):
                yield from re.findall(r"[\w-]+", value)
            else:
                yield from _named_by(value)
    elif isinstance(node, list):
        for part in node:
            yield from _named_by(part)


def _place(one: Mapping[str, Any]) -> tuple[str, str]:
    return one["metadata"]["namespace"], one["metadata"]["name"]
