"""The contract of the AWS stand-in says of single types what the provider's facts and the stand-in's code say."""

import re

import pytest

from local.paths import ROOT
from standins.plugins.aws import facts, provider
from standins.plugins.aws.registry import TYPES
from standins.plugins.paths import parse

CONTRACT = (ROOT / "standins" / "plugins" / "aws" / "CONTRACT.md").read_text()
KINDS = {(token.partition("/")[0].partition(":")[2], token.rpartition(":")[2]): token for token in facts.tokens()}
"""Module and class in the SDK → token."""
OTHER_NAMES = {"id", "up"}
"""What stands in code quotes in the contract and is no input."""


def rows(section: str) -> list[list[str]]:
    """The cells of a section's table, without its head."""
    text = CONTRACT.partition(f"## {section}\n")[2].partition("\n## ")[0]
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def named(text: str) -> list[str]:
    """What stands in code quotes."""
    return re.findall(r"`([^`]+)`", text)


def replaces(token: str, before: dict[str, object], after: dict[str, object]) -> bool:
    """Whether a change of inputs replaces a resource."""
    return any(change.replaces for change in provider.difference(TYPES[token], before, after, [], {}))


@pytest.mark.parametrize("row", rows("One type"), ids=lambda row: row[0].strip("`"))
def test_a_row_on_one_type_speaks_of_a_type_and_of_inputs_that_there_are(row: list[str]) -> None:
    quoted, behaviour, sources = row
    (name,) = named(quoted)
    module, _, kind = name.partition(".")
    token = KINDS[module, kind]

    assert set(named(behaviour)) <= {*TYPES[token].properties, *OTHER_NAMES}
    assert set(sources.split(", ")) <= {"F", "U", "A", "P"}


def test_the_differences_are_those_of_the_facts() -> None:
    """Each row whose other side is in the facts: what the provider plans, where the stand-in ends otherwise."""
    said = " ".join(published + here for published, here, _ in rows("Where they differ, and why"))
    assert set(named(said)) - OTHER_NAMES == {"encryptionConfig", "launchTemplate", "unread", "applyImmediately"}

    cluster, group = KINDS["eks", "Cluster"], KINDS["eks", "NodeGroup"]
    assert facts.of(cluster).entry["replaces_if"]["encryptionConfig"] == {"change": ["removed"]}
    assert parse("encryptionConfig") not in facts.of(cluster).kept
    assert facts.of(group).entry["replaces_if"]["launchTemplate"] == {"change": ["added"]}
    assert facts.of(KINDS["rds", "Instance"]).defaults[parse("applyImmediately")] is False
    unread = {token for token, kind in TYPES.items() if kind.unread}
    assert {cluster, group} < unread
    assert all(TYPES[token].unread <= set(TYPES[token].properties) for token in unread)


def test_a_key_of_a_cluster_changes_in_place_and_goes_with_the_cluster() -> None:
    def keyed(key: str) -> dict[str, object]:
        return {"encryptionConfig": {"provider": {"keyArn": key}, "resources": ["secrets"]}}

    assert not replaces(KINDS["eks", "Cluster"], keyed("a"), keyed("b"))
    assert replaces(KINDS["eks", "Cluster"], keyed("a"), {})


def test_a_launch_template_that_is_taken_from_a_node_group_is_an_update() -> None:
    template = {"launchTemplate": {"id": "lt-1", "version": "1"}}

    assert replaces(KINDS["eks", "NodeGroup"], {}, template)
    assert replaces(KINDS["eks", "NodeGroup"], template, {"launchTemplate": {"id": "lt-2", "version": "1"}})


def test_what_the_facts_say_in_another_form_than_the_schema_is_what_the_contract_lists() -> None:
    (paragraph,) = [one for one in CONTRACT.split("\n\n") if one.startswith("F says")]
    assert set(named(paragraph)) == {
        "encryptionConfigurations", "imageScanningConfiguration", "ecr.Repository", "kept",
        "secretString", "SecretVersion", "replaces",
    }  # fmt: skip
    kept = facts.of(KINDS["ecr", "Repository"]).kept
    assert {parse("encryptionConfigurations"), parse("imageScanningConfiguration")} <= set(kept)
    assert parse("secretString") in facts.of(KINDS["secretsmanager", "SecretVersion"]).replaces
