"""Amounts of money and of requests as text."""

from decimal import ROUND_HALF_UP, Decimal

from pulumi_mlops.review.cost.lines import plain

CENT = Decimal("0.01")


def usd(amount: Decimal) -> str:
    """The amount to the cent."""
    return f"{_cents(amount):.2f}"


def signed(amount: Decimal) -> str:
    """The amount to the cent with its sign, also for nothing: +0.00."""
    return f"{_cents(amount):+.2f}"


def short(amount: Decimal) -> str:
    """At most two decimals, and no zeros that say nothing."""
    return plain(_cents(amount))


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP) + 0  # no negative zero
