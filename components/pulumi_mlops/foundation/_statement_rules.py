"""A statement of what is allowed, and what can be wrong with it.

It is malformed, too broad, or without any effect although IAM would take it.
"""

from collections.abc import Iterator, Sequence
from typing import NotRequired, TypedDict

import pulumi

from pulumi_mlops._aws import statement_resource
from pulumi_mlops.contract.rules import matches
from pulumi_mlops.foundation._s3_actions import BUCKET, kinds_of_action, kinds_of_resource

MIN_REASON = 10

_action = matches(r"\*|[a-z0-9-]+:[A-Za-z0-9*?]+", 'an action such as "s3:GetObject"')


class StatementArgs(TypedDict):
    """What is allowed, on what, and when. There are no denials: what no statement allows is denied."""

    actions: list[str]
    """Actions such as `s3:GetObject`; a star stands for any text, as in `ec2:Describe*`."""
    resources: list[pulumi.Input[str]]
    """ARNs. Those of S3's objects end in `/*`, or in a longer key or pattern behind the bucket."""
    conditions: NotRequired[dict[str, dict[str, list[pulumi.Input[str]]]]]
    """Operator → key → values, such as `{"StringEquals": {"aws:ResourceTag/team": ["birds"]}}`; default none."""
    reason: NotRequired[str]
    """Why a whole service (`s3:*`), every action (`*`) or every resource (`*`) has to be allowed, in at least ten
    characters; required there. For the reader: AWS does not get it."""


def statement_problems(statements: Sequence[StatementArgs], at: str) -> Iterator[str]:
    """Findings in the wording of `check_args`; values that are not known yet are passed over."""
    for index, statement in enumerate(statements):
        here = f"{at}[{index}]"
        malformed = list(_malformed(statement, here))
        yield from malformed
        if not malformed:
            yield from _broad(statement, here)
            yield from _misdirected(statement, here)


def _malformed(statement: StatementArgs, at: str) -> Iterator[str]:
    for field, values, rule in (
        ("actions", statement.get("actions") or [], _action),
        ("resources", statement.get("resources") or [], statement_resource),
    ):
        if not values:
            yield f"{at}.{field} must not be empty"
        for index, value in enumerate(values):
            if isinstance(value, str) and (complaint := rule(value)):
                yield f"{at}.{field}[{index}] {complaint}, got {value!r}"
    reason = statement.get("reason")
    if reason is not None and len(reason.strip()) < MIN_REASON:
        yield f"{at}.reason must say why, in at least {MIN_REASON} characters, got {reason!r}"


def _broad(statement: StatementArgs, at: str) -> Iterator[str]:
    if statement.get("reason"):
        return
    for field, values, allows_all in (
        ("actions", statement["actions"], _is_every_action),
        ("resources", statement["resources"], _is_every_resource),
    ):
        for index, value in enumerate(values):
            if isinstance(value, str) and allows_all(value):
                yield (
                    f"{at}.{field}[{index}] allows all {field}: name those that are needed, or say in {at}.reason why "
                    f"it has to be, got {value!r}"
                )


def _is_every_action(value: str) -> bool:
    return not value.rpartition(":")[2].strip("*?")


def _is_every_resource(value: str) -> bool:
    return not value.split(":", 5)[-1].strip("*?/:")


def _misdirected(statement: StatementArgs, at: str) -> Iterator[str]:
    """Actions of S3 on buckets that are meant for objects, and the other way round."""
    actions = {one: kinds for one in statement["actions"] if (kinds := kinds_of_action(one))}
    resources = {
        index: (one, kinds_of_resource(one)) for index, one in enumerate(statement["resources"]) if isinstance(one, str)
    }
    found = False
    for index, (one, kinds) in resources.items():
        if actions and kinds is not None and not any(kinds & wanted for wanted in actions.values()):
            found = True
            yield f"{at}.resources[{index}] {_hint(one, kinds)} {', '.join(actions)}, got {one!r}"
    if found or any(isinstance(one, pulumi.Output) for one in statement["resources"]):
        return
    for one, wanted in actions.items():
        if all(kinds is not None and not kinds & wanted for _, kinds in resources.values()):
            kind = "buckets" if BUCKET in wanted else "objects"
            yield f"{at}.actions has {one}, which is for {kind}, but {at}.resources names none"


def _hint(arn: str, kinds: frozenset[str]) -> str:
    bucket = arn.partition("/")[0]
    if BUCKET in kinds or not kinds:
        return f'must name objects, such as "{bucket}/*", for'
    return f'must be a bucket, such as "{bucket}", for'
