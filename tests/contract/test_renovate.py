"""Renovate finds every pin: the comments of versions.py, by the expression of renovate.json."""

import json
import re
import tomllib
from typing import Any

import pytest
from packaging.requirements import Requirement
from pulumi_mlops import versions

from local.paths import ROOT
from maintenance import upstream_files

CONFIGURATION: dict[str, Any] = json.loads((ROOT / "renovate.json").read_text(encoding="utf-8"))
SOURCE = (ROOT / "components" / "pulumi_mlops" / "versions.py").read_text(encoding="utf-8")
PINS = {name: value for name, value in vars(versions).items() if name.isupper() and isinstance(value, str)}
CONSTANT = re.compile(r"^(?:# renovate: (?P<comment>.+)\n)?(?P<name>[A-Z_0-9]+) = _pin\(", re.MULTILINE)
COMMENTS = {found["name"]: found["comment"] for found in CONSTANT.finditer(SOURCE)}


def python(expression: str) -> str:
    """A regular expression of JavaScript's, whose named groups Python spells in another way."""
    return expression.replace("(?<", "(?P<")


def found() -> list[dict[str, str]]:
    """What Renovate's custom manager finds in versions.py."""
    (manager,) = CONFIGURATION["customManagers"]
    (expression,) = manager["matchStrings"]
    return [one.groupdict() for one in re.finditer(python(expression), SOURCE)]


def test_every_pin_has_a_source_of_new_versions_or_the_reason_why_it_has_none() -> None:
    assert COMMENTS.keys() == PINS.keys()
    without = [
        name for name, comment in COMMENTS.items() if not re.match(r"datasource=\S+ depName=\S|none: \w", comment or "")
    ]
    assert without == []


def test_renovate_finds_every_pin_that_has_a_source_with_its_version() -> None:
    expected = [PINS[name] for name, comment in COMMENTS.items() if comment.startswith("datasource=")]

    assert [one["currentValue"] for one in found()] == expected
    assert len(expected) >= 25


def test_every_pin_is_in_the_file_that_the_manager_reads() -> None:
    (manager,) = CONFIGURATION["customManagers"]
    (pattern,) = manager["managerFilePatterns"]

    assert re.search(pattern.strip("/"), "components/pulumi_mlops/versions.py")


def test_a_chart_is_looked_for_where_the_library_installs_it_from() -> None:
    charts = upstream_files.charts()
    looked_for = {(one["depName"], one["registryUrl"]) for one in found() if one["datasource"] == "helm"} | {
        tuple(reversed(one["depName"].rsplit("/", 1))) for one in found() if "/charts/" in one["depName"]
    }

    assert len(looked_for) >= 10
    assert {(name, charts[name].repository.removeprefix("oci://")) for name, _ in looked_for} == looked_for


def test_the_version_that_a_tag_holds_is_the_form_of_the_pin() -> None:
    """Tags of Go modules and of releases on GitHub begin with a v."""
    (rule,) = [one for one in CONFIGURATION["packageRules"] if "extractVersion" in one]
    for one in found():
        expression = one["extractVersion"] or (one["datasource"] in rule["matchDatasources"] and rule["extractVersion"])
        if expression:
            tag = re.fullmatch(python(expression), f"v{one['currentValue']}")
            assert tag, one
            assert tag["version"] == one["currentValue"]
            assert not tag["version"].startswith("v")


def test_what_is_pinned_elsewhere_is_read_by_renovates_own_managers() -> None:
    assert {"pep621", "gomod", "github-actions", "custom.regex"} == {*CONFIGURATION["enabledManagers"]}
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
    pinned = {
        Requirement(one).name for group in groups.values() for one in group if isinstance(one, str) and "==" in one
    }
    assert {"pulumi", "mlflow", "xgboost-cpu"} <= pinned
    assert sorted((ROOT / "local" / "tools").glob("*/go.mod"))
    ignored = [pattern.removesuffix("/**") for pattern in CONFIGURATION["ignorePaths"]]
    assert not {"local", "components", ".github", "pyproject.toml"} & {*ignored}


@pytest.mark.parametrize("rule", CONFIGURATION["packageRules"], ids=lambda rule: rule["description"][:40])
def test_every_rule_says_why(rule: dict[str, Any]) -> None:
    assert rule["description"]
    assert {key for key in rule if key.startswith("match")}
    if "matchDepNames" in rule:
        requirements = (ROOT / "requirements" / "dev.txt").read_text(encoding="utf-8")
        modules = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "local" / "tools").glob("*/go.mod"))
        known = {one["depName"] for one in found()}
        for name in rule["matchDepNames"]:
            start = name.rstrip("*")
            assert name in known or f"{start}" in requirements or start in modules, f"{name} is no dependency"
