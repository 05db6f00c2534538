"""The price list: what AWS asks in which region, and which use is assumed. The figures are in prices.toml."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, cast

from pulumi_mlops.review.cost import names
from pulumi_mlops.review.values import NotReadable

FILE = Path(__file__).with_name("prices.toml")
PARTS = ("units", "families", "machines", "databases")
"""Tables of a region."""


class PricesError(Exception):
    """A file of prices cannot be used; the message is one sentence for its reader."""


class NoPrice(NotReadable):
    """A resource, or a part of it, cannot be priced; the message says why and becomes part of the estimate."""


@dataclass(frozen=True)
class Share:
    """A part of a price, between its least and its most."""

    least: Decimal
    likely: Decimal
    most: Decimal


@dataclass(frozen=True)
class Use:
    """How much of a thing is assumed to be used; the least is nothing."""

    likely: Decimal
    most: Decimal
    words: str
    """Unit and thing, such as "GiB in a bucket"."""


@dataclass(frozen=True)
class Region:
    """Prices of one region."""

    name: str
    units: Mapping[str, Decimal]
    families: Mapping[str, Decimal]
    machines: Mapping[str, Decimal]
    databases: Mapping[str, Decimal]
    sizes: Mapping[str, Decimal]

    def unit(self, key: str) -> Decimal:
        """The price of one unit; every region of the table has every unit."""
        return self.units[key]

    def machine(self, instance_type: str) -> Decimal:
        """USD an hour, on demand; raises NoPrice."""
        if instance_type in self.machines:
            return self.machines[instance_type]
        return self._of_family(self.families, instance_type, f"machines of type {names.name(instance_type)}")

    def database(self, instance_class: str) -> Decimal:
        """USD an hour in one zone; raises NoPrice."""
        return self._of_family(self.databases, instance_class, f"databases of class {names.name(instance_class)}")

    def _of_family(self, families: Mapping[str, Decimal], kind: str, what: str) -> Decimal:
        family, _, size = kind.rpartition(".")
        if family not in families or size not in self.sizes:
            raise NoPrice(f"the table has no price of {what} in {self.name}")
        return families[family] * self.sizes[size]


@dataclass(frozen=True)
class PriceList:
    """All prices and assumptions of one day."""

    version: int
    day: date
    hours: Decimal
    """Hours a month."""
    error: Decimal
    """How far a price may be off, as a share of it."""
    spot: Share
    uses: Mapping[str, Use]
    regions: Mapping[str, Region]
    support_ends: Mapping[str, date]
    """Kubernetes minor → end of its standard support on EKS."""

    def region(self, name: str) -> Region:
        """Prices of the region; raises NoPrice."""
        if not name:
            raise NoPrice("their region is not known: the preview has no aws:region, nor one provider with a region")
        if name not in self.regions:
            raise NoPrice(f"the table has no prices of {name}, only of {', '.join(sorted(self.regions))}")
        return self.regions[name]


@cache
def load() -> PriceList:
    """The table of this package."""
    return _price_list(_tables(FILE.read_text(encoding="utf-8")))


def load_with(file: Path) -> PriceList:
    """The table of this package with what a file of the same form adds or changes, such as a region.

    Raises:
        PricesError: the file cannot be read, has another form, or a region of it lacks a price of a unit.
    """
    try:
        own = _tables(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise PricesError(f"{file} cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise PricesError(f"{file} is no TOML: {error}") from None
    base = _tables(FILE.read_text(encoding="utf-8"))
    known = next(iter(base["regions"].values()))  # every region of the table has the same form
    regions = own.get("regions", {})
    if unknown := sorted(own.keys() - base.keys()):
        raise PricesError(f"{file} has {', '.join(unknown)}; it may have {', '.join(base)}")
    try:
        for name, region in regions.items():
            if unknown := sorted(region.keys() - known.keys()):
                raise PricesError(f"{file}: region {name} has {', '.join(unknown)}; it may have {', '.join(known)}")
            units = {**base["regions"].get(name, {}).get("units", {}), **region.get("units", {})}
            if missing := sorted(known["units"].keys() - units.keys()):
                raise PricesError(f"{file}: region {name} needs a price of {', '.join(missing)}")
            if unknown := sorted(units.keys() - known["units"].keys()):
                raise PricesError(f"{file}: region {name} has no use for the units {', '.join(unknown)}")
        return _price_list(_merged(base, own))
    except (AttributeError, KeyError, TypeError, ValueError, ArithmeticError):
        raise PricesError(f"{file} has another form than the table of the package; docs/cost.md shows one") from None


def _tables(text: str) -> dict[str, Any]:
    return tomllib.loads(text, parse_float=Decimal)


def _merged(base: Mapping[str, object], own: Mapping[str, object]) -> dict[str, object]:
    """The tables of both at every depth; a value of `own` counts."""
    both = {key: value for key, value in base.items() if key not in own}
    for key, value in own.items():
        inner = base.get(key)
        nested = isinstance(inner, dict) and isinstance(value, dict)
        both[key] = _merged(cast("dict[str, object]", inner), cast("dict[str, object]", value)) if nested else value
    return both


def _price_list(read: Mapping[str, Any]) -> PriceList:
    sizes = _decimals(read["sizes"])
    if not isinstance(read["date"], date):
        raise TypeError("date")
    return PriceList(
        version=read["version"],
        day=read["date"],
        hours=Decimal(read["hours_a_month"]),
        error=Decimal(read["error_percent"]) / 100,
        spot=Share(**_decimals(read["spot"])),
        uses={
            name: Use(Decimal(one["likely"]), Decimal(one["most"]), one["words"]) for name, one in read["use"].items()
        },
        regions={
            name: Region(name, **{part: _decimals(one.get(part, {})) for part in PARTS}, sizes=sizes)
            for name, one in read["regions"].items()
        },
        support_ends=read["standard_support_ends"],
    )


def _decimals(figures: Mapping[str, Any]) -> dict[str, Decimal]:
    return {key: Decimal(value) for key, value in figures.items()}
