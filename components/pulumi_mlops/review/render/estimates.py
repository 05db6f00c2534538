"""What an estimate says: in one sentence, in the lines of a comment, in tables, and for machines."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from pulumi_mlops.review.cost.lines import plain
from pulumi_mlops.review.estimate import Estimate, Requests
from pulumi_mlops.review.json_data import Json
from pulumi_mlops.review.render.amounts import short, signed, usd
from pulumi_mlops.review.render.spans import Spans, joined, own, prose, quoted

MAX_LISTED = 15
"""Entries of one line of a comment; the JSON has all."""
REQUESTS = (("cpu_cores", "CPU"), ("memory_gib", "GiB memory"), ("storage_gib", "GiB storage"))
"""Field of Requests → its unit."""

Row = Sequence[str]


@dataclass(frozen=True)
class Table:
    """Rows of text below a head."""

    head: Row
    rows: Sequence[Row]


def sentence(estimate: Estimate) -> Spans:
    """`+3.65 USD a month, to 30.84 (between …; list prices of … in …)`, or that nothing has a price."""
    if estimate.not_counted and not (estimate.before or estimate.after):
        return own("of what the preview shows, nothing could be priced")
    least = "at least " if estimate.at_least else ""
    changed = f"{signed(estimate.delta)} USD a month, to" if estimate.delta else "unchanged, USD a month:"
    place = (*own(" in "), *quoted(estimate.region)) if estimate.region else ()
    return (
        *own(
            f"{changed} {least}{usd(estimate.after)} (between {usd(estimate.low)} and {usd(estimate.high)}; "
            f"list prices of {estimate.priced_on}"
        ),
        *place,
        *own(")"),
    )


def lines(estimate: Estimate) -> Iterator[Spans]:
    """For a comment: what the stack costs, and on a second line what each namespace requests where that changes."""
    left_out = _few([prose(one) for one in estimate.not_counted])
    not_counted = (*own(" Not counted: "), *joined(left_out, "; "), *own(".")) if left_out else ()
    if estimate.before or estimate.after:
        kept = f" {_kept(estimate)}." if estimate.kept else ""
        yield (*own("Cost: "), *sentence(estimate), *own(f".{kept}"), *not_counted)
    elif not_counted:
        yield (*own("Cost: "), *sentence(estimate), *own("."), *not_counted)
    different = [(name, _differences(*sides)) for name, sides in _requests(estimate) if sides[0] != sides[1]]
    if different:
        said = [(*quoted(name), *own(f" {what}")) for name, what in different]
        yield (*own("Requests: "), *joined(_few(said), "; "), *own("."))


def tables(estimate: Estimate) -> Iterator[Table]:
    """Everything that is paid for with its total, and what each namespace requests."""
    if estimate.items:
        rows = [
            (one.what, _moved(short(one.number_before), short(one.number_after)), *_paid(one.before, one.after))
            for one in estimate.items
        ]
        total = ("total", "", *_paid(estimate.before, estimate.after))
        yield Table(("what", "number", "USD a month", "change"), [*rows, total])
    requested = [
        (name, *(_moved(short(getattr(before, key)), short(getattr(after, key))) for key, _ in REQUESTS))
        for name, (before, after) in _requests(estimate)
    ]
    if requested:
        yield Table(("namespace", "CPU cores", "memory GiB", "volumes GiB"), requested)


def lists(estimate: Estimate) -> Iterator[tuple[str, Sequence[str]]]:
    """Title and entries: where the band comes from, and what is left out."""
    if estimate.band:
        yield "The band, from", estimate.band
    if estimate.kept:
        yield "Counted, although it leaves the stack", (_kept(estimate),)
    if estimate.not_counted:
        yield "Not counted", estimate.not_counted


def document(estimate: Estimate) -> dict[str, Json]:
    """For machines: amounts are texts, so that no reader rounds them."""
    amounts = {key: usd(getattr(estimate, key)) for key in ("before", "after", "delta", "low", "high")}
    return {
        "stack": estimate.stack,
        "region": estimate.region,
        "currency": "USD",
        **amounts,
        "at_least": estimate.at_least,
        "kept": estimate.kept,
        "priced_on": estimate.priced_on.isoformat(),
        "items": [
            {
                "what": one.what,
                "number_before": plain(one.number_before),
                "number_after": plain(one.number_after),
                "before": usd(one.before),
                "after": usd(one.after),
            }
            for one in estimate.items
        ],
        "band": list(estimate.band),
        "not_counted": list(estimate.not_counted),
        "requests_before": _figures(estimate.requests_before),
        "requests_after": _figures(estimate.requests_after),
    }


def _requests(estimate: Estimate) -> Iterator[tuple[str, tuple[Requests, Requests]]]:
    """Namespace → requests before and after."""
    before, after = estimate.requests_before or {}, estimate.requests_after or {}
    for name in sorted({*before, *after}):
        yield name, (before.get(name, Requests()), after.get(name, Requests()))


def _differences(before: Requests, after: Requests) -> str:
    pairs = ((getattr(before, key), getattr(after, key), unit) for key, unit in REQUESTS)
    return ", ".join(
        f"{'+' if new > old else ''}{short(new - old)} {unit} (to {short(new)})"
        for old, new, unit in pairs
        if old != new
    )


def _kept(estimate: Estimate) -> str:
    goes = "resource is kept on AWS and goes" if estimate.kept == 1 else "resources are kept on AWS and go"
    return f"{estimate.kept} {goes} on costing, and the total counts it"


def _figures(by_namespace: Mapping[str, Requests] | None) -> dict[str, dict[str, str]]:
    return {
        name: {key: plain(getattr(one, key)) for key, _ in REQUESTS}
        for name, one in sorted((by_namespace or {}).items())
    }


def _paid(before: Decimal, after: Decimal) -> tuple[str, str]:
    return usd(after), signed(after - before) if after != before else ""


def _moved(before: str, after: str) -> str:
    return after if before == after else f"{before} → {after}"


def _few(phrases: list[Spans]) -> list[Spans]:
    """The first of them, and how many more there are."""
    more = len(phrases) - MAX_LISTED
    return [*phrases[:MAX_LISTED], own(f"and {more} more")] if more > 0 else phrases
