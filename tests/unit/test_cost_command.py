"""The word `cost`, from files to what is printed."""

import argparse
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pulumi_mlops.review.cost import command
from pulumi_mlops.review.cost.budget import budgets, exceeded
from pulumi_mlops.review.cost.estimator import estimate
from pulumi_mlops.review.cost.names import NO_NAME
from pulumi_mlops.review.cost.prices import load
from pulumi_mlops.review.findings import Level
from pulumi_mlops.review.render import cost_report
from pulumi_mlops.review.render.amounts import signed, usd
from pulumi_mlops.review.render.estimates import document

from tests.cost_previews import changed, made, preview, urn

KEY = "aws:kms/key:Key"
CLAIM = "kubernetes:core/v1:PersistentVolumeClaim"


def digest(*types: str) -> str:
    steps = [
        {"op": "create", "urn": urn(one), "newState": {"custom": True, "type": one, "inputs": {}}} for one in types
    ]
    config = {"aws:region": "eu-central-1"}
    return json.dumps({"config": config, "steps": steps, "changeSummary": {"create": len(steps)}})


SMALL = """\
date = 2026-12-01
[regions.eu-north-1.units]
"""
"""The beginning of a file of prices: the units follow, each at one dollar."""


def test_a_file_of_prices_adds_a_region_and_its_day(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    prices = tmp_path / "prices.toml"
    prices.write_text(SMALL + "".join(f"{unit} = 1\n" for unit in load().regions["us-east-1"].units))
    file = tmp_path / "x.json"
    file.write_text(digest(KEY).replace("eu-central-1", "eu-north-1"))
    assert run("--prices", prices, file) == 0
    assert "to 1.00 (between 0.95 and 1.05; list prices of 2026-12-01 in eu-north-1)" in capsys.readouterr().out
    assert run(file) == 0
    assert "the table has no prices of eu-north-1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("a = [", "is no TOML: "),
        ("price = 1\n", "has price; it may have version, date,"),
        (SMALL, "region eu-north-1 needs a price of alb_hour, "),
        ("[regions.us-east-1.unit]\nzone = 1\n", "region us-east-1 has unit; it may have units, families,"),
        ("[regions.us-east-1.units]\nzones = 1\n", "region us-east-1 has no use for the units zones"),
        ('[regions.us-east-1.units]\nzone = "dear"\n', "has another form than the table of the package"),
        ("regions = 1\n", "has another form than the table of the package"),
        ('date = "today"\n', "has another form than the table of the package"),
    ],
)
def test_a_file_of_prices_that_cannot_be_used_is_one_sentence(
    content: str, reason: str, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prices = tmp_path / "prices.toml"
    prices.write_text(content)
    assert run("--prices", prices, file) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert reason in said.err
    assert said.err.count("\n") == 1


def test_a_change_beyond_its_budget_is_status_3(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--budget", "1.50", file) == 0
    assert run("--budget", "1.49", file) == 3
    said = capsys.readouterr().err
    assert said == "cost: dev costs 1.50 USD a month, +1.50 by this change, and its budget is 1.49\n"
    assert run("--budget", "dev=2", "--budget", "1", file) == 0
    assert run("--budget", "prod=1", file) == 0


def test_a_stack_that_was_beyond_its_budget_before_is_a_warning_only() -> None:
    (found,) = exceeded([estimate(preview(changed(KEY, {}, {"description": "x"})))], budgets([("", Decimal(0))]))
    assert found.level == Level.WARNING


@pytest.mark.parametrize("amount", ["much", "-1", "dev=", "1e3", "1.234", "=", ""])
def test_a_budget_is_an_amount(amount: str, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run(f"--budget={amount}", file)
    assert "must be USD a month such as 800, or NAME=USD" in capsys.readouterr().err


def run(*words: Any) -> int:
    parser = argparse.ArgumentParser()
    command.add_commands(parser.add_subparsers(required=True))
    arguments = parser.parse_args(["cost", *map(str, words)])
    return arguments.run(arguments)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "shop.json"
    path.write_text(digest(KEY, KEY.replace("key:Key", "alias:Alias"), "aws:route53/zone:Zone"))
    return path


def test_text_is_a_table_whose_columns_are_aligned(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(file) == 0
    assert (
        capsys.readouterr().out
        == """\
dev: +1.50 USD a month, to 1.50 (between 1.43 and 1.58; list prices of 2026-11-26 in eu-central-1)

what                       number  USD a month  change
KMS key, 1 USD a month      0 → 1         1.00   +1.00
DNS zone, 0.5 USD a month   0 → 1         0.50   +0.50
total                                     1.50   +1.50

The band, from:
  - every price: the table may be 5 % off AWS's list

Not counted:
  - DNS queries (1 resource)
  - requests to keys (1 resource)
  - data transfer between zones and to the internet
  - tax, support, discounts and savings plans
"""
    )


def test_markdown_is_a_table(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--format", "markdown", file) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("**dev: +1.50 USD a month, to 1.50 (between 1.43 and 1.58; ")
    assert "| --- | ---: | ---: | ---: |" in lines
    assert "| DNS zone, 0.5 USD a month | 0 → 1 | 0.50 | +0.50 |" in lines
    assert "- DNS queries (1 resource)" in lines


def test_json_has_one_object_a_file(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--format", "json", file, file) == 0
    first, second = json.loads(capsys.readouterr().out)
    assert first == second
    assert (first["before"], first["after"], first["delta"]) == ("0.00", "1.50", "1.50")
    assert first["at_least"] is False
    assert first["items"][0]["what"] == "KMS key, 1 USD a month"


def test_without_resources_the_stack_is_the_files_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "foundation-dev.json"
    path.write_text(digest())
    assert run(path) == 0
    assert capsys.readouterr().out.startswith("foundation-dev: unchanged, USD a month: 0.00 (between")


def test_a_preview_that_was_cut_off_is_not_reported_as_unchanged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "dev.json"
    path.write_text('{"steps": [{"op": "delete", "urn": "urn:pulumi:dev::shop::aws:rds/inst')
    assert run(path) == 0
    assert capsys.readouterr().out.startswith("dev: of what the preview shows, nothing could be priced\n")


@pytest.mark.parametrize(("content", "reason"), [("", "is empty"), ("[]", "neither"), ("Error: no stack", "neither")])
def test_what_is_no_preview_is_refused_in_one_line(
    content: str, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.json"
    path.write_text(content)
    assert run(path) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("cost: ")
    assert reason in said.err
    assert said.err.count("\n") == 1


def test_a_file_that_is_not_there_is_refused(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(file, file.with_name("missing.json")) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "missing.json" in said.err


def test_a_total_without_all_of_it_is_at_least() -> None:
    assert "to at least 1.00 (" in cost_report.text(estimate(preview(made(KEY), made("aws:x/y:Y"))))
    assert "at least" not in cost_report.text(estimate(preview(made(KEY))))


def test_requests_are_a_table_of_their_own() -> None:
    def spec(size: str) -> dict[str, Any]:
        return {"metadata": {"namespace": "birds"}, "spec": {"resources": {"requests": {"storage": size}}}}

    found = estimate(preview(changed(CLAIM, spec("20Gi"), spec("25Gi")), region=""))
    assert "| birds | 0 | 0 | 20 → 25 |" in cost_report.markdown(found)
    assert document(found)["requests_after"]["birds"]["storage_gib"] == "25"


def test_names_of_others_become_no_markup() -> None:
    metadata = {"namespace": "<img src=x> | @all"}
    spec = {"resources": {"requests": {"storage": "1Gi"}}}
    text = cost_report.markdown(estimate(preview(made(CLAIM, metadata=metadata, spec=spec))))
    assert "@all" not in text
    assert "<img" not in text
    assert NO_NAME in text


@pytest.mark.parametrize(
    ("amount", "plain", "with_sign"),
    [("0", "0.00", "+0.00"), ("-0.001", "0.00", "+0.00"), ("1.005", "1.01", "+1.01"), ("-12.5", "-12.50", "-12.50")],
)
def test_amounts_are_rounded_to_the_cent(amount: str, plain: str, with_sign: str) -> None:
    assert usd(Decimal(amount)) == plain
    assert signed(Decimal(amount)) == with_sign
