"""The ASGI application: which path answers what, and what every error looks like.

Plain ASGI with a table of paths: with a model this small, a framework's routing and request objects would cost as much
as the prediction (docs/decisions has the numbers).
"""

import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, NamedTuple

from ml.errors import BadInput
from ml.server import log, open_inference, seldon
from ml.server.body import Memory, Reader
from ml.server.loader import Loader
from ml.server.metrics import CONTENT_TYPE, Metrics
from ml.server.predictor import Predictor
from ml.server.refusal import (
    CLIENT_CLOSED_REQUEST,
    INTERNAL_ERROR,
    MODEL_NOT_READY,
    ClientGone,
    Refusal,
    bad_data,
    busy,
)
from ml.server.seldon import Call
from ml.server.settings import Settings

_JSON = b"application/json"
LARGE_BODIES = 4
"""How many bodies of the largest size may be worked on at once."""
_TEXT = b"text/plain; charset=utf-8"


class Answer(NamedTuple):
    """A response."""

    body: bytes
    content_type: bytes = _JSON
    status: int = HTTPStatus.OK
    headers: tuple[tuple[bytes, bytes], ...] = ()


Handler = Callable[[Any, Any], Awaitable[Answer] | Answer]


class Route(NamedTuple):
    """What a path answers."""

    protocol: str
    """Label in metrics, and the shape of errors."""
    get: Handler | None = None
    post: Handler | None = None


class App:
    """The model server as an ASGI application."""

    def __init__(self, settings: Settings, loader: Loader, metrics: Metrics) -> None:
        self._settings = settings
        self._loader = loader
        self._metrics = metrics
        self._predictor = Predictor(metrics)
        self._memory = Memory(LARGE_BODIES * settings.max_body_bytes)
        self._draining = False
        self._routes = self._table()
        metrics.ready = lambda: self.ready
        self.concern: Callable[[], str | None] = lambda: None
        """What `/health/status` says besides, of a server that is ready all the same."""

    def drain(self) -> None:
        """From now on this server says that it is not ready, and closes each connection after its answer."""
        self._draining = True

    @property
    def paths(self) -> list[str]:
        """Every path that it answers, but for those of a model's version."""
        return list(self._routes)

    @property
    def ready(self) -> bool:
        """Whether this server wants traffic."""
        return self._loader.ready and not self._draining

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """ASGI's entry point."""
        if scope["type"] != "http":
            await self._lifespan(receive, send)
            return
        begin = time.perf_counter()
        metrics = self._metrics
        metrics.in_flight += 1
        protocol = "none"
        try:
            path, method = scope["path"], scope["method"]
            route = self._routes.get(path) or self._unknown(path)
            protocol = route.protocol
            if method == "POST" and route.post is not None:
                answer = await route.post(scope, receive)  # type: ignore[misc]
            elif method in ("GET", "HEAD") and route.get is not None:
                answer = route.get(scope, receive)
            else:
                raise _not_allowed(route, method)
        except Refusal as refusal:
            answer = _refused(protocol, refusal)
        except BadInput as error:
            answer = _refused(protocol, bad_data(str(error)))
        except ClientGone:
            metrics.answered(protocol, CLIENT_CLOSED_REQUEST, time.perf_counter() - begin)
            return
        except Exception:  # a fault of ours: the sender gets an id, the log the stack
            answer = _failed(protocol, path)
        finally:
            metrics.in_flight -= 1
        metrics.answered(protocol, answer.status, time.perf_counter() - begin)
        await send({"type": "http.response.start", "status": answer.status, "headers": self._headers(answer)})
        await send({"type": "http.response.body", "body": answer.body})

    async def refuse(self, scope: Any, send: Any, refusal: Refusal) -> None:
        """Answers a request that was refused before it came here, in the form of the protocol that its path is of."""
        protocol = _protocol(scope["path"])
        answer = _refused(protocol, refusal)
        self._metrics.refused(protocol, answer.status)
        await send({"type": "http.response.start", "status": answer.status, "headers": self._headers(answer)})
        await send({"type": "http.response.body", "body": answer.body})

    def _headers(self, answer: Answer) -> list[tuple[bytes, bytes]]:
        headers = [(b"content-type", answer.content_type), (b"content-length", b"%d" % len(answer.body))]
        headers += answer.headers
        if self._draining:
            headers.append((b"connection", b"close"))
        return headers

    async def _lifespan(self, receive: Any, send: Any) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self._loader.start()
                await send({"type": "lifespan.startup.complete"})
            else:
                await self._loader.stop()
                self._predictor.close()
                await send({"type": "lifespan.shutdown.complete"})
                return

    def _table(self) -> dict[str, Route]:
        predictions = Route("seldon", post=self._seldon)
        status = Route("health", get=self._status)
        metadata = Route("seldon", get=lambda _scope, _receive: Answer(seldon.metadata(self._loader.model)))
        model = f"/v2/models/{self._settings.model_name}"
        live = Route("v2", get=lambda _scope, _receive: Answer(b'{"live":true}'))
        ready = Route("v2", get=self._v2_ready)
        return {
            "/api/v1.0/predictions": predictions,
            "/api/v0.1/predictions": predictions,
            "/api/v1.0/metadata": metadata,
            "/metadata": metadata,
            "/health/ping": Route("health", get=lambda _scope, _receive: Answer(b"pong", _TEXT)),
            "/health/status": status,
            "/api/v1.0/health/status": status,
            "/metrics": Route("metrics", get=lambda _s, _r: Answer(self._metrics.render(), CONTENT_TYPE)),
            "/v2": Route("v2", get=lambda _scope, _receive: Answer(open_inference.server_metadata())),
            "/v2/health/live": live,
            "/v2/health/ready": ready,
            model: Route("v2", get=lambda _scope, _receive: Answer(open_inference.metadata(self._loader.model))),
            f"{model}/ready": Route("v2", get=self._v2_model_ready),
            f"{model}/infer": Route("v2", post=self._infer),
        }

    def _unknown(self, path: str) -> Route:
        """The route of a versioned Open Inference path; raises Refusal (404) for any other."""
        base = f"/v2/models/{self._settings.model_name}"
        if path.startswith(f"{base}/versions/"):
            version, _, rest = path.removeprefix(f"{base}/versions/").partition("/")
            loaded = self._loader.model.version if self._loader.model is not None else None
            if version == loaded and (route := self._routes.get(f"{base}/{rest}" if rest else base)):
                return route
        raise NotFound(_protocol(path))

    async def _seldon(self, scope: Any, receive: Any) -> Answer:
        return await self._predict(scope, receive, seldon.parse)

    async def _infer(self, scope: Any, receive: Any) -> Answer:
        return await self._predict(scope, receive, open_inference.parse)

    async def _predict(self, scope: Any, receive: Any, parse: Callable[[Any, Any], Call]) -> Answer:
        settings, model = self._settings, self._model()
        reader = Reader(self._memory, settings.max_body_bytes, settings.body_timeout_seconds)
        try:
            call = parse(await reader.read_json(scope, receive), model)
            if len(call.rows) > settings.max_rows:
                raise Refusal(
                    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                    f"a request may have {settings.max_rows} rows, got {len(call.rows)}, send them in parts",
                    "TOO_MANY_ROWS",
                )
            return Answer(call.render(await self._predictor.predict(model, call.rows, call.names), model))
        finally:
            reader.close()

    def _model(self) -> Any:
        """The loaded model; raises Refusal (503) when there is none or there is too much to do already."""
        if self._metrics.in_flight > self._settings.max_in_flight:
            raise busy(f"{self._settings.max_in_flight} requests are being answered already")
        if self._loader.model is None:
            raise Refusal(HTTPStatus.SERVICE_UNAVAILABLE, self._why_not(), MODEL_NOT_READY)
        return self._loader.model

    def _why_not(self) -> str:
        if not self._loader.wanted:
            name = self._settings.endpoint
            return f"no model version has been deployed to endpoint {name} yet; run its training pipeline"
        return self._loader.problem or f"model version {self._loader.wanted} is being loaded"

    def _status(self, _scope: Any, _receive: Any) -> Answer:
        if self._draining:
            raise Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "this server is shutting down", "SHUTTING_DOWN")
        if not self._loader.ready:
            raise Refusal(HTTPStatus.SERVICE_UNAVAILABLE, self._why_not(), MODEL_NOT_READY)
        return Answer(seldon.healthy(self._loader.model, self._loader.problem or self.concern()))

    def _v2_ready(self, _scope: Any, _receive: Any) -> Answer:
        return _readiness(self.ready)

    def _v2_model_ready(self, _scope: Any, _receive: Any) -> Answer:
        return _readiness(self.ready and self._loader.model is not None)


class NotFound(Refusal):
    """No such path. Knows the protocol whose error shape the path asks for."""

    def __init__(self, protocol: str = "none") -> None:
        super().__init__(HTTPStatus.NOT_FOUND, "there is no such path on this server, or no such model or version")
        self.protocol = protocol


def _protocol(path: str) -> str:
    """The protocol of a path that leads nowhere."""
    return "v2" if path == "/v2" or path.startswith("/v2/") else "none"


def _not_allowed(route: Route, method: str) -> Refusal:
    allowed = ", ".join(name for name, handler in (("GET", route.get), ("POST", route.post)) if handler is not None)
    return Refusal(
        HTTPStatus.METHOD_NOT_ALLOWED,
        f"this path takes {allowed}, not {method[:20]}",
        headers=((b"allow", allowed.encode()),),
    )


def _readiness(ready: bool) -> Answer:
    return Answer(
        b'{"ready":true}' if ready else b'{"ready":false}',
        status=HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE,
    )


def _refused(protocol: str, refusal: Refusal) -> Answer:
    protocol = getattr(refusal, "protocol", protocol)
    body = open_inference.error(refusal) if protocol == "v2" else seldon.error(refusal)
    return Answer(body, status=refusal.status, headers=refusal.headers)


def _failed(protocol: str, path: str) -> Answer:
    """The answer to a fault of the server, called while the exception is being handled."""
    fault = secrets.token_hex(6)
    log.event("request failed", logging.ERROR, exc_info=True, id=fault, path=path)
    return _refused(
        protocol,
        Refusal(
            HTTPStatus.INTERNAL_SERVER_ERROR, f"the server failed, its log says more under {fault}", INTERNAL_ERROR
        ),
    )
