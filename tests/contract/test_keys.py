"""Which objects a key names, and on which day."""

from datetime import date

import pytest
from pulumi_mlops.contract import keys
from pulumi_mlops.contract.settings import FIELDS

DAY = date(2026, 3, 1)


@pytest.mark.parametrize(
    ("key", "filled"),
    [
        ("a/{date}.csv", "a/2026-03-01.csv"),
        ("a/{date-1}.csv", "a/2026-02-28.csv"),
        ("a/{date:%Y/%m/%d}/", "a/2026/03/01/"),
        ("a/{date-60:%Y%m}*.csv", "a/202512*.csv"),
        ("a/year={date:%Y}/month={date:%m}/", "a/year=2026/month=03/"),
        ("a/{date:week %V of %G}", "a/week 09 of 2026"),
    ],
)
def test_a_date_is_filled_in(key: str, filled: str) -> None:
    assert keys.problem(key) is None
    assert keys.has_date(key)
    assert keys.filled(key, DAY) == filled


@pytest.mark.parametrize(
    "key", ["{date", "{Date}", "{date:YYYY}", "{date:%H}", "{date+1}", "{ date }", "{date:}", "{date:%Y-%m-%d"]
)
def test_a_date_that_cannot_be_filled_in_is_refused(key: str) -> None:
    rule = FIELDS["source.key"].rule
    assert rule is not None
    assert "must write a date as {date}" in (rule(f"data/{key}.csv") or "")


def test_a_key_has_a_limited_number_of_wildcards() -> None:
    rule = FIELDS["source.key"].rule
    assert rule is not None
    assert rule("/".join(8 * ["a*"])) is None
    assert rule("/".join(9 * ["a?"])) == "must have at most 8 wildcards"


@pytest.mark.parametrize("key", ["data [1].csv", "{name}.csv", "a=b/c.csv"])
def test_other_signs_in_a_key_are_its_own(key: str) -> None:
    assert (keys.problem(key), keys.has_date(key), keys.pattern(key)) == (None, False, None)


@pytest.mark.parametrize(
    ("key", "directory", "named", "others"),
    [
        (
            "d/",
            "d/",
            ["d/a.csv", "d/year=1/b.csv", "d/x//c.csv", "d/_year=1/b.csv"],
            ["d/", "d/_SUCCESS", "d/.a.crc", "d/_temporary/0/a.csv", "d/y/", "d/y_$folder$", "e/a.csv"],
        ),
        ("d/*.csv", "d/", ["d/a.csv", "d/.csv"], ["d/a.csv.gz", "d/e/a.csv", "da.csv"]),
        ("d/**/a?.csv", "d/", ["d/a1.csv", "d/e/f/a2.csv"], ["d/a.csv", "d/e/ba1.csv"]),
        ("d/year=*/a.csv", "d/", ["d/year=2026/a.csv"], ["d/year=2026/month=1/a.csv"]),
        ("d/year=*/", "d/", ["d/year=1/a.csv", "d/year=2/x/b.csv"], ["d/year=1/_SUCCESS", "d/year=1/", "d/a.csv"]),
        ("d/**/", "d/", ["d/a.csv", "d/e/a.csv"], ["d/_temporary/a.csv", "d/", "d/e/_temporary/0/a.csv"]),
        ("*", "", ["a.csv", "(b+"], ["d/a.csv"]),
        ("d/**", "d/", ["d/a", "d/e/f"], ["d/e/"]),
    ],
)
def test_a_pattern_names_what_it_matches(key: str, directory: str, named: list[str], others: list[str]) -> None:
    pattern = keys.pattern(key)
    assert pattern is not None
    assert pattern.directory == directory
    assert [name for name in [*named, *others] if pattern.matches(name)] == named
    assert all(name.startswith(pattern.prefix) for name in named)
