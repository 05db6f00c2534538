"""The components and the steps accept the same settings, and understand the same by them.

Documents are made by changing a right one at random; each is given to `TrainingPipeline`'s check and to `ml.settings`.
"""

import copy
import json
import math
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pulumi_mlops import ArgumentError
from pulumi_mlops.contract.settings import FIELDS, FILE, SourceType
from pulumi_mlops.training_pipeline import _document, checked_args

from ml import settings as steps
from ml.errors import SettingsError

S3 = {
    "type": "S3",
    "bucket": "data",
    "key": "penguins.csv",
    "format": "csv",
    "columns": {"year": "integer", "length": "number", "tagged": "boolean", "island": "text"},
    "missing": ["NA"],
    "delimiter": ";",
    "encoding": "utf-16",
    "decimal": ",",
    "thousands": ".",
}
SQL = {"type": "SQL", "query": "select 1", "columns": {"year": "integer"}}
RIGHT: dict[str, Any] = {
    "model_name": "penguins",
    "task": "classification",
    "source": S3,
    "target": "species",
    "features": {
        "renames": {"old": "new", "a": "b"},
        "numeric": ["length", "depth"],
        "categorical": ["island"],
        "drop": ["year"],
        "engineered": {"ratio": "length / depth"},
        "numeric_imputation": "MEDIAN",
        "categorical_imputation": "MOST_FREQUENT",
        "scaling": "STANDARD",
        "unknown_category": "MISSING",
    },
    "training": {
        "test_fraction": 0.2,
        "seed": 7,
        "rounds": 100,
        "parameters": {"max_depth": 4, "eta": 0.1},
        "early_stopping_rounds": 10,
        "validation_fraction": 0.1,
        "time_column": None,
        "group_column": "customer",
        "weight_column": "weight",
        "class_weight": "BALANCED",
        "objective": None,
        "quantile": None,
        "monotone": {"length": "INCREASING", "ratio": "DECREASING"},
        "search": {"trials": 20, "timeout_seconds": 600},
    },
    "evaluation": {"metric": "accuracy", "threshold": 0.9, "must_beat_current": True},
    "endpoint": "penguins",
    "version_history": 30,
}
REGRESSION = {**RIGHT, "task": "regression", "evaluation": {"metric": "r2", "threshold": 0}}
NAMES = st.sampled_from(
    [
        *("species", "length", "depth", "island", "year", "ratio", "old", "new", "a", "b", "", "x" * 200, "x" * 201),
        *("objective", "num_class", "seed", "random_state", "nthread", "scalling", "query", "length / depth", "a +"),
        *("S3", "SQL", "regression", "classification", "rmse", "r2", "accuracy", "log_loss", "Penguins", "../x"),
        *("parquet", "csv", "missing", "NONE", "ERROR", "MISSING", "MEAN", "MIN_MAX"),
        *("integer", "number", "boolean", "text", "columns", "delimiter", "encoding", "decimal", "thousands"),
        *(",", ";", ".", " ", "\t", "'", ",,", "utf-8", "hex", "idna", "latin1", "utf-8\0"),
    ]
)
NUMBERS = st.sampled_from(
    [0, 1, -1, 2, 0.05, 0.049, 0.5, 0.51, 1.0, 5.0, 5.5, 7, 10_000, 10_001, 2**31 - 1, 2**31, 1e300]
)
SCALARS = st.none() | st.booleans() | NAMES | NUMBERS | st.integers() | st.floats()
VALUES = SCALARS | st.lists(SCALARS, max_size=3) | st.dictionaries(NAMES, SCALARS, max_size=3)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of a document, those of lists' items included."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in items:
        yield (*path, key)
        yield from places(part, (*path, key))


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """A right document with up to three changes: values replaced, left out, added."""
    document = copy.deepcopy(RIGHT)
    if draw(st.booleans()):
        document["source"] = copy.deepcopy(SQL)
    if draw(st.booleans()):
        document.update(task="regression", evaluation={"metric": "rmse", "threshold": 3})
    for _ in range(draw(st.integers(0, 3))):
        path = draw(st.sampled_from(list(places(document))))
        parent = document
        for key in path[:-1]:
            parent = parent[key]
        change = draw(st.sampled_from(["replace", "leave out", "add"]))
        if change == "leave out":
            del parent[path[-1]]
        elif change == "add" and isinstance(parent, dict):
            parent[draw(NAMES)] = draw(VALUES)
        else:
            parent[path[-1]] = draw(VALUES)
        if not document:
            break
    return document


def understood_by_component(document: dict[str, Any]) -> Any:
    """What the ConfigMap would hold, or None where the component refuses."""
    args: dict[str, Any] = copy.deepcopy({"namespace": "n", "image": "i", "schedule": "@daily", **document})
    source = args.get("source")
    if isinstance(source, dict) and source.get("type") == "SQL":
        source["secret"] = "database"  # of the component alone: the steps get the Secret's value
    try:
        checked = checked_args("penguins", args)  # type: ignore[arg-type]
    except ArgumentError:
        return None
    return json.loads(json.dumps(_document.document(checked, "penguins")))


def understood_by_steps(document: dict[str, Any]) -> Any:
    """What the steps make of it, or None where they refuse."""
    named = document if document.get("model_name") is not None else {**document, "model_name": "penguins"}
    try:
        return steps.parse(json.dumps(named)).model_dump(mode="json")
    except SettingsError:
        return None


def present(value: Any) -> Any:
    """Without what is null: inferred from the data, or none."""
    if isinstance(value, dict):
        return {key: present(part) for key, part in value.items() if part is not None}
    return value


@settings(max_examples=600, deadline=None)
@given(documents())
@example({**RIGHT, "training": {"rounds": 50_000}})
@example({**RIGHT, "training": {"test_fraction": 0.9}})
@example({**RIGHT, "training": {"parameters": {"random_state": 1}}})
@example({**RIGHT, "training": {"parameters": {"eta": math.nan}}})
@example({**RIGHT, "training": {"parameters": {"eta": None}}})
@example({**RIGHT, "training": {"parameters": {"booster": "gblinear"}}})
@example({**RIGHT, "training": {"parameters": {"booster": "dart"}}})
@example({**RIGHT, "training": {"parameters": {"booster": 1}}})
@example({**RIGHT, "training": {"rounds": 5.0, "seed": None}})
@example({**RIGHT, "training": {"rounds": "5"}})
@example({**RIGHT, "training": {"rounds": True}})
@example({**RIGHT, "training": {"early_stopping_rounds": 0}})
@example({**RIGHT, "training": {"early_stopping_rounds": "10"}})
@example({**RIGHT, "training": {"early_stopping_rounds": [None]}})
@example({**RIGHT, "training": {"validation_fraction": 0.1}})
@example({**RIGHT, "training": {"validation_fraction": None}})
@example({**RIGHT, "training": {"early_stopping_rounds": 1000, "validation_fraction": 0.51}})
@example({**RIGHT, "training": {"time_column": "day"}})
@example({**RIGHT, "training": {"time_column": ""}})
@example({**RIGHT, "training": {"time_column": "t" * 201}})
@example({**RIGHT, "training": {"time_column": ["day"]}})
@example({**RIGHT, "training": {"time_column": "day", "group_column": "customer"}})
@example({**RIGHT, "training": {"group_column": "species"}})
@example({**RIGHT, "training": {"group_column": "year"}})
@example({**RIGHT, "training": {"weight_column": "length"}})
@example({**RIGHT, "training": {"weight_column": 1}})
@example({**RIGHT, "training": {"class_weight": "NONE"}})
@example({**RIGHT, "training": {"objective": "POISSON"}})
@example({**RIGHT, "training": {"objective": ["POISSON"]}})
@example({**REGRESSION, "training": {"objective": "POISSON"}})
@example({**REGRESSION, "training": {"objective": "reg:gamma"}})
@example({**REGRESSION, "training": {"objective": "QUANTILE", "quantile": 0.9}})
@example({**REGRESSION, "training": {"objective": "QUANTILE"}})
@example({**REGRESSION, "training": {"objective": "QUANTILE", "quantile": None}})
@example({**REGRESSION, "training": {"objective": "QUANTILE", "quantile": [None]}})
@example({**REGRESSION, "training": {"objective": "QUANTILE", "quantile": "0.5"}})
@example({**REGRESSION, "training": {"objective": "QUANTILE", "quantile": 1}})
@example({**REGRESSION, "training": {"objective": "QUANTILE", "quantile": 0.009}})
@example({**REGRESSION, "training": {"objective": "POISSON", "quantile": 0.9}})
@example({**REGRESSION, "training": {"quantile": 0.9}})
@example({**REGRESSION, "training": {"parameters": {"quantile_alpha": 0.9}}})
@example({**REGRESSION, "training": {}, "evaluation": {"metric": "pinball", "threshold": 1}})
@example(
    {
        **REGRESSION,
        "training": {"objective": "QUANTILE", "quantile": 0.9},
        "evaluation": {"metric": "pinball", "threshold": 1},
    }
)
@example({**RIGHT, "training": {"quantile": 0.9}})
@example({**RIGHT, "training": {"monotone": {"island": "INCREASING"}}})
@example({**RIGHT, "training": {"monotone": {"species": "INCREASING"}}})
@example({**RIGHT, "training": {"monotone": {"year": "INCREASING"}}})
@example({**RIGHT, "training": {"monotone": {"length": "UP"}}})
@example({**RIGHT, "training": {"monotone": {"length": 1}}})
@example({**RIGHT, "training": {"monotone": {"length": None}}})
@example({**RIGHT, "training": {"monotone": {"length": ["INCREASING"]}}})
@example({**RIGHT, "training": {"monotone": {"": "INCREASING"}}})
@example({**RIGHT, "training": {"monotone": ["length"]}})
@example({**RIGHT, "training": {"monotone": {}}})
@example({**RIGHT, "training": {"monotone": None}})
@example({**RIGHT, "training": {"parameters": {"monotone_constraints": "(1)"}}})
@example({**REGRESSION, "training": {"objective": None, "class_weight": "BALANCED"}})
@example({**RIGHT, "training": {"search": {"trials": 2}}})
@example({**RIGHT, "training": {"early_stopping_rounds": 3, "search": None}})
@example({**RIGHT, "training": {"early_stopping_rounds": 3, "search": {}}})
@example({**RIGHT, "training": {"early_stopping_rounds": 3, "search": []}})
@example({**RIGHT, "training": {"early_stopping_rounds": 3, "search": [None]}})
@example({**RIGHT, "training": {"early_stopping_rounds": 3, "search": {"trials": 1}}})
@example({**RIGHT, "training": {"early_stopping_rounds": 3, "search": {"trials": 1001}}})
@example({**RIGHT, "training": {"early_stopping_rounds": 3, "search": {"trials": "5"}}})
@example({**RIGHT, "training": {"early_stopping_rounds": 3, "search": {"trials": None}}})
@example({**RIGHT, "training": {"early_stopping_rounds": 3, "search": {"trials": [None]}}})
@example({**RIGHT, "training": {"early_stopping_rounds": 3, "search": {"trials": 5.0, "timeout_seconds": None}}})
@example({**RIGHT, "training": {"early_stopping_rounds": 3, "search": {"trials": 5, "timeout_seconds": 9}}})
@example({**RIGHT, "training": {"early_stopping_rounds": 3, "search": {"trials": 5, "timeout": 90}}})
@example({**RIGHT, "evaluation": {"metric": "mape", "threshold": 0.1}})
@example({**REGRESSION, "training": {}, "evaluation": {"metric": "mape", "threshold": 7}})
@example({**RIGHT, "evaluation": {"metric": "pr_auc", "threshold": 1.1}})
@example({**RIGHT, "training": {"class_weight": ["BALANCED"]}})
@example({**RIGHT, "task": "regression", "evaluation": {"metric": "r2", "threshold": 0}})
@example({**RIGHT, "features": {"numeric_imputation": "NONE"}})
@example({**RIGHT, "features": {"numeric_imputation": [None]}})
@example({**RIGHT, "evaluation": {"metric": "accuracy", "threshold": 7}})
@example({**RIGHT, "evaluation": {"metric": "accuracy", "threshold": math.nan}})
@example({**RIGHT, "evaluation": {"metric": "log_loss", "threshold": math.inf}})
@example({**RIGHT, "evaluation": {"metric": "accuracy", "threshold": "0.9"}})
@example({**RIGHT, "features": {"renames": {"species": "kind"}}})
@example({**RIGHT, "features": {"renames": {"a": None}}})
@example({**RIGHT, "features": {"numeric": [None]}})
@example({**RIGHT, "features": {"engineered": {"x": "a +"}}})
@example({**RIGHT, "features": {"scalling": None}})
@example({**RIGHT, "features": {"drop": [None]}})
@example({**RIGHT, "source": {**S3, "missing": [None]}})
@example({**RIGHT, "source": {**S3, "missing": [""]}})
@example({**RIGHT, "source": {**S3, "missing": []}})
@example({**RIGHT, "source": {**S3, "missing": ["m" * 201]}})
@example({**RIGHT, "source": {**S3, "missing": "NA"}})
@example({**RIGHT, "source": {**S3, "query": None}})
@example({**RIGHT, "source": {**S3, "columns": {"year": None}}})
@example({**RIGHT, "source": {**S3, "columns": {}}})
@example({**RIGHT, "source": {**S3, "columns": None}})
@example({**RIGHT, "source": {**S3, "columns": ["year"]}})
@example({**RIGHT, "source": {**S3, "columns": {"year": "date"}}})
@example({**RIGHT, "source": {**S3, "columns": {"year": 1}}})
@example({**RIGHT, "source": {**S3, "columns": {"": "text"}}})
@example({**RIGHT, "source": {**S3, "columns": {"c" * 201: "text"}}})
@example({**RIGHT, "source": {**S3, "columns": {"length": "text"}}})
@example(
    {**RIGHT, "source": {**S3, "columns": {"old": "text"}}, "features": {"renames": {"old": "a"}, "numeric": ["a"]}}
)
@example({**RIGHT, "source": {**S3, "format": "parquet"}})
@example({**RIGHT, "source": {"type": "S3", "bucket": "b", "key": "k", "format": "parquet", "columns": {"a": "text"}}})
@example({**RIGHT, "source": {"type": "S3", "bucket": "b", "key": "k", "format": "parquet", "delimiter": ";"}})
@example({**RIGHT, "source": {**SQL, "columns": None, "delimiter": None}})
@example({**RIGHT, "source": {**SQL, "delimiter": ","}})
@example({**RIGHT, "source": {**S3, "delimiter": ""}})
@example({**RIGHT, "source": {**S3, "delimiter": ";;"}})
@example({**RIGHT, "source": {**S3, "delimiter": [";"]}})
@example({**RIGHT, "source": {**S3, "encoding": "hex"}})
@example({**RIGHT, "source": {**S3, "encoding": "none\0"}})
@example({**RIGHT, "source": {**S3, "encoding": ""}})
@example({**RIGHT, "source": {**S3, "decimal": None, "thousands": "."}})
@example({**RIGHT, "source": {**S3, "decimal": ",", "thousands": ","}})
@example({**RIGHT, "source": {**S3, "thousands": None}})
@example({**RIGHT, "source": {**S3, "key": "k" * 1024}})
@example({**RIGHT, "source": {**S3, "key": "k" * 1025}})
@example({**RIGHT, "endpoint": "Penguins"})
def test_both_sides_accept_the_same_documents_and_understand_the_same(document: dict[str, Any]) -> None:
    assert present(understood_by_steps(document)) == present(understood_by_component(document))


def test_the_right_document_is_accepted_and_every_default_is_written() -> None:
    assert understood_by_steps(RIGHT) == {"schema_version": 1, **RIGHT}
    few = {key: RIGHT[key] for key in ("task", "target")}
    few |= {"source": SQL, "evaluation": {"metric": "accuracy", "threshold": 0.9}}
    written = understood_by_component(few)
    assert present(understood_by_steps(few)) == present(written)
    for path, field in FIELDS.items():
        if field.default not in (None, {}) and path != "source.format":
            value = written
            for part in path.split("."):
                value = value[part]
            assert value == field.default


def test_a_file_is_a_source_on_a_laptop_only() -> None:
    document = {**RIGHT, "source": {"type": FILE, "path": "penguins.csv"}}
    assert present(understood_by_steps(document)["source"]) == {"type": FILE, "path": "penguins.csv", "format": "csv"}
    assert understood_by_component(document) is None
    assert FILE not in list(SourceType)


@pytest.mark.parametrize(("name", "value"), [("schema_version", 2), ("model_name", None), ("secret", "database")])
def test_the_steps_refuse_what_the_component_never_writes(name: str, value: Any) -> None:
    place = {"secret": "source"}.get(name)
    document = {**RIGHT, place: {**SQL, name: value}} if place else {**RIGHT, name: value}
    with pytest.raises(SettingsError, match=name):
        steps.parse(json.dumps(document))
