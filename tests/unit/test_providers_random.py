"""Values that the random provider stand-in draws."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from standins.plugins import random_provider, values

PASSWORD = "random:index/randomPassword:RandomPassword"
IDENTIFIER = "random:index/randomId:RandomId"


@given(st.integers(8, 40), st.integers(0, 2), st.integers(0, 2), st.integers(0, 2), st.integers(0, 2))
def test_a_text_has_its_length_and_its_minima(length, lower, upper, numeric, special):
    inputs = {"length": length, "minLower": lower, "minUpper": upper, "minNumeric": numeric, "minSpecial": special}
    drawn = random_provider.text(inputs)
    assert len(drawn) == length
    assert sum(letter.islower() for letter in drawn) >= lower
    assert sum(letter.isupper() for letter in drawn) >= upper
    assert sum(letter.isdigit() for letter in drawn) >= numeric
    assert sum(letter in random_provider.SPECIAL for letter in drawn) >= special


def test_switched_off_groups_do_not_appear():
    drawn = random_provider.text({"length": 500, "special": False, "upper": False, "numeric": False})
    assert drawn.isalpha()
    assert drawn.islower()
    assert set(random_provider.text({"length": 500, "lower": False, "upper": False, "overrideSpecial": "_"})) <= set(
        "0123456789_"
    )


def test_a_password_is_secret_and_never_the_same():
    (first, outputs), (_, others) = (random_provider.draw(PASSWORD, {"length": 20}) for _ in range(2))
    assert first == "none"
    assert values.is_secret(outputs["result"])
    assert outputs != others


def test_an_identifier_is_the_same_number_in_every_notation():
    identifier, outputs = random_provider.draw(IDENTIFIER, {"byteLength": 8, "prefix": "p-"})
    raw = bytes.fromhex(outputs["hex"].removeprefix("p-"))
    assert len(raw) == 8
    assert outputs["b64Std"] == "p-" + base64.b64encode(raw).decode()
    assert outputs["dec"] == f"p-{int.from_bytes(raw)}"
    assert base64.urlsafe_b64decode(identifier + "=") == raw


@pytest.mark.parametrize(
    ("token", "inputs", "reason"),
    [
        (PASSWORD, {"length": 0}, "length must be a whole number of at least 1, got 0"),
        (PASSWORD, {}, "length must be a whole number"),
        (PASSWORD, {"length": 3, "minLower": 4}, "at least the sum of the min"),
        (PASSWORD, {"length": 3, "minLower": 1, "lower": False}, "lower is false"),
        (PASSWORD, {"length": 3, "lower": False, "upper": False, "numeric": False, "special": False}, "must be true"),
        (PASSWORD, {"length": 3, "shiny": True}, "shiny is not implemented"),
        ("random:index/randomPet:RandomPet", {}, "is not implemented by the random provider stand-in"),
        ("random:index/randomInteger:RandomInteger", {"min": 5, "max": 1}, "min <= max"),
    ],
)
def test_what_cannot_be_drawn_is_refused(token, inputs, reason):
    assert reason in " ".join(sentence for _, sentence in random_provider.problems(token, inputs))


def test_good_inputs_are_accepted_also_while_they_are_unknown():
    assert random_provider.problems(PASSWORD, {"length": 20, "keepers": {"a": "b"}, "special": True}) == []
    assert random_provider.problems(PASSWORD, {"length": values.UNKNOWN}) == []
    assert random_provider.problems("random:index/randomUuid:RandomUuid", {}) == []
