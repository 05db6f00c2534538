"""Compares the price table of the library with AWS's own price list: `python -m maintenance.prices [--write] FILE…`.

Each file is what `aws pricing get-products` printed for one service and region (the head of the table has the command).
Says which figures differ and which prices of the table no file had; `--write` puts AWS's figures into the table, sets
its date to today and raises its version. Fetches nothing itself.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from pulumi_mlops.review.cost import prices as price_list

PREFIX = re.compile(r"^(?:[A-Z]{2,4}\d?|[a-z]{2}-[a-z]+-\d)-")
"""What a usage type begins with outside of us-east-1, such as `EUC1-`."""
UNITS = {
    ("AmazonEC2", "EBS:VolumeUsage.gp2"): "gp2_gib",
    ("AmazonEC2", "EBS:VolumeUsage.gp3"): "gp3_gib",
    ("AmazonEC2", "NatGateway-Bytes"): "nat_gib",
    ("AmazonEC2", "NatGateway-Hours"): "nat_hour",
    ("AmazonECR", "TimedStorage-ByteHrs"): "ecr_gib",
    ("AmazonEFS", "TimedStorage-ByteHrs"): "efs_gib",
    ("AmazonEKS", "AmazonEKS-Hours:perCluster"): "eks_hour",
    ("AmazonRDS", "RDS:GP2-Storage"): "database_gp2_gib",
    ("AmazonRDS", "RDS:GP3-Storage"): "database_gp3_gib",
    ("AmazonS3", "TimedStorage-ByteHrs"): "s3_gib",
    ("AmazonVPC", "PublicIPv4:InUseAddress"): "ipv4_hour",
    ("AmazonVPC", "VpcEndpoint-Hours"): "endpoint_zone_hour",
    ("awskms", "KMS-Keys"): "kms_key",
}
"""Service and usage type → unit of the table. The others (load balancers, extended support, zones, secrets) are
compared by hand."""
MACHINE = {"operatingSystem": "Linux", "tenancy": "Shared", "preInstalledSw": "NA", "capacitystatus": "Used"}
DATABASE = {"databaseEngine": "PostgreSQL", "deploymentOption": "Single-AZ"}

Place = tuple[str, str, str]
"""Region, part of its prices and key, such as eu-central-1, families and m7i."""


def published(products: Iterable[Mapping[str, Any]]) -> dict[Place, set[Decimal]]:
    """The prices of the products that the table could have; more than one where AWS's list is not clear."""
    found: dict[Place, set[Decimal]] = {}
    for one in products:
        place = _place(one)
        if place:
            found.setdefault(place, set()).update(_prices(one))
    return found


def differences(ours: Mapping[Place, Decimal], theirs: Mapping[Place, set[Decimal]]) -> dict[Place, Decimal]:
    """Where AWS has one price, and the table another."""
    return {
        place: next(iter(theirs[place]))
        for place in ours
        if len(theirs.get(place, ())) == 1 and ours[place] not in theirs[place]
    }


def in_table() -> dict[Place, Decimal]:
    """All prices of the table."""
    return {
        (name, part, key): price
        for name, region in price_list.load().regions.items()
        for part in ("units", "families", "machines", "databases")
        for key, price in getattr(region, part).items()
    }


def written(text: str, changes: Mapping[Place, Decimal], today: date) -> str:
    """The table's text with the changed figures; comments and order stay."""
    lines: list[str] = []
    section = ""
    for line in text.splitlines():
        section = line.split("]")[0].lstrip("[") if line.startswith("[") else section
        name, _, figure = line.partition(" = ")
        region, _, part = section.removeprefix("regions.").rpartition(".")
        place = (region, part, name.strip('"'))
        if place == ("", "", "version"):
            lines.append(f"{name} = {int(figure) + 1}")
        elif place == ("", "", "date"):
            lines.append(f"{name} = {today.isoformat()}")
        elif place in changes:
            lines.append(f"{name} = {changes[place].normalize():f}")
        else:
            lines.append(line)
    return "\n".join(lines) + "\n"


def _place(product: Mapping[str, Any]) -> Place | None:
    about = product["product"]
    given: dict[str, str] = about["attributes"]
    region, family = given.get("regionCode", ""), about.get("productFamily")
    kind = given.get("instanceType", "")
    if family == "Compute Instance" and MACHINE.items() <= given.items():
        large = kind.endswith(".large")
        return (region, "families", kind.removesuffix(".large")) if large else (region, "machines", kind)
    if family == "Database Instance" and DATABASE.items() <= given.items() and kind.endswith(".large"):
        return region, "databases", kind.removesuffix(".large")
    unit = UNITS.get((product.get("serviceCode", ""), PREFIX.sub("", given.get("usagetype", ""))))
    return (region, "units", unit) if unit else None


def _prices(product: Mapping[str, Any]) -> Iterator[Decimal]:
    """On demand, of the first tier where there are several."""
    for term in product["terms"].get("OnDemand", {}).values():
        for dimension in term["priceDimensions"].values():
            price = Decimal(dimension["pricePerUnit"].get("USD", "0")).normalize()
            if price and dimension.get("beginRange", "0") == "0":
                yield price


def main() -> int:
    """Returns 0 where every figure that could be compared is AWS's, or was made so."""
    description = (__doc__ or "").partition("\n\n")[0]
    parser = argparse.ArgumentParser(prog="python -m maintenance.prices", description=description)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--write", action="store_true", help="put AWS's figures into the table")
    arguments = parser.parse_args()
    products = [
        json.loads(product) for file in arguments.files for product in json.loads(file.read_text())["PriceList"]
    ]
    ours, theirs = in_table(), published(products)
    changes = differences(ours, theirs)
    for place, price in sorted(changes.items()):
        print(f"{' '.join(place)}: {ours[place]} in the table, {price:f} at AWS")
    compared = [place for place in ours if len(theirs.get(place, ())) == 1]
    print(f"{len(compared)} of {len(ours)} figures compared, {len(changes)} differ")
    if arguments.write and compared:
        text = price_list.FILE.read_text(encoding="utf-8")
        price_list.FILE.write_text(written(text, changes, date.today()), encoding="utf-8")
    return 1 if changes and not arguments.write else 0


if __name__ == "__main__":
    sys.exit(main())
