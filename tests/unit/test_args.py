import asyncio
import contextlib
from collections.abc import Iterator
from enum import StrEnum
from typing import Any, NotRequired, TypedDict

import pulumi
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi_mlops import _args
from pulumi_mlops._args import ArgumentError, check_args


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class WheelArgs(TypedDict):
    spokes: pulumi.Input[int]
    colour: NotRequired[pulumi.Input[Colour]]


class BikeArgs(TypedDict):
    owner: pulumi.Input[str]
    storage_gib: NotRequired[pulumi.Input[int]]
    price: NotRequired[pulumi.Input[float]]
    electric: NotRequired[bool]
    wheels: NotRequired[list[WheelArgs]]
    labels: NotRequired[dict[str, pulumi.Input[str]]]
    extras: NotRequired[dict[str, Any]]


class Bike(pulumi.ComponentResource):
    """Never constructed: only its name is in the messages."""


def check(args: Any, **options: Any) -> dict[str, Any]:
    return check_args(Bike, "b", args, BikeArgs, **options)


def complaint(args: Any, **options: Any) -> str:
    with pytest.raises(ArgumentError) as caught:
        check(args, **options)
    return str(caught.value)


def unknown() -> pulumi.Output[Any]:
    return pulumi.Output.from_input("later")


def test_a_sound_dict_comes_back_equal() -> None:
    args = {"owner": "ann", "storage_gib": 3, "price": 2.5, "electric": False, "labels": {"team": "birds"}}
    assert check(args) == args


def test_the_message_names_component_instance_field_rule_and_value() -> None:
    message = complaint({"owner": "ann", "storage_gib": 5}, rules={"storage_gib": _args.at_least(20, "GiB")})
    assert message == 'Bike "b": args.storage_gib must be at least 20 GiB, got 5'


def test_the_error_is_one_that_the_engine_prints_without_a_traceback() -> None:
    assert issubclass(ArgumentError, pulumi.RunError)


def test_a_misspelt_key_is_answered_with_the_nearest_one() -> None:
    assert complaint({"owner": "ann", "storage_gb": 5}) == (
        'Bike "b": args has no argument "storage_gb"; did you mean "storage_gib"?'
    )


def test_a_key_like_no_other_is_answered_with_all_keys() -> None:
    assert "valid arguments: electric, extras, labels" in complaint({"owner": "ann", "zzz": 5})


def test_a_missing_argument_is_named() -> None:
    assert complaint({}) == 'Bike "b": args.owner is required'


def test_none_counts_as_missing() -> None:
    assert complaint({"owner": None}) == 'Bike "b": args.owner is required'


def test_nested_problems_carry_their_path() -> None:
    message = complaint({"owner": "ann", "wheels": [{"spokes": 32}, {"spoke": 32}]})
    assert 'args.wheels[1] has no argument "spoke"; did you mean "spokes"?' in message
    assert "args.wheels[1].spokes is required" in message


def test_all_problems_come_at_once() -> None:
    message = complaint({"storage_gib": "ten", "electric": 1})
    assert message.count("\n  - ") == 3


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ({"owner": 5}, "args.owner must be a string, got 5"),
        ({"owner": "a", "storage_gib": 1.5}, "args.storage_gib must be a whole number, got 1.5"),
        ({"owner": "a", "storage_gib": True}, "args.storage_gib must be a whole number, got True"),
        ({"owner": "a", "price": "2"}, "args.price must be a number, got '2'"),
        ({"owner": "a", "electric": "yes"}, "args.electric must be true or false, got 'yes'"),
        ({"owner": "a", "wheels": {}}, "args.wheels must be a list, got {}"),
        ({"owner": "a", "labels": []}, "args.labels must be a dict, got []"),
        ({"owner": "a", "labels": {"team": 1}}, "args.labels.team must be a string, got 1"),
        (
            {"owner": "a", "wheels": [{"spokes": 1, "colour": "green"}]},
            "args.wheels[0].colour must be one of 'red', 'blue', got 'green'",
        ),
    ],
)
def test_a_value_of_another_type_is_refused(args: dict[str, Any], expected: str) -> None:
    assert complaint(args) == f'Bike "b": {expected}'


@pytest.fixture
def event_loop() -> Iterator[None]:
    """An Output belongs to an event loop, which tests before this one may have closed."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)
    loop.close()


@pytest.mark.usefixtures("event_loop")
def test_outputs_are_accepted_for_inputs_and_no_rule_sees_them() -> None:
    def never(_: Any) -> str:
        raise AssertionError("a rule saw an Output")

    output = unknown()
    checked = check({"owner": output, "storage_gib": output}, rules={"owner": never, "storage_gib": never})
    assert checked["owner"] is output


@pytest.mark.parametrize("args", [None, "churn", [("owner", "ann")]])
def test_args_that_are_no_dict_are_one_sentence(args: Any) -> None:
    assert complaint(args) == f'Bike "b": args must be a dict of arguments, got {args!r}'


def test_rules_reach_into_lists() -> None:
    message = complaint(
        {"owner": "a", "wheels": [{"spokes": 32}, {"spokes": 0}]}, rules={"wheels.spokes": _args.at_least(1)}
    )
    assert message == 'Bike "b": args.wheels[1].spokes must be at least 1, got 0'


def test_a_rule_is_silent_about_a_value_of_the_wrong_type() -> None:
    message = complaint({"owner": "a", "storage_gib": "x"}, rules={"storage_gib": _args.at_least(1)})
    assert message == "Bike \"b\": args.storage_gib must be a whole number, got 'x'"


def test_problems_of_several_fields_are_only_looked_for_when_each_field_is_sound() -> None:
    def problems() -> Any:
        raise AssertionError("looked at unsound arguments")
        yield

    complaint({}, problems=problems())
    assert complaint({"owner": "a"}, problems=["args.owner must rhyme"]) == 'Bike "b": args.owner must rhyme'


def test_the_name_is_checked_too() -> None:
    message = complaint({"owner": "a"}, name_rule=lambda value: "must be longer")
    assert message == "Bike \"b\": name must be longer, got 'b'"


def test_whole_numbers_from_other_languages_become_ints_at_any_depth() -> None:
    checked = check({"owner": "a", "storage_gib": 3.0, "price": 3.0, "wheels": [{"spokes": 32.0}]})
    assert type(checked["storage_gib"]) is int
    assert type(checked["wheels"][0]["spokes"]) is int
    assert type(checked["price"]) is float


def test_enum_members_become_their_values_and_none_disappears() -> None:
    checked = check({"owner": "a", "electric": None, "wheels": [{"spokes": 1, "colour": Colour.RED}]})
    assert checked == {"owner": "a", "wheels": [{"spokes": 1, "colour": "red"}]}
    assert type(checked["wheels"][0]["colour"]) is str


def test_the_callers_dict_is_left_alone() -> None:
    args = {"owner": "a", "wheels": [{"spokes": 32.0}], "extras": {"x": [1.0]}}
    checked = check(args)
    checked["wheels"][0]["spokes"] = 5
    checked["extras"]["x"].append(2)
    assert args == {"owner": "a", "wheels": [{"spokes": 32.0}], "extras": {"x": [1.0]}}


def test_falsy_values_survive() -> None:
    assert check({"owner": "", "storage_gib": 0, "electric": False}) == {
        "owner": "",
        "storage_gib": 0,
        "electric": False,
    }


@pytest.mark.parametrize(
    ("rule", "good", "bad"),
    [
        (_args.at_least(20, "GiB"), [20, 21], [19.9]),
        (_args.between(1, 3), [1, 2, 3], [0, 4]),
        (_args.not_empty, ["a", [1]], ["", []]),
        (_args.dns_label, ["a", "a-b", "0a", "a" * 63], ["", "A", "-a", "a-", "a.b", "a" * 64]),
        (_args.object_name(5), ["a", "a-b", "abcde"], ["", "0a", "a-", "abcdef", "aB"]),
        (_args.quantity, ["1", "500m", "0.5", "1.5Gi", "2k"], ["", "1 Gi", "1gb", "-1", "half"]),
        (
            _args.image_registry,
            ["mirror.example.org", "127.0.0.1:5000", "a.b/c/d-e", "r", "1.dkr.ecr.eu-central-1.amazonaws.com/x"],
            ["", "https://mirror.example.org", "mirror.example.org/", "a b", "a//b", ":5000"],
        ),
        (_args.cidr, ["10.0.0.0/16", "0.0.0.0/0", "::/0", "10.0.0.1/32"], ["10.0.0.1/16", "10.0.0.1", "ten", ""]),
    ],
)
def test_each_rule_accepts_what_it_says_and_nothing_else(rule: _args.Rule, good: list[Any], bad: list[Any]) -> None:
    assert [rule(value) for value in good] == [None] * len(good)
    assert all((rule(value) or "").startswith("must ") for value in bad)


@given(st.from_regex("[a-z]([-a-z0-9]{0,61}[a-z0-9])?", fullmatch=True))
def test_an_object_name_is_always_a_dns_label(name: str) -> None:
    assert _args.object_name(63)(name) is None
    assert _args.dns_label(name) is None


@given(st.dictionaries(st.text(), st.none() | st.integers() | st.text() | st.lists(st.integers())))
def test_no_argument_makes_the_checker_fail_in_another_way(args: dict[str, Any]) -> None:
    with contextlib.suppress(ArgumentError):
        check(args)
