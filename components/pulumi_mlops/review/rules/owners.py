"""Every Kubernetes object has one owner."""

from collections.abc import Iterator
from itertools import islice

from pulumi_mlops.review.findings import Level
from pulumi_mlops.review.json_data import mapping
from pulumi_mlops.review.resource_types.facts import Unknown
from pulumi_mlops.review.resources import Resource, Resources
from pulumi_mlops.review.rules._rule import Rule, Verdict, Violation
from pulumi_mlops.review.values import is_hidden

RELEASE = "kubernetes:helm.sh/v3:Release"
Identity = tuple[str, str, str]
MAX_NAMED = 3
"""Other owners that a finding names; each of a thousand owners naming all others would be a million sentences."""


def identity(resource: Resource) -> Identity | None:
    """(kind with its group, namespace, name) of an object; None where it is none, or cannot be told yet."""
    inputs = resource.inputs
    if resource.type == RELEASE:
        found = ("Release of Helm", inputs.get("namespace"), inputs.get("name"))
    elif resource.type.startswith("kubernetes:") and not resource.type.endswith("Patch"):
        metadata = mapping(inputs.get("metadata"))
        group = str(inputs.get("apiVersion") or "").rpartition("/")[0]
        kind = f"{inputs.get('kind')}{'.' if group else ''}{group}"
        found = (kind, metadata.get("namespace"), metadata.get("name"))
    else:
        return None
    kind, namespace, name = found
    if not isinstance(name, str) or is_hidden(name) or is_hidden(namespace):
        return None
    return kind, str(namespace or ""), name


def _single(resource: Resource, resources: Resources) -> Iterator[Verdict]:
    mine = identity(resource)
    if mine is None:
        if _named_later(resource):
            yield Unknown("metadata.name")
        return
    claimants = resources.groups(resource, identity)[mine]
    others = tuple(islice((one for one in claimants if one.urn != resource.urn), MAX_NAMED))
    if others:
        kind, namespace, name = mine
        place = f" in {namespace}" if namespace else ""
        named = ", ".join(f"{other.name} of stack {other.stack}" for other in others)
        more = len(claimants) - 1 - len(others) if len(others) == MAX_NAMED else 0
        yield Violation(f"{kind} {name}{place} is also {named}{f' and {more} more' if more > 0 else ''}")


def _named_later(resource: Resource) -> bool:
    metadata = mapping(resource.inputs.get("metadata"))
    return resource.type.startswith("kubernetes:") and any(
        is_hidden(metadata.get(key)) for key in ("name", "namespace")
    )


RULES = (
    Rule(
        id="single-owner",
        level=Level.BLOCKING,
        title="a Kubernetes object must not belong to two resources or two stacks",
        why="each `up` of one reverts the changes of the other, and the first destroy deletes the object of both",
        fix="keep it in one stack and refer to it by name in the other, or use the kind's Patch resource",
        unknown="an object whose name or namespace is known only after `up` is not judged",
        check=_single,
        whole_stack=True,
    ),
)
