"""Findings that a repository had before its first review break nothing; new ones do."""

import json
from pathlib import Path
from typing import Any

import pytest
from pulumi_mlops.review import baseline, cli

POLICY, BUCKET = "aws:iam/policy:Policy", "aws:s3/bucket:Bucket"
OPEN = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def previewed(stack: str, summary: dict[str, int] | None = None, **resources: tuple[str, dict[str, Any]]) -> str:
    steps: list[dict[str, Any]] = []
    for name, (kind, inputs) in resources.items():
        urn = f"urn:pulumi:{stack}::shop::{kind}::{name}"
        state = {"urn": urn, "custom": True, "type": kind, "inputs": inputs}
        steps.append({"op": "same", "urn": urn, "oldState": state, "newState": state})
    file = f"{stack}.json"
    Path(file).write_text(json.dumps({"steps": steps, "changeSummary": summary or {"same": len(steps)}}))
    return file


def wide(name: str = "old") -> dict[str, tuple[str, dict[str, Any]]]:
    return {name: (POLICY, {"policy": OPEN, "tags": {"environment": "dev", "managed-by": "x"}})}


def test_only_a_finding_that_is_not_in_the_baseline_breaks_a_review(capsys: pytest.CaptureFixture[str]) -> None:
    file = previewed("dev", **wide())
    assert cli.main(["comment", file]) == 3
    assert cli.main(["rules", file, "--write-baseline"]) == 0
    assert "review-baseline.json: 1 finding of dev" in capsys.readouterr().out
    assert cli.main(["comment", file]) == 0
    assert "In the baseline, and left out: 1 finding of iam-wildcard (1)." in capsys.readouterr().out
    assert cli.main(["rules", file]) == 0
    assert capsys.readouterr().out == "in the baseline: 1\n"

    file = previewed("dev", **wide(), **wide("new"))
    assert cli.main(["comment", file, "--format", "json"]) == 3
    made = json.loads(capsys.readouterr().out)
    assert [one["urn"].rpartition("::")[2] for one in made["findings"]] == ["new"]
    assert made["in_baseline"] == {"iam-wildcard": 1}
    assert cli.main(["rules", file]) == 3


def test_a_resource_of_the_baseline_that_breaks_the_rule_in_another_way_is_a_new_finding(
    capsys: pytest.CaptureFixture[str],
) -> None:
    rule = "aws:ec2/securityGroup:SecurityGroup"

    def group(*ports: int) -> dict[str, tuple[str, dict[str, Any]]]:
        tags = {"environment": "dev", "managed-by": "x"}
        opened = [{"protocol": "tcp", "fromPort": one, "toPort": one, "cidrBlocks": ["0.0.0.0/0"]} for one in ports]
        return {"door": (rule, {"ingress": opened, "tags": tags})}

    assert cli.main(["rules", previewed("dev", **group(22)), "--write-baseline"]) == 0
    assert cli.main(["comment", previewed("dev", **group(22))]) == 0
    capsys.readouterr()
    assert cli.main(["comment", previewed("dev", **group(5432, 22)), "--width", "200"]) == 3
    said = capsys.readouterr().out
    assert "connect to port 5432" in said
    assert "connect to port 22" not in said


def test_writing_it_keeps_what_it_has_of_other_stacks(capsys: pytest.CaptureFixture[str]) -> None:
    dev, prod = previewed("dev", **wide()), previewed("prod", **wide())
    assert cli.main(["rules", dev, "--write-baseline"]) == 0
    assert cli.main(["rules", prod, "--write-baseline"]) == 0
    assert cli.main(["comment", dev, prod]) == 0
    assert cli.main(["rules", previewed("dev", fine=(BUCKET, {})), "--write-baseline"]) == 0
    entries = json.loads(baseline.FILE.read_text())["findings"]
    assert {(one["stack"], one["rule"]) for one in entries} == {("prod", "iam-wildcard"), ("dev", "required-tags")}


def test_it_is_written_only_from_previews_that_show_everything(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["rules", previewed("dev", {"same": 9}, **wide()), "--write-baseline"]) == 1
    assert "was made without --show-sames" in capsys.readouterr().err
    Path("dev.json").write_text(json.dumps({"diagnostics": [{"severity": "error", "message": "boom"}]}))
    assert cli.main(["rules", "dev.json", "--write-baseline"]) == 1
    assert cli.main(["rules", "--write-baseline"]) == 1
    assert not baseline.FILE.exists()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"findings": [1]}', '{"findings": [{"rule": "a"}]}'])
@pytest.mark.parametrize("command", ["comment", "rules"])
def test_a_file_that_is_no_baseline_is_one_sentence(
    text: str, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    baseline.FILE.write_text(text)
    assert cli.main([command, previewed("dev", **wide())]) == 1
    said = capsys.readouterr().err
    assert "review-baseline.json is no baseline; write it again by" in said
    assert said.count("\n") == 1
