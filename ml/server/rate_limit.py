"""How many requests a client may send."""

import math
import time
from collections.abc import Callable
from http import HTTPStatus

from ml.server.refusal import Refusal

BURST_SECONDS = 10
"""A client that was quiet may send as many requests at once as it may in this time."""

MANY_CLIENTS = 10_000
"""From so many on, clients that were quiet are forgotten: tokens may name as many as there are people."""


class RateLimit:
    """A bucket of tokens for each client: a request takes one, and they come back at an even rate."""

    def __init__(self, requests_per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = requests_per_minute / 60
        self._most = max(1.0, self._rate * BURST_SECONDS)
        self._clock = clock
        self._sentence = f"a client may send {requests_per_minute} requests a minute to each replica of this endpoint"
        self._buckets: dict[str, tuple[float, float]] = {}
        self._many = MANY_CLIENTS

    @property
    def clients(self) -> int:
        """How many clients are remembered."""
        return len(self._buckets)

    def take(self, client: str) -> None:
        """Counts a request of a client that is known; raises Refusal (429) with the time after which one is allowed."""
        now = self._clock()
        if len(self._buckets) > self._many:
            self._forget(now)
        left, at = self._buckets.get(client, (self._most, now))
        left = min(self._most, left + (now - at) * self._rate)
        if left < 1:
            self._buckets[client] = (left, now)
            seconds = math.ceil((1 - left) / self._rate)
            raise Refusal(HTTPStatus.TOO_MANY_REQUESTS, self._sentence, headers=((b"retry-after", b"%d" % seconds),))
        self._buckets[client] = (left - 1, now)

    def _forget(self, now: float) -> None:
        """Drops the buckets that are full again, which are as good as none."""
        self._buckets = {
            client: (left, at)
            for client, (left, at) in self._buckets.items()
            if left + (now - at) * self._rate < self._most
        }
        self._many = max(MANY_CLIENTS, 2 * len(self._buckets))
