"""A small closed-loop HTTP/1.1 load client: so many connections, each with one request in flight.

It parses no more of an answer than it must (status and content-length), so that it measures the server and not itself;
it takes about 20 µs of its own core per request.
"""

import asyncio
import statistics
import time
from dataclasses import dataclass
from typing import cast

import uvloop


@dataclass(frozen=True)
class Round:
    """What one round measured. Latencies in milliseconds, seen by the client."""

    requests_per_second: float
    p50: float
    p99: float
    requests: int
    failures: int
    """Answers other than 200."""


class _Client:
    """Keeps one request in flight. Opens a new connection when the server closes one, as any HTTP client does."""

    def __init__(self, port: int, payloads: list[bytes], first: int, until: float) -> None:
        self._port = port
        self._payloads = payloads
        self._next = first
        self._until = until
        self._sent = 0.0
        self.latencies: list[float] = []
        self.failures = 0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def connect(self) -> None:
        """Opens a connection, which sends at once."""
        try:
            await asyncio.get_running_loop().create_connection(lambda: _Connection(self), "127.0.0.1", self._port)
        except OSError as error:
            self.done.set_exception(error)

    def payload(self, began: float | None = None) -> bytes:
        """The next request; `began` is when its connection was asked for, if it needed one."""
        payload = self._payloads[self._next % len(self._payloads)]
        self._next += 1
        self._sent = began or time.perf_counter()
        return payload

    def answered(self, ok: bool) -> bool:
        """Notes an answer; returns whether to go on."""
        now = time.perf_counter()
        self.latencies.append(now - self._sent)
        self.failures += not ok
        return now < self._until


class _Connection(asyncio.Protocol):
    """One connection of a client."""

    def __init__(self, client: _Client) -> None:
        self._client = client
        self._began: float | None = time.perf_counter()
        self._buffer = b""
        self._waiting = False
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but its class
        self._send()

    def _send(self) -> None:
        payload = self._client.payload(self._began)
        self._began, self._waiting = None, True
        self._transport.write(payload)

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._buffer[:end].lower()
        at = head.find(b"content-length:")
        stop = head.find(b"\r", at)
        length = int(head[at + 15 : stop if stop >= 0 else end])
        if len(self._buffer) < end + 4 + length:
            return
        self._buffer, self._waiting = b"", False
        if not self._client.answered(head[9:12] == b"200"):
            self._client.done.set_result(None)
            self._transport.close()
        elif b"connection: close" in head:
            self._transport.close()
            asyncio.get_running_loop().create_task(self._client.connect())
        else:
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._waiting and not self._client.done.done():
            self._client.done.set_exception(
                exc or ConnectionResetError("the server closed a connection it owed an answer")
            )


def request(host: str, path: str, body: bytes) -> bytes:
    """Returns the bytes of one POST request with a JSON body on a connection that stays open."""
    return (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


async def _round(port: int, payloads: list[bytes], connections: int, seconds: float) -> Round:
    begin = time.perf_counter()
    clients = [_Client(port, payloads, index * 17, begin + seconds) for index in range(connections)]
    for client in clients:
        await client.connect()
    await asyncio.gather(*(client.done for client in clients))
    elapsed = time.perf_counter() - begin
    latencies = [latency for client in clients for latency in client.latencies]
    cuts = statistics.quantiles(latencies, n=100)
    return Round(
        requests_per_second=len(latencies) / elapsed,
        p50=cuts[49] * 1000,
        p99=cuts[98] * 1000,
        requests=len(latencies),
        failures=sum(client.failures for client in clients),
    )


def measure(port: int, payloads: list[bytes], connections: int, seconds: float) -> Round:
    """Loads the server on a loopback port for so many seconds.

    Raises:
        OSError: The server refused or closed a connection.
    """
    return uvloop.run(_round(port, payloads, connections, seconds))
