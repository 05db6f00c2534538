"""The value keys of other projects' charts, and which keys of ours a chart does not know."""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from maintenance import upstream

Tree = dict[str, Any]


def read(chart: str) -> dict[str, Any]:
    """`keys` and `schema` (null where the chart has none) of a chart at the pinned version."""
    return upstream.content(upstream.CHART, chart)


def unknown_keys(values: Mapping[str, Any], known: Tree, at: str = "") -> Iterator[str]:
    """One sentence for each key that the chart does not have, with its path and the nearest key that it has."""
    for key, value in values.items():
        below = known.get(key)
        if below is None:
            near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
            hint = f"did you mean {at}{near[0]}?" if near else f"it has {sorted(known)}"
            yield f"{at}{key} is no value of the chart; {hint}"
        elif isinstance(below, dict) and isinstance(value, Mapping):
            yield from unknown_keys(value, below, f"{at}{key}.")
