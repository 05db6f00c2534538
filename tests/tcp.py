"""A server that is no web server."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager

GREETING = "SSH-2.0-x"


@contextmanager
def greeting_server(context: ssl.SSLContext | None = None) -> Iterator[str]:
    """Address and port of a server that answers one connection with `GREETING`, by TLS where a context is given."""
    with socket.create_server(("127.0.0.1", 0)) as plain:
        server = context.wrap_socket(plain, server_side=True) if context else plain

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(f"{GREETING}\r\n".encode())

        thread = threading.Thread(target=answer)
        thread.start()
        with server:
            yield f"127.0.0.1:{server.getsockname()[1]}"
            thread.join()
