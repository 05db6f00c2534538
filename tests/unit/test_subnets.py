import ipaddress
from ipaddress import IPv4Network
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi_mlops.foundation import _subnets
from pulumi_mlops.foundation._subnets import block_rule, subnets, zone_problems

REGION = "eu-central-1"
ZONES = [f"{REGION}{letter}" for letter in _subnets.LETTERS]


@st.composite
def blocks(draw: st.DrawFn) -> str:
    """Any block that `block_rule` admits."""
    space = draw(st.sampled_from(_subnets.PRIVATE_SPACE))
    prefix = draw(st.integers(max(_subnets.LARGEST_PREFIX, space.prefixlen), _subnets.SMALLEST_PREFIX))
    index = draw(st.integers(0, 2 ** (prefix - space.prefixlen) - 1))
    return f"{ipaddress.IPv4Address(int(space.network_address) + index * 2 ** (32 - prefix))}/{prefix}"


def networks(block: str, zones: list[str]) -> list[IPv4Network]:
    pairs = [subnets(block, zone) for zone in zones]
    return [IPv4Network(cidr) for pair in pairs for cidr in (pair.private, pair.public)]


@given(block=blocks(), zones=st.lists(st.sampled_from(ZONES), min_size=2, max_size=4, unique=True))
def test_subnets_lie_inside_the_block_and_never_overlap(block: str, zones: list[str]) -> None:
    found = networks(block, zones)

    assert len(found) == 2 * len(zones)
    assert all(one.subnet_of(IPv4Network(block)) for one in found)
    assert not any(one.overlaps(other) for one, other in combinations(found, 2))


@given(block=blocks(), zones=st.permutations(ZONES))
def test_a_zone_that_is_added_anywhere_moves_no_other(block: str, zones: list[str]) -> None:
    before = {zone: subnets(block, zone) for zone in zones[:3]}
    after = {zone: subnets(block, zone) for zone in sorted(zones[:4])}

    assert before.items() <= after.items()
    assert len(set(after.values())) == 4


@given(block=blocks())
def test_every_admitted_block_gives_subnets_that_aws_accepts(block: str) -> None:
    assert block_rule(block) is None
    for zone in ZONES:
        assert IPv4Network(subnets(block, zone).private).prefixlen <= 24
        assert IPv4Network(subnets(block, zone).public).prefixlen <= 28  # the smallest subnet of a VPC


def test_the_layout_is_this() -> None:
    assert subnets("10.0.0.0/16", "eu-central-1a") == _subnets.Subnets("10.0.0.0/20", "10.0.16.0/22")
    assert subnets("10.0.0.0/16", "eu-central-1b") == _subnets.Subnets("10.0.32.0/20", "10.0.48.0/22")


@pytest.mark.parametrize(
    ("block", "complaint"),
    [
        ("10.0.0.0/21", "must be at least a /20"),
        ("10.0.0.0/15", "must be at most a /16"),
        ("10.0.0.1/16", "without host bits"),
        ("10.0.0.0/33", "must be a block of IPv4 addresses"),
        ("fd00::/16", "must be a block of IPv4 addresses"),
        ("172.32.0.0/16", "must be private (RFC 1918"),
        ("100.64.0.0/16", "must be private (RFC 1918"),
    ],
)
def test_a_block_of_no_use_is_refused_with_the_reason(block: str, complaint: str) -> None:
    assert complaint in (block_rule(block) or "")


@pytest.mark.parametrize("block", ["10.0.0.0/16", "10.255.240.0/20", "172.31.0.0/16", "192.168.0.0/16"])
def test_private_blocks_of_a_vpcs_size_are_fine(block: str) -> None:
    assert block_rule(block) is None


@pytest.mark.parametrize(
    ("zones", "complaints"),
    [
        (["a"], ["args.zones must name 2 to 4 zones, got 1"]),
        (list("abcde"), ["args.zones must name 2 to 4 zones, got 5"]),
        (list("aba"), [f'args.zones must name each zone once, got "{REGION}a" 2 times']),
        (list("ab"), []),
        (list("abcd"), []),
        (["a", "i"], [f'args.zones must be zones of {REGION} such as "{REGION}a", got "{REGION}i"']),
    ],
)
def test_zones_are_two_to_four_different_ones(zones: list[str], complaints: list[str]) -> None:
    assert list(zone_problems(REGION, [f"{REGION}{letter}" for letter in zones])) == complaints


@pytest.mark.parametrize("zone", ["eu-west-1a", "eu-central-1", "eu-central-11a", "eu-central-1-ham-1a", "euc1-az1"])
def test_a_zone_of_another_place_is_refused(zone: str) -> None:
    (complaint,) = zone_problems(REGION, [f"{REGION}a", zone])

    assert complaint == f'args.zones must be zones of {REGION} such as "{REGION}a", got "{zone}"'
