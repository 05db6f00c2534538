"""Kubernetes objects have no field that their kind does not have: a preview passes with one, and `up` refuses it."""

from collections.abc import Iterator

from pulumi_mlops.review import known_fields
from pulumi_mlops.review.findings import Level
from pulumi_mlops.review.known_fields import BUILT_IN, CUSTOM
from pulumi_mlops.review.resources import Resource, Resources, api_version
from pulumi_mlops.review.rules._rule import Check, Rule, Verdict, Violation

_WHY = "previews of the Kubernetes provider pass with a field that does not exist, and `up` fails half way"


def _fields_of(file: str) -> Check:
    def check(resource: Resource, _: Resources) -> Iterator[Verdict]:
        if not resource.kind:
            return
        version = api_version(resource.type, resource.inputs)
        known = f"as of Kubernetes {known_fields.version(file)}" if file == BUILT_IN else "in the definition known here"
        for one in known_fields.unknown(file, version, resource.kind, resource.inputs):
            hint = f"; did you mean {one.hint}?" if one.hint else ""
            yield Violation(f"{version} {resource.kind} has no field {one.path} {known}{hint}")

    return check


RULES = (
    Rule(
        id="unknown-field",
        level=Level.BLOCKING,
        title="objects of built-in kinds must only have fields that exist",
        why=_WHY,
        fix="spell the field as `kubectl explain` does, and put it where it belongs",
        unknown="what is below a value that is known only after `up` is not judged",
        check=_fields_of(BUILT_IN),
    ),
    Rule(
        id="unknown-custom-field",
        level=Level.WARNING,
        title="objects of custom kinds must only have fields of their definition",
        why=f"{_WHY}, or the server drops the field",
        fix="spell the field as `kubectl explain` does; a newer version of the chart than the library's may have it",
        unknown="what is below a value that is known only after `up`, and kinds of other charts, are not judged",
        check=_fields_of(CUSTOM),
    ),
)
