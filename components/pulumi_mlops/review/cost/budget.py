"""Budgets of stacks: what a month may cost, given by `--budget`."""

import argparse
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from pulumi_mlops.review.estimate import Estimate
from pulumi_mlops.review.findings import Finding, Level
from pulumi_mlops.review.render.amounts import signed, usd

RULE = "budget"
"""Id of the findings."""
HELP = "USD a month that each stack may cost, or NAME=USD for one; repeatable. A change that goes beyond it is refused"


@dataclass(frozen=True)
class Budgets:
    """USD a month."""

    each: Decimal | None = None
    """For a stack that has none of its own; None: no limit."""
    stacks: Mapping[str, Decimal] = field(default_factory=dict[str, Decimal])

    def of(self, stack: str) -> Decimal | None:
        """The budget of a stack; None where it has none."""
        return self.stacks.get(stack, self.each)


def budget(text: str) -> tuple[str, Decimal]:
    """Stack, or nothing for each of them, and amount: the type of the option `--budget`."""
    stack, _, amount = text.rpartition("=")
    if not re.fullmatch(r"\d{1,12}(\.\d{1,2})?", amount):
        raise argparse.ArgumentTypeError(f"must be USD a month such as 800, or NAME=USD, got {text!r}")
    return stack, Decimal(amount)


def budgets(given: Sequence[tuple[str, Decimal]]) -> Budgets:
    """The budgets of all options."""
    named = dict(given)
    return Budgets(named.pop("", None), named)


def exceeded(estimates: Sequence[Estimate], limits: Budgets) -> Iterator[Finding]:
    """A finding for each stack beyond its budget: blocking where the change adds to it."""
    for one in estimates:
        limit = limits.of(one.stack)
        if limit is not None and one.after > limit:
            level = Level.BLOCKING if one.delta > 0 else Level.WARNING
            least = "at least " if one.at_least else ""
            yield Finding(
                RULE,
                level,
                one.stack,
                "",
                f"costs {least}{usd(one.after)} USD a month, {signed(one.delta)} by this change, "
                f"and its budget is {usd(limit)}",
                "make it smaller, or raise its --budget",
            )
