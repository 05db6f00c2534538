"""The estimate of a whole change."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi_mlops.review import resource_types
from pulumi_mlops.review.cost import prices as price_list
from pulumi_mlops.review.cost.billing import FREE
from pulumi_mlops.review.cost.estimator import estimate
from pulumi_mlops.review.estimate import Requests
from pulumi_mlops.review.preview import UNKNOWN, Operation, Preview, Step

from tests.cost_previews import changed, gone, made, node_group, preview, same, state, urn

GROUP, KEY, ZONE = "aws:eks/nodeGroup:NodeGroup", "aws:kms/key:Key", "aws:route53/zone:Zone"
NAT, BUCKET, TEMPLATE = (
    "aws:ec2/natGateway:NatGateway",
    "aws:s3/bucket:Bucket",
    "aws:ec2/launchTemplate:LaunchTemplate",
)
UNPRICED = "aws:lambda/function:Function"
ROOT = same("pulumi:pulumi:Stack", "dev")


def test_a_change_of_nodes_has_its_delta() -> None:
    larger = changed(GROUP, node_group(), node_group(types=("m7i.xlarge",)))
    found = estimate(preview(larger, same(KEY)))
    assert found.before == Decimal("181.103")
    assert found.after == Decimal("357.398")  # 2 × 88.1475 more
    assert found.delta == Decimal("176.295")


def test_what_goes_saves() -> None:
    found = estimate(preview(gone(ZONE), same(KEY)))
    assert (found.before, found.after, found.delta) == (Decimal("1.5"), Decimal(1), Decimal("-0.5"))


def test_a_replacement_costs_the_difference() -> None:
    old, new = state(node_group(), id="one"), state(node_group(sizes=(3, 3, 5)))
    steps = [Step(one, urn(GROUP), old, new) for one in (Operation.CREATE_REPLACEMENT, Operation.REPLACE)]
    found = estimate(preview(*steps, Step(Operation.DELETE_REPLACED, urn(GROUP), old)))
    assert found.delta == Decimal("90.0515")


def test_items_add_up_and_the_dearest_is_first() -> None:
    found = estimate(preview(made(KEY), made(ZONE), made(NAT, "a"), made(NAT, "b"), gone(KEY, "old")))
    assert sum(one.before for one in found.items) == found.before == 1
    assert sum(one.after for one in found.items) == found.after
    assert found.items[0].what == "NAT gateway, 0.052 USD an hour"
    assert found.items[0].number_after == 2


def test_a_type_that_nobody_decided_about_is_named_with_its_number() -> None:
    found = estimate(preview(made(UNPRICED, "a"), made(UNPRICED, "b"), made("gcp:sql/instance:Instance")))
    assert f"{UNPRICED}: the price table does not know this type (2 resources)" in found.not_counted
    assert "gcp:sql/instance:Instance: the price table does not know this type (1 resource)" in found.not_counted
    assert found.at_least


def test_free_types_are_not_named() -> None:
    found = estimate(preview(made("aws:iam/role:Role"), made("random:index/randomId:RandomId")))
    assert found.not_counted == ()
    assert found.items == ()
    assert not found.at_least


def test_what_costs_by_use_alone_is_named_and_does_not_make_the_total_a_least() -> None:
    found = estimate(preview(made("aws:cloudwatch/logGroup:LogGroup", "a")))
    assert found.not_counted == (
        "ingestion and storage of logs (1 resource)",
        "data transfer between zones and to the internet",
        "tax, support, discounts and savings plans",
    )
    assert not found.at_least


@pytest.mark.parametrize(
    ("region", "inputs", "reason"),
    [
        ("ap-south-1", {}, "the table has no prices of ap-south-1"),
        ("", {}, "their region is not known"),
        ("eu-central-1", {"region": "ap-south-1"}, "the table has no prices of ap-south-1"),
        ("eu-central-1", {"region": UNKNOWN}, "their region is not known"),
        ("<b>", {}, "the table has no prices of (no usual name)"),
    ],
)
def test_without_prices_of_the_region_nothing_is_guessed(region: str, inputs: dict[str, Any], reason: str) -> None:
    found = estimate(preview(made(KEY, **inputs), region=region))
    assert found.after == 0
    assert found.at_least
    assert reason in found.not_counted[0]


def test_the_region_is_the_stacks_or_those_of_its_resources() -> None:
    assert estimate(preview()).region == "eu-central-1"
    assert estimate(preview(region="")).region == ""
    assert estimate(preview(made(KEY, "a"), made(KEY, "b", region="us-east-1"))).region == "eu-central-1, us-east-1"
    provider = made("pulumi:providers:aws", "account", region="us-east-1")
    assert estimate(preview(made(KEY), provider, region="")).region == "us-east-1"
    assert estimate(preview(made(KEY), provider)).region == "eu-central-1"
    another = made("pulumi:providers:aws", "elsewhere", region="eu-west-1")
    assert estimate(preview(made(KEY), provider, another, region="")).region == ""
    unknown = made("pulumi:providers:aws", "account", region=UNKNOWN)
    assert estimate(preview(made(KEY), unknown, region="")).region == ""


def test_a_preview_without_what_stays_the_same_says_so_and_its_delta_is_right() -> None:
    whole = estimate(preview(ROOT, same(NAT), made(KEY), summary={Operation.SAME: 2, Operation.CREATE: 1}))
    short = estimate(preview(ROOT, made(KEY), summary={Operation.SAME: 2, Operation.CREATE: 1}))
    assert not whole.at_least
    assert short.at_least
    assert "what stays the same (1 resource): the preview was made without --show-sames" in short.not_counted[0]
    assert short.delta == whole.delta == 1
    assert short.after < whole.after


def test_a_preview_that_failed_says_so() -> None:
    found = estimate(preview(made(KEY), complete=False))
    assert found.at_least
    assert found.not_counted[0] == "whatever the preview would have shown after it failed"


def test_what_is_kept_when_the_stack_lets_it_go_is_no_saving() -> None:
    bucket = Step(Operation.DELETE, urn(BUCKET), old=state({}, id="b", retain_on_delete=True))
    role = Step(Operation.DELETE, urn("aws:iam/role:Role"), old=state({}, id="r", retain_on_delete=True))
    kept = estimate(preview(bucket, role))
    assert (kept.kept, kept.delta) == (1, 0)
    assert kept.after == kept.before > 0
    gone_for_good = estimate(preview(gone(BUCKET), role))
    assert (gone_for_good.kept, gone_for_good.after) == (0, 0)
    assert gone_for_good.delta < 0


def test_what_a_replacement_leaves_behind_is_paid_for_besides_the_new_one() -> None:
    old, new = state({}, id="k", retain_on_delete=True), state({})
    steps = [
        Step(Operation.CREATE_REPLACEMENT, urn(KEY), old=old, new=new),
        Step(Operation.DELETE_REPLACED, urn(KEY), old=old),
    ]
    found = estimate(preview(*steps))
    assert (found.kept, found.before, found.after) == (1, 1, 2)


def test_requests_are_those_of_both_sides() -> None:
    spec = {"resources": {"requests": {"storage": "20Gi"}}}
    claim = made("kubernetes:core/v1:PersistentVolumeClaim", metadata={"namespace": "birds"}, spec=spec)
    found = estimate(preview(claim, region=""))
    assert found.requests_before == {}
    assert found.requests_after == {"birds": Requests(storage_gib=Decimal(20))}
    assert found.not_counted == ("disks that the cluster makes for claims: PersistentVolumeClaim (1 resource)",)


def test_what_is_left_out_on_both_sides_is_named_once() -> None:
    kinds = (UNPRICED, "aws:cloudwatch/logGroup:LogGroup", "kubernetes:batch/v1:CronJob")
    words = (
        f"{UNPRICED}: the price table does not know this type (1 resource)",
        "ingestion and storage of logs (1 resource)",
        "requests of pods that come and go: CronJob (1 resource)",
    )
    for step in (same, made, gone):
        assert estimate(preview(*(step(kind) for kind in kinds))).not_counted[:3] == words


def test_the_band_is_explained() -> None:
    found = estimate(preview(made(GROUP, **node_group(spot=True)), made(BUCKET), made(KEY)))
    assert [line.partition(":")[0] for line in found.band] == [
        "GiB in a bucket, S3 Standard",
        "nodes",
        "spot machines",
        "every price",
    ]
    assert estimate(preview(made("aws:iam/role:Role"))).band == ()


def test_it_is_dated_with_the_table() -> None:
    assert estimate(preview()).priced_on == price_list.load().day


@pytest.mark.parametrize(
    "type_token", sorted(token for token, one in resource_types.TYPES.items() if one.billing == FREE)
)
def test_each_free_type_costs_nothing(type_token: str) -> None:
    found = estimate(preview(made(type_token)))
    assert (found.after, found.not_counted) == (0, ())


SIZES = st.tuples(st.integers(0, 3), st.integers(3, 6), st.integers(6, 20))
GROUPS = st.builds(
    lambda sizes, spot, kind, template: (
        GROUP,
        node_group(sizes=sizes, spot=spot, types=(kind,), **({"launchTemplate": {"id": UNKNOWN}} if template else {})),
    ),
    SIZES,
    st.booleans(),
    st.sampled_from(["m7i.large", "t3.medium", "g5.xlarge", "x9.large"]),
    st.booleans(),
)
TEMPLATES = st.integers(8, 500).map(lambda gib: (TEMPLATE, {"blockDeviceMappings": [{"ebs": {"volumeSize": gib}}]}))
OTHERS = st.sampled_from([KEY, ZONE, NAT, BUCKET, UNPRICED, "aws:iam/role:Role"]).map(lambda one: (one, {}))
RESOURCES = st.lists(st.one_of(GROUPS, TEMPLATES, OTHERS), max_size=12)
Resources = list[tuple[str, dict[str, Any]]]


def of(old: Resources, new: Resources) -> Preview:
    goes = [gone(kind, f"old-{number}", **inputs) for number, (kind, inputs) in enumerate(old)]
    comes = [made(kind, f"new-{number}", **inputs) for number, (kind, inputs) in enumerate(new)]
    return preview(*goes, *comes)


@given(RESOURCES, st.one_of(GROUPS, TEMPLATES, OTHERS))
def test_another_resource_never_lowers_the_total(some: Resources, another: tuple[str, dict[str, Any]]) -> None:
    fewer, more = estimate(of([], some)), estimate(of([], [*some, another]))
    assert more.after >= fewer.after
    assert more.low >= fewer.low
    assert more.high >= fewer.high


@given(RESOURCES, RESOURCES)
def test_the_delta_is_what_is_after_without_what_was_before(old: Resources, new: Resources) -> None:
    found = estimate(of(old, new))
    assert found.delta == found.after - found.before
    assert found.before == estimate(of(old, [])).before
    assert found.after == estimate(of([], new)).after
    assert found.low <= found.after <= found.high
    assert sum(one.after - one.before for one in found.items) == found.delta


@given(RESOURCES, RESOURCES, st.randoms())
def test_the_order_of_the_steps_does_not_matter(old: Resources, new: Resources, chance: Any) -> None:
    ordered = of(old, new)
    steps = list(ordered.steps)
    chance.shuffle(steps)
    assert estimate(preview(*steps)) == estimate(ordered)


@given(RESOURCES)
def test_no_resource_vanishes(some: Resources) -> None:
    """Each is free, priced or named: without all that is free, an estimate of nothing has nothing to say."""
    found = estimate(of([], some))
    charged = [kind for kind, _ in some if resource_types.billing(kind) != FREE]
    assert bool(charged) == bool(found.after or found.not_counted)
