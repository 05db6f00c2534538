"""CoreDNS as a process of the machine, listening at the bridge: pods ask the node's own address.

As no pod it needs no image, is there before the first pod, and can use a resolver on the machine's loopback.
"""

from pathlib import Path
from textwrap import dedent

from local import tools
from local.node import network, ports
from local.node.api import Manifest
from local.node.control_plane import Parts, client_config, http_ok
from local.node.files import write
from local.node.processes import Process

USER = "pulumi-mlops:dns"
RESOLVER = Path("/etc/resolv.conf")


RULES: list[Manifest] = [
    {"apiGroups": [""], "resources": ["services", "pods", "namespaces"], "verbs": ["list", "watch"]},
    {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]},
]
"""What CoreDNS must be allowed to read."""


def process(control: Parts) -> Process:
    """CoreDNS, with the cluster's zone and everything else forwarded to the machine's resolvers."""
    program = tools.ensure("coredns")["coredns"]
    kubeconfig = client_config(control.directory, control.pki, "coredns", USER, control.url)["kubeconfig"]
    port = ports.choose(control.directory, ("dns-health", "dns-ready"))
    forward = f"forward . {RESOLVER}" if _has_nameserver() else ""
    corefile = f"""
        .:53 {{
            bind {network.ADDRESS}
            errors
            health 127.0.0.1:{port["dns-health"]} {{
                lameduck 0s
            }}
            ready 127.0.0.1:{port["dns-ready"]}
            kubernetes cluster.local in-addr.arpa ip6.arpa {{
                kubeconfig {kubeconfig}
                pods insecure
                fallthrough in-addr.arpa ip6.arpa
                ttl 5
            }}
            {forward}
            cache 5
        }}
    """
    file = write(control.directory / "etc" / "Corefile", dedent(corefile).lstrip())
    return Process(
        "coredns",
        control.directory,
        (str(program), "-conf", str(file)),
        lambda: http_ok(f"http://127.0.0.1:{port['dns-ready']}/ready"),
    )


def _has_nameserver() -> bool:
    try:
        return any(line.split()[:1] == ["nameserver"] for line in RESOLVER.read_text().splitlines())
    except OSError:
        return False
