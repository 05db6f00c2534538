"""Whatever is sent, the answer is a 4xx of known shape that says why, and the next request is served."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ml.server import app as app_module
from ml.server.app import App
from tests.ml import bundles, serving
from tests.ml.serving import JSON, SELDON, ask, ask_in_parts

GOOD = {"data": {"ndarray": [[31.5, 15.2, "Dream"]]}}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> App:
    models = tmp_path_factory.mktemp("models")
    bundles.make_bundle(models)
    return serving.app_of(models, "flowers", bundles.VERSION)


def ndarray(*rows: Any) -> dict[str, Any]:
    return {"data": {"ndarray": list(rows)}}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (ndarray([31.5, 15.2]), "3 columns (length, width, island), got 2"),
        (ndarray([1, 2, "Dream", 4]), "3 columns (length, width, island), got 4"),
        (ndarray([1, 2, "Dream"], [1, 2]), "row 1 has 2 cells, the rows before it have 3"),
        (ndarray(["long", 15.2, "Dream"]), "column 'length' must hold finite numbers, got 'long'"),
        (ndarray(["31.5", 15.2, "Dream"]), "column 'length' must hold finite numbers, got '31.5'"),
        (ndarray([[1], 2, "Dream"]), "column 'length' must hold finite numbers"),
        (ndarray([1, 2, {}]), "column 'island' must hold text"),
        (ndarray([1, 1e999, "Dream"]), "is not JSON"),
        (ndarray(31.5, 15.2, "Dream"), "row 0 must be a list of cells"),
        (ndarray(), "there are no rows"),
        (ndarray([]), "3 columns"),
        ({}, 'the body has no "data"'),
        ([], "must be a JSON object, got a list"),
        (1, "must be a JSON object, got a number"),
        ({"data": None}, 'has no "data"'),
        ({"data": [[1]]}, "data must be a JSON object, got a list"),
        ({"data": {}}, "neither ndarray nor tensor"),
        ({"data": {"ndarray": {"0": 1}}}, "data.ndarray must be a list of rows, got an object"),
        ({"data": {"ndarray": [[1, 2, "a"]], "names": "abc"}}, "data.names must be a list"),
        ({"data": {"ndarray": [[1, 2, "a"]], "names": [1, 2, 3]}}, "names must be a list of column names"),
        ({"data": {"ndarray": [[1, 2, "a"]], "names": ["length", "width"]}}, "2 names for rows of 3 cells"),
        ({"data": {"ndarray": [[1, 2, "a"]], "names": ["length", "width", "isle"]}}, "'isle' is not a column"),
        ({"data": {"ndarray": [[1, 2, "a"]]}, "meta": 5}, "meta must be a JSON object"),
        ({"data": {"tensor": [1]}}, "data.tensor must be a JSON object"),
        ({"data": {"tensor": {"shape": [3], "values": [1, 2, 3]}}}, "two sizes"),
        ({"data": {"tensor": {"shape": [-1, -3], "values": [1, 2, 3]}}}, "two sizes"),
        ({"data": {"tensor": {"shape": [1, 3], "values": [1, 2]}}}, "a list of 3 values, got 2 values"),
        ({"data": {"tensor": {"shape": [0, 3], "values": []}}}, "no rows"),
        ({"strData": "1,2,3"}, "strData is not a table"),
        (b"", "the body is empty"),
        (b"{", "the body is not JSON"),
        (b"\xff\xfe", "the body is not JSON"),
        (b'{"data":{"ndarray":[[NaN,1,"Dream"]]}}', "the body is not JSON"),
        (b'{"data":{"ndarray":[[-Infinity,1,"Dream"]]}}', "the body is not JSON"),
        (b'{"data":{"ndarray":' + b"[" * 200_000, "the body is not JSON"),
        (b'{"data":{"ndarray":[[' + b"9" * 400 + b',1,"Dream"]]}}', ""),
    ],
)
def test_a_bad_body_is_refused_with_the_reason(app: App, body: Any, message: str) -> None:
    if body == ndarray([1, 1e999, "Dream"]):
        body = json.dumps(body).replace("Infinity", "1e999").encode()
    answer = ask(app, "POST", SELDON, body)
    assert answer.status == 400
    assert message in answer.info
    assert ask(app, "POST", SELDON, GOOD).status == 200


@pytest.mark.parametrize("kind", ["text/csv", "multipart/form-data; boundary=x", "application/jsonx", "é"])
def test_another_content_type_is_415(app: App, kind: str) -> None:
    answer = ask(app, "POST", SELDON, GOOD, {"content-type": kind})
    assert answer.status == 415
    assert "must be application/json" in answer.info


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "APPLICATION/JSON", "application/vnd.x+json"])
def test_a_content_type_of_json_is_accepted_however_it_is_written(app: App, kind: str) -> None:
    assert ask(app, "POST", SELDON, GOOD, {"content-type": kind}).status == 200


def test_plain_json_with_the_content_type_of_a_form_is_told_so(app: App) -> None:
    answer = ask(app, "POST", SELDON, GOOD, {"content-type": "application/x-www-form-urlencoded"})
    assert answer.status == 415
    assert "plain JSON has Content-Type: application/json" in answer.info


def test_a_form_with_very_many_fields_is_refused(app: App) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert ask(app, "POST", SELDON, b"json=1&" * 1000, form).status == 400


def test_a_compressed_body_is_415(app: App) -> None:
    assert ask(app, "POST", SELDON, GOOD, {**JSON, "content-encoding": "gzip"}).status == 415


def test_an_unknown_path_is_404(app: App) -> None:
    for path in ("/", "/api/v2.0/predictions", "/api/v1.0/predictions/", "/../etc/passwd", "/é\x00"):
        answer = ask(app, "POST", path, GOOD)
        assert answer.status == 404
        assert "no such path" in answer.info


def test_a_wrong_method_is_405_and_says_which_is_right(app: App) -> None:
    for method in ("GET", "PUT", "DELETE", "BREW" * 100):
        answer = ask(app, method, SELDON)
        assert answer.status == 405
        assert answer.headers["allow"] == "POST"
        assert answer.info
    assert ask(app, "POST", "/metadata", GOOD).headers["allow"] == "GET"


def test_a_body_that_is_declared_too_large_is_refused_before_it_is_read(app: App) -> None:
    answer = asyncio.run(ask_in_parts(app, "POST", SELDON, [], {**JSON, "content-length": str(10 * 1024 * 1024)}))
    assert answer.status == 413
    assert "larger than 4194304 bytes" in answer.info


def test_a_body_without_a_length_is_refused_once_it_is_too_large(app: App) -> None:
    answer = asyncio.run(ask_in_parts(app, "POST", SELDON, [b" " * 65536] * 1000, JSON))
    assert answer.status == 413


def test_too_many_rows_are_refused(app: App) -> None:
    answer = ask(app, "POST", SELDON, ndarray(*[[1, 2, "a"]] * 100_000))
    assert answer.status == 413
    assert "may have 10000 rows, got 100000" in answer.info


def test_a_client_that_goes_away_gets_no_answer_and_is_counted(app: App) -> None:
    with pytest.raises(ValueError, match="not enough values"):  # nothing was sent
        asyncio.run(ask_in_parts(app, "POST", SELDON, [], JSON))
    assert b'protocol="seldon",status="499"' in ask(app, "GET", "/metrics").body


def test_more_requests_at_once_than_allowed_are_told_to_come_back(tmp_path: Path) -> None:
    bundles.make_bundle(tmp_path)
    app = serving.app_of(tmp_path, "flowers", bundles.VERSION, max_in_flight=2)
    body = json.dumps(GOOD).encode()

    async def burst() -> list[serving.Answer]:
        return await asyncio.gather(*(ask_in_parts(app, "POST", SELDON, [body], JSON) for _ in range(5)))

    answers = asyncio.run(burst())
    assert sorted(answer.status for answer in answers) == [200, 200, 503, 503, 503]
    refused = next(answer for answer in answers if answer.status == 503)
    assert "2 requests are being answered already" in refused.info
    assert refused.headers["retry-after"] == "1"


def test_more_bytes_at_once_than_there_is_memory_for_are_told_to_come_back(app: App) -> None:
    large = [b" " * (1 << 20)] * 3 + [json.dumps(GOOD).encode()]

    async def burst() -> list[serving.Answer]:
        return await asyncio.gather(*(ask_in_parts(app, "POST", SELDON, large, JSON, pause=0.05) for _ in range(8)))

    for _ in range(2):  # what was held is given back
        statuses = sorted(answer.status for answer in asyncio.run(burst()))
        assert set(statuses) == {200, 503}
        assert statuses.count(200) >= 4
    assert ask(app, "POST", SELDON, GOOD).status == 200


def test_requests_of_one_burst_get_each_its_own_answer(app: App) -> None:
    rows = [[30 + number, None, "Dream"] for number in range(20)]
    alone = [ask(app, "POST", SELDON, ndarray(row)).json["data"]["ndarray"] for row in rows]

    async def burst() -> list[serving.Answer]:
        bodies = [json.dumps(ndarray(row)).encode() for row in rows]
        return await asyncio.gather(*(ask_in_parts(app, "POST", SELDON, [body], JSON) for body in bodies))

    assert [answer.json["data"]["ndarray"] for answer in asyncio.run(burst())] == alone


def test_a_fault_of_the_server_is_500_with_an_id_that_stands_in_the_log(
    app: App, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_payload: Any, _model: Any) -> None:
        raise RuntimeError("secret in /some/path")

    monkeypatch.setattr(app_module.seldon, "parse", fail)
    answer = ask(app, "POST", SELDON, GOOD)
    assert answer.status == 500
    assert "secret" not in answer.info
    assert "/some" not in answer.info
    record = next(record for record in caplog.records if record.exc_info)
    assert record.facts["id"] in answer.info


def test_a_model_that_fails_is_500_for_all_who_wait_and_none_after(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    model = app._loader.model
    with monkeypatch.context() as patch:
        patch.setattr(model, "predict_encoded", lambda _matrix: 1 / 0)
        assert ask(app, "POST", SELDON, GOOD).status == 500
        assert ask(app, "POST", SELDON, ndarray(*[[1, 2, "a"]] * 500)).status == 500
    assert ask(app, "POST", SELDON, GOOD).status == 200


CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.just([]),
    st.just({}),
    st.just("Dream"),
)
ROWS = st.one_of(CELLS, st.lists(st.lists(CELLS, max_size=4), max_size=4))
DATA = st.one_of(
    CELLS,
    st.fixed_dictionaries(
        {},
        optional={
            "ndarray": ROWS,
            "names": st.one_of(CELLS, st.permutations(["length", "width", "island"]), st.lists(CELLS, max_size=4)),
            "tensor": st.fixed_dictionaries({}, optional={"shape": ROWS, "values": ROWS}),
        },
    ),
)
SELDON_BODIES = st.one_of(CELLS, st.fixed_dictionaries({}, optional={"data": DATA, "meta": CELLS, "strData": CELLS}))
TENSOR = st.fixed_dictionaries(
    {},
    optional={
        "name": st.one_of(CELLS, st.sampled_from(["length", "width", "island"])),
        "shape": st.one_of(CELLS, st.lists(st.integers(-1, 4), max_size=3)),
        "datatype": st.one_of(CELLS, st.sampled_from(["FP64", "BYTES", "INT8"])),
        "data": ROWS,
    },
)
INFERENCE_BODIES = st.one_of(
    CELLS,
    st.fixed_dictionaries(
        {}, optional={"inputs": st.one_of(CELLS, st.lists(TENSOR, max_size=4)), "id": CELLS, "outputs": ROWS}
    ),
)
FUZZ = settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@FUZZ
@given(body=st.one_of(SELDON_BODIES.map(lambda value: json.dumps(value).encode()), st.binary(max_size=50)))
def test_any_seldon_body_gets_predictions_or_a_reason(app: App, body: bytes) -> None:
    answer = ask(app, "POST", SELDON, body)
    if answer.status == 200:
        assert set(answer.json) == {"data", "meta"}
    else:
        assert answer.status == 400
        assert len(answer.info) < 400


@FUZZ
@given(body=st.one_of(INFERENCE_BODIES.map(lambda value: json.dumps(value).encode()), st.binary(max_size=50)))
def test_any_inference_body_gets_predictions_or_a_reason(app: App, body: bytes) -> None:
    answer = ask(app, "POST", "/v2/models/flowers/infer", body)
    if answer.status == 200:
        assert answer.json["outputs"][0]["name"] == "predict"
    else:
        assert answer.status == 400
        assert set(answer.json) == {"error"}


@FUZZ
@given(path=st.text(max_size=30), method=st.sampled_from(["GET", "POST", "PUT", "OPTIONS"]))
def test_any_path_gets_a_reason(app: App, path: str, method: str) -> None:
    answer = ask(app, method, f"/{path}", GOOD)
    assert answer.status in (404, 405)
