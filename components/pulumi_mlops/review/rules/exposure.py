"""Nothing that holds data, and no API server, is open to everybody. What is open is in resource_types (`open_if`)."""

from collections.abc import Callable, Iterator

from pulumi_mlops._exceptions import ENDPOINT_ACCESS
from pulumi_mlops.review.findings import Level
from pulumi_mlops.review.json_data import items, mapping
from pulumi_mlops.review.resource_types import describe
from pulumi_mlops.review.resource_types.facts import Holds
from pulumi_mlops.review.resources import Resource, Resources
from pulumi_mlops.review.rules._rule import Check, Rule, Verdict, verdicts

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
        title="S3 buckets must not be public",
        why="anybody can read the models, training data and logs in a public bucket, and nobody notices",
        fix="enable all four settings of the bucket's public access block, and name the principals in its policy",
        unknown="a policy that is known only after `up` is not judged; the public access block is",
        check=_open("s3-public"),
    ),
    Rule(
        id="rds-public",
        level=Level.BLOCKING,
        title="databases must not have a public address",
        why="only its password then protects the database from the internet",
        fix="set publiclyAccessible to false, and connect from inside the VPC",
        unknown="not judged",
        check=_open("rds-public"),
    ),
    Rule(
        id="eks-public",
        level=Level.BLOCKING,
        title="the API server of a cluster must not be reachable from everywhere",
        why="the API server controls the whole cluster, and a vulnerability in it could be exploited from anywhere",
        fix=f"disable public access, or limit it to the networks that need it; {REASON} of "
        "foundation.Cluster is an exception",
        unknown="not judged",
        check=_open("eks-public", _has_reason),
    ),
    Rule(
        id="security-group-public",
        level=Level.BLOCKING,
        title="security groups must not admit the whole internet, except to ports 80 and 443",
        why="scanners find open SSH ports, databases and APIs within minutes",
        fix="admit only the CIDR blocks or security groups that need the port; put a load balancer in "
        "front of a public service",
        unknown="a CIDR block or a port that is known only after `up` is not judged",
        check=_open("security-group-public"),
    ),
    Rule(
        id="resource-policy-public",
        level=Level.BLOCKING,
        title="policies of queues, topics, keys, secrets, repositories and functions must not admit everybody",
        why="Principal * without a condition grants access to every AWS account, or to the whole internet",
        fix="name the principals, or add a condition such as aws:SourceArn or aws:PrincipalOrgID",
        unknown="a policy that is known only after `up` is not judged",
        check=_open("resource-policy-public"),
    ),
    Rule(
        id=ENDPOINT_ACCESS,
        level=Level.BLOCKING,
        title="model endpoints on the internet must require authentication",
        why="anybody who finds the URL can extract the model by its predictions, and uses up its capacity",
        fix="give the ModelEndpoint `access`, or `open_access` with a last day and a reason",
        unknown="a port that is known only after `up`, and a gateway in a stack that is not reviewed, are not judged",
        check=_unguarded,
        whole_stack=True,
    ),
)
