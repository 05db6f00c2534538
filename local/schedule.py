"""When a cron schedule starts next: the grammar that Argo Workflows reads, in the schedule's own time zone."""

from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


class Field(NamedTuple):
    """One of the five fields: its closed interval, and the names of its numbers if they have any."""

    lowest: int
    highest: int
    names: tuple[str, ...] = ()


FIELDS = (Field(0, 59), Field(0, 23), Field(1, 31), Field(1, 12, MONTHS), Field(0, 6, WEEKDAYS))
"""The component's own, which is not imported: the Pulumi SDKs beside it take seconds."""
DESCRIPTORS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
DAYS_AHEAD = 366 * 8
"""A schedule for the 29th of February waits for up to eight years."""


def next_start(schedule: str, zone: str, now: datetime) -> datetime | None:
    """The first minute after `now` that the schedule names; None for `@every …` and for days that never come."""
    parts = DESCRIPTORS.get(schedule, schedule).split()
    if len(parts) != len(FIELDS):
        return None
    minutes, hours, days, months, weekdays = (_numbers(part, field) for part, field in zip(parts, FIELDS, strict=True))
    # Of a day of the month and a day of the week that are both named, either is enough.
    either = not parts[2].startswith(("*", "?")) and not parts[4].startswith(("*", "?"))
    begin = now.astimezone(ZoneInfo(zone))
    for ahead in range(DAYS_AHEAD):
        day = begin.date() + timedelta(days=ahead)
        of_month, of_week = day.day in days, day.isoweekday() % 7 in weekdays
        if day.month not in months or not (of_month or of_week if either else of_month and of_week):
            continue
        for hour in sorted(hours):
            for minute in sorted(minutes):
                start = datetime(day.year, day.month, day.day, hour, minute, tzinfo=begin.tzinfo)
                if start > begin:
                    return start
    return None


def _numbers(part: str, field: Field) -> set[int]:
    return {number for item in part.split(",") for number in _range(item, field)}


def _range(item: str, field: Field) -> range:
    whole, slash, step = item.partition("/")
    first, dash, last = whole.partition("-")
    if whole in ("*", "?"):
        low, high = field.lowest, field.highest
    else:
        low = _number(first, field)
        high = _number(last, field) if dash else field.highest if slash else low
    return range(low, high + 1, int(step or 1))


def _number(text: str, field: Field) -> int:
    return field.lowest + field.names.index(text.upper()) if text.upper() in field.names else int(text)
