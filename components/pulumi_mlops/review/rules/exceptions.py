"""Exceptions to rules: on the resource itself, or in a file beside the stacks. Each has a last day and a reason.

On what has annotations (Kubernetes) or tags (AWS): `pulumi-mlops.dev/except-<rule>: "2027-01-31 why it has to be"`.
For everything else, an entry of a TOML file::

    [[exception]]
    stack = "foundation-dev"
    resource = "legacy-policy"
    rule = "iam-wildcard"
    until = 2027-01-31
    reason = "the old importer goes in January"
"""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from pulumi_mlops._exceptions import LONGEST_DAYS, PREFIX, day, reason_problem
from pulumi_mlops.review.json_data import items, mapping
from pulumi_mlops.review.resources import Resource
from pulumi_mlops.review.values import is_hidden

CHART_RENDERS = "chart-renders"
RELEASE_SIZE = "release-size"
OF_CHARTS = (CHART_RENDERS, RELEASE_SIZE)
"""Ids of the findings about charts that only a review with `--helm` makes; `chart_findings` makes them."""
FIELDS = ("stack", "resource", "rule", "until", "reason")


class ExceptionsError(Exception):
    """The file of exceptions cannot be used; the message is one sentence for its reader."""


@dataclass(frozen=True)
class Exemption:
    """That one resource may break one rule until a day."""

    rule: str
    until: date | None
    """The last day; None where none is said."""
    reason: str
    place: str
    """Where it stands, for messages."""
    stack: str = ""
    resource: str = ""
    """The resource's name in the program; empty, with the stack, for one that stands on the resource itself."""

    def covers(self, resource: Resource) -> bool:
        """Whether it is about the resource."""
        return not self.resource or (self.stack, self.resource) == (resource.stack, resource.name)

    def problem(self, today: date, known: Sequence[str]) -> str | None:
        """Why it does not count; None where it does."""
        if self.rule not in known:
            return f"{self.place} names the rule {self.rule!r}, which does not exist"
        if self.until is None:
            return f'{self.place} must begin with its last day, as in "2027-01-31 why it has to be"'
        if complaint := reason_problem(self.reason):
            return f"{self.place} {complaint}, got {self.reason!r}"
        if self.until < today:
            return f"{self.place} has ended on {self.until}"
        if (self.until - today).days > LONGEST_DAYS:
            return f"{self.place} must end within {LONGEST_DAYS} days, got {self.until}"
        return None


def on_resource(resource: Resource) -> Iterator[Exemption]:
    """The exceptions that the resource carries, in the order of their keys."""
    annotations = mapping(mapping(resource.inputs.get("metadata")).get("annotations"))
    for where, owner in (("annotation", annotations), ("tag", mapping(resource.inputs.get("tags")))):
        for key, value in sorted(owner.items()):
            if key.startswith(PREFIX) and not is_hidden(value):
                until, reason = _parts(str(value))
                yield Exemption(key.removeprefix(PREFIX), until, reason, f"{where} {key}")


def _parts(value: str) -> tuple[date | None, str]:
    match = re.fullmatch(r"(\d{4}-\d{2}-\d{2})\b\s*(.*)", value.strip())
    until = day(match[1]) if match else None
    return (until, match[2]) if match and until else (None, value)


def read(text: str, file: str) -> list[Exemption]:
    """The exceptions of a file; `file` names it in messages.

    Raises:
        ExceptionsError: the text is no TOML, or an entry lacks a field, has another one or one of another type.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ExceptionsError(f"{file} is no TOML: {error}") from None
    if unknown := sorted(set(content) - {"exception"}):
        raise ExceptionsError(f"{file} has {', '.join(unknown)}; it may have entries [[exception]] only")
    return [
        _entry(mapping(one), f"{file}: exception {index}") for index, one in enumerate(items(content.get("exception")))
    ]


def _entry(entry: Mapping[str, object], place: str) -> Exemption:
    if set(entry) != set(FIELDS):
        raise ExceptionsError(f"{place} must have {', '.join(FIELDS)}, got {', '.join(sorted(entry)) or 'nothing'}")
    until = entry["until"]
    if not isinstance(until, date) or isinstance(until, datetime):
        raise ExceptionsError(f"{place}: until must be a day such as 2027-01-31, without quotes, got {until!r}")
    rule, reason, stack, resource = (_text(entry, field, place) for field in ("rule", "reason", "stack", "resource"))
    return Exemption(rule, until, reason, place, stack, resource)


def _text(entry: Mapping[str, object], field: str, place: str) -> str:
    value = entry[field]
    if not isinstance(value, str) or not value:
        raise ExceptionsError(f"{place}: {field} must be a text, got {value!r}")
    return value
