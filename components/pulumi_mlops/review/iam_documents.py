"""IAM policy documents as inputs hold them: what they allow, to whom, on what."""

import itertools
import json
import re
from collections.abc import Iterator, Mapping

from pulumi_mlops.review.json_data import JsonObject, items, mapping, strings
from pulumi_mlops.review.preview import UNKNOWN
from pulumi_mlops.review.values import is_hidden

BROAD_MANAGED = re.compile(
    r"arn:aws[a-z-]*:iam::aws:policy/(?:.*/)?(AdministratorAccess|PowerUserAccess|\w+FullAccess)"
)
"""AWS's own policies that allow everything, or everything of a service."""
Statement = JsonObject
Grant = tuple[str, str, str, str]
"""Who, may do what, on what, on which condition; a part that a document does not have is empty."""


def statements(value: object) -> list[Statement] | None:
    """The statements of a document; None while it is not known, and none at all where it is no document."""
    if is_hidden(value) and not (isinstance(value, str) and value.lstrip().startswith("{")):
        return None
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return []
    return [one for one in items(mapping(value).get("Statement")) if isinstance(one, Mapping)]


def allows(statement: Statement) -> bool:
    """Whether its effect is Allow."""
    return statement.get("Effect") == "Allow"


def has_condition(statement: Statement) -> bool:
    """Whether a condition bounds it."""
    return any(mapping(keys) for keys in mapping(statement.get("Condition")).values())


def principals(statement: Statement) -> Iterator[tuple[str, str]]:
    """(kind, name) of every principal; for AWS `*` alone is everybody."""
    value = statement.get("Principal")
    if isinstance(value, str):
        yield "AWS", value
    for kind, names in sorted(mapping(value).items()):
        for name in strings(names):
            yield kind, name


def open_to_everybody(statement: Statement) -> bool:
    """Whether it allows everybody without a condition."""
    everybody = any(kind == "AWS" and name == "*" for kind, name in principals(statement))
    return allows(statement) and (everybody or "NotPrincipal" in statement) and not has_condition(statement)


def is_every_action(action: str) -> bool:
    """Whether it is every action, or every one of a service: `*`, `s3:*`."""
    return UNKNOWN not in action and not action.rpartition(":")[2].strip("*?")


def is_every_resource(arn: str) -> bool:
    """Whether it is every resource, or every one of a service: `*`, `arn:aws:s3:::*`."""
    return UNKNOWN not in arn and not arn.split(":", 5)[-1].strip("*?/:")


def grants(value: object, effect: str = "Allow") -> frozenset[Grant]:
    """What the statements with the effect say, one grant for each principal, action and resource."""
    return frozenset(grant for one in statements(value) or () if one.get("Effect") == effect for grant in _grants(one))


def _grants(one: Statement) -> Iterator[Grant]:
    actions = [*strings(one.get("Action")), *(f"all but {action}" for action in strings(one.get("NotAction")))]
    resources = [*strings(one.get("Resource")), *(f"all but {name}" for name in strings(one.get("NotResource")))]
    excluded = [f"all but {name}" for names in mapping(one.get("NotPrincipal")).values() for name in strings(names)]
    who = [*(name for _, name in principals(one)), *excluded]
    condition = json.dumps(one["Condition"], sort_keys=True) if one.get("Condition") else ""
    for principal, action, resource in itertools.product(who or [""], actions or [""], resources or [""]):
        yield principal, action, resource, condition
