"""The comparison of the price table with AWS's own price list."""

import json
import sys
import tomllib
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pulumi_mlops.review.cost import prices as price_list

from maintenance import prices

MACHINE = {
    "instanceType": "m7i.large",
    "operatingSystem": "Linux",
    "tenancy": "Shared",
    "preInstalledSw": "NA",
    "capacitystatus": "Used",
    "usagetype": "EUC1-BoxUsage:m7i.large",
}
TODAY = date(2027, 1, 2)


def product(service: str, family: str, usd: str, *more: dict[str, Any], **attributes: str) -> dict[str, Any]:
    """As `aws pricing get-products` has it, with an on-demand term and further price dimensions."""
    first = {"unit": "Hrs", "beginRange": "0", "endRange": "Inf", "pricePerUnit": {"USD": usd}}
    dimensions = {f"X.J.{number}": one for number, one in enumerate([first, *more])}
    return {
        "product": {"sku": "X", "productFamily": family, "attributes": {"regionCode": "eu-central-1", **attributes}},
        "serviceCode": service,
        "terms": {
            "OnDemand": {"X.J": {"priceDimensions": dimensions, "termAttributes": {}}},
            "Reserved": {"X.R": {"priceDimensions": {"X.R.1": {"pricePerUnit": {"USD": "0.01"}}}}},
        },
    }


def machine(usd: str = "0.1234000000", **changes: str) -> dict[str, Any]:
    return product("AmazonEC2", "Compute Instance", usd, **{**MACHINE, **changes})


def test_a_machine_is_found_by_its_family_or_its_type() -> None:
    found = prices.published([machine(), machine("1.3", instanceType="g5.xlarge")])
    assert found == {
        ("eu-central-1", "families", "m7i"): {Decimal("0.1234")},
        ("eu-central-1", "machines", "g5.xlarge"): {Decimal("1.3")},
    }


@pytest.mark.parametrize(
    "changes",
    [{"operatingSystem": "Windows"}, {"tenancy": "Dedicated"}, {"capacitystatus": "UnusedCapacityReservation"}],
)
def test_machines_of_another_kind_are_left_alone(changes: dict[str, str]) -> None:
    assert prices.published([machine(**changes)]) == {}


def test_databases_are_those_of_postgres_in_one_zone() -> None:
    given = {"instanceType": "db.m7g.large", "databaseEngine": "PostgreSQL", "deploymentOption": "Single-AZ"}
    ours = product("AmazonRDS", "Database Instance", "0.2", **given)
    two = product("AmazonRDS", "Database Instance", "0.4", **{**given, "deploymentOption": "Multi-AZ"})
    other = product("AmazonRDS", "Database Instance", "0.3", **{**given, "databaseEngine": "MySQL"})
    assert prices.published([ours, two, other]) == {("eu-central-1", "databases", "db.m7g"): {Decimal("0.2")}}


@pytest.mark.parametrize("usage_type", ["EUC1-TimedStorage-ByteHrs", "EU-TimedStorage-ByteHrs", "TimedStorage-ByteHrs"])
def test_units_are_found_by_usage_type_and_have_the_price_of_the_first_tier(usage_type: str) -> None:
    later = {"beginRange": "51200", "pricePerUnit": {"USD": "0.02"}}
    bucket = product("AmazonS3", "Storage", "0.03", later, usagetype=usage_type)
    assert prices.published([bucket]) == {("eu-central-1", "units", "s3_gib"): {Decimal("0.03")}}


def test_a_price_that_is_not_clear_is_no_difference() -> None:
    ours = {("eu-central-1", "families", "m7i"): Decimal("0.1")}
    assert prices.differences(ours, prices.published([machine("0.2")])) == {
        ("eu-central-1", "families", "m7i"): Decimal("0.2")
    }
    assert prices.differences(ours, prices.published([machine("0.2"), machine("0.3")])) == {}
    assert prices.differences(ours, prices.published([machine("0.1000000000")])) == {}


def test_every_unit_that_is_compared_is_one_of_the_table() -> None:
    region = price_list.load().region("us-east-1")
    assert set(prices.UNITS.values()) <= set(region.units)
    assert all(price > 0 for price in prices.in_table().values())


def test_a_changed_figure_is_written_into_its_region_alone() -> None:
    before = price_list.FILE.read_text(encoding="utf-8")
    changes = {
        ("eu-central-1", "families", "m7i"): Decimal("0.1234"),
        ("us-east-1", "machines", "g5.xlarge"): Decimal("2"),
    }
    after = prices.written(before, changes, TODAY)
    old, new = tomllib.loads(before), tomllib.loads(after)
    assert new["date"] == TODAY
    assert new["version"] == old["version"] + 1
    old["regions"]["eu-central-1"]["families"]["m7i"] = 0.1234
    old["regions"]["us-east-1"]["machines"]["g5.xlarge"] = 2
    assert new["regions"] == old["regions"]
    changed = [one for one in zip(before.splitlines(), after.splitlines(), strict=True) if one[0] != one[1]]
    assert len(changed) == 4
    assert after.count("#") == before.count("#")


def test_the_word_says_what_differs_and_writes_when_told_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    copy, file = tmp_path / "prices.toml", tmp_path / "ec2.json"
    copy.write_bytes(price_list.FILE.read_bytes())
    file.write_text(json.dumps({"FormatVersion": "aws_v1", "PriceList": [json.dumps(machine())]}))
    monkeypatch.setattr(price_list, "FILE", copy)

    monkeypatch.setattr(sys, "argv", ["prices", str(file)])
    assert prices.main() == 1
    said = capsys.readouterr().out
    assert "eu-central-1 families m7i: 0.12075 in the table, 0.1234 at AWS\n1 of " in said
    assert "0.1234" not in copy.read_text()

    monkeypatch.setattr(sys, "argv", ["prices", "--write", str(file)])
    assert prices.main() == 0
    assert "m7i = 0.1234\n" in copy.read_text()
