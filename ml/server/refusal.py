"""Requests that are answered with an error on purpose. Each message is one sentence for the sender."""

from http import HTTPStatus

BAD_DATA = "MICROSERVICE_BAD_DATA"  # seldon-core's own reason for a bad request
INTERNAL_ERROR = "MICROSERVICE_INTERNAL_ERROR"  # likewise, for a fault of the server
MODEL_NOT_READY = "MODEL_NOT_READY"
CLIENT_CLOSED_REQUEST = 499  # nobody is there to read it; it only appears in metrics, as nginx counts it


class Refusal(Exception):
    """An error answer: HTTP status, machine-readable reason, and the sentence for the sender."""

    def __init__(
        self, status: int, message: str, reason: str | None = None, headers: tuple[tuple[bytes, bytes], ...] = ()
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.reason = reason or HTTPStatus(status).name
        self.headers = headers


class ClientGone(Exception):
    """The client closed its connection before its request was complete."""


def busy(what: str) -> Refusal:
    """There is too much to do already: 503, to be sent again."""
    return Refusal(
        HTTPStatus.SERVICE_UNAVAILABLE, f"{what}, send this one again", "TOO_MANY_REQUESTS", ((b"retry-after", b"1"),)
    )


def bad_data(message: str) -> Refusal:
    """The rows or the JSON around them are wrong: 400."""
    return Refusal(HTTPStatus.BAD_REQUEST, message, BAD_DATA)
