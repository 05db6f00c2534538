"""Other projects' CustomResourceDefinitions, to check manifests against: how the data files are made, and read.

`python tests/contract/definitions.py DIRECTORY TARGET [KIND …]` keeps the definitions of a directory of manifests, all
or those of some kinds, whole but for their descriptions: what an API server is given.
"""

import gzip
import json
import sys
from pathlib import Path
from typing import Any

import yaml
from pulumi_mlops import versions
from pulumi_mlops.platform import gateway_api

SCHEMAS = Path(__file__).parent / "schemas"
ARGO_WORKFLOWS = (versions.ARGO_WORKFLOWS, "4.0.5", "4.1.2")
"""The version that runs on one machine, and those around the one on EKS, whose own manifests could not be had."""
STORED = {
    "argo-events": "1.9.10",
    "argo-workflows": versions.ARGO_WORKFLOWS,
    "cert-manager": versions.CERT_MANAGER.removeprefix("v"),
    "crossplane": versions.CROSSPLANE,
    "crossplane-provider-aws": versions.CROSSPLANE_AWS,
    "external-secrets": versions.EXTERNAL_SECRETS,
    "karpenter": versions.KARPENTER,
    "prometheus-operator": "0.93.1",
}
"""Project → version of its definitions; where no pin names the program itself, the one that the pinned chart has."""


def of_project(project: str, version: str | None = None) -> list[dict[str, Any]]:
    """The stored definitions of a project as manifests; of the version that the library pins when none is given."""
    if project == "gateway-api":  # which the library installs itself
        return [_manifest(one) for one in gateway_api.definitions()]
    file = SCHEMAS / f"{project}-{version or STORED[project]}.json.gz"
    return [_manifest(one) for one in json.loads(gzip.decompress(file.read_bytes()))]


def everything() -> list[dict[str, Any]]:
    """The definitions of all projects, of the pinned versions."""
    return [one for project in (*STORED, "gateway-api") for one in of_project(project)]


def schema(definitions: list[dict[str, Any]], api_version: str, kind: str) -> dict[str, Any]:
    """What one version of a kind has to look like.

    Raises:
        LookupError: no definition has it.
    """
    for one in definitions:
        for version in one["spec"]["versions"]:
            if (f"{one['spec']['group']}/{version['name']}", one["spec"]["names"]["kind"]) == (api_version, kind):
                return version["schema"]["openAPIV3Schema"]
    raise LookupError(f"no stored definition of {api_version} {kind}: see tests/contract/schemas/README.md")


def _manifest(definition: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", **definition}


def stripped(node: Any) -> Any:
    """The same without descriptions; a property may be called "description", which is no text."""
    if isinstance(node, list):
        return [stripped(part) for part in node]
    if not isinstance(node, dict):
        return node
    return {key: stripped(part) for key, part in node.items() if key != "description" or isinstance(part, dict)}


def read(directory: Path) -> list[dict[str, Any]]:
    """Every definition in the manifests of a directory."""
    files = sorted(directory.glob("*.yaml"))
    documents = [one for file in files for one in yaml.safe_load_all(file.read_text(encoding="utf-8")) if one]
    return [one for one in documents if one["kind"] == "CustomResourceDefinition"]


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


def write(target: Path, content: Any) -> None:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    target.write_bytes(gzip.compress(text.encode(), mtime=0))


if __name__ == "__main__":
    source, file, *kinds = sys.argv[1:]
    found = [one for one in read(Path(source)) if one["spec"]["names"]["kind"] in kinds or not kinds]
    write(Path(file), package(found))
