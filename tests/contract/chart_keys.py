"""The value keys of upstream's charts, and which keys of ours a chart does not know.

`python tests/contract/chart_keys.py DIRECTORY …` reads charts (directories with Chart.yaml, values.yaml and perhaps
values.schema.json) and writes what the tests need of them to data/charts/<chart>-<version>.json.gz: the tree of keys
without any text of upstream's, and the schema without its descriptions.

A tree has a subtree for every map that has keys; a leaf is the YAML type of the default. An empty map, an empty list
and null say nothing of what may stand below them, so anything may.
"""

import difflib
import gzip
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

DATA = Path(__file__).parent / "data" / "charts"
ANYTHING = "anything"
ISTIO_DEFAULTS = "_internal_defaults_do_not_set"
"""Where Istio's charts keep their defaults; users set the same keys at the top."""

Tree = dict[str, Any]


def tree(value: Any) -> Any:
    """The keys of a chart's default values."""
    if isinstance(value, dict):
        return {str(key): tree(part) for key, part in value.items()} or ANYTHING
    return ANYTHING if value in (None, []) else type(value).__name__


def stripped(schema: Any) -> Any:
    """A JSON schema without prose."""
    if isinstance(schema, list):
        return [stripped(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    prose = {key for key in ("description", "title", "$comment", "examples", "default") if _is_prose(schema.get(key))}
    return {key: stripped(part) for key, part in schema.items() if key not in prose}


def _is_prose(value: Any) -> bool:
    return value is not None and not (isinstance(value, dict) and ("type" in value or "$ref" in value))


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


def read(chart: str, version: str) -> dict[str, Any]:
    """`keys` and `schema` (null where the chart has none) of a chart at a version.

    Raises:
        FileNotFoundError: this version was never read; the message says how that is done.
    """
    file = DATA / f"{chart}-{version}.json.gz"
    if not file.exists():
        have = ", ".join(sorted(one.name.removesuffix(".json.gz") for one in DATA.glob(f"{chart}-*")))
        raise FileNotFoundError(
            f"no keys of chart {chart} {version} ({have or 'none of this chart'}): unpack the chart and run "
            "`python tests/contract/chart_keys.py <its directory>`"
        )
    return json.loads(gzip.decompress(file.read_bytes()))


def write(directory: Path, version: str | None = None) -> Path:
    """Reads a chart's directory and writes its data; `version` where Chart.yaml has a placeholder."""
    chart = yaml.safe_load((directory / "Chart.yaml").read_text())
    defaults = yaml.safe_load((directory / "values.yaml").read_text()) or {}
    schema = directory / "values.schema.json"
    hidden = defaults.pop(ISTIO_DEFAULTS, {})
    content = {
        "keys": tree({**defaults, **hidden}) if defaults or hidden else {},
        "schema": stripped(json.loads(schema.read_text())) if schema.exists() else None,
    }
    DATA.mkdir(parents=True, exist_ok=True)
    target = DATA / f"{chart['name']}-{version or chart['version']}.json.gz"
    target.write_bytes(gzip.compress(json.dumps(content, sort_keys=True).encode(), mtime=0))
    return target


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        place, _, released = argument.partition("=")
        print(write(Path(place), released or None))
