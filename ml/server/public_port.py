"""What is reachable at the public port: predictions and what describes the model, for clients that are known."""

from typing import Any

from ml.server.access import Access
from ml.server.app import App, NotFound
from ml.server.metrics import Metrics
from ml.server.rate_limit import RateLimit
from ml.server.refusal import Refusal


class PublicPort:
    """The ASGI application of the public port, in front of the one that answers inside the cluster.

    Who has no access learns nothing, not even which paths exist.
    """

    def __init__(self, app: App, access: Access, metrics: Metrics, limit: RateLimit | None = None) -> None:
        self._app = app
        self._access = access
        self._limit = limit
        self._metrics = metrics

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """ASGI's entry point; the server sends it nothing but requests."""
        client = None
        try:
            client = self._access.client(scope["headers"])
            if self._limit is not None:
                self._limit.take(client)
            if not is_public(scope["path"]):
                raise NotFound
        except Refusal as refusal:
            if client is not None:
                self._metrics.answered_client(client, refusal.status)
            await self._app.refuse(scope, send, refusal)
            return

        async def counted(message: Any) -> None:
            if message["type"] == "http.response.start":
                self._metrics.answered_client(client, message["status"])
            await send(message)

        await self._app(scope, receive, counted)


def is_public(path: str) -> bool:
    """Whether clients outside may ask for a path, decoded as the application reads it."""
    return path == "/v2" or path.startswith(("/api/", "/v2/"))
