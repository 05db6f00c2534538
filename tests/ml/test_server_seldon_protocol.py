"""Seldon v1: what clients of the former platform send and get."""

import urllib.parse
from pathlib import Path

import pytest

from ml.model import Model
from ml.server.app import App
from tests.ml import bundles, serving
from tests.ml.serving import SELDON, ask

ROW = [31.5, 15.2, "Dream"]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("models")
    bundles.make_bundle(directory)
    bundles.make_regression_bundle(directory)
    bundles.make_binary_bundle(directory, "binary")
    return directory


@pytest.fixture(scope="module")
def app(models: Path) -> App:
    return serving.app_of(models, "flowers", bundles.VERSION)


def expected(models: Path, rows: list, name: str = "flowers", version: str = bundles.VERSION) -> list:
    model = Model(str(models / name / version))
    model.load()
    return model.predict(rows).tolist()


def test_a_classifier_answers_class_labels_and_probabilities_and_names_its_version(app: App, models: Path) -> None:
    answer = ask(app, "POST", SELDON, {"data": {"ndarray": [ROW]}})
    assert answer.status == 200
    assert answer.json == {
        "data": {"names": ["adelie", "chinstrap", "gentoo"], "ndarray": expected(models, [ROW])},
        "meta": {"tags": {"model": "flowers", "version": bundles.VERSION}},
    }
    assert sum(answer.json["data"]["ndarray"][0]) == pytest.approx(1)


def test_a_regressor_answers_one_column(models: Path) -> None:
    app = serving.app_of(models, "lengths", bundles.VERSION)
    row = [15.2, "Dream", "gentoo"]
    data = ask(app, "POST", SELDON, {"data": {"ndarray": [row]}}).json["data"]
    assert data == {"names": ["t:0"], "ndarray": expected(models, [row], "lengths")}


def test_two_classes_are_two_columns(models: Path) -> None:
    app = serving.app_of(models, "flowers", "binary")
    data = ask(app, "POST", SELDON, {"data": {"ndarray": [ROW, ROW]}}).json["data"]
    assert data["names"] == ["adelie", "chinstrap"]
    assert [sum(row) for row in data["ndarray"]] == pytest.approx([1, 1])


def test_the_older_path_answers_too(app: App) -> None:
    assert ask(app, "POST", "/api/v0.1/predictions", {"data": {"ndarray": [ROW]}}).status == 200


def test_names_say_which_column_a_cell_belongs_to(app: App, models: Path) -> None:
    payload = {"data": {"names": ["island", "length", "width"], "ndarray": [["Dream", 31.5, 15.2]]}}
    assert ask(app, "POST", SELDON, payload).json["data"]["ndarray"] == expected(models, [ROW])


def test_null_is_missing_and_imputed_as_in_training(app: App, models: Path) -> None:
    answer = ask(app, "POST", SELDON, {"data": {"ndarray": [[None, None, None]]}})
    assert answer.status == 200
    assert answer.json["data"]["ndarray"] == expected(models, [[float("nan"), None, ""]])


def test_a_tensor_is_answered_by_a_tensor(app: App, models: Path) -> None:
    payload = {"data": {"tensor": {"shape": [2, 3], "values": [*ROW, 50.1, None, "Biscoe"]}}}
    data = ask(app, "POST", SELDON, payload).json["data"]
    both = expected(models, [ROW, [50.1, None, "Biscoe"]])
    assert data["tensor"] == {"shape": [2, 3], "values": both[0] + both[1]}


def test_what_came_as_meta_goes_back_with_the_models_own_tags(app: App) -> None:
    meta = {"puid": "p1", "tags": {"caller": "shop", "version": "forged"}, "requestPath": {"router": "image:1"}}
    answer = ask(app, "POST", SELDON, {"data": {"ndarray": [ROW]}, "meta": meta})
    assert answer.json["meta"] == {
        "puid": "p1",
        "requestPath": {"router": "image:1"},
        "tags": {"caller": "shop", "model": "flowers", "version": bundles.VERSION},
    }


def test_the_json_may_be_a_form_field_or_in_the_query(app: App, models: Path) -> None:
    field = "json=" + urllib.parse.quote('{"data":{"ndarray":[[31.5,15.2,"Dream"]]}}')
    form = {"content-type": "application/x-www-form-urlencoded"}
    for answer in (ask(app, "POST", SELDON, field.encode(), form), ask(app, "POST", SELDON, query=field, headers={})):
        assert answer.json["data"]["ndarray"] == expected(models, [ROW])


def test_many_rows_are_answered_in_order(app: App, models: Path) -> None:
    rows = [[30 + 0.01 * number, None, "Dream"] for number in range(2000)]
    answer = ask(app, "POST", SELDON, {"data": {"ndarray": rows}})
    assert answer.json["data"]["ndarray"] == expected(models, rows)


def test_metadata_has_the_shape_of_seldon_core(app: App) -> None:
    metadata = ask(app, "GET", "/metadata").json
    assert metadata["name"] == "flowers"
    assert metadata["versions"] == [bundles.VERSION]
    assert metadata["inputs"] == [
        {"messagetype": "ndarray", "schema": {"names": ["length", "width", "island"], "shape": [3]}}
    ]
    assert metadata["outputs"][0]["schema"]["names"] == ["adelie", "chinstrap", "gentoo"]
    assert all(isinstance(value, str) for value in metadata["custom"].values())


def test_health_answers_as_seldon_core_does(app: App) -> None:
    assert ask(app, "GET", "/health/ping").body == b"pong"
    assert ask(app, "GET", "/health/status").json["strData"] == "healthy"
    assert ask(app, "HEAD", "/health/ping").status == 200


def test_an_endpoint_without_a_version_is_ready_and_says_what_to_do(models: Path) -> None:
    app = serving.app_of(models, "flowers", "", endpoint_name="penguins")
    assert ask(app, "GET", "/health/status").status == 200
    answer = ask(app, "POST", SELDON, {"data": {"ndarray": [ROW]}})
    assert answer.status == 503
    assert answer.info == ("no model version has been deployed to endpoint penguins yet; run its training pipeline")
