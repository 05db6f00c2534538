import asyncio
import contextlib
import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import pulumi
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi_mlops import _args
from pulumi_mlops._args import Argument, ArgumentError, argument_names, check_args, inputs
from pulumi_mlops._rules import cidr, image_registry, object_name, quantity
from pulumi_mlops.contract.rules import at_least, between, dns_label, not_empty

ROOT = Path(__file__).parents[2]


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class WheelArgs(TypedDict):
    spokes: pulumi.Input[int]
    colour: NotRequired[pulumi.Input[Colour]]


class LockArgs(TypedDict):
    digits: NotRequired[int]
    colour: NotRequired[Colour | None]


class BellArgs(TypedDict):
    loudness: NotRequired[int]


class BikeArgs(TypedDict):
    owner: pulumi.Input[str]
    storage_gib: NotRequired[pulumi.Input[int]]
    price: NotRequired[pulumi.Input[float]]
    electric: NotRequired[bool]
    wheels: NotRequired[list[WheelArgs]]
    spares: NotRequired[dict[str, WheelArgs]]
    lock: NotRequired[LockArgs]
    bell: NotRequired[BellArgs | None]
    labels: NotRequired[dict[str, pulumi.Input[str]]]
    extras: NotRequired[dict[str, Any]]


class Bike(pulumi.ComponentResource):
    """Never constructed: only its name is in the messages."""


ARGUMENTS = {
    "storage_gib": Argument(default=20, rule=at_least(1, "GiB")),
    "electric": Argument(default=False),
    "wheels": Argument(default=[{"spokes": 36}]),
    "wheels.spokes": Argument(rule=at_least(1)),
    "wheels.colour": Argument(default=Colour.BLUE),
    "spares.*.colour": Argument(default=Colour.RED),
    "spares.*.spokes": Argument(rule=at_least(2)),
    "lock": Argument(default={}),
    "lock.digits": Argument(default=4),
    "bell.loudness": Argument(default=3),
}


def check(args: Any, rules: Any = None, **options: Any) -> dict[str, Any]:
    """With rules alone, without defaults: what was left out is left out again."""
    rows = {path: Argument(rule=rule) for path, rule in (rules or {}).items()}
    return inputs(check_args(Bike, "b", args, BikeArgs, rows, **options))


def filled(args: Any, **options: Any) -> BikeArgs:
    return check_args(Bike, "b", args, BikeArgs, ARGUMENTS, **options)


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
    message = complaint({"owner": "ann", "storage_gib": 5}, rules={"storage_gib": at_least(20, "GiB")})
    assert message == 'Bike "b": args.storage_gib must be at least 20 GiB, got 5'


def test_the_password_of_a_url_is_not_shown() -> None:
    rules = {"owner": lambda _: "must be an https address"}
    message = complaint({"owner": "http://ann:hunter2@git.example.org/a@b"}, rules=rules)
    assert message == "Bike \"b\": args.owner must be an https address, got 'http://[secret]@git.example.org/a@b'"
    assert "hunter2" not in complaint({"owner": ["postgres://ann:hunter2@db/x"]})


def test_the_error_is_one_that_the_engine_prints_without_a_traceback() -> None:
    assert issubclass(ArgumentError, pulumi.RunError)


def test_a_misspelt_key_is_answered_with_the_nearest_one() -> None:
    assert complaint({"owner": "ann", "storage_gb": 5}) == (
        'Bike "b": args has no argument "storage_gb"; did you mean "storage_gib"?'
    )


def test_a_key_like_no_other_is_answered_with_all_keys() -> None:
    assert "valid arguments: bell, electric, extras, labels" in complaint({"owner": "ann", "zzz": 5})


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
        ({"owner": 5}, 'args.owner must be a string, got 5: write it in quotes, "5"'),
        ({"owner": "a", "storage_gib": 1.5}, "args.storage_gib must be a whole number, got 1.5"),
        ({"owner": "a", "storage_gib": True}, "args.storage_gib must be a whole number, got True"),
        ({"owner": "a", "price": "2"}, "args.price must be a number, got '2'"),
        ({"owner": "a", "electric": "yes"}, "args.electric must be true or false, got 'yes'"),
        ({"owner": "a", "wheels": {}}, "args.wheels must be a list, got {}"),
        ({"owner": "a", "wheels": [None]}, "args.wheels[0] must not be None"),
        ({"owner": "a", "labels": []}, "args.labels must be a dict, got []"),
        ({"owner": "a", "labels": {"team": 1}}, 'args.labels.team must be a string, got 1: write it in quotes, "1"'),
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
    message = complaint({"owner": "a", "wheels": [{"spokes": 32}, {"spokes": 0}]}, rules={"wheels.spokes": at_least(1)})
    assert message == 'Bike "b": args.wheels[1].spokes must be at least 1, got 0'


def test_a_rule_is_silent_about_a_value_of_the_wrong_type() -> None:
    message = complaint({"owner": "a", "storage_gib": "x"}, rules={"storage_gib": at_least(1)})
    assert message == "Bike \"b\": args.storage_gib must be a whole number, got 'x'"


@pytest.mark.parametrize(
    ("args", "path", "refused"),
    [
        ({"storage_gib": "x"}, "storage_gib", "args.storage_gib must be a whole number"),
        ({"labels": {"team": 1}}, "labels", "args.labels.team must be a string"),
        ({"wheels": [{"spokes": "x"}]}, "wheels.spokes", "args.wheels[0].spokes must be a whole number"),
        ({"lock": {"digits": "x"}}, "lock", "args.lock.digits must be a whole number"),
        ({"spares": {"front": {}}}, "spares.*", "args.spares.front.spokes is required"),
        ({"bell": [{"loudness": 1}]}, "bell.loudness", "args.bell must be a dict"),
    ],
)
def test_no_rule_sees_a_value_of_another_type_nor_what_contains_it(
    args: dict[str, Any], path: str, refused: str
) -> None:
    def never(_: Any) -> str:
        raise AssertionError("a rule saw a value of another type")

    message = complaint({"owner": "a", **args}, rules={path: never})
    assert message.startswith(f'Bike "b": {refused}')
    assert "\n" not in message


def test_rules_still_see_the_sound_values_beside_one_of_another_type() -> None:
    message = complaint(
        {"owner": "a", "wheels": [{"spokes": "x"}, {"spokes": 0}], "lock": {"digit": 1, "digits": 0}},
        rules={"wheels.spokes": at_least(1), "lock": lambda _: "must be shut", "lock.digits": at_least(1)},
    )
    for expected in ("args.wheels[1].spokes must be at least 1", "args.lock must be shut", "args.lock.digits must be"):
        assert expected in message
    assert message.count("\n  - ") == 5


def test_problems_of_several_fields_are_only_looked_for_when_each_field_is_sound() -> None:
    def problems(_: object) -> Any:
        raise AssertionError("looked at unsound arguments")
        yield

    complaint({}, problems=problems)
    assert complaint({"owner": "a"}, problems=lambda _: ["args.owner must rhyme"]) == 'Bike "b": args.owner must rhyme'


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


def test_what_was_left_out_has_its_default_or_none() -> None:
    assert filled({"owner": "ann"}) == {
        "owner": "ann",
        "storage_gib": 20,
        "price": None,
        "electric": False,
        "wheels": [{"spokes": 36, "colour": "blue"}],
        "spares": None,
        "lock": {"digits": 4, "colour": None},
        "bell": None,
        "labels": None,
        "extras": None,
    }


def test_what_was_given_is_kept_and_none_counts_as_left_out() -> None:
    checked = filled({"owner": "ann", "storage_gib": 3.0, "electric": True, "lock": None, "wheels": []})
    assert (checked["storage_gib"], checked["electric"], checked["wheels"]) == (3, True, [])
    assert checked["lock"] == {"digits": 4, "colour": None}


def test_defaults_of_nested_arguments_are_filled_in_where_the_dict_is_given() -> None:
    checked = filled({"owner": "ann", "bell": {}, "spares": {"front": {"spokes": 3}}, "lock": {"colour": Colour.RED}})
    assert checked["bell"] == {"loudness": 3}
    assert checked["spares"] == {"front": {"spokes": 3, "colour": "red"}}
    assert checked["lock"] == {"digits": 4, "colour": "red"}


def test_no_two_components_share_a_default() -> None:
    filled({"owner": "ann"})["wheels"].append({"spokes": 1})
    filled({"owner": "ann"})["lock"]["digits"] = 9
    assert filled({"owner": "ann"})["wheels"] == [{"spokes": 36, "colour": "blue"}]
    assert filled({"owner": "ann"})["lock"]["digits"] == 4


def test_a_rule_reaches_every_entry_of_a_dict() -> None:
    spares = {"front": {"spokes": 1}, "rear": {"spokes": 2}}
    with pytest.raises(ArgumentError) as caught:
        filled({"owner": "ann", "spares": spares})
    assert str(caught.value) == 'Bike "b": args.spares.front.spokes must be at least 2, got 1'


def test_problems_of_several_fields_see_the_defaults() -> None:
    def problems(checked: BikeArgs) -> Iterator[str]:
        yield f"args.storage_gib is {checked['storage_gib']}"

    with pytest.raises(ArgumentError, match=r"args\.storage_gib is 20"):
        filled({"owner": "ann"}, problems=problems)


def test_a_component_is_registered_with_what_was_given() -> None:
    args = {"owner": "ann", "electric": None, "wheels": [{"spokes": 1, "colour": Colour.RED}], "extras": {"x": None}}
    registered = inputs(args)
    assert registered == {"owner": "ann", "wheels": [{"spokes": 1, "colour": "red"}], "extras": {}}
    registered["wheels"].append({})
    assert len(args["wheels"]) == 1


class Shed(pulumi.ComponentResource):
    """Makes a Bike; never constructed either."""


def refused(paths: dict[str, str], *problems: str) -> str:
    with pytest.raises(ArgumentError) as caught, argument_names(Shed, "s", paths):
        raise ArgumentError('Bike "b"', *problems)
    return str(caught.value)


def test_an_inner_components_error_names_the_outer_one_and_the_argument_that_the_user_wrote() -> None:
    paths = {"owner": "people.owner", "": "bike", "wheels": "wheels"}
    assert refused(paths, "args.owner is required") == 'Shed "s": args.people.owner is required'
    assert refused(paths, "args.owners is required") == 'Shed "s": args.bike.owners is required'
    assert refused(paths, "args.wheels[1].spokes must be odd") == 'Shed "s": args.wheels[1].spokes must be odd'
    assert refused(paths, "args has no argument") == 'Shed "s": args.bike has no argument'
    assert (
        refused(paths, "args.price must be below args.owner")
        == 'Shed "s": args.bike.price must be below args.people.owner'
    )


def test_an_inner_components_error_about_what_the_user_did_not_write_keeps_its_name_behind_the_outer_one() -> None:
    assert refused({"owner": "owner"}, "args.price is high") == 'Shed "s": Bike "b": args.price is high'
    assert refused({"": ""}, "name must be longer") == 'Shed "s": Bike "b": name must be longer'
    assert refused({"": ""}) == 'Shed "s": Bike "b"'
    assert refused({"owner": "buyer"}, "args.owner is rich", "args.price is high") == (
        'Shed "s": \n  - args.buyer is rich\n  - Bike "b": args.price is high'
    )


def test_the_type_checker_finds_a_misspelt_argument(tmp_path: Path) -> None:
    program = """
import pulumi
from typing import NotRequired, TypedDict
from pulumi_mlops._args import Argument, check_args

class BikeArgs(TypedDict):
    owner: pulumi.Input[str]
    gears: NotRequired[int]

class Bike(pulumi.ComponentResource):
    def __init__(self, name: str, args: BikeArgs) -> None:
        checked = check_args(Bike, name, args, BikeArgs, {"gears": Argument(default=7)})
        self.gears = checked["gears"] + 1
        self.owner = checked["owner"]
"""
    assert type_errors(tmp_path, program) == []
    assert any(
        '"gaers" is not a defined key' in one
        for one in type_errors(tmp_path, program.replace('checked["gears', 'checked["gaers'))
    )


def type_errors(folder: Path, program: str) -> list[str]:
    """What basedpyright says with the settings of this repository."""
    (folder / "program.py").write_text(program)
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["basedpyright"]
    settings |= {"include": ["program.py"], "extraPaths": [str(ROOT / "components")], "venvPath": str(ROOT)}
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))
    command = [sys.executable, "-m", "basedpyright", "--project", str(folder), "--outputjson"]
    report = json.loads(subprocess.run(command, capture_output=True, text=True, check=False).stdout)
    return [one["message"] for one in report["generalDiagnostics"]]


@pytest.mark.parametrize(
    ("rule", "good", "bad"),
    [
        (at_least(20, "GiB"), [20, 21], [19.9]),
        (between(1, 3), [1, 2, 3], [0, 4]),
        (not_empty, ["a", [1]], ["", []]),
        (dns_label, ["a", "a-b", "0a", "a" * 63], ["", "A", "-a", "a-", "a.b", "a" * 64]),
        (object_name(5), ["a", "a-b", "abcde"], ["", "0a", "a-", "abcdef", "aB"]),
        (quantity, ["1", "500m", "0.5", "1.5Gi", "2k"], ["", "1 Gi", "1gb", "-1", "half"]),
        (
            image_registry,
            ["mirror.example.org", "127.0.0.1:5000", "a.b/c/d-e", "r", "1.dkr.ecr.eu-central-1.amazonaws.com/x"],
            ["", "https://mirror.example.org", "mirror.example.org/", "a b", "a//b", ":5000"],
        ),
        (cidr, ["10.0.0.0/16", "0.0.0.0/0", "::/0", "10.0.0.1/32"], ["10.0.0.1/16", "10.0.0.1", "ten", ""]),
    ],
)
def test_each_rule_accepts_what_it_says_and_nothing_else(rule: _args.Rule, good: list[Any], bad: list[Any]) -> None:
    assert [rule(value) for value in good] == [None] * len(good)
    assert all((rule(value) or "").startswith("must ") for value in bad)


@given(st.from_regex("[a-z]([-a-z0-9]{0,61}[a-z0-9])?", fullmatch=True))
def test_an_object_name_is_always_a_dns_label(name: str) -> None:
    assert object_name(63)(name) is None
    assert dns_label(name) is None


@given(st.dictionaries(st.text(), st.none() | st.integers() | st.text() | st.lists(st.integers())))
def test_no_argument_makes_the_checker_fail_in_another_way(args: dict[str, Any]) -> None:
    with contextlib.suppress(ArgumentError):
        check(args)
