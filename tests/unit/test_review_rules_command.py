"""The word `rules`, and the page that it writes."""

import argparse
import json
from pathlib import Path
from typing import Any

import pytest
from pulumi_mlops.review import rules
from pulumi_mlops.review.rules import command

from local.paths import ROOT
from tests.unit.review_resources import BUCKET, POLICY, TAGS, policy


@pytest.fixture(autouse=True)
def in_a_directory_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    command.add_commands(parser.add_subparsers(required=True))
    arguments = parser.parse_args(["rules", *words])
    return arguments.run(arguments)


def previewed(**resources: tuple[str, dict[str, Any]]) -> str:
    steps = [
        {
            "op": "create",
            "urn": f"urn:pulumi:birds-dev::birds::{type_}::{name}",
            "newState": {"inputs": inputs, "custom": True},
        }
        for name, (type_, inputs) in resources.items()
    ]
    Path("birds-dev.json").write_text(json.dumps({"steps": steps, "changeSummary": {"create": len(steps)}}))
    return "birds-dev.json"


def test_the_page_has_the_rules_of_the_code() -> None:
    page = (ROOT / "docs" / "review-rules.md").read_text(encoding="utf-8")
    assert page.partition("<!-- rules -->\n")[2].partition("<!-- end of rules -->")[0] == command.table()
    assert rules.PREFIX in page
    assert str(command.EXCEPTIONS) in page


def test_the_list_says_of_each_rule_why_how_to_fix_it_and_how_to_except_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert run() == command.OK
    text = capsys.readouterr().out
    for rule in rules.all_rules():
        assert f"{rule.id} ({rule.level}): {rule.title}" in text
        for part in (rule.why, rule.fix, rule.unknown, f"pulumi-mlops.dev/except-{rule.id}: "):
            assert part in text


def test_the_list_can_be_markdown(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--format", "markdown") == command.OK
    assert capsys.readouterr().out == command.table()


def test_texts_of_rules_fit_a_table_and_end_without_a_full_stop() -> None:
    for rule in rules.all_rules():
        for part in (rule.title, rule.why, rule.fix, rule.unknown):
            assert part
            assert not part.endswith(".")
            assert "|" not in part
            assert "\n" not in part


def test_a_broken_blocking_rule_is_status_3(capsys: pytest.CaptureFixture[str]) -> None:
    file = previewed(wide=(POLICY, {"policy": policy({"Action": "*", "Resource": "*"})}))
    assert run(file) == command.REFUSED
    said = capsys.readouterr().out
    assert said.startswith(
        "blocking: birds-dev: wide: policy allows every action (*) [iam-wildcard]\n  name the actions"
    )


def test_a_warning_alone_is_no_failure(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(previewed(bare=(BUCKET, {}))) == command.OK
    assert "warning: birds-dev: bare: tags lack" in capsys.readouterr().out


def test_what_is_not_decided_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    from pulumi_mlops.review.preview import UNKNOWN

    assert run(previewed(late=(POLICY, {"policy": UNKNOWN}), fine=(BUCKET, {"tags": TAGS}))) == command.OK
    assert capsys.readouterr().out == "not decided before up: birds-dev: late: policy [iam-wildcard]\n"


def test_no_text_of_others_is_a_line_of_its_own_or_moves_the_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    name = "x\x1b[31m\nblocking: birds-dev: forged: nothing is wrong \u202e[s3-public]"
    pods = {
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {"containers": [{"name": "c", "image": f"image:{name}"}]},
    }
    assert run(previewed(**{name: ("kubernetes:core/v1:Pod", pods)})) == command.REFUSED
    said = capsys.readouterr().out
    assert said.replace("\n", "").isprintable()
    assert not any(line.startswith("blocking: birds-dev: forged") for line in said.splitlines())
    assert r"x\u001b[31m\nblocking" in said


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ({"diagnostics": [{"severity": "error", "message": "no region"}]}, "the preview of x failed"),
        ({"steps": []}, "the preview of x was cut off"),
        ({"steps": [], "changeSummary": {}}, ""),
    ],
)
def test_what_the_rules_could_not_see_is_said(
    document: dict[str, Any], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("x.json").write_text(json.dumps(document))
    assert run("x.json") == (command.FAILED if why else command.OK)
    assert capsys.readouterr().err == (f"rules: {why}: the rules have seen no more than what it shows\n" if why else "")


def test_exceptions_are_read_from_the_file_beside_the_project(capsys: pytest.CaptureFixture[str]) -> None:
    file = previewed(wide=(POLICY, {"policy": policy({"Action": "*", "Resource": "*"})}))
    import datetime

    until = datetime.date.today() + datetime.timedelta(days=3)
    command.EXCEPTIONS.write_text(
        f'[[exception]]\nstack = "birds-dev"\nresource = "wide"\nrule = "iam-wildcard"\nuntil = {until}\n'
        'reason = "it goes on Thursday"\n'
    )
    assert run(file) == command.OK
    assert capsys.readouterr().out == ""
    command.EXCEPTIONS.write_text("[[exception]]\n")
    assert run(file) == command.FAILED
    assert "review-exceptions.toml: exception 0 must have stack" in capsys.readouterr().err


@pytest.mark.parametrize(("text", "complaint"), [("", "is empty"), ("{}x", "is neither"), (None, "No such file")])
def test_a_file_that_is_no_preview_is_one_sentence(
    text: str | None, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if text is not None:
        Path("x.json").write_text(text)
    assert run("x.json") == command.FAILED
    assert complaint in capsys.readouterr().err


def test_the_pack_has_the_version_of_the_library() -> None:
    import yaml
    from pulumi_mlops import versions

    assert yaml.safe_load((ROOT / "policies" / "PulumiPolicy.yaml").read_text())["version"] == versions.ML
