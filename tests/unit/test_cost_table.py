"""The price table is whole, dated, and decides about every type once."""

import importlib
import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from pulumi_mlops import versions
from pulumi_mlops.review import resource_types
from pulumi_mlops.review.cost import prices as price_list
from pulumi_mlops.review.cost.billing import FREE
from pulumi_mlops.review.cost.names import NO_NAME, name, type_token
from pulumi_mlops.review.cost.prices import NoPrice

ROOT = Path(__file__).parents[2]
TABLE = price_list.load()


def test_it_has_the_regions_that_a_team_starts_in() -> None:
    assert {"us-east-1", "eu-central-1", "eu-west-1"} <= set(TABLE.regions)


def test_every_region_has_the_same_units_families_and_databases() -> None:
    first, *others = TABLE.regions.values()
    for other in others:
        assert set(other.units) == set(first.units)
        assert set(other.families) == set(first.families)
        assert set(other.machines) == set(first.machines)
        assert set(other.databases) == set(first.databases)


def test_every_price_is_above_nothing_and_below_a_typing_error() -> None:
    for region in TABLE.regions.values():
        for prices in (region.units, region.families, region.machines, region.databases):
            assert all(0 < price < 3 for price in prices.values())


def test_regions_differ_by_less_than_half() -> None:
    us, *others = (TABLE.regions[one] for one in ("us-east-1", "eu-central-1", "eu-west-1"))
    for other in others:
        for part in ("units", "families", "machines", "databases"):
            for key, price in getattr(us, part).items():
                assert price <= getattr(other, part)[key] < price * Decimal("1.5"), key


def test_it_is_dated_and_says_where_its_figures_come_from() -> None:
    assert isinstance(TABLE.day, date)
    head = price_list.FILE.read_text(encoding="utf-8").partition("version")[0]
    assert "by\n# hand, not read from AWS" in head
    assert "aws pricing get-products" in head


def test_types_are_tokens_of_pulumi() -> None:
    for one in resource_types.TYPES:
        assert type_token(one) == one
        package, module, kind = one.split(":")
        assert package in ("aws", "kubernetes", "mysql", "postgresql", "random", "tls")
        assert package != "aws" or module.rpartition("/")[2].lower() == kind.lower()


def test_a_type_stands_in_one_module_of_the_table() -> None:
    modules = (getattr(resource_types, name) for name in dir(resource_types))
    tables = [set(module.TYPES) for module in modules if hasattr(module, "TYPES")]
    assert len(tables) > 3
    assert sum(map(len, tables)) == len(set().union(*tables)) == len(resource_types.TYPES)


def test_a_package_that_is_not_listed_is_not_free() -> None:
    assert resource_types.billing("kubernetes:apps/v1:Deployment") == FREE
    assert resource_types.billing("pulumi:providers:aws") == FREE
    assert resource_types.billing("aws:lambda/function:Function") is None
    assert resource_types.billing("gcp:storage/bucket:Bucket") is None


def test_sizes_are_multiples() -> None:
    region = TABLE.region("us-east-1")
    assert region.machine("m7i.large") == Decimal("0.1008")
    assert region.machine("m7i.4xlarge") == Decimal("0.8064")
    assert region.machine("t3.micro") == Decimal("0.0104")
    assert region.machine("g5.xlarge") == Decimal("1.006")
    assert region.database("db.t4g.small") == Decimal("0.03225")


@pytest.mark.parametrize("kind", ["m7i", "m7i.9xlarge", "x99.large", ".large", "", "g5.2xlarge", "<img>.large"])
def test_a_machine_without_a_price_has_none(kind: str) -> None:
    with pytest.raises(NoPrice, match="no price of machines") as refused:
        TABLE.region("us-east-1").machine(kind)
    assert "<" not in str(refused.value)


def test_a_region_without_prices_is_answered_with_those_that_have() -> None:
    with pytest.raises(NoPrice, match="no prices of ap-south-1, only of eu-central-1, eu-west-1, us-east-1"):
        TABLE.region("ap-south-1")
    with pytest.raises(NoPrice, match="no aws:region"):
        TABLE.region("")


def test_the_kubernetes_of_new_clusters_has_its_end_of_support() -> None:
    ends = TABLE.support_ends[versions.EKS_KUBERNETES]
    (pin,) = [pin for pin in versions.PINS if pin.name == "Kubernetes on EKS"]
    assert f"{ends:%Y-%m}" == pin.ends


def test_machines_and_databases_that_our_sources_name_have_prices() -> None:
    sources = [*(ROOT / "components").rglob("*.py"), *(ROOT / "stacks").glob("*.yaml")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    named = set(re.findall(r"\b(?:db\.)?[a-z]\d[a-z]*\.(?:small|medium|\d*x?large)\b", text))
    assert {"m7i.large", "m7i.xlarge", "m6i.large", "db.t4g.small"} <= named
    for region in TABLE.regions.values():
        for one in named:
            assert region.database(one) if one.startswith("db.") else region.machine(one)


@pytest.mark.parametrize("value", ["m7i.large", "eu-central-1", "db.t4g.small"])
def test_usual_names_are_shown(value: str) -> None:
    assert name(value) == value


@pytest.mark.parametrize("value", ["@team", "a b", "https://x.y", "www.example.org", "[x](y)", "<b>", "", "a" * 64])
def test_names_that_could_become_links_or_markup_are_not(value: object) -> None:
    assert name(value) == NO_NAME


@pytest.mark.parametrize("value", ["aws:x", "https://x:y", "aws:www.x/y:Z", "a:b:c|d", "a:b:@c"])
def test_type_tokens_of_another_form_are_not_shown(value: str) -> None:
    assert type_token(value) == NO_NAME


def test_every_type_that_our_components_create_is_priced_free_or_named() -> None:
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "components").rglob("*.py"))
    classes = sorted(set(re.findall(r"\baws\.([a-z0-9]+)\.([A-Z]\w+)\(", sources)))
    assert len(classes) > 40
    types = [
        getattr(importlib.import_module(f"pulumi_aws.{module}"), kind).pulumi_type
        for module, kind in classes
        if not kind.endswith("Args")  # of a resource
    ]
    assert [one for one in types if resource_types.billing(one) is None] == []
