"""Rules of single values, for arguments of components and for fields of the settings document.

A rule runs on a known value of the right type: whether the type is right has been checked before.
"""

import re
from collections.abc import Callable
from typing import Any

Rule = Callable[[Any], str | None]
"""Says what is wrong with a value ("must be at least 20 GiB"), or None. Any, since each rule is for values of its own
type; what they contain may still be an Output of Pulumi."""


def at_least(minimum: float, unit: str = "") -> Rule:
    """The value is a number of at least `minimum`; `unit` is named in the complaint."""
    return lambda value: None if value >= minimum else f"must be at least {minimum}{_unit(unit)}"


def between(minimum: float, maximum: float, unit: str = "") -> Rule:
    """The value is a number in the closed interval; `unit` is named in the complaint."""
    return lambda value: (
        None if minimum <= value <= maximum else f"must be between {minimum} and {maximum}{_unit(unit)}"
    )


def matches(pattern: str, meaning: str) -> Rule:
    """The whole text matches `pattern`; `meaning` says what is expected in words."""
    return lambda value: None if re.fullmatch(pattern, value) else f"must be {meaning}"


def one_of(*choices: str) -> Rule:
    """The value is one of these texts."""
    return lambda value: None if value in choices else f"must be one of {', '.join(repr(str(one)) for one in choices)}"


def not_empty(value: object) -> str | None:
    """The text, list or dict has content."""
    return None if value else "must not be empty"


def text_up_to(longest: int) -> Rule:
    """The value is not empty and has at most so many characters."""

    def rule(value: str) -> str | None:
        return not_empty(value) or (f"must be at most {longest} characters long" if len(value) > longest else None)

    return rule


def encoding(value: str) -> str | None:
    """The value names an encoding of text that Python knows."""
    try:
        "".encode(value)
    except (LookupError, ValueError):
        return "must be the name of a text encoding, such as utf-16 or windows-1252"
    return None


dns_label: Rule = matches(
    "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?",
    "a DNS label (lower-case letters, digits and inner hyphens, at most 63 characters)",
)
"""Names of namespaces, Services and other objects of Kubernetes (RFC 1123), and of directories."""


def _unit(unit: str) -> str:
    return f" {unit}" if unit else ""
