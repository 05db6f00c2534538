"""What an IAM policy document allows, by the rules of IAM, as far as the library's documents need them.

A denial wins over whatever allows; what nothing allows is denied. An operator that is not implemented is an error.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

Context = Mapping[str, str | Sequence[str]]


def allowed(
    document: str | Mapping[str, Any],
    action: str,
    resource: str | None = None,
    context: Context | None = None,
    principal: tuple[str, str] | None = None,
) -> bool:
    """Whether the document alone allows the action.

    `resource` and `principal` (its kind and its name) are looked at where a statement has them: the policy of a role
    names no principal, the trust of a role no resource.
    """
    effects = {
        statement["Effect"]
        for statement in statements(document)
        if _concerns(statement, action, resource, principal) and _holds(statement.get("Condition", {}), context or {})
    }
    return effects == {"Allow"}


def reachable(document: str | Mapping[str, Any], action: str, resource: str) -> bool:
    """Whether there can be any circumstances at all in which the document allows the action.

    Conditions count as met and denials as absent, so that a test of what must be refused forgets no circumstance.
    """
    return any(
        statement["Effect"] == "Allow" and _concerns(statement, action, resource, None)
        for statement in statements(document)
    )


def statements(document: str | Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The statements of a document of the current policy language."""
    parsed: Mapping[str, Any] = json.loads(document) if isinstance(document, str) else document
    assert parsed["Version"] == "2012-10-17"
    return parsed["Statement"]


def listed(value: str | Sequence[str]) -> list[str]:
    """IAM takes one text where it takes a list of them."""
    return [value] if isinstance(value, str) else [*value]


def _concerns(
    statement: Mapping[str, Any], action: str, resource: str | None, principal: tuple[str, str] | None
) -> bool:
    unknown = set(statement) - {"Sid", "Effect", "Action", "Resource", "Principal", "Condition"}
    assert not unknown, f"not implemented: {unknown}"
    if not any(_like(action.lower(), pattern.lower()) for pattern in listed(statement["Action"])):
        return False
    if "Resource" in statement:
        assert resource, "the statement is about resources: name one"
        if not any(_like(resource, pattern) for pattern in listed(statement["Resource"])):
            return False
    if "Principal" in statement:
        assert principal, "the statement is about principals: name one"
        kind, name = principal
        everybody = "*" in listed(statement["Principal"].get("AWS", []))
        return everybody or name in listed(statement["Principal"].get(kind, []))
    return True


def _holds(conditions: Mapping[str, Mapping[str, str | list[str]]], context: Context) -> bool:
    return all(
        _compare(operator, listed(expected), context.get(key))
        for operator, keys in conditions.items()
        for key, expected in keys.items()
    )


def _compare(operator: str, expected: Sequence[str], found: str | Sequence[str] | None) -> bool:
    if operator == "Null":
        return (found is None) is (expected == ["true"])
    every, _, plain = operator.rpartition(":")
    negated = plain == "StringNotEquals"
    compare = {
        "StringEquals": lambda value, wanted: value == wanted,
        "StringNotEquals": lambda value, wanted: value == wanted,
        "StringLike": _like,
        "ArnLike": _like,
        "Bool": lambda value, wanted: value.lower() == wanted.lower(),
    }[plain]
    assert every in ("", "ForAllValues"), f"not implemented: {operator}"
    if every:
        values = [] if found is None else listed(found)
        return all(any(compare(value, wanted) for wanted in expected) is not negated for value in values)
    if found is None:
        return negated
    return isinstance(found, str) and any(compare(found, wanted) for wanted in expected) is not negated


def _like(value: str, pattern: str) -> bool:
    """IAM's patterns: `*` is any text, slashes included, `?` any character; nothing else is special."""
    parts = [".*" if char == "*" else "." if char == "?" else re.escape(char) for char in pattern]
    return re.fullmatch("".join(parts), value, re.DOTALL) is not None
