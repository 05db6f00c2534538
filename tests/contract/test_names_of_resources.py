"""A resource of a stack that people have brought up keeps its name, or has an alias of the old one.

Otherwise their next `pulumi up` deletes it and makes another. The recordings of tests/review are the previews of today.
"""

import json
from pathlib import Path

import pytest

from tests import stacks
from tests.review import recorded, resource_names


@pytest.mark.parametrize("stack", stacks.names())
def test_no_resource_is_renamed_without_an_alias(stack: str) -> None:
    states = [step["newState"] for step in json.loads(recorded.text(f"new-{stack}"))["steps"]]

    assert len(resource_names.kept(stack)) > 20
    assert resource_names.lost(resource_names.kept(stack), states) == set(), (
        "a renamed resource needs `aliases`; if it is deleted on purpose, take its name out of "
        "tests/review/resource_names.json and say so in CHANGELOG.md"
    )


def test_an_alias_keeps_a_name() -> None:
    """As the real engine shows it: `early` was renamed to `late` with an alias, `gone` is gone."""
    steps = json.loads(recorded.text("owners"))["steps"]
    states = [step["newState"] for step in steps if "newState" in step]

    before = [resource_names.name(step["oldState"]["urn"]) for step in steps if "oldState" in step]
    early = "random:index/randomInteger:RandomInteger::early"

    assert {name.rpartition("::")[2] for name in resource_names.lost(before, states)} == {"gone"}
    assert resource_names.lost([early], states) == set()
    assert resource_names.lost([early], [{**one, "aliases": []} for one in states]) == {early}


def test_a_recording_adds_names_and_takes_none_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorded, "DATA", tmp_path)
    monkeypatch.setattr(resource_names, "FILE", tmp_path / "names.json")
    resource_names.FILE.write_text('{"birds": ["t::old"]}')

    recorded.write("new-birds", json.dumps({"steps": [{"newState": {"urn": "urn:pulumi:s::p::t::new"}}]}), packed=True)
    recorded.write("owners", json.dumps({"steps": [{"newState": {"urn": "urn:pulumi:s::p::t::else"}}]}), packed=False)

    assert json.loads(resource_names.FILE.read_text()) == {"birds": ["t::new", "t::old"]}
