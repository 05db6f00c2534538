import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi_mlops.training_pipeline._cron import FIELDS, schedule


@pytest.mark.parametrize(
    "value",
    [
        "0 3 * * *",
        "*/15 0-6,22-23 1,15 JAN-mar mon-FRI",
        "0 0 ? * 0",
        "5/20 * * * *",
        "@daily",
        "@every 1h30m",
        "@every 1s",
        "0 0 29 2 *",
        "0 0 30 2,3 *",
        "0 0 28-31 2 *",
        "0 0 30/1 2 MON",  # or Mondays of February
        "0 0 30 2 */2",  # or every second day of the week
        "0 0 5/20 2 *",
        "  0   3 * * *  ",
    ],
)
def test_what_argo_accepts_is_accepted(value: str) -> None:
    assert schedule(value) is None


@pytest.mark.parametrize(
    ("value", "part"),
    [
        ("", "five fields"),
        ("every day", "five fields"),
        ("0 3 * * * *", "five fields"),
        ("@fortnightly", "five fields"),
        ("@every day", "five fields"),
        ("@every 0s", "a second or longer"),
        ("@every 0h0.4m0.0s0.4", "five fields"),
        ("@every 0.4s", "a second or longer"),
        ("@every 3000000h", "at most 292 years"),
        ("0 0 30 2 *", "day 30 of month 2 never does"),
        ("0 0 31 FEB,apr,6,9,11 ?", "day 31 of month FEB,apr,6,9,11 never does"),
        ("0 0 30/1 2 */1", "day 30/1 of month 2 never does"),
        ("60 3 * * *", "minute within 0-59"),
        ("0 24 * * *", "hour within 0-23"),
        ("0 3 0 * *", "day of month within 1-31"),
        ("0 3 * 13 *", "month within 1-12"),
        ("0 3 * * 7", "day of week within 0-6"),
        ("0 3 * * FRI-MON", "day of week"),
        ("0 3 * FEBRUARY *", "month"),
        ("*/0 3 * * *", "minute"),
        ("1-2-3 3 * * *", "minute"),
        ("-5 3 * * *", "minute"),
        ("1, 3 * * *", "minute"),
        ("² 3 * * *", "minute"),
    ],
)
def test_what_argo_refuses_is_refused_and_the_field_is_named(value: str, part: str) -> None:
    complaint = schedule(value)
    assert complaint is not None
    assert part in complaint


@given(st.tuples(*(st.integers(field.lowest, field.highest) for field in FIELDS)))
def test_every_moment_can_be_scheduled(moment: tuple[int, ...]) -> None:
    assert schedule(" ".join(map(str, moment))) is None
