"""A platform fits on the nodes of its cluster."""

from collections.abc import Iterator

from pulumi_mlops.review.capacity.fit import PLATFORM, Verdict, fit
from pulumi_mlops.review.findings import Level
from pulumi_mlops.review.resources import Resource, Resources
from pulumi_mlops.review.rules._rule import Rule, Violation


def _fits(resource: Resource, resources: Resources) -> Iterator[Violation]:
    if resource.type == PLATFORM:
        found = fit(resource, resources.all)
        if found.verdict is Verdict.DOES_NOT_FIT:
            yield Violation(f"{resource.stack} {found.message}")


RULES = (
    Rule(
        id="platform-fits",
        level=Level.BLOCKING,
        title="a platform fits on the fewest nodes that its cluster may have",
        why="a pod without room stays pending, and `up` waits for it until it fails half way",
        fix="raise min_size in the foundation and bring that up first (of a group that exists raise the desired size "
        "before: EKS refuses a minimum above it), let Karpenter add nodes, or ask for less by sizes and replicas",
        unknown="node groups that are not known, and what a controller makes, are named in the stack's summary",
        check=_fits,
        whole_stack=True,
    ),
)
