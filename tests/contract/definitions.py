"""Other projects' CustomResourceDefinitions, to check manifests against; made by maintenance/upstream_files.py."""

from typing import Any

from pulumi_mlops.platform import gateway_api

from maintenance import upstream

ARGO_WORKFLOWS = ("argo-workflows", "argo-workflows-before-eks", "argo-workflows-after-eks")
"""The version that runs on one machine, and those around the one on EKS, whose own manifests could not be had."""
PROJECTS = [
    data.name for data in upstream.DATA if data.kind is upstream.DEFINITIONS and data.name not in ARGO_WORKFLOWS[1:]
]


def of_project(project: str) -> list[dict[str, Any]]:
    """The stored definitions of a project as manifests."""
    if project == "gateway-api":  # which the library installs itself
        return [_manifest(one) for one in gateway_api.definitions()]
    return [_manifest(one) for one in upstream.content(upstream.DEFINITIONS, project)]


def everything() -> list[dict[str, Any]]:
    """The definitions of all projects, of the pinned versions."""
    return [one for project in (*PROJECTS, "gateway-api") for one in of_project(project)]


def schema(definitions: list[dict[str, Any]], api_version: str, kind: str) -> dict[str, Any]:
    """What one version of a kind has to look like.

    Raises:
        LookupError: no definition has it.
    """
    for one in definitions:
        for version in one["spec"]["versions"]:
            if (f"{one['spec']['group']}/{version['name']}", one["spec"]["names"]["kind"]) == (api_version, kind):
                return version["schema"]["openAPIV3Schema"]
    raise LookupError(f"no stored definition of {api_version} {kind}: add it to maintenance/upstream.py")


def _manifest(definition: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", **definition}
