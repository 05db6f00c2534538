"""Whether a schedule is one that Argo Workflows' cron parser accepts.

The same grammar as robfig/cron's standard parser: five fields, or a descriptor such as `@daily` or `@every 6h`.
"""

import re
from typing import NamedTuple

MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
DESCRIPTORS = {"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"}
EVERY = re.compile(r"@every (\d+(\.\d+)?(h|m|s))+")


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
    """Rule: the value is a cron schedule of five fields, or a descriptor."""
    if value in DESCRIPTORS or EVERY.fullmatch(value):
        return None
    parts = value.split()
    if len(parts) != len(FIELDS):
        return 'must be a cron schedule of five fields such as "0 3 * * *", or a descriptor such as "@daily"'
    for part, field in zip(parts, FIELDS, strict=True):
        if not all(_is_range(item, field) for item in part.split(",")):
            return f"must keep the {field.title} within {field.lowest}-{field.highest}, which {part!r} does not"
    return None


def _is_range(item: str, field: Field) -> bool:
    """Whether `item` is `*`, `?`, a number, a name or a range, each with an optional step."""
    whole, slash, step = item.partition("/")
    if slash and not re.fullmatch("0*[1-9][0-9]*", step):
        return False
    if whole in ("*", "?"):
        return True
    first, dash, last = whole.partition("-")
    ends = [_number(end, field) for end in ([first, last] if dash else [first])]
    return None not in ends and ends == sorted(end for end in ends if end is not None)


def _number(text: str, field: Field) -> int | None:
    """The number that `text` stands for, or None where the field has no such number."""
    if text.upper() in field.names:
        return field.lowest + field.names.index(text.upper())
    return int(text) if re.fullmatch("[0-9]+", text) and field.lowest <= int(text) <= field.highest else None
