"""A name server of this machine, with the messages of dnspython."""

import socketserver
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import dns.flags
import dns.message
import dns.rcode
import dns.rrset


@contextmanager
def name_server(delegations: Mapping[str, Sequence[str]], refuses: bool = False) -> Iterator[tuple[str, int]]:
    """Address and port of a server that knows the name servers of these domains, and of no other."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            data, connection = self.request
            query = dns.message.from_wire(data)
            answer = dns.message.make_response(query)
            answer.flags |= dns.flags.RA | dns.flags.AA
            name = query.question[0].name
            servers = delegations.get(str(name).rstrip("."))
            if refuses:
                answer.set_rcode(dns.rcode.SERVFAIL)
            elif servers is None:
                answer.set_rcode(dns.rcode.NXDOMAIN)
            elif servers:
                answer.answer.append(dns.rrset.from_text(name, 60, "IN", "NS", *(f"{one}." for one in servers)))
            connection.sendto(answer.to_wire(), self.client_address)

    with socketserver.ThreadingUDPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_address
        server.shutdown()
        thread.join()
