"""Whose a resource is, and what it is called."""

import dataclasses

import pytest
from pulumi_mlops.review.groups import grouped, is_component, owner, short_type, title
from pulumi_mlops.review.preview import Step

from tests.review.steps import step, urn

TEAM = urn("example:index:Team", "birds")
BUCKET = "aws:s3/bucket:Bucket"


def by_urn(*steps: Step) -> dict[str, Step]:
    return {one.urn: one for one in steps}


def test_a_resource_belongs_to_its_parent_even_if_that_does_not_change() -> None:
    bucket = step("update", BUCKET, old={}, new={}, parent=TEAM)
    assert owner(bucket, by_urn(bucket)) == TEAM


def test_a_resource_below_a_resource_belongs_to_the_component_above_both() -> None:
    bucket = step("create", BUCKET, "data", new={}, parent=TEAM)
    policy = step("create", "aws:s3/bucketPolicy:BucketPolicy", "data", new={}, parent=bucket.urn)
    assert owner(policy, by_urn(bucket, policy)) == TEAM
    assert owner(policy, by_urn(policy)) == ""


def test_the_nearest_component_counts() -> None:
    inner = step("create", "example:index:Inner", "a", new={}, parent=TEAM, custom=False)
    bucket = step("create", BUCKET, new={}, parent=inner.urn)
    assert owner(bucket, by_urn(inner, bucket)) == inner.urn
    assert owner(inner, by_urn(inner, bucket)) == inner.urn


def test_what_the_stack_owns_belongs_to_nobody() -> None:
    bucket = step("create", BUCKET, new={}, parent=urn("pulumi:pulumi:Stack", "project-prod"))
    assert owner(bucket, by_urn(bucket)) == ""
    assert title("") == ""


def test_parents_in_a_circle_come_to_an_end() -> None:
    first = step("create", BUCKET, "a", new={}, parent=urn(BUCKET, "b"))
    second = step("create", BUCKET, "b", new={}, parent=urn(BUCKET, "a"))
    assert owner(first, by_urn(first, second)) == ""


@pytest.mark.parametrize(
    ("kind", "component"),
    [
        ("example:index:Team", True),
        ("eks:index:Cluster", True),
        ("kubernetes:helm.sh/v4:Chart", True),
        ("kubernetes:yaml/v2:ConfigGroup", True),
        ("kubernetes:helm.sh/v3:Release", False),
        ("kubernetes:apps/v1:Deployment", False),
        (BUCKET, False),
        ("pulumi:providers:aws", False),
        ("pulumi:pulumi:Stack", False),
    ],
)
def test_a_parent_that_is_not_in_the_preview_is_judged_by_its_type(kind: str, component: bool) -> None:
    assert is_component(urn(kind, "x"), {}) is component


def test_a_parent_in_the_preview_is_what_the_engine_says() -> None:
    odd = step("create", "example:index:Looks", new={})
    assert not is_component(odd.urn, by_urn(odd))
    one = dataclasses.replace(odd, new=dataclasses.replace(odd.new, custom=False))  # type: ignore[type-var]
    assert is_component(one.urn, by_urn(one))


def test_the_weightiest_comes_first() -> None:
    one = step("create", BUCKET, "a", new={}, parent=TEAM)
    two = step("delete", BUCKET, "b", old={}, parent=TEAM)
    other = step("update", BUCKET, "c", old={}, new={}, parent=urn("example:index:Team", "apes"))
    groups = grouped([one, other, two], by_urn(one, two, other))
    assert [(title(group.urn), [each.name for each in group.steps]) for group in groups] == [
        ("example Team birds", ["b", "a"]),
        ("example Team apes", ["c"]),
    ]


@pytest.mark.parametrize(
    ("kind", "short"),
    [
        ("pulumi-mlops:index:ModelEndpoint", "ModelEndpoint"),
        ("kubernetes:apps/v1:Deployment", "Deployment"),
        ("aws:s3/bucket:Bucket", "s3 Bucket"),
        ("eks:index:Cluster", "eks Cluster"),
        ("random:index/randomPassword:RandomPassword", "random RandomPassword"),
        ("pulumi:providers:aws", "aws provider"),
        ("pulumi:pulumi:Stack", "Stack"),
    ],
)
def test_types_are_said_in_short(kind: str, short: str) -> None:
    assert short_type(kind) == short
