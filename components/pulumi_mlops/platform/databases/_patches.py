"""What compositions of databases have in common: where a manifest says what, the patches, and the pipeline."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from pulumi_mlops import conventions
from pulumi_mlops.platform import _crossplane_packages as packages
from pulumi_mlops.platform.databases import _schema as schema

Object = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Form:
    """Where the parts of one of the two kinds find what the developer wrote."""

    kind: str
    name: str
    """Path of the name that the developer gave."""
    namespace: str
    """Path of the namespace that the developer works in."""
    is_claim: bool


CLAIM = Form(kind=schema.COMPOSITE, name="spec.claimRef.name", namespace="spec.claimRef.namespace", is_claim=True)
NAMESPACED = Form(kind=schema.NAMESPACED, name="metadata.name", namespace="metadata.namespace", is_claim=False)


def pipeline(group: str, form: Form, resources: Sequence[Object]) -> Object:
    """Spec of a Composition that makes these resources."""
    function = {"name": packages.package_name("function-patch-and-transform")}
    content = {"apiVersion": "pt.fn.crossplane.io/v1beta1", "kind": "Resources", "resources": resources}
    ready = {"name": packages.package_name("function-auto-ready")}
    # Where Crossplane writes what it copies into the claim's Secret.
    secrets = {"writeConnectionSecretsToNamespace": conventions.CROSSPLANE_NAMESPACE} if form.is_claim else {}
    return {
        "compositeTypeRef": {"apiVersion": f"{group}/{schema.VERSION}", "kind": form.kind},
        "mode": "Pipeline",
        **secrets,
        "pipeline": [
            {"step": "resources", "functionRef": function, "input": content},
            {"step": "ready", "functionRef": ready},
        ],
    }


def unique_name(form: Form, target: str, prefix: str = "", suffix: str = "", *more: str) -> Object:
    """A name unlike that of any other database, also of one of the same name that was deleted."""
    return combined([form.name, "metadata.uid", *more], f"{prefix}%s-%.{schema.UNIQUE}s{suffix}", target)


def copy(source: str, target: str, *transforms: Object, policy: str = "Required") -> Object:
    """A field of the manifest, or of its status, to one of the resource, which is not made without it."""
    return {
        "type": "FromCompositeFieldPath",
        "fromFieldPath": source,
        "toFieldPath": target,
        "policy": {"fromFieldPath": policy},
        **({"transforms": list(transforms)} if transforms else {}),
    }


def back(source: str, target: str) -> Object:
    """A field of the resource to one of the manifest's status."""
    return {"type": "ToCompositeFieldPath", "fromFieldPath": source, "toFieldPath": target}


def combined(
    sources: Sequence[str], form: pulumi.Input[str], target: str, *transforms: Object, policy: str = "Required"
) -> Object:
    """Several fields of the manifest, in a format of Go, to one of the resource."""
    return {
        "type": "CombineFromComposite",
        "combine": {
            "variables": [{"fromFieldPath": source} for source in sources],
            "strategy": "string",
            "string": {"fmt": form},
        },
        "toFieldPath": target,
        "policy": {"fromFieldPath": policy},
        **({"transforms": list(transforms)} if transforms else {}),
    }


def string(kind: str, **settings: object) -> Object:
    """A transform of a string."""
    return {"type": "string", "string": {"type": kind, **settings}}


def from_json(kind: str) -> Object:
    """A transform of JSON text to an `object` or an `array`, which takes the place of what was there."""
    return {"type": "convert", "convert": {"toType": kind, "format": "json"}}


def former_name(prefix: str = "", suffix: str = "") -> Object:
    """A transform of a name that `unique_name` has made to the developer's own."""
    return string("Regexp", regexp={"match": f"^{prefix}(.*)-[0-9a-f]{{{schema.UNIQUE}}}{suffix}$", "group": 1})


def underscores() -> Object:
    """A name as Postgres takes it without quotes."""
    return string("Replace", replace={"search": "-", "replace": "_"})
