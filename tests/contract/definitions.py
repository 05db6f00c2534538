"""Makes the data files about other projects' CustomResourceDefinitions from directories of their manifests.

`python tests/contract/definitions.py package DIRECTORY TARGET` keeps whole definitions, to be installed;
`python tests/contract/definitions.py schemas DIRECTORY TARGET KIND …` keeps the stored schema of some kinds.
Descriptions are left out of both.
"""

import gzip
import json
import sys
from pathlib import Path
from typing import Any

import yaml


def stripped(node: Any) -> Any:
    """The same without descriptions; a property may be called "description", which is no text."""
    if isinstance(node, list):
        return [stripped(part) for part in node]
    if not isinstance(node, dict):
        return node
    return {key: stripped(part) for key, part in node.items() if key != "description" or isinstance(part, dict)}


def read(directory: Path) -> list[dict[str, Any]]:
    files = sorted(directory.glob("*.yaml"))
    return [one for file in files for one in yaml.safe_load_all(file.read_text(encoding="utf-8")) if one]


def package(definitions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Name, annotations, labels and spec of each definition."""
    kept = ("name", "annotations", "labels")
    return [
        {
            "metadata": {key: one["metadata"][key] for key in kept if key in one["metadata"]},
            "spec": stripped(one["spec"]),
        }
        for one in definitions
    ]


def schemas(definitions: list[dict[str, Any]], kinds: list[str]) -> dict[str, Any]:
    """Schema of the stored version of each kind."""
    found = {}
    for one in definitions:
        if one["spec"]["names"]["kind"] in kinds:
            (version,) = [version for version in one["spec"]["versions"] if version["storage"]]
            found[one["spec"]["names"]["kind"]] = stripped(version["schema"]["openAPIV3Schema"])
    return found


def write(target: Path, content: Any) -> None:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    target.write_bytes(gzip.compress(text.encode(), mtime=0))


if __name__ == "__main__":
    form, source, file, *names = sys.argv[1:]
    found = read(Path(source))
    write(Path(file), package(found) if form == "package" else schemas(found, names))
