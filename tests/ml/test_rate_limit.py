"""A client that sends too much gets 429 and learns when to come again; nobody else notices."""

import json
from http import HTTPStatus
from pathlib import Path

import pytest
from pulumi_mlops.contract import api_keys

from ml.server.rate_limit import MANY_CLIENTS, RateLimit
from ml.server.refusal import Refusal
from ml.server.settings import BadSetting, Settings
from tests.ml import bundles
from tests.ml.serving import SELDON, running
from tests.ml.test_public_port import GOOD, V2, kept, mounted, outside


class Clock:
    """A clock that stands still."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def answered(limit: RateLimit, client: str, count: int) -> int:
    """How many of so many requests at once are answered."""
    answered = 0
    for _ in range(count):
        try:
            limit.take(client)
            answered += 1
        except Refusal:
            pass
    return answered


def seconds_to_wait(limit: RateLimit, client: str) -> int:
    with pytest.raises(Refusal) as refusal:
        limit.take(client)
    assert refusal.value.status == HTTPStatus.TOO_MANY_REQUESTS
    ((name, value),) = refusal.value.headers
    assert name == b"retry-after"
    return int(value)


def test_ten_seconds_worth_may_come_at_once_and_then_the_rate_counts() -> None:
    clock = Clock()
    limit = RateLimit(120, clock)

    assert answered(limit, "web-shop", 50) == 20
    assert answered(limit, "batch", 5) == 5
    assert seconds_to_wait(limit, "web-shop") == 1
    clock.now += 3
    assert answered(limit, "web-shop", 50) == 6
    clock.now += 3600
    assert answered(limit, "web-shop", 50) == 20, "what was not used in an hour is not kept"


def test_a_client_is_answered_after_the_time_that_it_was_told() -> None:
    clock = Clock()
    limit = RateLimit(7, clock)
    limit.take("web-shop")
    for _ in range(3):
        clock.now += seconds_to_wait(limit, "web-shop")
        limit.take("web-shop")


def test_who_goes_on_asking_is_not_held_back_longer() -> None:
    clock = Clock()
    limit = RateLimit(1, clock)
    limit.take("web-shop")
    for _ in range(59):
        clock.now += 1
        assert answered(limit, "web-shop", 1) == 0
    clock.now += 1
    limit.take("web-shop")


def test_of_many_clients_those_that_were_quiet_are_forgotten_and_nobody_gains_by_it() -> None:
    clock = Clock()
    limit = RateLimit(6, clock)
    assert answered(limit, "busy", 5) == 1
    for number in range(MANY_CLIENTS):
        limit.take(f"jwt:{number}")
    clock.now += 9
    assert answered(limit, "busy", 1) == 0
    assert limit.clients == MANY_CLIENTS + 1, "nobody's bucket is full again"
    clock.now += 2
    assert answered(limit, "busy", 5) == 1
    for number in range(MANY_CLIENTS):
        limit.take(f"jwt:later-{number}")
    clock.now += 11
    for number in range(MANY_CLIENTS):
        limit.take(f"jwt:last-{number}")
    assert limit.clients <= 2 * MANY_CLIENTS + 2


def test_over_the_wire_it_is_an_error_of_the_protocol_and_hits_this_client_alone(tmp_path: Path) -> None:
    bundles.make_bundle(tmp_path / "models")
    web, batch = api_keys.new("web-shop"), api_keys.new("batch")
    mounted(tmp_path / "clients", "1", {"web-shop": kept(web), "batch": kept(batch)})
    public = {"PUBLIC_PORT": "0", "CLIENTS_DIR": str(tmp_path / "clients"), "CLIENT_REQUESTS_PER_MINUTE": "1"}
    with running(tmp_path / "models", MODEL_VERSION=bundles.VERSION, **public) as server:
        server.wait_until(200)
        sentence = "a client may send 1 requests a minute to each replica of this endpoint"

        assert outside(server, "POST", SELDON, f"Bearer {web}", body=GOOD).status == 200
        seldon, v2 = (outside(server, "POST", path, f"Bearer {web}", body=GOOD) for path in (SELDON, V2))
        assert outside(server, "GET", "/no-such-path", f"Bearer {web}").status == 429
        for answer in (seldon, v2):
            assert answer.status == 429
            assert 0 < int(answer.headers["retry-after"]) <= 60
        assert json.loads(seldon.body)["status"]["info"] == sentence
        assert json.loads(v2.body) == {"error": sentence}

        assert outside(server, "POST", SELDON, f"Bearer {batch}", body=GOOD).status == 200
        assert outside(server, "POST", SELDON, f"Bearer {api_keys.new('web-shop')}", body=GOOD).status == 401
        assert server.ask("POST", SELDON, GOOD).status == 200, "callers inside the cluster have no limit"
        metrics = server.ask("GET", "/metrics").body.decode()
        assert 'model_server_client_requests_total{client="web-shop",status="429"} 3.0' in metrics


@pytest.mark.parametrize("value", ["0", "-1", "many", "1.5"])
def test_a_limit_that_is_no_number_of_requests_is_refused(value: str) -> None:
    with pytest.raises(BadSetting, match="CLIENT_REQUESTS_PER_MINUTE must be a number of at least 1, got"):
        Settings.from_environment({"MODEL_NAME": "flowers", "CLIENT_REQUESTS_PER_MINUTE": value})
