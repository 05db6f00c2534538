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


class _Connection(asyncio.Protocol):
    """One connection that sends the next request as soon as the answer to the last is complete."""

    def __init__(self, payloads: list[bytes], first: int, until: float, latencies: list[float]) -> None:
        self._payloads = payloads
        self._next = first
        self._until = until
        self._latencies = latencies
        self._buffer = b""
        self._sent = 0.0
        self._transport: asyncio.Transport | None = None
        self.failures = 0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but its class
        self._send()

    def _send(self) -> None:
        assert self._transport is not None
        payload = self._payloads[self._next % len(self._payloads)]
        self._next += 1
        self._sent = time.perf_counter()
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
        now = time.perf_counter()
        self._latencies.append(now - self._sent)
        if head[9:12] != b"200":
            self.failures += 1
        self._buffer = b""
        if now < self._until:
            self._send()
        else:
            assert self._transport is not None
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.done.done():
            return
        if exc is not None or time.perf_counter() < self._until:
            self.done.set_exception(exc or ConnectionResetError("the server closed a connection during the round"))
        else:
            self.done.set_result(None)


def request(host: str, path: str, body: bytes) -> bytes:
    """Returns the bytes of one POST request with a JSON body on a connection that stays open."""
    return (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


async def _round(port: int, payloads: list[bytes], connections: int, seconds: float) -> Round:
    loop = asyncio.get_running_loop()
    latencies: list[float] = []
    begin = time.perf_counter()
    until = begin + seconds
    opened = [
        (
            await loop.create_connection(
                lambda first=index * 17: _Connection(payloads, first, until, latencies), "127.0.0.1", port
            )
        )[1]
        for index in range(connections)
    ]
    await asyncio.gather(*(connection.done for connection in opened))
    elapsed = time.perf_counter() - begin
    cuts = statistics.quantiles(latencies, n=100)
    return Round(
        requests_per_second=len(latencies) / elapsed,
        p50=cuts[49] * 1000,
        p99=cuts[98] * 1000,
        requests=len(latencies),
        failures=sum(connection.failures for connection in opened),
    )


def measure(port: int, payloads: list[bytes], connections: int, seconds: float) -> Round:
    """Loads the server on a loopback port for so many seconds.

    Raises:
        OSError: The server refused or closed a connection.
    """
    return uvloop.run(_round(port, payloads, connections, seconds))
