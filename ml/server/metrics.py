"""What the server counts, in Prometheus' text format."""

from collections import Counter as Counts
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_ROWS = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000)

MAX_CLIENTS = 200
"""How many clients have a label of their own: tokens may name as many as there are people."""
OTHER_CLIENTS = "(others)"


class Metrics:
    """Counters of one server, in a registry of their own."""

    def __init__(self) -> None:
        registry = self._registry = CollectorRegistry()
        self._requests = Counter(
            "model_server_requests", "Requests by protocol and HTTP status", ("protocol", "status"), registry=registry
        )
        self._seconds = Histogram(
            "model_server_request_seconds",
            "Time from a request's headers to its answer",
            ("protocol",),
            buckets=_SECONDS,
            registry=registry,
        )
        self._clients = Counter(
            "model_server_client_requests",
            "Requests at the public port by client and HTTP status",
            ("client", "status"),
            registry=registry,
        )
        self._rows = Histogram("model_server_rows", "Rows in a request", buckets=_ROWS, registry=registry)
        self._batch = Histogram(
            "model_server_batch_rows", "Rows that went through the model together", buckets=_ROWS, registry=registry
        )
        self._unknown = Counter(
            "model_server_unknown_categories",
            "Cells whose category training had not seen",
            ("column",),
            registry=registry,
        )
        self._model = Gauge(
            "model_server_model_info", "1 for the version being served", ("model", "version"), registry=registry
        )
        in_flight = Gauge("model_server_in_flight_requests", "Requests being answered", registry=registry)
        in_flight.set_function(lambda: self.in_flight)
        ready = Gauge("model_server_ready", "1 when this server wants traffic", registry=registry)
        ready.set_function(lambda: float(self.ready()))
        self._issuer = Gauge(
            "model_server_issuer_reachable",
            "1 when the identity provider's keys could be read the last time, 0 otherwise; absent without `jwt`",
            ("issuer",),
            registry=registry,
        )
        ProcessCollector(registry=registry)
        self._named: set[str] = set()
        self._by_answer: dict[tuple[str, int], Counter] = {}
        self._by_protocol: dict[str, Histogram] = {}
        self.in_flight = 0
        self.ready: Callable[[], bool] = lambda: False

    def answered(self, protocol: str, status: int, seconds: float) -> None:
        """Counts one answer."""
        counter = self._by_answer.get((protocol, status))
        if counter is None:  # looking labels up costs more than counting
            counter = self._by_answer[protocol, status] = self._requests.labels(protocol, str(status))
        counter.inc()
        histogram = self._by_protocol.get(protocol)
        if histogram is None:
            histogram = self._by_protocol[protocol] = self._seconds.labels(protocol)
        histogram.observe(seconds)

    def refused(self, protocol: str, status: int) -> None:
        """Counts a request that was refused at the public port; its time says nothing about predictions."""
        self._requests.labels(protocol, str(status)).inc()

    def answered_client(self, client: str, status: int) -> None:
        """Counts one answer to a client; those that come after MAX_CLIENTS others are counted together."""
        if client not in self._named:
            if len(self._named) >= MAX_CLIENTS:
                client = OTHER_CLIENTS
            else:
                self._named.add(client)
        self._clients.labels(client, str(status)).inc()

    def accepted(self, rows: int) -> None:
        """Counts the rows of a request."""
        self._rows.observe(rows)

    def batch(self, rows: int, unknown: Counts[str]) -> None:
        """Counts one call of the model, and the cells in it whose category the model does not know."""
        self._batch.observe(rows)
        for column, cells in unknown.items():
            self._unknown.labels(column).inc(cells)

    def issuer(self, name: str, reachable: Callable[[], bool]) -> None:
        """Shows from now on whether an identity provider answers."""
        self._issuer.labels(name).set_function(lambda: float(reachable()))

    def serving(self, model: str, version: str) -> None:
        """Notes which version is served from now on."""
        self._model.clear()
        self._model.labels(model, version).set(1)

    def render(self) -> bytes:
        """All of it, in Prometheus' text format."""
        return generate_latest(self._registry)
