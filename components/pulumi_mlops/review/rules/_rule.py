"""What a rule is, and its verdict on a resource."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from pulumi_mlops.review.findings import Level
from pulumi_mlops.review.resource_types.facts import Fact, Holds, Unknown
from pulumi_mlops.review.resources import Resource, Resources


@dataclass(frozen=True)
class Violation:
    """The resource breaks the rule."""

    message: str
    """What is wrong, with the property and its value, in one sentence; never a secret."""


Verdict = Violation | Unknown
"""Unknown where the rule cannot decide, because a value is known only after `up`."""
Check = Callable[[Resource, Resources], Iterator[Verdict]]


@dataclass(frozen=True)
class Rule:
    """A requirement on resources, its reason, and how to meet it."""

    id: str
    """Never changes: exceptions name it."""
    level: Level
    title: str
    """The requirement in one short sentence."""
    why: str
    fix: str
    unknown: str
    """What the rule does with a value that is known only after `up`."""
    check: Check
    whole_stack: bool = False
    """Whether a verdict needs resources that may be registered later, or in another stack."""


def verdicts(facts: Iterable[Fact]) -> Iterator[Verdict]:
    """The verdicts of a rule that forbids the facts."""
    for fact in facts:
        yield Violation(fact.message) if isinstance(fact, Holds) else fact
