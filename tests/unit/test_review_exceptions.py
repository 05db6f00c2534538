"""Exceptions to rules: where they stand, when they count, and what is wrong with them."""

from datetime import date
from typing import Any

import pytest
from pulumi_mlops.review import rules
from pulumi_mlops.review.findings import Level

from tests.unit.review_resources import (
    BUCKET,
    DEPLOYMENT,
    FIRST,
    POLICY,
    TAGS,
    TODAY,
    policy,
    preview,
    spoiled,
    step,
)

REASON = "2027-01-31 the old driver needs it until it is replaced"
WIDE = step(POLICY, {"policy": policy({"Action": "*", "Resource": "*"})}, "wide")


def entry(**changes: Any) -> str:
    fields = {
        "stack": '"birds-dev"',
        "resource": '"wide"',
        "rule": '"iam-wildcard"',
        "until": "2027-01-31",
        "reason": '"the old importer goes in January"',
        **changes,
    }
    return "[[exception]]\n" + "\n".join(f"{key} = {value}" for key, value in fields.items() if value is not None)


def found(step_: Any, exceptions: str = "") -> list[tuple[str, str]]:
    read = rules.read(exceptions, "exceptions.toml")
    return [(one.rule, one.message) for one in rules.check([preview(step_)], read, today=TODAY)]


def annotated(text: Any, rule: str = "pod-security") -> Any:
    inputs = spoiled(
        DEPLOYMENT,
        **{f"{FIRST}securityContext__privileged": True},
        metadata__annotations={f"pulumi-mlops.dev/except-{rule}": text},
    )
    return step(DEPLOYMENT, inputs)


def test_an_annotation_excepts_its_rule() -> None:
    assert found(annotated(REASON)) == []


def test_a_tag_excepts_its_rule() -> None:
    acl = spoiled(BUCKET, acl="public-read", tags={**TAGS, "pulumi-mlops.dev/except-s3-public": REASON})
    assert found(step(BUCKET, acl)) == []


def test_an_entry_of_the_file_excepts_its_rule_on_its_resource() -> None:
    assert found(WIDE, entry()) == []
    for other in ({"stack": '"birds-prod"'}, {"resource": '"narrow"'}, {"rule": '"iam-trust"'}):
        assert ("iam-wildcard", "policy allows every action (*)") in found(WIDE, entry(**other))


def test_an_exception_to_another_rule_excepts_nothing() -> None:
    assert [rule for rule, _ in found(annotated(REASON, "resources"))] == ["pod-security"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("2026-11-25 it was needed until yesterday", "has ended on 2026-11-25"),
        ("2027-01-31", "must say why, in at least 10 characters, got ''"),
        ("2027-01-31 because", "must say why"),
        ("because it has to be so", "must begin with its last day"),
        ("2027-02-30 there is no such day", "must begin with its last day"),
        ("2030-01-01 it will be needed for long", "must end within 366 days"),
    ],
)
def test_an_exception_that_does_not_count_is_found_with_what_it_excepts(text: str, complaint: str) -> None:
    findings = found(annotated(text))
    assert [rule for rule, _ in findings] == ["exception", "pod-security"]
    assert complaint in findings[0][1]
    assert findings[0][1].startswith("annotation pulumi-mlops.dev/except-pod-security ")


def test_the_last_day_still_counts() -> None:
    assert found(annotated(f"{TODAY} it is needed until this evening")) == []


def test_an_exception_to_a_rule_that_does_not_exist_is_found() -> None:
    assert [rule for rule, _ in found(annotated(REASON, "pod-securty"))] == ["exception", "pod-security"]


@pytest.mark.parametrize("rule", ["chart-renders", "release-size"])
def test_what_only_rendered_charts_show_can_be_excepted(rule: str) -> None:
    assert [one for one, _ in found(WIDE, entry(rule=f'"{rule}"'))] == ["iam-wildcard"]


def test_an_entry_that_has_ended_is_found() -> None:
    findings = found(WIDE, entry(until="2026-01-31"))
    assert [rule for rule, _ in findings] == ["exception", "iam-wildcard"]
    assert findings[0][1] == "exceptions.toml: exception 0 has ended on 2026-01-31"


def test_what_is_wrong_with_an_exception_blocks() -> None:
    (one, _) = rules.check([preview(annotated("no date"))], today=TODAY)
    assert one.level == Level.BLOCKING


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[[exception", "exceptions.toml is no TOML"),
        ("[exceptions]", "exceptions.toml has exceptions"),
        (entry(reason=None), "exceptions.toml: exception 0 must have stack, resource, rule, until, reason, got"),
        (entry(who='"me"'), "exception 0 must have"),
        (entry(until='"2027-01-31"'), "until must be a day such as 2027-01-31, without quotes"),
        (entry(until="2027-01-31T00:00:00"), "until must be a day"),
        (entry(stack='""'), "stack must be a text"),
        (entry(rule="5"), "rule must be a text"),
    ],
)
def test_a_wrong_file_is_one_sentence(text: str, complaint: str) -> None:
    with pytest.raises(rules.ExceptionsError) as caught:
        rules.read(text, "exceptions.toml")
    assert complaint in str(caught.value)


def test_an_empty_file_has_no_exceptions() -> None:
    assert rules.read("", "exceptions.toml") == []
    (one,) = rules.read(entry(), "exceptions.toml")
    assert (one.rule, one.until) == ("iam-wildcard", date(2027, 1, 31))
