"""Reading a request's body within limits, and finding the JSON in it."""

import asyncio
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import parse_qs

import orjson

from ml.server.refusal import ClientGone, Refusal, bad_data

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


async def read_json(scope: dict[str, Any], receive: Any, max_bytes: int, timeout_seconds: float) -> Any:
    """Returns the parsed JSON of a request; raises Refusal (400, 408, 413, 415) or ClientGone.

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
    if headers.content_length and int(headers.content_length) > max_bytes:
        raise _too_large(max_bytes)
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientGone
    body = message["body"] if not message["more_body"] else await _rest(message, receive, max_bytes, timeout_seconds)
    if len(body) > max_bytes:
        raise _too_large(max_bytes)
    if kind == _FORM:
        body = _field(body)
        if not body:
            raise Refusal(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                "a form must carry the JSON in its field 'json', to send plain JSON set Content-Type: application/json",
            )
    elif not body:
        body = _field(scope["query_string"])
        if not body:
            raise bad_data('the body is empty, send {"data": {"ndarray": [[…]]}} or an inference request')
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise bad_data(f"the body is not JSON: {error}") from None


async def _rest(message: dict[str, Any], receive: Any, max_bytes: int, timeout_seconds: float) -> bytes:
    body = bytearray(message["body"])
    try:
        async with asyncio.timeout(timeout_seconds):
            while message["more_body"]:
                if len(body) > max_bytes:
                    raise _too_large(max_bytes)
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientGone
                body += message["body"]
    except TimeoutError:
        raise Refusal(
            HTTPStatus.REQUEST_TIMEOUT, f"the body did not arrive within {timeout_seconds:g} s", headers=_CLOSE
        ) from None
    return bytes(body)


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
