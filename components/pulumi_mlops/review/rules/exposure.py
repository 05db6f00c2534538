"""Nothing that holds data, and no API server, is open to everybody. What is open is in resource_types (`open_if`)."""

from collections.abc import Callable, Iterator

from pulumi_mlops._exceptions import ENDPOINT_ACCESS
from pulumi_mlops.review.findings import Level
from pulumi_mlops.review.resource_types import describe
from pulumi_mlops.review.resource_types.facts import Holds
from pulumi_mlops.review.resources import Resource, Resources
from pulumi_mlops.review.rules._rule import Check, Rule, Verdict, verdicts
from pulumi_mlops.review.values import items, mapping

REASON = "public_access_reason"
"""Argument of `foundation.Cluster` that says why everybody may reach the API server: it counts as an exception."""
Excuse = Callable[[Resource, Resources], bool]


def _no_excuse(resource: Resource, resources: Resources) -> bool:
    return False


def _has_reason(resource: Resource, resources: Resources) -> bool:
    return any(above.inputs.get(REASON) for above in resources.ancestors(resource))


def _open(rule: str, excuse: Excuse = _no_excuse) -> Check:
    def check(resource: Resource, resources: Resources) -> Iterator[Verdict]:
        open_if = describe(resource.type, resource.inputs).open_if
        if open_if and open_if.rule == rule and not excuse(resource, resources):
            yield from verdicts(open_if.condition(resource.inputs))

    return check


def _public_gateway(resource: Resource) -> str | None:
    """The namespace of a Service whose load balancer faces the internet, with the routes of a Gateway behind it."""
    published = describe(resource.type, resource.inputs).published_if if resource.kind == "Service" else None
    if published and any(isinstance(fact, Holds) for fact in published(resource.inputs)):
        return str(mapping(resource.inputs.get("metadata")).get("namespace") or "default")
    return None


def _unguarded(resource: Resource, resources: Resources) -> Iterator[Verdict]:
    condition = describe(resource.type, resource.inputs).unguarded_if
    if condition is None:
        return
    own = mapping(resource.inputs.get("metadata")).get("namespace")
    parents = [mapping(one) for one in items(mapping(resource.inputs.get("spec")).get("parentRefs"))]
    gateways = {str(parent.get("namespace") or own or "default") for parent in parents}
    if gateways & {*resources.groups(resource, _public_gateway)}:
        yield from verdicts(condition(resource.inputs))


RULES = (
    Rule(
        id="s3-public",
        level=Level.BLOCKING,
        title="no bucket is open to everybody",
        why="models, training data and logs leak through one open bucket, and whoever finds it does not report it",
        fix="set all four settings of the bucket's public access block, and name principals in its policy",
        unknown="a policy that is known only after `up` stays open; what blocks public access is decided now",
        check=_open("s3-public"),
    ),
    Rule(
        id="rds-public",
        level=Level.BLOCKING,
        title="no database has a public address",
        why="a database on the internet is one guessed or leaked password away from everybody",
        fix="set publiclyAccessible to false and reach it from inside the VPC",
        unknown="stays open",
        check=_open("rds-public"),
    ),
    Rule(
        id="eks-public",
        level=Level.BLOCKING,
        title="no API server is reachable from everywhere",
        why="the API server controls everything in the cluster; a flaw in it must not be reachable by everybody",
        fix=f"turn public access off, or name the networks that need it; {REASON} of foundation.Cluster excepts it",
        unknown="stays open",
        check=_open("eks-public", _has_reason),
    ),
    Rule(
        id="security-group-public",
        level=Level.BLOCKING,
        title="no security group lets the whole internet in, except to ports 80 and 443",
        why="SSH, databases and APIs that everybody can reach are found by scanners within minutes",
        fix="name the CIDR blocks or security groups that need the port; put a load balancer before a public service",
        unknown="a CIDR block or a port that is known only after `up` stays open",
        check=_open("security-group-public"),
    ),
    Rule(
        id="resource-policy-public",
        level=Level.BLOCKING,
        title="no queue, topic, key, secret, repository or function lets everybody in",
        why="a policy with Principal * and no condition gives every AWS account, or the internet, what it allows",
        fix="name the principals, or add a condition such as aws:SourceArn or aws:PrincipalOrgID",
        unknown="a policy that is known only after `up` stays open",
        check=_open("resource-policy-public"),
    ),
    Rule(
        id=ENDPOINT_ACCESS,
        level=Level.BLOCKING,
        title="no model endpoint answers everybody on the internet",
        why="whoever finds the URL can copy the model by asking it, and takes capacity from the clients that it is for",
        fix="give the ModelEndpoint `access`, or `open_access` with a last day and a reason",
        unknown="a port that is known only after `up` stays open; a gateway in a stack that is left out is not seen",
        check=_unguarded,
        whole_stack=True,
    ),
)
