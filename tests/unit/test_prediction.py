"""What `make up` and `make predict` take for the endpoint's answer, from a real HTTP server."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain, count, repeat

import pytest

from local.prediction import ANSWERS_IN_A_ROW, EXAMPLE_ROWS, predict
from local.progress import StepFailed

NO_MODEL = (503, {"status": {"code": 503, "reason": "MODEL_NOT_READY"}})


def by(version: str) -> tuple[int, dict]:
    return 200, {"data": {"names": [], "ndarray": []}, "meta": {"tags": {"model": "penguins", "version": version}}}


@contextmanager
def gateway(answers: Iterator[tuple[int, dict]]) -> Iterator[tuple[str, list[int]]]:
    """A server that gives these answers in turn, and the statuses that it has given."""
    given: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            status, body = next(answers)
            given.append(status)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/", given
        server.shutdown()


def test_an_answer_is_final_only_when_the_leaving_pod_answers_no_more():
    turns = [by("2"), NO_MODEL, by("2"), by("1"), by("2"), by("1")]

    with gateway(chain(turns, repeat(by("2")))) as (url, given):
        answer = predict(url, EXAMPLE_ROWS)

    assert answer["meta"]["tags"]["version"] == "2"
    assert len(given) == len(turns) + ANSWERS_IN_A_ROW


def test_an_endpoint_that_never_settles_is_refused():
    with (
        gateway(by(str(turn % 2 + 1)) for turn in count()) as (url, _),
        pytest.raises(StepFailed, match=r"by version [12] and by others"),
    ):
        predict(url, EXAMPLE_ROWS, wait_seconds=0.2)


def test_a_server_without_a_model_is_quoted():
    with gateway(repeat(NO_MODEL)) as (url, _), pytest.raises(StepFailed, match=r"answered 503: .*MODEL_NOT_READY"):
        predict(url, EXAMPLE_ROWS, wait_seconds=0.2)


def test_a_refusal_is_not_asked_again():
    with gateway(repeat((400, {}))) as (url, given), pytest.raises(StepFailed, match="answered 400"):
        predict(url, EXAMPLE_ROWS)

    assert given == [400]
