"""Open Inference v2: rows as one tensor or as a tensor a column."""

import json
from pathlib import Path
from typing import Any

import pytest

from ml.server.app import App
from tests.ml import bundles, serving
from tests.ml.serving import Answer, ask

MODEL = "/v2/models/flowers"


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("models")
    bundles.make_bundle(directory)
    bundles.make_regression_bundle(directory)
    return directory


@pytest.fixture(scope="module")
def app(models: Path) -> App:
    return serving.app_of(models, "flowers", bundles.VERSION)


def columns(*, rows: int = 1, **changes: Any) -> dict[str, Any]:
    """A request with a tensor a column; changes replace fields of the tensor `width`."""
    return {
        "inputs": [
            {"name": "island", "shape": [rows], "datatype": "BYTES", "data": ["Dream"] * rows},
            {"name": "length", "shape": [rows, 1], "datatype": "FP64", "data": [31.5] * rows},
            {"name": "width", "shape": [rows], "datatype": "FP32", "data": [15.2] * rows} | changes,
        ]
    }


def seldon(app: App, rows: list) -> list:
    return ask(app, "POST", serving.SELDON, {"data": {"ndarray": rows}}).json["data"]["ndarray"]


def infer(app: App, payload: Any, path: str = f"{MODEL}/infer") -> Answer:
    return ask(app, "POST", path, payload)


def refusal(app: App, payload: Any, status: int = 400) -> str:
    answer = infer(app, payload)
    assert answer.status == status
    assert set(answer.json) == {"error"}
    return answer.json["error"]


def test_a_tensor_a_column_gives_the_numbers_of_the_other_protocol(app: App) -> None:
    answer = infer(app, columns() | {"id": "r1"})
    assert answer.status == 200
    output = answer.json["outputs"][0]
    assert answer.json["id"] == "r1"
    assert (answer.json["model_name"], answer.json["model_version"]) == ("flowers", bundles.VERSION)
    assert (output["name"], output["shape"], output["datatype"]) == ("predict", [1, 3], "FP64")
    assert output["data"] == seldon(app, [[31.5, 15.2, "Dream"]])[0]
    assert json.loads(output["parameters"]["class_names"]) == ["adelie", "chinstrap", "gentoo"]


def test_one_tensor_of_text_holds_numbers_and_categories(app: App) -> None:
    data = ["31.5", "15.2", "Dream", "50", None, None]
    wide = {"inputs": [{"name": "rows", "shape": [2, 3], "datatype": "BYTES", "data": data}]}
    nested = {"inputs": [{"name": "rows", "shape": [2, 3], "datatype": "BYTES", "data": [data[:3], data[3:]]}]}
    expected = seldon(app, [[31.5, 15.2, "Dream"], [50, None, None]])
    for payload in (wide, nested):
        assert infer(app, payload).json["outputs"][0]["data"] == expected[0] + expected[1]


def test_null_in_a_tensor_is_missing(app: App) -> None:
    expected = seldon(app, [[31.5, None, "Dream"]])[0]
    assert infer(app, columns(data=[None])).json["outputs"][0]["data"] == expected


def test_a_regressor_has_no_class_names(models: Path) -> None:
    app = serving.app_of(models, "lengths", bundles.VERSION)
    payload = {"inputs": [{"name": "x", "shape": [1, 3], "datatype": "BYTES", "data": ["15", "Dream", "gentoo"]}]}
    output = infer(app, payload, "/v2/models/lengths/infer").json["outputs"][0]
    assert output["shape"] == [1, 1]
    assert "parameters" not in output


def test_the_served_version_has_a_path_of_its_own(app: App) -> None:
    assert infer(app, columns(), f"{MODEL}/versions/{bundles.VERSION}/infer").status == 200
    assert ask(app, "GET", f"{MODEL}/versions/{bundles.VERSION}").json["name"] == "flowers"
    assert ask(app, "GET", f"{MODEL}/versions/{bundles.VERSION}/ready").status == 200


@pytest.mark.parametrize("path", ["/v2/models/other/infer", f"{MODEL}/versions/20200101-000000-00000000/infer"])
def test_another_model_or_version_is_not_found(app: App, path: str) -> None:
    answer = infer(app, columns(), path)
    assert answer.status == 404
    assert set(answer.json) == {"error"}


def test_metadata_names_columns_with_their_types(app: App) -> None:
    metadata = ask(app, "GET", MODEL).json
    assert metadata["versions"] == [bundles.VERSION]
    assert metadata["inputs"] == [
        {"name": "length", "datatype": "FP64", "shape": [-1]},
        {"name": "width", "datatype": "FP64", "shape": [-1]},
        {"name": "island", "datatype": "BYTES", "shape": [-1]},
    ]
    assert metadata["outputs"] == [{"name": "predict", "datatype": "FP64", "shape": [-1, 3]}]
    assert ask(app, "GET", "/v2").json["name"]


def test_live_ready_and_model_ready_answer(app: App, models: Path) -> None:
    for path in ("/v2/health/live", "/v2/health/ready", f"{MODEL}/ready"):
        assert ask(app, "GET", path).status == 200
    empty = serving.app_of(models, "flowers", "")
    assert ask(empty, "GET", "/v2/health/ready").status == 200
    assert ask(empty, "GET", f"{MODEL}/ready").status == 503
    assert ask(empty, "GET", MODEL).status == 503


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ({}, "inputs must be a list of at least one tensor"),
        ([], "must be a JSON object"),
        ({"inputs": []}, "at least one tensor"),
        ({"inputs": [1]}, "at least one tensor"),
        (columns() | {"id": 7}, "id must be text"),
        (columns() | {"outputs": [{"name": "labels"}]}, "the only output of this model is 'predict'"),
        (columns(name=None), "must have a name"),
        (columns(name="width " * 100), "is not a column"),
        (columns(name="length"), "given twice"),
        (columns(shape=[1, 2], data=[1, 2]), "one column"),
        (columns(shape=[2], data=[1, 2]), "2 rows"),
        (columns(shape=[-1]), "one or two sizes"),
        (columns(shape="1"), "one or two sizes"),
        (columns(datatype="FP65"), "must have one of the datatypes"),
        (columns(datatype=["FP64"]), "must have one of the datatypes"),
        (columns(data="1"), "as a JSON list"),
        (columns(data=[]), "must have 1 cells, got 0"),
        (columns(data=["15.2"]), "is not FP32"),
        (columns(data=[True]), "is not FP32"),
        (columns(datatype="INT32", data=[1.5]), "is not INT32"),
        (columns(rows=0), "no rows"),
        ({"inputs": [{"name": "x", "shape": [1, 2], "datatype": "BYTES", "data": ["1", "2"]}]}, "3 columns"),
        ({"inputs": [{"name": "x", "shape": [1, 3], "datatype": "BYTES", "data": ["1", "b", "c"]}]}, "width"),
        ({"inputs": [{"name": "x", "shape": [0, 3], "datatype": "FP64", "data": []}]}, "no rows"),
        ({"inputs": [{"name": "x", "shape": [2, 2], "datatype": "FP64", "data": [[1, 2], [3]]}]}, "has not 2 cells"),
    ],
)
def test_wrong_tensors_are_refused_with_the_reason(app: App, payload: Any, message: str) -> None:
    assert message in refusal(app, payload)


def test_too_many_rows_are_refused(app: App) -> None:
    assert "10000 rows, got 10001" in refusal(app, columns(rows=10_001), 413)


def test_an_endpoint_without_a_version_says_so(models: Path) -> None:
    app = serving.app_of(models, "flowers", "")
    assert "no model version has been deployed" in refusal(app, columns(), 503)
