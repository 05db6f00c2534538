"""A cluster has the nodes that its platform needs, and EKS accepts their number."""

from collections.abc import Iterator

from pulumi_mlops import _quantities
from pulumi_mlops.review.capacity import fit
from pulumi_mlops.review.findings import Level
from pulumi_mlops.review.json_data import mapping
from pulumi_mlops.review.resources import Resource, Resources
from pulumi_mlops.review.rules._rule import Rule, Verdict, Violation

NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"


def _fits(resource: Resource, resources: Resources) -> Iterator[Verdict]:
    if resource.type == fit.PLATFORM:
        found = fit.fit(resource, resources.all)
        if found.verdict is fit.Verdict.DOES_NOT_FIT:
            yield Violation(f"{resource.stack} {found.message}")


def _minimum(resource: Resource, _: Resources) -> Iterator[Verdict]:
    if resource.type != NODE_GROUP:
        return
    sizes = mapping(resource.inputs.get("scalingConfig"))
    least, desired = (_quantities.parse(sizes.get(key)) for key in ("minSize", "desiredSize"))
    if least is not None and desired is not None and least > desired:
        yield Violation(f"scalingConfig.minSize is {least} and desiredSize {desired}")


RULES = (
    Rule(
        id="platform-fits",
        level=Level.BLOCKING,
        title="a platform must fit on the minimum number of nodes of its cluster",
        why="a pod that fits on no node stays pending, and `up` waits for it until it fails",
        fix="raise min_size in the foundation and bring that up first, let Karpenter add nodes, or ask for less by "
        "sizes and replicas",
        unknown="node groups that are not known, and what a controller makes, are named in the stack's summary",
        check=_fits,
        whole_stack=True,
    ),
    Rule(
        id="node-group-minimum",
        level=Level.BLOCKING,
        title="the minimum of a node group must not be above its desired size",
        why="EKS refuses it, and this library leaves the desired size of an existing group to autoscalers",
        fix="raise the desired size by `aws eks update-nodegroup-config --scaling-config desiredSize=…`, then "
        "`pulumi refresh`, which tells Pulumi of it, then `up`",
        unknown="sizes that are known only after `up` are not judged",
        check=_minimum,
    ),
)
