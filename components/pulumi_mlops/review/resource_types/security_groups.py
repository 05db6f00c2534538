"""Security groups: whom their ingress entries let in, and to which ports."""

import ipaddress
from collections.abc import Iterator

from pulumi_mlops.review.json_data import JsonObject, items, joined, mapping
from pulumi_mlops.review.resource_types.facts import Condition, Fact, Holds, Inputs, Unknown
from pulumi_mlops.review.values import indexed, is_hidden

CIDR_KEYS = ("cidrBlocks", "ipv6CidrBlocks", "cidrIpv4", "cidrIpv6")
SHORTEST_PREFIX = {4: 8, 6: 16}
"""IP version → fewest fixed bits of a network that one organization can own; shorter prefixes cover the internet."""
TCP, UDP, ICMP = frozenset({"tcp", "6"}), frozenset({"udp", "17"}), frozenset({"icmp", "1", "icmpv6", "58"})
"""Names and numbers of IP protocols, as EC2 takes both."""
PUBLIC_PORTS = (80, 443)
"""The ports that AWS Security Hub's control EC2.18 takes for authorized: HTTP and HTTPS, with HTTP/3 over UDP 443."""
ALLOWED = frozenset({"ICMP", *(f"port {port}" for port in PUBLIC_PORTS)})
"""What everybody may reach. ICMP reaches no service, and path MTU discovery needs it."""


def group(*, allowed: bool) -> Condition:
    """Entries inside a security group that let the internet in: to the ports that everybody may reach, or to others."""

    def check(inputs: Inputs) -> Iterator[Fact]:
        for path, entry in indexed(inputs, "ingress"):
            if is_hidden(entry):
                yield Unknown(path)
            else:
                yield from _entry(mapping(entry), path, allowed)

    return check


def ingress_rule(*, allowed: bool) -> Condition:
    """The same for a resource that is one entry; one with a `type` may be for egress."""

    def check(inputs: Inputs) -> Iterator[Fact]:
        direction = inputs.get("type", "ingress")
        if is_hidden(direction):
            yield Unknown("type")
        elif direction == "ingress":
            yield from _entry(inputs, "", allowed)

    return check


def _entry(entry: JsonObject, path: str, allowed: bool) -> Iterator[Fact]:
    ports = ports_of(entry)
    if ports is not None and (ports in ALLOWED) is not allowed:
        return
    for key in CIDR_KEYS:
        for cidr in items(entry.get(key)):
            place = joined(path, key)
            if is_hidden(cidr):
                yield Unknown(place)
            elif not covers_internet(str(cidr)):
                continue
            elif ports is None:
                yield Unknown(joined(path, "fromPort"))
            else:
                yield Holds(place, f"lets {cidr} connect to {ports}")


def ports_of(entry: JsonObject) -> str | None:
    """The ports of an ingress entry, such as `port 22`, `ports 0 to 1024` or `every port`; None while not known."""
    protocol = entry.get("protocol", entry.get("ipProtocol"))
    first, last = entry.get("fromPort"), entry.get("toPort")
    if any(is_hidden(one) for one in (protocol, first, last)):
        return None
    named = str(protocol).lower()
    if named in ICMP:
        return "ICMP"
    if named not in TCP | UDP or first is None or last is None:
        return "every port"  # EC2 ignores the ports of other protocols; -1 is all protocols
    try:
        low, high = int(float(str(first))), int(float(str(last)))
    except (ValueError, OverflowError):
        return "every port"  # EC2 refuses it
    if low <= 0 and high >= 65_535:
        return "every port"
    return f"port {low}" if low == high else f"ports {low} to {high}"


def covers_internet(cidr: str) -> bool:
    """Whether a CIDR block is too large to be one organization's network, such as 0.0.0.0/0 or 0.0.0.0/1."""
    try:
        network = ipaddress.ip_network(cidr, strict=False)
    except ValueError:
        return False  # the cloud refuses it
    return network.prefixlen < SHORTEST_PREFIX[network.version]
