"""The amounts that a price consists of."""

from dataclasses import dataclass
from decimal import Decimal

from pulumi_mlops.review.cost.prices import PriceList, Use

NOTHING = Decimal(0)


@dataclass(frozen=True)
class Line:
    """One thing of one resource that costs, in USD a month."""

    what: str
    """What it is, and what one costs."""
    number: Decimal
    """How many are paid for."""
    likely: Decimal
    least: Decimal
    most: Decimal
    why: tuple[str, ...] = ()
    """Why least and most differ; empty where they don't."""


def fixed(what: str, number: Decimal | int, price: Decimal, unit: str = "a month") -> Line:
    """So many of a thing, each at the price a month."""
    cost = number * price
    return Line(f"{what}, {plain(price)} USD {unit}", Decimal(number), cost, cost, cost)


def hourly(prices: PriceList, what: str, number: Decimal | int, price: Decimal) -> Line:
    """So many of a thing, each at the price an hour, all hours of a month."""
    cost = number * price * prices.hours
    return Line(f"{what}, {plain(price)} USD an hour", Decimal(number), cost, cost, cost)


def used(use: Use, price: Decimal, each: Decimal = Decimal(1)) -> Line:
    """A thing whose use is assumed, between nothing and the most; one of it is `each` times the price."""
    return Line(
        f"{use.words}, {plain(price)} USD each",
        use.likely,
        use.likely * price * each,
        NOTHING,
        use.most * price * each,
        (f"{use.words}: {plain(use.likely)} is assumed, 0 to {plain(use.most)} allowed for",),
    )


def plain(figure: Decimal) -> str:
    """The figure without an exponent and without zeros that say nothing."""
    return f"{figure.normalize():f}"
