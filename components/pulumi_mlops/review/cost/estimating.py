"""From the preview of one stack to what it costs. A pure function: the same preview, the same estimate."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from pulumi_mlops.review.cost import pricing, table
from pulumi_mlops.review.cost.holdings import Holdings, Resource, holdings
from pulumi_mlops.review.cost.lines import NOTHING, Line, plain
from pulumi_mlops.review.cost.naming import name, type_token
from pulumi_mlops.review.cost.nodes import TEMPLATE
from pulumi_mlops.review.cost.requests import Asked, asked
from pulumi_mlops.review.cost.table import NoPrice, Table
from pulumi_mlops.review.estimate import Estimate, Item, Requests
from pulumi_mlops.review.preview import MASKED, UNKNOWN, Preview

AWS = "aws"
PROVIDER = f"pulumi:providers:{AWS}"
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


def estimate(preview: Preview) -> Estimate:
    """What the stack of the preview costs a month, before the change and after it."""
    prices = table.load()
    held = holdings(preview)
    region = _default_region(preview)
    before, after = (_priced(side, prices, region) for side in (held.before, held.after))
    asked_before, asked_after = asked(held.before), asked(held.after)
    missing = [*_unseen(preview, held), *_words(before.without_price | after.without_price)]
    priced = before.lines or after.lines or before.by_use or after.by_use
    return Estimate(
        stack=preview.stack,
        region=_regions(held, region),
        before=before.sum("likely"),
        after=after.sum("likely"),
        low=after.sum("least") * (1 - prices.error),
        high=after.sum("most") * (1 + prices.error),
        priced_on=prices.day,
        not_counted=(
            *missing,
            *_kept(held, prices),
            *_words(before.by_use | after.by_use),
            *_words(asked_before.left_out | asked_after.left_out),
            *(ALWAYS if priced else ()),
        ),
        requests_before=_sorted(asked_before),
        requests_after=_sorted(asked_after),
        items=tuple(_items(before.lines, after.lines)),
        band=tuple(_band(after.lines, prices)),
        at_least=bool(missing),
    )


def _priced(resources: Iterable[Resource], prices: Table, region: str) -> _Side:
    side = _Side()
    all_of_them = sorted(resources, key=lambda one: (one.urn, one.id))
    templates = [one for one in all_of_them if one.type == TEMPLATE]
    for one in all_of_them:
        if one.type in prices.by_use:
            side.by_use[prices.by_use[one.type]] += 1
        elif pricing.priced(one.type):
            number = len(side.lines)
            try:
                for line in pricing.lines(one, prices, prices.region(_region(one, region)), templates):
                    side.lines.append(line)  # one by one: what comes before a part without a price stands
            except NoPrice as reason:
                side.without_price[f"{type_token(one.type)}: {reason}"] += 1
            if one.type in prices.besides and len(side.lines) > number:
                side.by_use[prices.besides[one.type]] += 1
        elif not prices.free(one.type):
            side.without_price[f"{type_token(one.type)}: the price table does not know this type"] += 1
    return side


def _default_region(preview: Preview) -> str:
    """Of the stack's settings, or else of the provider that its program makes; empty where neither is known."""
    made = {step.state.inputs.get("region") for step in preview.steps if step.type == PROVIDER}
    found = preview.config.get("aws:region") or (made.pop() if len(made) == 1 else "")
    return "" if found in (None, "", UNKNOWN, MASKED) else name(found)


def _region(one: Resource, default: str) -> str:
    found = one.inputs.get("region") or default
    return "" if found in ("", UNKNOWN) else name(found)


def _regions(held: Holdings, default: str) -> str:
    """All regions of the stack's resources on AWS; the stack's own where they name none."""
    on_aws = [one for one in (*held.before, *held.after) if one.type.partition(":")[0] == AWS]
    return ", ".join(sorted({_region(one, default) for one in on_aws} - {""})) or default


def _unseen(preview: Preview, held: Holdings) -> Iterator[str]:
    if not preview.complete:
        yield "whatever the preview would have shown after it failed"
    if held.hidden:
        yield (
            f"what stays the same ({_resources(held.hidden)}): the preview was made without --show-sames; "
            "what the change adds is complete"
        )


def _kept(held: Holdings, prices: Table) -> Iterator[str]:
    number = sum(not prices.free(one.type) for one in held.kept)
    if number:
        yield f"what leaves the stack and is kept on AWS, where it goes on costing ({_resources(number)})"


def _words(counted: Counter[str]) -> Iterator[str]:
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


def _band(lines: list[Line], prices: Table) -> Iterator[str]:
    yield from sorted({why for line in lines if line.least != line.most for why in line.why})
    if lines:
        yield f"every price: the table may be {plain(prices.error * 100)} % off AWS's list"


def _sorted(side: Asked) -> dict[str, Requests]:
    return dict(sorted(side.by_namespace.items()))
