"""What a stack costs a month, before and after a change."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal


@dataclass(frozen=True)
class Requests:
    """What a team's pods and claims ask of the cluster, replicas counted."""

    cpu_cores: Decimal = Decimal(0)
    memory_gib: Decimal = Decimal(0)
    storage_gib: Decimal = Decimal(0)


@dataclass(frozen=True)
class Item:
    """What costs the same for the same reason, such as all NAT gateways of the stack."""

    what: str
    """What it is and what one costs. Plain text."""
    number_before: Decimal
    """How many of them are paid for before the change, in the unit that `what` names."""
    number_after: Decimal
    before: Decimal
    """USD a month."""
    after: Decimal
    """USD a month."""


@dataclass(frozen=True)
class Estimate:
    """Monthly cost of one stack in USD, from list prices; 730 hours a month."""

    stack: str
    region: str
    before: Decimal
    after: Decimal
    low: Decimal
    """Lower end of the error band of `after`."""
    high: Decimal
    """Upper end of the error band of `after`."""
    priced_on: date
    """The day of the price table."""
    not_counted: tuple[str, ...] = ()
    """What is left out although it costs, in words: traffic, requests, types without a price (with their number)."""
    requests_before: Mapping[str, Requests] | None = None
    """By namespace."""
    requests_after: Mapping[str, Requests] | None = None
    """By namespace."""
    items: tuple[Item, ...] = ()
    """What the totals consist of, the dearest first; the items add up to the totals."""
    band: tuple[str, ...] = ()
    """Why `low` and `high` differ from `after`, in words."""
    kept: int = 0
    """How many resources leave the stack without being deleted: they go on costing, and `after` counts them."""
    at_least: bool = False
    """Whether `before` and `after` leave out resources that the preview does not show or that have no price: then the
    totals are the least that it costs, and `not_counted` says why."""

    @property
    def delta(self) -> Decimal:
        """What the change adds a month; negative where it saves."""
        return self.after - self.before
