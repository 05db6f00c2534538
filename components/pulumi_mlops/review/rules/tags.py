"""Resources on AWS that cost money, or hold data or rights, have tags: those of resource_types with `tagged`."""

from collections.abc import Iterator

from pulumi_mlops.review.findings import Level
from pulumi_mlops.review.json_data import mapping
from pulumi_mlops.review.resource_types import describe
from pulumi_mlops.review.resource_types.facts import Unknown
from pulumi_mlops.review.resources import Resource, Resources
from pulumi_mlops.review.rules._rule import Rule, Verdict, Violation
from pulumi_mlops.review.values import is_hidden

REQUIRED = ("environment", "managed-by")
"""Keys of the tags that every resource on AWS has; the foundation's stacks set them on all."""


def _tags(resource: Resource, resources: Resources) -> Iterator[Verdict]:
    if not describe(resource.type, resource.inputs).tagged:
        return
    tags = resource.inputs.get("tags")
    if is_hidden(tags):
        yield Unknown("tags")
        return
    missing = [key for key in REQUIRED if key not in mapping(tags) and key not in resource.default_tags]
    if missing:
        yield Violation(f"tags lack {' and '.join(missing)}")


RULES = (
    Rule(
        id="required-tags",
        level=Level.WARNING,
        title=f"resources that AWS charges for must have the tags {' and '.join(REQUIRED)}",
        why="only tags show which environment a cost belongs to, and whether a resource may be deleted",
        fix="give `tags` to the component, or set aws:defaultTags for the stack",
        unknown="a key whose value is known only after `up` counts as set; tags that are not known at "
        "all are not judged",
        check=_tags,
    ),
)
