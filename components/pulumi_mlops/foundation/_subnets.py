"""How a network's block of addresses is divided. Nothing here creates anything.

Each zone has a slot of its own, found by the letter of its name: adding or removing a zone, in whatever order, moves
no other subnet. A slot's first half is the private subnet; a quarter of its second half is the public one, which
holds load balancers and NAT gateways only. The rest stays free for subnets to come.
"""

import ipaddress
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

LETTERS = "abcdefgh"
"""Letters that a zone's name may end with; AWS uses a to f. A power of two, so that the slots are blocks."""
SLOT_BITS = 3
PRIVATE_BITS = SLOT_BITS + 1
PUBLIC_BITS = SLOT_BITS + 3

LARGEST_PREFIX = 16  # largest block of a VPC (Amazon VPC quotas)
SMALLEST_PREFIX = 20  # private subnets of 251 addresses: with fewer, a node's pods soon find none
PRIVATE_SPACE = tuple(ipaddress.IPv4Network(block) for block in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))

LEAST_ZONES, MOST_ZONES = 2, 4  # EKS and RDS ask for subnets in two zones at least

OF_A_NETWORK = ("cidr", "nat", "interface_endpoints")
"""Arguments about a VPC that is made; for one that exists they mean nothing."""


@dataclass(frozen=True)
class Subnets:
    """The two subnets of one zone."""

    private: str
    public: str


def subnets(cidr: str, zone: str) -> Subnets:
    """The subnets of `zone` in the block `cidr`; the other zones have no say."""
    block = ipaddress.IPv4Network(cidr)
    slot = list(block.subnets(SLOT_BITS))[LETTERS.index(zone[-1])]
    private, rest = slot.subnets(1)
    return Subnets(str(private), str(next(rest.subnets(PUBLIC_BITS - PRIVATE_BITS))))


def block_rule(value: str) -> str | None:
    """The value is a block that a VPC can have and that holds the subnets."""
    try:
        block = ipaddress.IPv4Network(value)
    except ValueError:
        return 'must be a block of IPv4 addresses such as "10.0.0.0/16", without host bits'
    if block.prefixlen > SMALLEST_PREFIX:
        return f"must be at least a /{SMALLEST_PREFIX}, so that each zone's private subnet is a /24"
    if block.prefixlen < LARGEST_PREFIX:
        return f"must be at most a /{LARGEST_PREFIX}, the largest block of a VPC"
    if not any(block.subnet_of(space) for space in PRIVATE_SPACE):
        spaces = ", ".join(map(str, PRIVATE_SPACE))
        return f"must be private (RFC 1918: {spaces}): hosts with public addresses inside it would be out of reach"
    return None


def zone_problems(region: str, zones: Sequence[str]) -> Iterator[str]:
    """What is wrong with the zones of a region, one line each."""
    if not LEAST_ZONES <= len(zones) <= MOST_ZONES:
        yield f"args.zones must name {LEAST_ZONES} to {MOST_ZONES} zones, got {len(zones)}"
    for zone in dict.fromkeys(zones):
        if zones.count(zone) > 1:
            yield f'args.zones must name each zone once, got "{zone}" {zones.count(zone)} times'
        if not re.fullmatch(f"{re.escape(region)}[{LETTERS}]", zone):
            yield f'args.zones must be zones of {region} such as "{region}a", got "{zone}"'
