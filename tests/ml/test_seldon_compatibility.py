"""The model class runs unchanged under seldon-core's own microservice, and its clients see no difference.

seldon-core runs in an environment of its own, with exactly the packages of requirements/seldon.txt.
"""

import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.servers import Server, seldon_core
from ml.server.app import App
from tests.ml import bundles, serving
from tests.ml.serving import JSON, SELDON, Answer

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
def version(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bundles.make_bundle(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def seldon(version: Path) -> Iterator[Server]:
    with seldon_core(version) as server:
        yield server


@pytest.fixture(scope="module")
def ours(version: Path) -> App:
    return serving.app_of(version.parent.parent, "flowers", version.name)


def ask(server: Server, payload: Any) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    try:
        connection.request("POST", SELDON, json.dumps(payload), JSON)
        response = connection.getresponse()
        return Answer(response.status, dict(response.getheaders()), response.read())
    finally:
        connection.close()


@pytest.mark.parametrize(
    "payload",
    [
        {"data": {"ndarray": [[31.5, 15.2, "Dream"]]}},
        {"data": {"ndarray": [[31.5, 15.2, "Dream"], [50, 14, "Biscoe"], [41.25, 16, "Atlantis"]]}},
        {"data": {"ndarray": [[31.5, None, "Dream"], [None, None, None]]}},
        {"data": {"names": ["island", "length", "width"], "ndarray": [["Dream", 31.5, 15.2]]}},
        {"data": {"tensor": {"shape": [2, 3], "values": [31.5, 15.2, "Dream", 50, 14, "Biscoe"]}}},
        {"data": {"ndarray": [[31.5, 15.2, "Dream"]]}, "meta": {"puid": "p1", "tags": {"caller": "shop"}}},
    ],
    ids=["one row", "rows", "missing cells", "names", "tensor", "meta"],
)
def test_both_servers_give_the_same_answer(seldon: Server, ours: App, payload: Any) -> None:
    theirs = ask(seldon, payload)
    assert theirs.status == 200
    assert serving.ask(ours, "POST", SELDON, payload).json == theirs.json


@pytest.mark.parametrize(
    "rows",
    [[[31.5, 15.2]], [[31.5, 15.2, "Dream", 1]], [["long", 15.2, "Dream"]], [["long", 15.2, None]]],
    ids=["few columns", "many columns", "text for a number", "text for a number beside a missing cell"],
)
def test_bad_rows_are_400_with_the_same_sentence(seldon: Server, ours: App, rows: list) -> None:
    theirs = ask(seldon, {"data": {"ndarray": rows}})
    assert theirs.status == 400
    assert set(theirs.json["status"]) == {"code", "info", "reason", "status"}
    answer = serving.ask(ours, "POST", SELDON, {"data": {"ndarray": rows}})
    assert answer.status == 400
    assert answer.info == theirs.json["status"]["info"]
    assert answer.json["status"]["reason"] == theirs.json["status"]["reason"]
