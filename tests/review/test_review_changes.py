"""What differs, path by path, and in which words."""

import json
from typing import Any

import pytest
from pulumi_mlops.review.changes import changes, properties
from pulumi_mlops.review.preview import UNKNOWN, PropertyChange, Step

from tests.review.steps import step

BUCKET = "aws:s3/bucket:Bucket"


def said(one: Step) -> list[tuple[str, str, str]]:
    return [(change.path, change.old.text, change.new.text) for change in changes(one)]


def told(*paths: str, kind: str = "update", replaces: bool = False) -> tuple[PropertyChange, ...]:
    return tuple(PropertyChange(path, kind, replaces) for path in paths)


@pytest.mark.parametrize(
    ("old", "new", "path", "expected"),
    [
        ({"a": 1}, {"a": 2}, "a", [("a", "1", "2")]),
        ({"a": {"b": [1, 2]}}, {"a": {"b": [1, 3]}}, "a", [("a.b[1]", "2", "3")]),
        ({"a": {"x/y": "1"}}, {"a": {"x/y": "2"}}, 'a["x/y"]', [("a.x/y", "1", "2")]),
        ({"a": {"x.y": "1"}}, {"a": {"x.y": "2"}}, 'a["x.y"]', [('a["x.y"]', "1", "2")]),
        ({"a": [1]}, {"a": [1, 2]}, "a[1]", [("a[1]", "nothing", "2")]),
        ({"a": {"b": 1}}, {}, "a", [("a", '{"b": 1}', "nothing")]),
        ({"a": "x"}, {"a": UNKNOWN}, "a", [("a", "x", "known after apply")]),
        ({"a": True}, {"a": False}, "a", [("a", "true", "false")]),
        ({"a": "same"}, {"a": "same"}, "a", [("a", "changed", "changed")]),
        ({"a": "[secret]"}, {"a": "[secret]"}, "a", [("a", "secret changed", "secret changed")]),
        ({"a": {"b": "[secret]"}}, {"a": {"b": "[secret]"}}, "a", [("a", "secret changed", "secret changed")]),
        ({}, {"a": "[secret]"}, "a", [("a", "nothing", "secret")]),
        ({"a": "[secret]"}, {"a": UNKNOWN}, "a", [("a", "secret", "known after apply")]),
        ({"a": "plain"}, {"a": "[secret]"}, "a", [("a", "secret changed", "secret changed")]),
        ({"password": "one"}, {"password": "two"}, "password", [("password", "secret changed", "secret changed")]),
    ],
)
def test_the_providers_paths_are_followed_to_the_value(
    old: dict[str, Any], new: dict[str, Any], path: str, expected: list[tuple[str, str, str]]
) -> None:
    assert said(step("update", BUCKET, old=old, new=new, changes=told(path))) == expected


def test_without_paths_the_inputs_are_compared() -> None:
    assert said(step("update", BUCKET, old={"a": {"b": 1, "c": 2}}, new={"a": {"b": 3, "c": 2}})) == [("a.b", "1", "3")]


def test_a_document_of_json_is_looked_into() -> None:
    old, new = (json.dumps({"Statement": [{"Action": action, "Effect": "Allow"}]}) for action in ("a:B", "a:C"))
    one = step("update", BUCKET, old={"policy": old}, new={"policy": new}, changes=told("policy"))
    assert said(one) == [("policy.Statement[0].Action", "a:B", "a:C")]


def test_a_secret_within_a_value_that_comes_is_hidden() -> None:
    one = step("update", BUCKET, old={}, new={"a": [{"b": "[secret]", "c": UNKNOWN, "token": "t"}]}, changes=told("a"))
    assert said(one) == [("a", "nothing", '[{"b": "<secret>", "c": "<known after apply>", "token": "<secret>"}]')]


def test_what_a_secret_holds_is_hidden_even_if_nobody_marked_it() -> None:
    secret = "kubernetes:core/v1:Secret"
    old, new = ({"stringData": {"uri": uri}, "metadata": {"name": uri}} for uri in ("one", "two"))
    assert said(step("update", secret, old=old, new=new)) == [
        ("metadata.name", "one", "two"),
        ("stringData.uri", "secret changed", "secret changed"),
    ]
    assert dict((path, value.text) for path, value in properties(step("create", secret, new=new))) == {
        "metadata.name": "two",
        "stringData.uri": "secret",
    }


def test_what_forces_a_replacement_is_marked() -> None:
    both = told("a", replaces=True) + told("b")
    one = step("replace", BUCKET, old={"a": 1, "b": 1}, new={"a": 2, "b": 2}, changes=both)
    assert [(change.path, change.replaces) for change in changes(one)] == [("a", True), ("b", False)]


@pytest.mark.parametrize("operation", ["create", "delete"])
def test_what_comes_or_goes_has_properties_and_no_changes(operation: str) -> None:
    inputs = {"a": {"b": [1]}, "__defaults": [], "empty": {}}
    one = step(operation, BUCKET, **{"new" if operation == "create" else "old": inputs})
    assert changes(one) == ()
    assert [(path, value.text) for path, value in properties(one)] == [("a.b[0]", "1"), ("empty", "{}")]


RELEASE = "kubernetes:helm.sh/v3:Release"
DEFAULTS = {
    "atomic": False,
    "timeout": 300,
    "keyring": "",
    "maxHistory": 0,
    "values": {},
    "resourceNames": {"v1": ["a"]},
}


def test_of_a_new_release_only_what_the_program_says_is_shown() -> None:
    one = step("create", RELEASE, new={**DEFAULTS, "chart": "podinfo", "skipCrds": True, "checksum": "c0ffee"})
    assert [path for path, _ in properties(one)] == ["chart", "skipCrds"]
    assert [path for path, _ in properties(step("create", RELEASE, new={"timeout": 600}))] == ["timeout"]
    assert [path for path, _ in properties(step("create", BUCKET, new={"timeout": 300, "a": ""}))] == ["a", "timeout"]


def test_what_the_provider_makes_of_a_chart_is_shown_only_where_nothing_else_differs() -> None:
    old = {**DEFAULTS, "checksum": "a", "values": {"replicas": 1}}
    alone = step("update", RELEASE, old=old, new={**old, "checksum": "b"}, changes=told("checksum"))
    assert said(alone) == [("checksum", "a", "b")]
    more = {**old, "checksum": "b", "resourceNames": {"v1": ["a", "b"]}, "values": {"replicas": 2}}
    paths = told("checksum", 'resourceNames["v1"][1]', "values.replicas")
    assert said(step("update", RELEASE, old=old, new=more, changes=paths)) == [("values.replicas", "1", "2")]


def test_the_notes_of_a_provider_are_no_change() -> None:
    old, new = ({"__fieldManager": one, "a": one} for one in ("x", "y"))
    both = step("update", BUCKET, old=old, new=new, changes=told("__fieldManager", "a"))
    assert said(both) == [("a", "x", "y")]
