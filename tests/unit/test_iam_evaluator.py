"""The evaluator that the tests of policies rely on, held against what AWS documents of IAM."""

from typing import Any

import pytest

from tests.iam import allowed, reachable


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(action: str, resource: str, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": [action], "Resource": [resource], **more}


def test_what_nothing_allows_is_denied() -> None:
    assert not allowed(document(), "s3:GetObject", "arn:aws:s3:::a/b")


def test_a_denial_wins() -> None:
    both = document(allow("s3:*", "*"), {**allow("s3:GetObject", "*"), "Effect": "Deny"})
    assert not allowed(both, "s3:GetObject", "arn:aws:s3:::a/b")
    assert allowed(both, "s3:PutObject", "arn:aws:s3:::a/b")


@pytest.mark.parametrize(
    ("pattern", "resource", "fits"),
    [
        ("arn:aws:s3:::a/*", "arn:aws:s3:::a/b/c", True),
        ("arn:aws:s3:::a/*", "arn:aws:s3:::a", False),
        ("arn:aws:s3:::a", "arn:aws:s3:::a/b", False),
        ("arn:aws:s3:::a.b/*", "arn:aws:s3:::axb/c", False),
        ("arn:aws:s3:::a?/c", "arn:aws:s3:::ab/c", True),
    ],
)
def test_patterns_match_as_those_of_iam(pattern: str, resource: str, fits: bool) -> None:
    assert allowed(document(allow("s3:GetObject", pattern)), "S3:getobject", resource) is fits


@pytest.mark.parametrize(
    ("operator", "found", "holds"),
    [
        ("StringEquals", "a*", True),
        ("StringEquals", "ab", False),
        ("StringEquals", None, False),
        ("StringLike", "ab", True),
        ("StringLike", None, False),
        ("ForAllValues:StringLike", ["ab", "a"], True),
        ("ForAllValues:StringLike", ["ab", "b"], False),
        ("ForAllValues:StringLike", None, True),
        ("StringNotEquals", "a*", False),
        ("StringNotEquals", "ab", True),
        ("StringNotEquals", None, True),
        ("ForAllValues:StringNotEquals", ["ab", "b"], True),
        ("ForAllValues:StringNotEquals", ["ab", "a*"], False),
    ],
)
def test_conditions_hold_as_those_of_iam(operator: str, found: Any, holds: bool) -> None:
    conditional = document(allow("s3:GetObject", "*", Condition={operator: {"key": ["a*"]}}))
    context = {} if found is None else {"key": found}
    assert allowed(conditional, "s3:GetObject", "arn:aws:s3:::a/b", context) is holds


def test_an_operator_that_is_not_implemented_is_an_error() -> None:
    with pytest.raises(KeyError):
        allowed(document(allow("s3:*", "*", Condition={"DateLessThan": {"k": ["v"]}})), "s3:GetObject", "x", {"k": "v"})


@pytest.mark.parametrize(
    ("expected", "found", "holds"),
    [("true", None, True), ("true", "a", False), ("false", "a", True), ("false", None, False)],
)
def test_null_asks_whether_a_key_is_absent(expected: str, found: str | None, holds: bool) -> None:
    conditional = document(allow("s3:GetObject", "*", Condition={"Null": {"key": expected}}))
    assert allowed(conditional, "s3:GetObject", "arn:aws:s3:::a/b", {} if found is None else {"key": found}) is holds


def test_one_text_stands_for_a_list_of_one() -> None:
    bare = {"Effect": "Allow", "Action": "s3:Get*", "Resource": "*", "Condition": {"StringEquals": {"key": "a"}}}
    assert allowed(document(bare), "s3:GetObject", "arn:aws:s3:::a/b", {"key": "a"})
    assert not allowed(document(bare), "s3:GetObject", "arn:aws:s3:::a/b", {"key": "b"})


def test_what_is_reachable_is_what_some_circumstance_allows() -> None:
    conditional = document(
        allow("s3:GetObject", "arn:aws:s3:::a/*", Condition={"StringEquals": {"key": ["a"]}}),
        {**allow("s3:PutObject", "*"), "Effect": "Deny"},
    )
    assert reachable(conditional, "s3:GetObject", "arn:aws:s3:::a/b")
    assert not reachable(conditional, "s3:GetObject", "arn:aws:s3:::ab/b")
    assert not reachable(conditional, "s3:PutObject", "arn:aws:s3:::a/b")
