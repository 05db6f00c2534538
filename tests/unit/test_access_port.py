"""What a person types to look around."""

import pytest

from local import access
from local.progress import StepFailed


def test_a_port_is_taken_as_typed() -> None:
    assert access.port_number("5001") == 5001


@pytest.mark.parametrize("text", ["abc", "0", "99999", "-1", "", "5e3"])
def test_what_is_no_port_is_named(text: str) -> None:
    with pytest.raises(StepFailed, match=f'PORT must be a number from 1 to 65535, got "{text}"'):
        access.port_number(text)
