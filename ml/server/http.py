"""The wire: uvicorn with limits on headers, a timeout for slow senders, and an orderly end."""

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any, cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from ml.server import log, seldon
from ml.server.refusal import Refusal
from ml.server.settings import Settings

MAX_HEAD_BYTES = 32 * 1024
"""Request line and headers; nginx and Envoy stand between 8 and 60 KiB."""
HEAD_TIMEOUT_SECONDS = 10.0
"""How long a connection may take from its first byte (or from being opened) to the end of its headers."""
KEEP_ALIVE_SECONDS = 75
"""Longer than proxies keep idle connections, so that it is they who close them."""
MAX_IGNORED_BYTES = 64 * 1024 * 1024
"""How much of a body that was refused already is read on, so that its sender gets to read the refusal."""


class Protocol(HttpToolsProtocol):
    """One connection."""

    _timer: asyncio.TimerHandle | None = None
    _in_head = False
    _head_bytes = 0
    _packet_bytes = 0
    _ignored_bytes = 0
    _refusal: Refusal | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Gives the client time to send headers."""
        super().connection_made(transport)
        self._timer = self.loop.call_later(HEAD_TIMEOUT_SECONDS, self._head_timed_out)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forgets the timer."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Feeds the parser unless the headers are too large; times headers that come in parts."""
        self._packet_bytes = len(data)
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._refuse(_head_too_large())
                return
        super().data_received(data)
        if self._in_head:
            if self._timer is None:
                self._timer = self.loop.call_later(HEAD_TIMEOUT_SECONDS, self._head_timed_out)
        elif self._timer is not None:
            self._stop_timer()

    def on_message_begin(self) -> None:
        """Starts to count a request's headers."""
        self._in_head = True
        self._head_bytes = self._packet_bytes
        self._ignored_bytes = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Refuses headers that were too large although they came in one piece."""
        self._in_head = False
        if self._packet_bytes > MAX_HEAD_BYTES:  # else it cannot be too large: see data_received
            head = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
            if head > MAX_HEAD_BYTES:
                self._refusal = _head_too_large()
                raise ValueError(self._refusal.message)  # ends the parser, which ends in send_400_response
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Ends a connection that sends on and on after its request was refused."""
        if self.cycle.response_complete:
            self._ignored_bytes += len(body)
            if self._ignored_bytes > MAX_IGNORED_BYTES:
                self.transport.close()
        super().on_body(body)

    def send_400_response(self, msg: str) -> None:
        """Answers what is not HTTP in the shape of every other error."""
        self._refuse(self._refusal or Refusal(HTTPStatus.BAD_REQUEST, "this is not a valid HTTP request"))

    def _head_timed_out(self) -> None:
        self._timer = None
        if self._in_head:
            self._refuse(Refusal(HTTPStatus.REQUEST_TIMEOUT, "the headers took too long to arrive"))
        else:
            self.transport.close()

    def _refuse(self, refusal: Refusal) -> None:
        if self.transport.is_closing():
            return
        body = seldon.error(refusal)
        head = b"content-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(body)
        self.transport.write(STATUS_LINE[int(refusal.status)] + head + body)
        self.transport.close()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _head_too_large() -> Refusal:
    return Refusal(
        HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"the headers are larger than {MAX_HEAD_BYTES} bytes in all"
    )


class Server(uvicorn.Server):
    """Serves until SIGTERM, then drains and returns. A second signal, or Ctrl-C, ends the draining at once.

    `public` answers at the public port, if the settings have one; `app` at the other.
    """

    def __init__(self, app: Any, settings: Settings, drain: Callable[[], None], public: Any = None) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                host=settings.host,
                port=settings.port,
                loop="uvloop",
                http=Protocol,
                ws="none",
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=cast("int", settings.grace_seconds),
            )
        )
        self._settings = settings
        self._drain = drain
        self._draining = False
        self._public = public

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handles the signals in the event loop, and ends with exit code 0, not as uvicorn by the signal."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end, number)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)

    def _end(self, number: int) -> None:
        if self._draining or number == signal.SIGINT:
            self.should_exit = True
            return
        self._draining = True
        self._drain()
        log.event("draining", seconds=self._settings.drain_seconds)
        asyncio.get_running_loop().call_later(self._settings.drain_seconds, setattr, self, "should_exit", True)

    async def startup(self, sockets: Any = None) -> None:
        """Says where the server listens."""
        await super().startup(sockets)
        port = self.servers[0].sockets[0].getsockname()[1]
        ports = {"port": port}
        if self._public is not None:
            loop, settings = asyncio.get_running_loop(), self._settings
            self.servers.append(await loop.create_server(self._public_protocol, settings.host, settings.public_port))
            ports["public_port"] = self.servers[1].sockets[0].getsockname()[1]
        log.event("listening", host=self._settings.host, **ports, model=self._settings.model_name)

    def _public_protocol(self) -> Protocol:
        """One connection to the public port: the same limits, another application."""
        protocol = Protocol(self.config, self.server_state, self.lifespan.state)
        protocol.app = self._public
        return protocol
