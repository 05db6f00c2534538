"""Whether a schedule is one that Argo Workflows' cron parser accepts, and that comes.

The same grammar as robfig/cron's standard parser: five fields, or a descriptor such as `@daily` or `@every 6h`.
"""

import re
from typing import NamedTuple

MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
DESCRIPTORS = {"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"}
EVERY = re.compile(r"@every ((?:\d+(?:\.\d+)?[hms])+)")
SECONDS = {"h": 3600, "m": 60, "s": 1}
LONGEST_SECONDS = (2**63 - 1) // 10**9
"""Of a duration in Go."""
MOST_DAYS = {4: 30, 6: 30, 9: 30, 11: 30, 2: 29}
"""Of the months that have fewer than 31."""


class Field(NamedTuple):
    """One of the five fields: what it is called, its closed interval and the names of its numbers, if they have any."""

    title: str
    lowest: int
    highest: int
    names: tuple[str, ...] = ()


FIELDS = (
    Field("minute", 0, 59),
    Field("hour", 0, 23),
    Field("day of month", 1, 31),
    Field("month", 1, 12, MONTHS),
    Field("day of week", 0, 6, DAYS),
)


def schedule(value: str) -> str | None:
    """Rule: the value is a cron schedule of five fields that comes some day, or a descriptor."""
    if value in DESCRIPTORS:
        return None
    if every := EVERY.fullmatch(value):
        parts = re.findall(r"([\d.]+)([hms])", every[1])
        seconds = sum(float(number) * SECONDS[unit] for number, unit in parts)
        return None if 1 <= seconds <= LONGEST_SECONDS else "must be @every a second or longer, at most 292 years"
    parts = value.split()
    if len(parts) != len(FIELDS):
        return 'must be a cron schedule of five fields such as "0 3 * * *", or a descriptor such as "@daily"'
    found: list[set[int]] = []
    for part, field in zip(parts, FIELDS, strict=True):
        ranges = [_range(item, field) for item in part.split(",")]
        if not all(ranges):
            return f"must keep the {field.title} within {field.lowest}-{field.highest}, which {part!r} does not"
        found.append({number for numbers in ranges for number in numbers})
    _, _, days, months, _ = found
    # beside a day of the week that is restricted, either of the two days is enough
    if _is_any(parts[4]) and min(days) > max(MOST_DAYS.get(month, 31) for month in months):
        return f"must name a date that comes, which day {parts[2]} of month {parts[3]} never does"
    return None


def _is_any(part: str) -> bool:
    """Whether a field restricts nothing: a step makes it one that does."""
    return any(re.fullmatch("[*?](/0*1)?", item) for item in part.split(","))


def _range(item: str, field: Field) -> range:
    """Numbers of `*`, `?`, a number, a name or a range, each with an optional step; empty where it is none of them."""
    whole, slash, step = item.partition("/")
    if slash and not re.fullmatch("0*[1-9][0-9]*", step):
        return range(0)
    every = int(step) if slash else 1
    if whole in ("*", "?"):
        return range(field.lowest, field.highest + 1, every)
    first, dash, last = whole.partition("-")
    start = _number(first, field)
    end = _number(last, field) if dash else field.highest if slash else start
    if start is None or end is None:
        return range(0)
    return range(start, end + 1, every)


def _number(text: str, field: Field) -> int | None:
    """The number that `text` stands for, or None where the field has no such number."""
    if text.upper() in field.names:
        return field.lowest + field.names.index(text.upper())
    return int(text) if re.fullmatch("[0-9]+", text) and field.lowest <= int(text) <= field.highest else None
