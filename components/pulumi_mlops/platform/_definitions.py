"""Definitions of custom resources that the library installs itself, a resource each, from data in the package.

Helm installs the definitions inside a chart once and never updates them; as resources they follow the pinned version.
"""

import gzip
import json
from pathlib import Path

import pulumi
import pulumi_kubernetes as k8s

from pulumi_mlops._manifests import Manifest

DATA = Path(__file__).parent / "data"


def read(project: str) -> list[Manifest]:
    """Metadata and spec of every definition of a project, in the order of their files upstream."""
    return json.loads(gzip.decompress((DATA / f"{project}.json.gz").read_bytes()))["content"]


def install(
    name: str, definitions: list[Manifest], parent: pulumi.Resource, *, keep: bool
) -> dict[str, k8s.apiextensions.v1.CustomResourceDefinition]:
    """Creates the definitions and returns them by their names; with `keep` they survive `destroy`."""
    return {
        one["metadata"]["name"]: k8s.apiextensions.v1.CustomResourceDefinition(
            f"{name}-{one['spec']['names']['plural']}",
            metadata=one["metadata"],
            spec=one["spec"],
            opts=pulumi.ResourceOptions(parent=parent, retain_on_delete=keep),
        )
        for one in definitions
    }
