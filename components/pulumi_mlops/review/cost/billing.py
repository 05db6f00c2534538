"""How AWS bills a type of resources."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from pulumi_mlops.review.cost.lines import Line
from pulumi_mlops.review.cost.prices import PriceList, Region
from pulumi_mlops.review.resources import Resource

Pricer = Callable[[Resource, PriceList, Region, Sequence[Resource]], Iterator[Line]]
"""What one resource costs; the last argument are all launch templates on the same side of the change."""


@dataclass(frozen=True)
class Billing:
    """Free, unless a field says otherwise."""

    pricer: Pricer | None = None
    """What it costs by itself."""
    usage: str = ""
    """What AWS bills besides by use, which no preview tells, such as `DNS queries`."""


FREE = Billing()


def by_use(usage: str) -> Billing:
    """Billed by use alone: named in an estimate, and not counted."""
    return Billing(usage=usage)


def priced(pricer: Callable[..., Iterator[Line]], usage: str = "") -> Billing:
    """Billed by a pricer of (resource, price list, region), and for what is used besides."""

    def with_templates(one: Resource, prices: PriceList, region: Region, _: object) -> Iterator[Line]:
        return pricer(one, prices, region)

    return Billing(with_templates, usage)
