"""Reading a request's body within limits, and finding the JSON in it."""

import asyncio
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import parse_qs

import orjson

from ml.server.refusal import ClientGone, Refusal, bad_data, busy

_CLOSE = ((b"connection", b"close"),)
_FORM = b"application/x-www-form-urlencoded"
_JSON = b"application/json"


class Headers(NamedTuple):
    """The headers that decide how a body is read; empty when absent."""

    content_type: bytes
    content_length: bytes
    content_encoding: bytes


def headers_of(scope: dict[str, Any]) -> Headers:
    """Picks the body's headers from an ASGI scope."""
    content_type = content_length = content_encoding = b""
    for name, value in scope["headers"]:
        if name == b"content-type":
            content_type = value
        elif name == b"content-length":
            content_length = value
        elif name == b"content-encoding":
            content_encoding = value
    return Headers(content_type, content_length, content_encoding)


class Memory:
    """How many bytes of large bodies may be held at once: parsed, they take ten times as much."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held = 0

    def hold(self, count: int) -> None:
        """Notes that so many more bytes are held; raises Refusal (503) if that is too much."""
        if self._held + count > self._limit:
            raise busy(f"{self._held} bytes of requests are being worked on already")
        self._held += count

    def release(self, count: int) -> None:
        """Notes that they are gone."""
        self._held -= count


class Reader:
    """Reads one request's JSON. What it reads in several parts is held until `close`."""

    def __init__(self, memory: Memory, max_bytes: int, timeout_seconds: float) -> None:
        self._memory = memory
        self._max_bytes = max_bytes
        self._timeout_seconds = timeout_seconds
        self._held = 0

    def close(self) -> None:
        """Gives the memory back, once the request is answered."""
        self._memory.release(self._held)

    async def read_json(self, scope: dict[str, Any], receive: Any) -> Any:
        """Returns the parsed JSON of a request; raises Refusal (400, 408, 413, 415, 503) or ClientGone.

        JSON may also come as the form field `json`, or in the query, as seldon-core accepts it.
        """
        headers = headers_of(scope)
        kind = headers.content_type.partition(b";")[0].strip().lower()
        if kind and kind not in (_JSON, _FORM) and not kind.endswith(b"+json"):
            raise Refusal(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                f"the content type must be application/json, got {kind[:80].decode('latin-1')!r}",
            )
        if headers.content_encoding not in (b"", b"identity"):
            raise Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "compressed bodies are not supported, send plain JSON")
        if headers.content_length and int(headers.content_length) > self._max_bytes:
            raise _too_large(self._max_bytes)
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        body = message["body"] if not message["more_body"] else await self._rest(message, receive)
        if len(body) > self._max_bytes:
            raise _too_large(self._max_bytes)
        if kind == _FORM:
            body = _field(body)
            if not body:
                raise Refusal(
                    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                    "a form must carry the JSON in its field 'json', plain JSON has Content-Type: application/json",
                )
        elif not body:
            body = _field(scope["query_string"])
            if not body:
                raise bad_data('the body is empty, send {"data": {"ndarray": [[…]]}} or an inference request')
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise bad_data(f"the body is not JSON: {error}") from None

    async def _rest(self, message: dict[str, Any], receive: Any) -> bytes:
        body = bytearray(message["body"])
        try:
            async with asyncio.timeout(self._timeout_seconds):
                while True:
                    if len(body) > self._max_bytes:
                        raise _too_large(self._max_bytes)
                    self._memory.hold(len(body) - self._held)
                    self._held = len(body)
                    if not message["more_body"]:
                        return bytes(body)
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise ClientGone
                    body += message["body"]
        except TimeoutError:
            raise Refusal(
                HTTPStatus.REQUEST_TIMEOUT,
                f"the body did not arrive within {self._timeout_seconds:g} s",
                headers=_CLOSE,
            ) from None


def _field(encoded: bytes) -> bytes:
    """The field `json` of an urlencoded form or query, empty when there is none."""
    if b"json=" not in encoded:
        return b""
    try:
        return parse_qs(encoded, max_num_fields=100).get(b"json", [b""])[0]
    except ValueError:
        raise bad_data("the form has more than 100 fields") from None


def _too_large(max_bytes: int) -> Refusal:
    return Refusal(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"the body is larger than {max_bytes} bytes, send fewer rows in a request",
        "PAYLOAD_TOO_LARGE",
    )
