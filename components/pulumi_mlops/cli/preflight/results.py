"""Results of checks."""

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """How a check ended."""

    OK = "ok"
    FINDING = "finding"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True)
class Result:
    """One line of the report."""

    check: str
    """What was looked at, such as `Elastic IPs`."""
    outcome: Outcome
    what: str
    """What is so; of a check that was not made, why not."""
    why: str = ""
    """Of a finding: what fails because of it, and when."""
    fix: str = ""
    """Of a finding: the command that fixes it. Of a check that was not made: how to make it possible."""


class NotChecked(Exception):
    """A check cannot be made; the message says why."""

    def __init__(self, why: str, fix: str = "") -> None:
        super().__init__(why)
        self.fix = fix


def ok(check: str, what: str) -> Result:
    """Nothing to do."""
    return Result(check, Outcome.OK, what)


def finding(check: str, what: str, why: str, fix: str) -> Result:
    """Something that would fail."""
    return Result(check, Outcome.FINDING, what, why, fix)


def not_checked(check: str, why: str, fix: str = "") -> Result:
    """A check that could not be made."""
    return Result(check, Outcome.NOT_CHECKED, why, fix=fix)
