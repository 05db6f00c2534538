"""Property values between the engine and the provider stand-ins."""

from hypothesis import given
from hypothesis import strategies as st

from standins.plugins import values

json = st.recursive(
    st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=4), json, max_size=4))
def test_values_survive_the_way_to_the_engine_and_back(value):
    assert values.decode(values.encode(value)) == value


def test_nulls_are_dropped_and_whole_numbers_are_integers():
    decoded = values.decode(values.encode({"gone": None, "deep": {"gone": None, "n": 3.0, "half": 0.5}}))
    assert decoded == {"deep": {"n": 3, "half": 0.5}}
    assert isinstance(decoded["deep"]["n"], int)


def test_secrets_are_marked_key_by_key_and_lists_as_a_whole():
    inputs = {"a": {"b": values.secret("x"), "c": 1}, "list": [1, values.secret(2)], "plain": 1}
    marked = values.mark_like({"a": {"b": "x", "c": 1}, "list": [1, 2], "plain": 1}, inputs)
    assert marked == {"a": {"b": values.secret("x"), "c": 1}, "list": values.secret([1, 2]), "plain": 1}
    assert values.reveal(marked) == {"a": {"b": "x", "c": 1}, "list": [1, 2], "plain": 1}


def test_unknowns_are_found_at_any_depth():
    assert values.has_unknowns({"a": [{"b": values.UNKNOWN}]})
    assert not values.has_unknowns({"a": [{"b": "known"}]})
