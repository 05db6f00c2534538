"""`python -m maintenance.pins`: every version that the library installs, why it is this one, and what has ended."""

import sys
from collections.abc import Sequence
from datetime import date

from pulumi_mlops.versions import PINS, REFUSED, Pin


def ended(pins: Sequence[Pin], today: date) -> list[str]:
    """One sentence for each version whose support has ended or ends in the next three months."""
    found = []
    for pin in pins:
        if not pin.ends:
            continue
        year, month = map(int, pin.ends.split("-"))
        months_left = (year - today.year) * 12 + month - today.month
        if months_left < 0:
            found.append(f"{pin.name} {pin.version} has had no support since {pin.ends}")
        elif months_left < 3:
            found.append(f"{pin.name} {pin.version} has support until {pin.ends} only")
    return found


def table(pins: Sequence[Pin]) -> str:
    """The pins in columns."""
    rows = [("name", "version", "licence", "ends", "why this one")]
    rows += [(pin.name, pin.version, pin.licence, pin.ends or "-", pin.reason) for pin in pins]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[4]]) for row in rows
    )


def main() -> int:
    """Prints the table, what is refused, and warnings; the status is 1 if a version has ended."""
    print(table(PINS))
    for refused in REFUSED:
        print(f"refused: {refused.name} ({refused.reason}); instead: {refused.instead}")
    warnings = ended(PINS, date.today())
    for warning in warnings:
        print(f"warning: {warning}", file=sys.stderr)
    return int(any("no support" in warning for warning in warnings))


if __name__ == "__main__":
    sys.exit(main())
