"""An estimate as text for a terminal, as Markdown, and as JSON."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from pulumi_mlops.review.cost.lines import plain
from pulumi_mlops.review.cost.names import name
from pulumi_mlops.review.estimate import Estimate, Requests

CENT = Decimal("0.01")
Row = Sequence[str]


@dataclass(frozen=True)
class _Table:
    head: Row
    rows: Sequence[Row]


def text(estimate: Estimate) -> str:
    """For a terminal: aligned columns."""
    parts = [headline(estimate)]
    parts += ["\n".join(_aligned(one)) for one in _tables(estimate)]
    parts += [f"{title}:\n" + "\n".join(f"  - {line}" for line in lines) for title, lines in _lists(estimate)]
    return "\n\n".join(parts) + "\n"


def markdown(estimate: Estimate) -> str:
    """For documents and comments."""
    parts = [f"**{headline(estimate)}**"]
    parts += ["\n".join(_piped(one)) for one in _tables(estimate)]
    parts += [f"{title}:\n\n" + "\n".join(f"- {line}" for line in lines) for title, lines in _lists(estimate)]
    return "\n\n".join(parts) + "\n"


def document(estimate: Estimate) -> dict[str, Any]:
    """For machines: amounts are texts, so that no reader rounds them."""
    return {
        "stack": estimate.stack,
        "region": estimate.region,
        "currency": "USD",
        "before": usd(estimate.before),
        "after": usd(estimate.after),
        "delta": usd(estimate.delta),
        "low": usd(estimate.low),
        "high": usd(estimate.high),
        "at_least": estimate.at_least,
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
        "requests_before": _requests(estimate.requests_before),
        "requests_after": _requests(estimate.requests_after),
    }


def headline(estimate: Estimate) -> str:
    """The whole estimate in one sentence."""
    least = "at least " if estimate.at_least else ""
    where = f" in {estimate.region}" if estimate.region else ""
    return (
        f"{name(estimate.stack)}{where}: {least}{usd(estimate.after)} USD a month, "
        f"{signed(estimate.delta)} by this change; with prices of {estimate.priced_on.isoformat()} "
        f"between {usd(estimate.low)} and {usd(estimate.high)}"
    )


def usd(amount: Decimal) -> str:
    """The amount to the cent."""
    return f"{_cents(amount):.2f}"


def signed(amount: Decimal) -> str:
    """The amount to the cent with its sign, also for nothing: +0.00."""
    return f"{_cents(amount):+.2f}"


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP) + 0  # no negative zero


def _tables(estimate: Estimate) -> Iterator[_Table]:
    if estimate.items:
        yield _Table(
            ("what", "number", "USD a month", "change"),
            [
                *(
                    (
                        one.what,
                        _moved(one.number_before, one.number_after),
                        usd(one.after),
                        _change(one.after, one.before),
                    )
                    for one in estimate.items
                ),
                ("total", "", usd(estimate.after), _change(estimate.after, estimate.before)),
            ],
        )
    before, after = estimate.requests_before or {}, estimate.requests_after or {}
    if before or after:
        yield _Table(
            ("namespace", "CPU cores", "memory GiB", "volumes GiB"),
            [
                (namespace, *_asked(before.get(namespace, Requests()), after.get(namespace, Requests())))
                for namespace in sorted({*before, *after})
            ],
        )


def _lists(estimate: Estimate) -> Iterator[tuple[str, Sequence[str]]]:
    if estimate.band:
        yield "The band, from", estimate.band
    if estimate.not_counted:
        yield "Not counted", estimate.not_counted


def _asked(before: Requests, after: Requests) -> Iterator[str]:
    for part in ("cpu_cores", "memory_gib", "storage_gib"):
        yield _moved(getattr(before, part), getattr(after, part))


def _moved(before: Decimal, after: Decimal) -> str:
    old, new = (plain(_cents(one)) for one in (before, after))
    return new if old == new else f"{old} → {new}"


def _change(after: Decimal, before: Decimal) -> str:
    return signed(after - before) if after != before else ""


def _requests(by_namespace: Mapping[str, Requests] | None) -> dict[str, dict[str, str]]:
    return {
        namespace: {
            "cpu_cores": plain(one.cpu_cores),
            "memory_gib": plain(one.memory_gib),
            "storage_gib": plain(one.storage_gib),
        }
        for namespace, one in (by_namespace or {}).items()
    }


def _aligned(table: _Table) -> Iterator[str]:
    rows = [table.head, *table.rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(table.head))]
    for row in rows:
        first, *others = (
            cell.ljust(width) if not column else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield "  ".join((first, *others)).rstrip()


def _piped(table: _Table) -> Iterator[str]:
    yield f"| {' | '.join(table.head)} |"
    yield f"| --- |{' ---: |' * (len(table.head) - 1)}"
    for row in table.rows:
        yield f"| {' | '.join(row)} |"
