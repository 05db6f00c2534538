from datetime import UTC, datetime

import pytest
from pulumi_mlops.training_pipeline import _cron

from local.schedule import DESCRIPTORS, FIELDS, next_start

NOW = datetime(2026, 11, 29, 22, 30, 15, tzinfo=UTC)  # a Sunday


@pytest.mark.parametrize(
    ("schedule", "zone", "expected"),
    [
        ("0 3 * * *", "Etc/UTC", "2026-11-30T03:00:00+00:00"),
        ("0 3 * * *", "Europe/Berlin", "2026-11-30T03:00:00+01:00"),
        ("0 23 * * *", "Asia/Tokyo", "2026-11-30T23:00:00+09:00"),
        ("*/20 * * * *", "Etc/UTC", "2026-11-29T22:40:00+00:00"),
        ("30 22 * * *", "Etc/UTC", "2026-11-30T22:30:00+00:00"),
        ("5/20 22 * * *", "Etc/UTC", "2026-11-29T22:45:00+00:00"),
        ("0 9 * * mon-FRI", "Etc/UTC", "2026-11-30T09:00:00+00:00"),
        ("0 9 1,15 * *", "Etc/UTC", "2026-12-01T09:00:00+00:00"),
        ("0 9 15 * WED", "Etc/UTC", "2026-12-02T09:00:00+00:00"),
        ("0 9 15 * *", "Etc/UTC", "2026-12-15T09:00:00+00:00"),
        ("0 0 29 FEB *", "Etc/UTC", "2028-02-29T00:00:00+00:00"),
        ("@weekly", "Etc/UTC", "2026-12-06T00:00:00+00:00"),
        ("@hourly", "Etc/UTC", "2026-11-29T23:00:00+00:00"),
    ],
)
def test_the_next_start_is_in_the_schedules_own_time_zone(schedule: str, zone: str, expected: str):
    found = next_start(schedule, zone, NOW)

    assert found is not None
    assert found.isoformat() == expected


@pytest.mark.parametrize("schedule", ["@every 6h", "0 0 31 2 *"])
def test_what_cannot_be_told_is_none(schedule: str):
    assert next_start(schedule, "Etc/UTC", NOW) is None


def test_schedules_are_read_as_the_component_checks_them():
    assert [field[1:] for field in _cron.FIELDS] == [tuple(field) for field in FIELDS]
    assert set(DESCRIPTORS) == _cron.DESCRIPTORS
