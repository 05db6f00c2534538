"""The settings file: defaults, and one sentence for everything that is wrong with it."""

import json
from pathlib import Path
from typing import Any

import pytest

from ml import settings
from ml.errors import SettingsError

FULL: dict[str, Any] = {
    "schema_version": 1,
    "model_name": "penguins",
    "task": "classification",
    "source": {
        "type": "S3",
        "bucket": "data",
        "key": "penguins.csv",
        "format": "csv",
        "missing": ["NA"],
        "columns": {"year": "integer"},
        "delimiter": ";",
        "encoding": "utf-8",
        "decimal": ",",
        "thousands": ".",
    },
    "target": "species",
    "features": {
        "renames": {"old": "new"},
        "numeric": ["bill_length_mm"],
        "categorical": ["island"],
        "drop": ["year"],
        "engineered": {"bill_ratio": "bill_length_mm / bill_depth_mm"},
        "numeric_imputation": "MEDIAN",
        "categorical_imputation": "MOST_FREQUENT",
        "scaling": "STANDARD",
        "unknown_category": "MISSING",
    },
    "training": {
        "test_fraction": 0.2,
        "seed": 7,
        "rounds": 100,
        "parameters": {"max_depth": 4, "learning_rate": 0.1},
        "early_stopping_rounds": 10,
        "validation_fraction": 0.1,
        "time_column": None,
        "group_column": None,
        "weight_column": None,
        "class_weight": None,
        "objective": None,
        "search": None,
        "monotone": None,
        "quantile": None,
    },
    "evaluation": {"metric": "accuracy", "threshold": 0.9, "must_beat_current": True},
    "endpoint": "penguins",
    "version_history": 30,
}


def changed(path: str, value: Any) -> dict[str, Any]:
    """FULL with one field, by dotted path, set to a value."""
    copy = json.loads(json.dumps(FULL))
    *parents, last = path.split(".")
    place = copy
    for parent in parents:
        place = place[parent]
    place[last] = value
    return copy


def test_everything_that_the_contract_names_is_accepted() -> None:
    parsed = settings.parse(json.dumps(FULL))
    assert parsed.model_dump(mode="json") == FULL


def test_what_is_left_out_has_a_default() -> None:
    few = {name: FULL[name] for name in ("model_name", "task", "target")} | {
        "source": {"type": "SQL", "query": "select 1"},
        "evaluation": {"metric": "f1_macro", "threshold": 0.5},
    }
    parsed = settings.parse(json.dumps(few))
    assert (parsed.training.test_fraction, parsed.training.rounds, parsed.endpoint) == (0.2, 100, None)
    assert parsed.features.numeric is None
    assert parsed.evaluation.must_beat_current is True


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ("modelname", "x", "modelname is not a setting"),
        ("features.scalling", "NONE", "features.scalling is not a setting"),
        ("source.buckett", "x", "source.buckett is not a setting"),
        ("training.test_fraction", 1.0, "training.test_fraction must be between 0.05 and 0.5, got 1.0"),
        ("training.test_fraction", 0, "training.test_fraction must be between 0.05 and 0.5, got 0"),
        ("training.rounds", 0, "training.rounds must be between 1 and 10000, got 0"),
        ("training.rounds", 50_000, "training.rounds must be between 1 and 10000, got 50000"),
        ("training.rounds", "5", "training.rounds: input should be a valid integer, got '5'"),
        ("training.seed", -1, "training.seed must be between 0 and 2147483647, got -1"),
        ("features.scaling", "LOG", "features.scaling: input should be 'STANDARD', 'MIN_MAX' or 'NONE', got 'LOG'"),
        ("task", "ranking", "task: input should be 'classification' or 'regression', got 'ranking'"),
        (
            "source.columns",
            {"year": "date"},
            "source.columns.year must be one of 'integer', 'number', 'boolean', 'text'",
        ),
        ("source.delimiter", "::", "source.delimiter must be one of ',', ';', '|', ':', '\\t', got '::'"),
        ("source.format", "parquet", "source.missing belongs to the format csv, got ['NA'] with parquet"),
        (
            "training.parameters",
            {"booster": "gblinear"},
            "training.parameters.booster must be one that can be served, gbtree or dart, got 'gblinear'",
        ),
        ("schema_version", 2, "schema_version: input should be 1, got 2"),
        (
            "source",
            {"type": "FTP"},
            "source: input tag 'FTP' found using 'type' does not match any of the expected tags",
        ),
        ("source", {"type": "S3", "bucket": "data"}, "source.key is missing"),
        ("model_name", "../x", "model_name must be a DNS label"),
        (
            "evaluation.metric",
            "rmse",
            "evaluation.metric must be one of accuracy, f1_macro, log_loss, roc_auc, pr_auc, precision_macro, "
            "recall_macro for a classification, got 'rmse'",
        ),
        (
            "features.categorical",
            ["bill_length_mm"],
            "features.categorical must not name columns of features.numeric, got ['bill_length_mm']",
        ),
        ("features.drop", ["island"], "features.drop must not name columns that are used, got ['island']"),
        ("target", "island", "features.categorical must not name the target, got 'island'"),
        (
            "features.renames",
            {"a": "x", "b": "x"},
            "features.renames must give every column a name of its own",
        ),
        ("features.renames", {"species": "kind"}, "features.renames must not name the target, got 'species'"),
        ("features.engineered", {"r": "a +"}, "features.engineered.r must be an arithmetic expression, got 'a +'"),
        ("evaluation.threshold", 7, "evaluation.threshold must be at most 1 for accuracy, got 7.0"),
        ("training.parameters", {"random_state": 1}, "training.parameters must not set random_state"),
        (
            "training.parameters",
            {"objective": "rank:ndcg"},
            "training.parameters must not set objective, which task and training.objective decide, got 'rank:ndcg'",
        ),
    ],
)
def test_a_wrong_setting_is_named_with_its_rule_and_value(path: str, value: Any, sentence: str) -> None:
    with pytest.raises(SettingsError) as caught:
        settings.parse(json.dumps(changed(path, value)), "settings.json")
    assert str(caught.value).startswith(f"settings.json: {sentence}")
    assert "\n" not in str(caught.value)


def test_a_missing_setting_is_named() -> None:
    lacking = {name: value for name, value in FULL.items() if name != "target"}
    with pytest.raises(SettingsError, match=r"^settings: target is missing$"):
        settings.parse(json.dumps(lacking))


@pytest.mark.parametrize("text", ["", "{", "[1]", "null"])
def test_text_that_is_no_settings_object_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(SettingsError, match=r"^settings: [^\n]+$"):
        settings.parse(text)


def test_a_data_key_takes_the_place_of_the_key(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    file.write_text(json.dumps(FULL))
    read = settings.read({"SETTINGS_PATH": str(file), "DATA_KEY": "other.csv"})
    assert read.source.model_dump() == FULL["source"] | {"key": "other.csv"}
    assert settings.read({"SETTINGS_PATH": str(file), "DATA_KEY": ""}).source.model_dump() == FULL["source"]


def test_a_data_key_for_a_query_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    file.write_text(json.dumps(changed("source", {"type": "SQL", "query": "select 1"})))
    with pytest.raises(
        SettingsError, match=r"a data key \('x.csv'\) was given, but the source of 'penguins' is not S3"
    ):
        settings.read({"SETTINGS_PATH": str(file), "DATA_KEY": "x.csv"})


def test_a_settings_file_that_is_not_there_is_named() -> None:
    with pytest.raises(SettingsError, match=r"settings file /none/s.json cannot be read \(No such file or directory\)"):
        settings.read({"SETTINGS_PATH": "/none/s.json"})
