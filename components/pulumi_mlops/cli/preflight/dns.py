"""DNS records of a domain, as this machine's resolver answers."""

import importlib

from pulumi_mlops.cli.preflight.results import NotChecked

SECONDS = 10.0


def name_servers(domain: str, servers: tuple[str, int] | None = None) -> set[str]:
    """The name servers of a domain, in lower case without the last dot; none where the domain is not there.

    Args:
        domain: such as `ml.example.org`.
        servers: address and port of the server to ask; None: those of this machine.

    Raises:
        NotChecked: nobody answers, or dnspython is not installed.
    """
    try:
        resolver = importlib.import_module("dns.resolver")
    except ModuleNotFoundError:
        raise NotChecked("dnspython is not installed", "pip install 'pulumi-mlops[preflight]'") from None
    errors = importlib.import_module("dns.exception")
    try:
        asked = resolver.Resolver(configure=servers is None)
        if servers:
            asked.nameservers, asked.port = [servers[0]], servers[1]
        asked.lifetime = SECONDS
        return {str(one.target).rstrip(".").lower() for one in asked.resolve(domain, "NS")}
    except (resolver.NXDOMAIN, resolver.NoAnswer):
        return set()
    except errors.DNSException as error:
        raise NotChecked(f"the name servers of {domain} cannot be asked for: {' '.join(str(error).split())}") from None
