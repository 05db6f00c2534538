from hypothesis import given
from hypothesis import strategies as st
from pulumi_mlops._manifests import quantity_text
from pulumi_mlops._rules import quantity


def test_a_whole_number_has_no_point_whatever_type_it_came_as() -> None:
    assert [quantity_text(value) for value in (6, 6.0, 0, 10, 1_234_567, 100.0)] == [
        "6", "6", "0", "10", "1234567", "100",
    ]  # fmt: skip


def test_a_part_of_a_core_keeps_its_thousandths() -> None:
    assert [quantity_text(value) for value in (2.5, 0.25, 0.001)] == ["2.5", "0.25", "0.001"]


@given(st.integers(0, 10**9))
def test_every_count_is_written_as_it_is(value: int) -> None:
    assert quantity_text(value) == quantity_text(float(value)) == str(value)


@given(st.floats(0, 1e6))
def test_every_amount_is_a_quantity_within_half_a_thousandth(value: float) -> None:
    text = quantity_text(value)
    assert quantity(text) is None
    assert abs(float(text) - value) <= 0.0005 + 1e-9
