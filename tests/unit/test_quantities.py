from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi_mlops._quantities import parse
from pulumi_mlops.review.preview import UNKNOWN


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("500m", "0.5"), ("1", "1"), (2, "2"), (0.25, "0.25"), ("64Mi", 64 * 2**20), ("1.5Gi", 3 * 2**29),
        ("1G", 10**9), ("1k", 1000), ("2e3", 2000), ("1E", 10**18), ("1Ei", 2**60), ("100u", "0.0001"), (".5", "0.5"),
    ],
)  # fmt: skip
def test_what_kubernetes_writes_is_read(written: object, value: object) -> None:
    assert parse(written) == Decimal(str(value))


@pytest.mark.parametrize("written", ["", "one", "1 Gi", "1Kb", "1K", "Gi", "1.2.3", None, True, [], {}, UNKNOWN])
def test_anything_else_is_no_quantity(written: object) -> None:
    assert parse(written) is None


@given(st.integers(0, 10**6), st.sampled_from(["", "k", "Mi", "Gi", "m"]))
def test_twice_as_much_is_twice_as_much(figure: int, unit: str) -> None:
    once, twice = parse(f"{figure}{unit}"), parse(f"{2 * figure}{unit}")
    assert once is not None
    assert twice == 2 * once
