"""Whether a chart's value has the form of what the chart renders it to, by the types of the Kubernetes API.

A chart with a free-form value (`securityContext: {}`) accepts anything; a value of the wrong form becomes a field in
the wrong place, which the API server drops or refuses when the release is installed.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from kubernetes import client

DATA = Path(__file__).parent / "data" / "shapes.yaml"
PART_OF_A_POD = re.compile(
    r"securitycontext|^resources|resources$|tolerations$|affinity$|nodeselector$|env$|envfrom$|spreadconstraints$"
    r"|^volumes$|volumemounts$|probe$|^strategy$|deploymentstrategy$|containers$|hostaliases$",
    re.IGNORECASE,
)
"""Names that charts give to values which are parts of a pod's or container's specification."""
SCALARS: dict[str, tuple[type, ...]] = {"str": (str,), "int": (int,), "bool": (bool,), "float": (int, float)}


@dataclass(frozen=True)
class Shape:
    """Where a chart puts one value."""

    type: str
    """Type of the Kubernetes API, or `list[type]`."""
    chart_sets: Sequence[str] = ()
    """Names that the template itself writes there: variables of a list, fields of an object."""

    def problems(self, value: Any) -> Iterator[str]:
        """One sentence for each part of a value that does not fit."""
        yield from _problems(value, self.type, "")
        names = [one.get("name") for one in value] if isinstance(value, list) else list(value)
        yield from (f"{name} is set by the chart itself" for name in names if name in self.chart_sets)


def facts() -> dict[str, dict[str, Shape]]:
    """Chart → path of a value → where it is rendered."""
    written = yaml.safe_load(DATA.read_text())
    return {
        chart: {path: Shape(**fact) if isinstance(fact, dict) else Shape(fact) for path, fact in paths.items()}
        for chart, paths in written.items()
    }


def parts_of_pods(values: Mapping[str, Any], at: str = "") -> Iterator[tuple[str, Any]]:
    """Path and value of everything that is part of a pod, by its name."""
    for key, value in values.items():
        if PART_OF_A_POD.search(key):
            yield f"{at}{key}", value
        elif isinstance(value, Mapping):
            yield from parts_of_pods(value, f"{at}{key}.")


def _problems(value: Any, type_name: str, at: str) -> Iterator[str]:
    container, _, inner = type_name.lower().partition("[")
    if container == "list":
        if not isinstance(value, list):
            yield f"{at or 'it'} must be a list"
            return
        for index, one in enumerate(value):
            yield from _problems(one, type_name[len("list[") : -1], f"{at}[{index}]")
    elif container == "dict":
        if not isinstance(value, Mapping):
            yield f"{at or 'it'} must be a mapping"
            return
        for key, one in value.items():
            yield from _problems(one, type_name[len("dict[") : -1].split(", ", 1)[1], f"{at}.{key}")
    elif not inner and type_name in SCALARS:
        if not isinstance(value, SCALARS[type_name]) or (isinstance(value, bool) and type_name != "bool"):
            yield f"{at or 'it'} must be {type_name}, got {value!r}"
    elif type_name != "object":  # which is the client's word for a number or a text
        yield from _fields(value, type_name, at)


def _fields(value: Any, type_name: str, at: str) -> Iterator[str]:
    model = getattr(client, type_name, None) or getattr(client, f"V1{type_name}")
    if not isinstance(value, Mapping):
        yield f"{at or 'it'} must be a {type_name}, got {value!r}"
        return
    attributes = {field: attribute for attribute, field in model.attribute_map.items()}
    for key, one in value.items():
        if key not in attributes:
            yield f"{at}.{key} is no field of {type_name.removeprefix('V1')}".lstrip(".")
        else:
            yield from _problems(one, model.openapi_types[attributes[key]], f"{at}.{key}".lstrip("."))
