"""IAM policy documents as inputs hold them: what they allow, to whom, on what."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, cast

from pulumi_mlops.review.preview import UNKNOWN
from pulumi_mlops.review.rules._values import hidden, items, mapping

Statement = Mapping[str, Any]


def document(value: Any) -> list[Statement] | None:
    """The statements of a document; None while it is not known, and none at all where it is no document."""
    if hidden(value) and not (isinstance(value, str) and value.lstrip().startswith("{")):
        return None
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except json.JSONDecodeError:
            return []
    return [one for one in items(mapping(value).get("Statement")) if isinstance(one, Mapping)]


def allows(statement: Statement) -> bool:
    """Whether it allows; what it denies is no danger."""
    return statement.get("Effect") == "Allow"


def texts(statement: Statement, key: str) -> list[str]:
    """The values under a key that holds one text or several."""
    return [one for one in items(statement.get(key)) if isinstance(one, str)]


def conditioned(statement: Statement) -> bool:
    """Whether a condition bounds it."""
    return any(mapping(keys) for keys in mapping(statement.get("Condition")).values())


def principals(statement: Statement) -> Iterator[tuple[str, str]]:
    """(kind, name) of everyone it is about; `*` alone is everybody at AWS."""
    value = statement.get("Principal")
    if isinstance(value, str):
        yield "AWS", value
    for kind, names in mapping(cast("Any", value)).items():
        for name in items(names):
            if isinstance(name, str):
                yield kind, name


def open_to_everybody(statement: Statement) -> bool:
    """Whether it allows everybody without a condition."""
    everybody = any(kind == "AWS" and name == "*" for kind, name in principals(statement))
    return allows(statement) and (everybody or "NotPrincipal" in statement) and not conditioned(statement)


def is_every_action(action: str) -> bool:
    """Whether it is every action, or every one of a service: `*`, `s3:*`."""
    return UNKNOWN not in action and not action.rpartition(":")[2].strip("*?")


def is_every_resource(arn: str) -> bool:
    """Whether it is every resource, or every one of a service: `*`, `arn:aws:s3:::*`."""
    return UNKNOWN not in arn and not arn.split(":", 5)[-1].strip("*?/:")
