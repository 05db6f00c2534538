"""From the preview of one stack to what it costs. A pure function: the same preview, the same estimate."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from pulumi_mlops.review import resource_types
from pulumi_mlops.review.cost import prices as price_list
from pulumi_mlops.review.cost.billing import FREE
from pulumi_mlops.review.cost.lines import NOTHING, Line, plain
from pulumi_mlops.review.cost.names import name, type_token
from pulumi_mlops.review.cost.nodes import TEMPLATE
from pulumi_mlops.review.cost.prices import PriceList
from pulumi_mlops.review.cost.requests import Asked, asked
from pulumi_mlops.review.estimate import Estimate, Item, Requests
from pulumi_mlops.review.preview import Preview
from pulumi_mlops.review.resources import Resource, Sides, default_region, sides
from pulumi_mlops.review.values import NotReadable, is_hidden

AWS = "aws"
ALWAYS = ("data transfer between zones and to the internet", "tax, support, discounts and savings plans")
"""What every stack on AWS costs besides."""


@dataclass
class _Side:
    """What one side of the change costs."""

    lines: list[Line] = field(default_factory=list[Line])
    without_price: Counter[str] = field(default_factory=Counter[str])
    """Sentence → number of resources."""
    by_use: Counter[str] = field(default_factory=Counter[str])

    def sum(self, end: str) -> Decimal:
        """The total of the ends `least`, `likely` or `most` of all lines."""
        return sum((getattr(line, end) for line in self.lines), NOTHING)


def estimate(preview: Preview, prices: PriceList | None = None) -> Estimate:
    """What the stack of the preview costs a month, before the change and after it; `prices`: default the package's."""
    prices = prices or price_list.load()
    both = sides(preview)
    stack_region = default_region(preview)
    region = name(stack_region) if stack_region else ""
    # What leaves the stack and stays on AWS is no saving.
    before, after = (_priced(side, prices, region) for side in (both.before, (*both.after, *both.retained)))
    asked_before, asked_after = asked(both.before), asked(both.after)
    missing = [*_unseen(preview, both), *_counted(before.without_price | after.without_price)]
    priced = before.lines or after.lines or before.by_use or after.by_use
    return Estimate(
        stack=preview.stack,
        region=_regions(both, region),
        before=before.sum("likely"),
        after=after.sum("likely"),
        low=after.sum("least") * (1 - prices.error),
        high=after.sum("most") * (1 + prices.error),
        priced_on=prices.day,
        not_counted=(
            *missing,
            *_counted(before.by_use | after.by_use),
            *_counted(asked_before.left_out | asked_after.left_out),
            *(ALWAYS if priced else ()),
        ),
        requests_before=_sorted(asked_before),
        requests_after=_sorted(asked_after),
        items=tuple(_items(before.lines, after.lines)),
        band=tuple(_band(after.lines, prices)),
        kept=sum(resource_types.billing(one.type) != FREE for one in both.retained),
        at_least=bool(missing),
    )


def _priced(resources: Iterable[Resource], prices: PriceList, region: str) -> _Side:
    side = _Side()
    all_of_them = sorted(resources, key=lambda one: (one.urn, one.id))
    templates = [one for one in all_of_them if one.type == TEMPLATE]
    for one in all_of_them:
        billing = resource_types.billing(one.type)
        if billing is None:
            side.without_price[f"{type_token(one.type)}: the price table does not know this type"] += 1
            continue
        number = len(side.lines)
        if billing.pricer:
            try:
                for line in billing.pricer(one, prices, prices.region(_region(one, region)), templates):
                    side.lines.append(line)  # one by one: what comes before a part without a price stands
            except NotReadable as reason:
                side.without_price[f"{type_token(one.type)}: {reason}"] += 1
        if billing.usage and (len(side.lines) > number or not billing.pricer):
            side.by_use[billing.usage] += 1
    return side


def _region(one: Resource, default: str) -> str:
    found = one.inputs.get("region") or default
    return "" if not found or is_hidden(found) else name(found)


def _regions(both: Sides, default: str) -> str:
    """All regions of the stack's resources on AWS; the stack's own where they name none."""
    on_aws = [one for one in (*both.before, *both.after) if one.type.partition(":")[0] == AWS]
    return ", ".join(sorted({_region(one, default) for one in on_aws} - {""})) or default


def _unseen(preview: Preview, both: Sides) -> Iterator[str]:
    if not preview.complete:
        yield "whatever the preview would have shown after it failed"
    if both.hidden:
        yield (
            f"what stays the same ({_resources(both.hidden)}): the preview was made without --show-sames; "
            "what the change adds is complete"
        )


def _counted(counted: Counter[str]) -> Iterator[str]:
    yield from (f"{words} ({_resources(number)})" for words, number in sorted(counted.items()))


def _resources(number: int) -> str:
    return "1 resource" if number == 1 else f"{number} resources"


def _items(before: list[Line], after: list[Line]) -> Iterator[Item]:
    sums: dict[str, list[Decimal]] = {}
    for side, lines in enumerate((before, after)):
        for line in lines:
            so_far = sums.setdefault(line.what, [NOTHING] * 4)
            so_far[side] += line.number
            so_far[2 + side] += line.likely
    found = [Item(what, *amounts) for what, amounts in sums.items()]
    yield from sorted(found, key=lambda one: (-max(one.before, one.after), one.what))


def _band(lines: list[Line], prices: PriceList) -> Iterator[str]:
    yield from sorted({why for line in lines if line.least != line.most for why in line.why})
    if lines:
        yield f"every price: the table may be {plain(prices.error * 100)} % off AWS's list"


def _sorted(side: Asked) -> dict[str, Requests]:
    return dict(sorted(side.by_namespace.items()))
