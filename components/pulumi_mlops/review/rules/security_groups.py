"""No security group lets the internet in, except to the ports of a public web server."""

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any

from pulumi_mlops.review.findings import Level
from pulumi_mlops.review.rules._rule import Broken, Open, Rule, Verdict
from pulumi_mlops.review.rules._values import hidden, items, joined, mapping
from pulumi_mlops.review.rules._world import Resource, World

GROUPS = ("aws:ec2/securityGroup:SecurityGroup", "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup")
RULE = "aws:ec2/securityGroupRule:SecurityGroupRule"
INGRESS_RULE = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
CIDR_KEYS = ("cidrBlocks", "ipv6CidrBlocks", "cidrIpv4", "cidrIpv6")
SHORTEST_PREFIX = {4: 8, 6: 16}
"""IP version → fewest fixed bits of a network that one organization can own; shorter prefixes cover the internet."""
TCP, UDP, ICMP = frozenset({"tcp", "6"}), frozenset({"udp", "17"}), frozenset({"icmp", "1", "icmpv6", "58"})
"""Names and numbers of IP protocols, as EC2 takes both."""
PUBLIC_PORTS = (80, 443)
"""The ports that AWS Security Hub's control EC2.18 takes for authorized: HTTP and HTTPS, with HTTP/3 over UDP 443."""
ALLOWED = frozenset({"ICMP", *(f"port {port}" for port in PUBLIC_PORTS)})
"""What everybody may reach. ICMP reaches no service, and path MTU discovery needs it."""


def _open_to_internet(resource: Resource, world: World) -> Iterator[Verdict]:
    inputs = resource.inputs
    if resource.type in GROUPS:
        for index, entry in enumerate(items(inputs.get("ingress"))):
            path = "ingress" if entry is inputs["ingress"] else f"ingress[{index}]"
            yield from [Open(path)] if hidden(entry) else _entry(mapping(entry), path)
    elif resource.type == INGRESS_RULE:
        yield from _entry(inputs, "")
    elif resource.type == RULE:
        if hidden(inputs.get("type")):
            yield Open("type")
        elif inputs.get("type") == "ingress":
            yield from _entry(inputs, "")


def _entry(entry: Mapping[str, Any], path: str) -> Iterator[Verdict]:
    """The verdict on one entry: who may connect (CIDR blocks), to which ports."""
    ports = ports_of(entry)
    if ports in ALLOWED:
        return
    for key in CIDR_KEYS:
        for cidr in items(entry.get(key)):
            at = joined(path, key)
            if hidden(cidr):
                yield Open(at)
            elif not covers_internet(str(cidr)):
                continue
            elif ports is None:
                yield Open(joined(path, "fromPort"))
            else:
                yield Broken(f"{at} lets {cidr} connect to {ports}")


def ports_of(entry: Mapping[str, Any]) -> str | None:
    """The ports of an ingress entry, such as `port 22`, `ports 0 to 1024` or `every port`; None while not known."""
    protocol = entry.get("protocol", entry.get("ipProtocol"))
    first, last = entry.get("fromPort"), entry.get("toPort")
    if any(hidden(one) for one in (protocol, first, last)):
        return None
    named = str(protocol).lower()
    if named in ICMP:
        return "ICMP"
    if named not in TCP | UDP or first is None or last is None:
        return "every port"  # EC2 ignores the ports of other protocols; -1 is all protocols
    try:
        low, high = int(float(first)), int(float(last))
    except (TypeError, ValueError, OverflowError):
        return "every port"  # EC2 refuses it
    if low <= 0 and high >= 65_535:
        return "every port"
    return f"port {low}" if low == high else f"ports {low} to {high}"


def covers_internet(cidr: str) -> bool:
    """Whether a CIDR block is too large to be one organization's network, such as 0.0.0.0/0 or 0.0.0.0/1."""
    try:
        network = ipaddress.ip_network(cidr, strict=False)
    except ValueError:
        return False  # EC2 refuses it
    return network.prefixlen < SHORTEST_PREFIX[network.version]


RULES = (
    Rule(
        id="security-group-public",
        level=Level.BLOCKING,
        title="no security group lets the whole internet in, except to ports 80 and 443",
        why="SSH, databases and APIs that everybody can reach are found by scanners within minutes",
        fix="name the CIDR blocks or security groups that need the port; put a load balancer before a public service",
        unknown="a CIDR block or a port that is known only after `up` stays open",
        check=_open_to_internet,
    ),
)
