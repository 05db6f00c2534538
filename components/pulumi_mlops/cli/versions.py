"""`pulumi-mlops versions`: every version that the library installs, why it is this one, and what has ended."""

import argparse
from collections.abc import Iterator, Sequence
from datetime import date

from pulumi_mlops.cli.errors import DONE, FINDINGS
from pulumi_mlops.cli.output import say
from pulumi_mlops.versions import PINS, REFUSED, Pin

SOON = 3
"""Months before its end from which on a version is warned of."""


def run(arguments: Sequence[str]) -> int:
    """Prints the table, what is refused, and warnings; the exit status says whether a version has ended."""
    parser = argparse.ArgumentParser(
        prog="pulumi-mlops versions",
        description="Lists every version that the library installs, its licence, the month in which its support ends, "
        "and why it is this one. Exit status: 0 all are supported, 3 the support of one has ended.",
    )
    parser.parse_args(arguments)
    today = date.today()
    print(table(PINS))
    for refused in REFUSED:
        print(f"refused: {refused.name} ({refused.reason}); instead: {refused.instead}")
    for warning in ended(PINS, today):
        say(f"warning: {warning}")
    return FINDINGS if any(_months_left(pin, today) < 0 for pin in PINS if pin.ends) else DONE


def ended(pins: Sequence[Pin], today: date) -> list[str]:
    """One sentence for each version whose support has ended or ends soon."""
    return [sentence for pin in pins if pin.ends for sentence in _ended(pin, today)]


def _ended(pin: Pin, today: date) -> Iterator[str]:
    left = _months_left(pin, today)
    if left < 0:
        yield f"{pin.name} {pin.version} has had no support since {pin.ends}"
    elif left < SOON:
        yield f"{pin.name} {pin.version} has support until {pin.ends} only"


def _months_left(pin: Pin, today: date) -> int:
    year, month = map(int, pin.ends.split("-"))
    return (year - today.year) * 12 + month - today.month


def table(pins: Sequence[Pin]) -> str:
    """The pins in columns."""
    rows = [("name", "version", "licence", "ends", "why this one")]
    rows += [(pin.name, pin.version, pin.licence, pin.ends or "-", pin.reason) for pin in pins]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[4]]) for row in rows
    )
