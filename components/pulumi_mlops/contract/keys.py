"""Keys of training data that name several objects, or another one each day.

| key | objects |
|---|---|
| `penguins.csv` | that one |
| `penguins/` | all below it, except those of which a part of the path begins with `_` or `.` |
| `penguins/**/part-?.csv` | those that match: `*` and `?` within a part of the path, `**` over several |
| `penguins/year=*/` | all below each of those that match |
| `penguins/{date}.csv` | that of the run's date, 2026-11-30 |
| `penguins/{date-1:%Y/%m/%d}/` | those of the day before, in the form of strftime: 2026/11/29 |
"""

import re
from datetime import date, timedelta
from typing import NamedTuple

_PLACEHOLDER = re.compile(r"\{date(?:-([0-9]{1,4}))?(?::((?:[^{}%]|%[YymdjGVu%])*))?\}")
_LOOKS_LIKE_ONE = re.compile(r"\{\s*date[^}]*\}?", re.IGNORECASE)
_WILDCARDS = re.compile(r"\*\*/|\*\*|\*|\?")
MOST_WILDCARDS = 8
"""Wildcards of a key: the time of a search grows with the power of their number."""
_MEANINGS = {"**/": "(?:.*?/)??", "**": ".*", "*": "[^/]*", "?": "[^/]"}


class Pattern(NamedTuple):
    """The objects that a key names."""

    directory: str
    """The part of the key that is the same for all of them, up to its last slash; what follows may name partitions."""
    prefix: str
    """What all of their keys begin with."""
    expression: re.Pattern[str]
    """What their whole keys match. The group is what is below a key that ends with a slash."""

    def matches(self, name: str) -> bool:
        """Whether it names the object with this key."""
        found = self.expression.fullmatch(name)
        return found is not None and not name.endswith("/") and not any(map(_hidden, found.groups()))


def problem(key: str) -> str | None:
    """Rule: every date in a key can be filled in, and its objects can be told in a short time."""
    if len(_WILDCARDS.findall(key)) > MOST_WILDCARDS:
        return f"must have at most {MOST_WILDCARDS} wildcards"
    for found in _LOOKS_LIKE_ONE.findall(key):
        placeholder = _PLACEHOLDER.fullmatch(found)
        if not placeholder or (placeholder[2] is not None and "%" not in placeholder[2]):
            return "must write a date as {date}, {date-1} for the day before, or {date:%Y/%m/%d}"
    return None


def has_date(key: str) -> bool:
    """Whether the key is another one each day."""
    return _PLACEHOLDER.search(key) is not None


def filled(key: str, day: date) -> str:
    """The key for a day."""

    def text(found: re.Match[str]) -> str:
        return (day - timedelta(days=int(found[1] or 0))).strftime(found[2] or "%Y-%m-%d")

    return _PLACEHOLDER.sub(text, key)


def pattern(key: str) -> Pattern | None:
    """What a key names if it may be several objects; None if it is the key of one."""
    first = _WILDCARDS.search(key)
    if first is None and not key.endswith("/"):
        return None
    prefix = key[: first.start()] if first else key
    directory = prefix[: prefix.rfind("/") + 1]
    literals, wildcards = _WILDCARDS.split(key), [*_WILDCARDS.findall(key), ""]
    parts = (re.escape(text) + _MEANINGS.get(sign, "") for text, sign in zip(literals, wildcards, strict=True))
    below = "(.+)" if key.endswith("/") else ""
    return Pattern(directory, prefix, re.compile("".join(parts) + below, re.DOTALL))


def _hidden(path: str) -> bool:
    """Whether an object below a prefix is none of its data: a directory's marker, `_SUCCESS`, a checksum."""
    parts = path.split("/")
    private = (part.startswith(".") or (part.startswith("_") and "=" not in part) for part in parts)
    return path.endswith("_$folder$") or any(private)  # `_year=2026` is a column
