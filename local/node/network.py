"""The node's network: one bridge that pods are plugged into, with the node's own address, and the rules around it.

No iptables: our rules and kube-proxy's stand in nftables tables of their own, which go as a whole.
"""

import ipaddress
import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from local.node import machine
from local.node.control_plane import SERVICE_SUBNET
from local.node.files import write
from local.progress import StepFailed

BRIDGE = "pmlops0"
ADDRESS = "10.88.0.1"
"""The node's address: API server, DNS, registry and gateway as pods see them; the bridge's own."""
POD_SUBNET = "10.88.0.0/24"
NETWORK = "pulumi-mlops-node"
"""Name of the CNI network and of our nftables tables."""

TABLES = (f"ip {NETWORK}", f"inet {NETWORK}", "ip kube-proxy", "ip6 kube-proxy")
FORWARD = ("ip", "filter", "FORWARD")
"""The chain that iptables, and with it Docker, filters forwarded packets in."""
CNI_PLUGINS = Path("/usr/lib/cni")
CNI_RESULTS = Path("/var/lib/cni/results")
"""Where the CNI library, which has no setting for it, keeps what a plugin answered."""


def conflict() -> str | None:
    """What on this machine already uses our addresses, in one sentence; None when nothing does."""
    for interface in _ip("-4", "address", "show"):
        for known in interface.get("addr_info", []):
            for subnet in (POD_SUBNET, SERVICE_SUBNET):
                if interface["ifname"] != BRIDGE and _overlap(f"{known['local']}/{known['prefixlen']}", subnet):
                    return (
                        f"interface {interface['ifname']} has an address in {subnet}, which the node needs for itself"
                    )
    for route in _ip("-4", "route", "show"):
        for subnet in (POD_SUBNET, SERVICE_SUBNET):
            if route["dst"] != "default" and route["dev"] != BRIDGE and _overlap(route["dst"], subnet):
                return f"there is a route to {route['dst']} by {route['dev']}, which overlaps {subnet} of the node"
    return None


def up(directory: Path, ports: Sequence[int]) -> None:
    """Makes the bridge, its routes and rules, and the CNI configuration; what is there already stays.

    `ports` of the node's address are all that pods reach of the machine.

    Raises:
        StepFailed: the kernel or a program refuses something.
    """
    machine.write_sysctl("net.ipv4.ip_forward", "1")
    if shutil.which("modprobe"):
        subprocess.run(["modprobe", "br_netfilter"], capture_output=True, check=False)
    if machine.read_sysctl("net.bridge.bridge-nf-call-iptables") == "0":
        machine.write_sysctl("net.bridge.bridge-nf-call-iptables", "1")
    if not exists():
        _run("ip", "link", "add", BRIDGE, "type", "bridge")
    _run("ip", "address", "replace", f"{ADDRESS}/24", "dev", BRIDGE)
    _run("ip", "link", "set", BRIDGE, "up")
    # Packets to a Service that kube-proxy does not know yet must not leave the machine.
    _run("ip", "route", "replace", SERVICE_SUBNET, "dev", BRIDGE)
    _run("nft", "-f", "-", stdin=_rules(ports))
    _pass_other_filters()
    write(directory / "cni" / "10-node.conflist", json.dumps(_cni(directory), indent=1))


def sees_pod_to_pod_packets() -> bool:
    """Whether packets between two pods pass the rules, so that answers of a Service find their way back."""
    return machine.read_sysctl("net.bridge.bridge-nf-call-iptables") == "1"


def exists() -> bool:
    """Whether the bridge is there."""
    return bool(shutil.which("ip")) and any(interface["ifname"] == BRIDGE for interface in _ip("address", "show"))


def down() -> list[str]:
    """Removes bridge, routes, rules and the CNI library's notes; returns a line for each thing that was there."""
    removed = []
    if exists():
        ports = [port["ifname"] for port in _ip("link", "show", "master", BRIDGE)]
        for port in ports:
            subprocess.run(["ip", "link", "delete", port], capture_output=True, check=False)
        _run("ip", "link", "delete", BRIDGE)
        removed.append(f"bridge {BRIDGE} with its routes and {len(ports)} ports")
    for table in _tables():
        _run("nft", "delete", "table", *table.split())
        removed.append(f"nftables table {table}")
    if handles := _own_rules():
        for handle in handles:
            _run("nft", "delete", "rule", *FORWARD, "handle", handle)
        removed.append(f"{len(handles)} rules in the nftables chain {' '.join(FORWARD)}")
    notes = list(CNI_RESULTS.glob(f"{NETWORK}-*"))
    # Each sandbox has one for its loopback too, which tells by the sandbox's id alone that it is ours.
    sandboxes = {note.name.removeprefix(f"{NETWORK}-").partition("-")[0] for note in notes}
    notes += [note for sandbox in sandboxes for note in CNI_RESULTS.glob(f"cni-loopback-{sandbox}-*")]
    for note in notes:
        note.unlink(missing_ok=True)
    if notes:
        removed.append(f"{len(notes)} notes in {CNI_RESULTS}")
    return removed


def left() -> list[str]:
    """What of all this is still there."""
    bridge = [f"bridge {BRIDGE}"] if exists() else []
    return bridge + [f"nftables table {table}" for table in _tables()] + [f"nftables rule {h}" for h in _own_rules()]


def _tables() -> list[str]:
    if not shutil.which("nft") or os.geteuid() != 0:  # an ordinary user may not even look, nor have made any
        return []
    listed = _run("nft", "list", "tables").splitlines()
    return [table for table in TABLES if f"table {table}" in listed]


def _pass_other_filters() -> None:
    """Lets pods' packets through a filter that drops what it does not know, as Docker sets one up."""
    if "policy drop" in _forward_chain() and not _own_rules():
        for direction in ("iifname", "oifname"):
            _run("nft", "insert", "rule", *FORWARD, direction, BRIDGE, "accept", "comment", f'"{NETWORK}"')


def _own_rules() -> list[str]:
    """Handles of the rules that we have put into the chain of others."""
    lines = [line for line in _forward_chain().splitlines() if f'comment "{NETWORK}"' in line]
    return [line.rpartition("# handle ")[2] for line in lines]


def _forward_chain() -> str:
    if not shutil.which("nft"):
        return ""
    listing = ["nft", "--handle", "list", "chain", *FORWARD]
    return subprocess.run(listing, capture_output=True, text=True, check=False).stdout


def _rules(ports: Sequence[int]) -> str:
    # Deleting a table needs one that is there; `add` makes it if it is not.
    return f"""
add table ip {NETWORK}
delete table ip {NETWORK}
table ip {NETWORK} {{
  chain outgoing {{
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr {POD_SUBNET} ip daddr != {{ {POD_SUBNET}, {SERVICE_SUBNET} }} masquerade
  }}
}}
add table inet {NETWORK}
delete table inet {NETWORK}
table inet {NETWORK} {{
  chain from-pods {{
    type filter hook input priority filter; policy accept;
    iifname != "{BRIDGE}" accept
    ct state established,related accept
    meta l4proto {{ icmp, ipv6-icmp }} accept
    ip daddr {ADDRESS} meta l4proto {{ tcp, udp }} th dport {{ {", ".join(map(str, ports))} }} accept
    reject
  }}
}}
"""


def _cni(directory: Path) -> dict[str, Any]:
    addresses = {"subnet": POD_SUBNET, "rangeStart": "10.88.0.10", "gateway": ADDRESS}
    bridge = {
        "type": "bridge",
        "bridge": BRIDGE,
        "isGateway": True,
        "isDefaultGateway": True,
        "hairpinMode": True,
        "ipam": {"type": "host-local", "dataDir": str(directory / "ipam"), "ranges": [[addresses]]},
    }
    return {"cniVersion": "0.4.0", "name": NETWORK, "plugins": [bridge]}


def _ip(*arguments: str) -> list[dict[str, Any]]:
    return json.loads(_run("ip", "-json", *arguments) or "[]")


def _overlap(one: str, other: str) -> bool:
    return ipaddress.ip_network(one, strict=False).overlaps(ipaddress.ip_network(other))


def _run(*command: str, stdin: str = "") -> str:
    try:
        run = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    except OSError as error:
        raise StepFailed(f"Network: cannot run {command[0]}: {error.strerror}; install it, then run again.") from error
    if run.returncode != 0:
        raise StepFailed(f"Network: `{' '.join(command)}` failed: {run.stderr.strip()}")
    return run.stdout
