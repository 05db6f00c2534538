"""What a pipeline's settings change for the clients of its model is a danger; what only trains it otherwise is none."""

import copy
import json
from typing import Any

import pytest
from pulumi_mlops.review.assembly import review
from pulumi_mlops.review.dangers import DangerKind, dangers
from pulumi_mlops.review.preview import UNKNOWN
from pulumi_mlops.review.render.markdown import Dialect, markdown

from tests.review.comment_reader import ALLOWED_TOKENS, OUR_TAGS, seen
from tests.review.hostile import EVIL, NAMES
from tests.review.steps import preview, step

SETTINGS: dict[str, Any] = {
    "schema_version": 1,
    "model_name": "penguins",
    "task": "classification",
    "target": "species",
    "source": {"type": "SQL", "secret": "warehouse", "query": "select island, mass, sex, species from penguins"},
    "features": {"drop": ["year"], "numeric": ["mass"], "categorical": ["island", "sex"], "renames": {}},
    "training": {"rounds": 60, "parameters": {"max_depth": 3}},
    "evaluation": {"metric": "accuracy", "threshold": 0.9},
}
INFERRED = {"features.numeric": None, "features.categorical": None}


def document(**changes: Any) -> str:
    """The settings with changes by their dotted names."""
    settings = copy.deepcopy(SETTINGS)
    for path, value in changes.items():
        *above, last = path.split(".")
        owner = settings
        for part in above:
            owner = owner[part]
        owner[last] = value
    return json.dumps(settings)


def said(before: str, after: str, kind: str = "kubernetes:core/v1:ConfigMap", operation: str = "update") -> list[str]:
    states = ({"data": {"settings.json": one}} for one in (before, after))
    found = dangers([preview(step(operation, kind, "penguins-settings", *states))])
    assert {one.kind for one in found} <= {DangerKind.CLIENTS}
    return [one.message.removeprefix("changes the model penguins when it is next trained: ") for one in found]


POSITION = "clients that send rows by position are refused or get wrong answers"


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ({}, {"features.categorical": ["island"]}, f"it no longer takes sex: {POSITION}"),
        ({}, {"features.numeric": ["mass", "flipper"]}, f"it takes flipper as well: {POSITION}"),
        ({}, {"features.drop": ["year", "sex"]}, f"it no longer takes sex: {POSITION}"),
        (
            {},
            {"features.numeric": ["flipper"]},
            f"it no longer takes mass; it takes flipper as well: {POSITION}",
        ),
        (
            {"features.renames": {"body_mass": "mass"}},
            {"features.renames": {"body_mass": "weight"}, "features.numeric": ["weight"]},
            f"mass is called weight: {POSITION}",
        ),
        (
            {"features.numeric": ["mass"], "features.categorical": ["island", "sex"]},
            {"features.numeric": ["mass", "sex"], "features.categorical": ["island"]},
            f"it takes sex as numeric, no longer as categorical: {POSITION}",
        ),
        (INFERRED, {**INFERRED, "features.drop": []}, f"it takes year as well: {POSITION}"),
        (INFERRED, {**INFERRED, "features.drop": ["year", "sex"]}, f"it no longer takes sex: {POSITION}"),
        (INFERRED, {**INFERRED, "training.group_column": "sex"}, f"it no longer takes sex: {POSITION}"),
        (INFERRED, {**INFERRED, "features.renames": {"sex": "gender"}}, f"sex is called gender: {POSITION}"),
        (
            {},
            INFERRED,
            "it takes every column of its data that is not left out instead of the columns of a list: " + POSITION,
        ),
        (
            INFERRED,
            {},
            "it takes the columns of a list instead of every column of its data that is not left out: " + POSITION,
        ),
        (
            {},
            {"features.numeric": [], "features.categorical": ["island"]},
            f"it no longer takes mass, sex: {POSITION}",
        ),
        ({}, {"target": "nest"}, "it predicts nest instead of species, so clients misread its answers"),
        (
            {},
            {"task": "regression"},
            "it answers a regression instead of a classification, so clients misread its answers",
        ),
        (
            {},
            {"source.query": "select mass, island, sex, species from penguins"},
            f"its query selects other columns, or selects them in another order: {POSITION}",
        ),
        (
            {"source.query": "with one as (select a, b from x) select a, b from one"},
            {"source.query": "with one as (select a, b from x) select b, a from one"},
            f"its query selects other columns, or selects them in another order: {POSITION}",
        ),
    ],
)
def test_clients_notice(before: dict[str, Any], after: dict[str, Any], message: str) -> None:
    assert said(document(**before), document(**after)) == [message]


@pytest.mark.parametrize(
    "after",
    [
        {"features.categorical": ["sex", "island"]},  # the model takes them in the order of the data
        {"features.drop": ["year", "comment"]},  # which was in neither list
        {"features.renames": {"yr": "year"}},
        {"features.engineered": {"ratio": "mass / mass"}},
        {"training.rounds": 90},
        {"evaluation.threshold": 0.5},
        {"source.query": "select island, mass,\n  sex, species from penguins where year > 2007"},
        {"source.query": "select island, mass, sex, species /* from x */ from penguins_of_2026"},
        {"source.query": "select island, mass, sex, species from penguins where year > (select 1 from b)"},
    ],
)
def test_clients_notice_nothing(after: dict[str, Any]) -> None:
    assert said(document(), document(**after)) == []


def test_a_target_that_was_a_column_is_no_longer_one() -> None:
    assert said(document(**INFERRED), document(**INFERRED, target="island")) == [
        f"it no longer takes island; it takes species as well: {POSITION}",
        "it predicts island instead of species, so clients misread its answers",
    ]


@pytest.mark.parametrize("operation", ["create", "delete"])
def test_a_pipeline_that_comes_or_goes_changes_no_model(operation: str) -> None:
    state = {"data": {"settings.json": document()}}
    before, after = (state, None) if operation == "delete" else (None, state)
    assert not dangers([preview(step(operation, "kubernetes:core/v1:ConfigMap", "penguins-settings", before, after))])


def test_settings_that_are_known_after_apply_are_named() -> None:
    assert said(document(), UNKNOWN) == [
        "gets settings that are known after apply: whether the model's inputs and target stay is not known"
    ]


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"target": "nest"}', '{"schema_version": 2}', "no JSON"])
def test_a_document_of_something_else_is_left_alone(text: str) -> None:
    assert said(document(), text) == []


def test_a_malformed_document_ends_in_no_traceback() -> None:
    for wrong in (None, 7, "text", ["text"], {"a": ["b"]}):
        for part in ("features", "training", "source", "target"):
            assert isinstance(said(document(), document(**{part: wrong})), list)


def test_many_columns_are_counted() -> None:
    columns = [f"c{number}" for number in range(9)]
    (message,) = said(document(**{"features.numeric": [*columns, "mass"]}), document())
    assert message.startswith("it no longer takes c0, c1, c2, c3, c4 and 4 more: ")


@pytest.mark.parametrize("name", [EVIL, *NAMES, "two\nlines"])
def test_names_from_the_settings_are_mere_text(name: str) -> None:
    after = {
        "target": name,
        "model_name": name,
        "task": name,
        "features.numeric": [name],
        "features.renames": {"sex": name},
    }
    states = ({"data": {"settings.json": one}} for one in (document(), document(**after)))
    change = preview(step("update", "kubernetes:core/v1:ConfigMap", "penguins-settings", *states))
    for dialect in Dialect:
        read = seen(markdown(review([change]), dialect))
        assert read.tokens <= ALLOWED_TOKENS
        assert read.tags <= set(OUR_TAGS)
        assert (read.open_tags, read.links) == ([], [])
        assert not any(sign in "".join(read.loose) for sign in "@#/<\u202e")
